package copier

import "github.com/zccp/zccp/platform"

// uncachedSize is the buffer of dontcache: each write starts writeback of what
// it stored, so it has to be worth a request to the device.
const uncachedSize = 1 << 20

// moveDontCache reads and writes through the page cache without leaving
// anything there: pages that were not in memory before are dropped when they
// were read, or when they are on the device (RWF_DONTCACHE, Linux 6.14).
func moveDontCache(w *Worker, t *transfer, n int64) (int, error) {
	buf := w.blocks.get(1, uncachedSize, 4096)[0]
	got, err := w.calls.PreadUncached(t.src, buf[:min(n, uncachedSize)], t.off)
	if err != nil {
		return 0, err
	}
	if got < 0 || got > uncachedSize {
		return 0, errCount("preadv2", got, uncachedSize)
	}
	for stored := 0; stored < got; {
		m, err := w.calls.PwriteUncached(t.dst, buf[stored:got], t.off+int64(stored))
		switch {
		case err != nil && stored > 0 && platform.Interrupted(err), err == nil && m == 0:
			return stored, nil
		case err != nil:
			return 0, err
		case m < 0 || m > got-stored:
			return 0, errCount("pwritev2", m, int64(got-stored))
		}
		stored += m
	}
	return got, nil
}
