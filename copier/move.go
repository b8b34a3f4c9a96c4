package copier

import "github.com/zccp/zccp/platform"

func moveCopyFileRange(w *Worker, t *transfer, n int64) (int, error) {
	return w.calls.CopyFileRange(t.dst, t.off, t.src, t.off, int(n))
}

// moveSendfile writes at the destination's own position, which is moved first
// where it is elsewhere.
func moveSendfile(w *Worker, t *transfer, n int64) (int, error) {
	if t.dstPos != t.off {
		pos, err := w.seek(t.dst, t.off, platform.SeekSet)
		if err != nil {
			return 0, err
		}
		if pos != t.off {
			return 0, errCount("lseek", int(pos), t.off)
		}
		t.dstPos = t.off
	}
	moved, err := w.calls.Sendfile(t.dst, t.src, t.off, int(n))
	if moved > 0 {
		t.dstPos += int64(moved)
	}
	return moved, err
}

func moveReadWrite(w *Worker, t *transfer, n int64) (int, error) {
	buf := w.buffer()
	got, err := w.pread(t.src, buf[:min(n, int64(len(buf)))], t.off)
	if err != nil {
		return 0, step(StepRead, err)
	}
	if t.skipsZeros {
		return w.storeNonZero(t, buf[:got])
	}
	return w.store(t.dst, buf[:got], t.off)
}

// pread repeats only what a signal interrupted.
func (w *Worker) pread(fd platform.FD, buf []byte, off int64) (int, error) {
	return pread(w.calls, fd, buf, off)
}

func pread(calls *platform.Calls, fd platform.FD, buf []byte, off int64) (int, error) {
	for i := 0; ; i++ {
		n, err := calls.Pread(fd, buf, off)
		if !platform.Interrupted(err) || i >= maxRepeats {
			if err == nil && (n < 0 || n > len(buf)) {
				return 0, errCount("pread", n, int64(len(buf)))
			}
			return n, err
		}
	}
}

// store writes all of data at off and returns how much is stored. Signals and
// short counts are its own affair; any other error is final.
func (w *Worker) store(fd platform.FD, data []byte, off int64) (int, error) {
	return store(w.calls, fd, data, off)
}

func store(calls *platform.Calls, fd platform.FD, data []byte, off int64) (int, error) {
	stored, stalls := 0, 0
	for stored < len(data) {
		n, err := calls.Pwrite(fd, data[stored:], off+int64(stored))
		if err == nil && (n < 0 || n > len(data)-stored) {
			return stored, step(StepWrite, errCount("pwrite", n, int64(len(data)-stored)))
		}
		if err == nil && n > 0 {
			stored, stalls = stored+n, 0
			continue
		}
		if stalls++; stalls > maxRepeats || err != nil && !platform.Interrupted(err) {
			if err == nil {
				err = errCount("pwrite", 0, int64(len(data)))
			}
			return stored, step(StepWrite, err)
		}
	}
	return stored, nil
}

// zeroBlock is the granule of --sparse=always: a page, the smallest hole that
// the common file systems keep.
const zeroBlock = 4096

// storeNonZero stores data at t.off except for its blocks of zeros, which are
// left as holes: the destination was empty.
func (w *Worker) storeNonZero(t *transfer, data []byte) (int, error) {
	done := 0
	for done < len(data) {
		end := done
		for end < len(data) {
			next := min(len(data), end+zeroBlock-int((t.off+int64(end))%zeroBlock))
			if isZero(data[end:next]) {
				break
			}
			end = next
		}
		if end > done {
			n, err := w.store(t.dst, data[done:end], t.off+int64(done))
			done += n
			t.dstSize = t.off + int64(done)
			if err != nil {
				return done, err
			}
			continue
		}
		next := min(len(data), done+zeroBlock-int((t.off+int64(done))%zeroBlock))
		t.res.Holes += int64(next - done)
		if t.reserve {
			// Where no hole can be made the zeros that are there will do.
			w.calls.PunchHole(t.dst, t.off+int64(done), int64(next-done))
		}
		done = next
	}
	return done, nil
}

func isZero(b []byte) bool {
	for len(b) >= 8 {
		if b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7] != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
