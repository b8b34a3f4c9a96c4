package remote

import (
	"bytes"
	"context"

	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

// recorded is a stream of which everything that is sent on it is kept.
type recorded struct {
	conn
	mu   *sync.Mutex
	sent *bytes.Buffer
}

func (r recorded) Read(b []byte) (int, error) {
	n, err := r.conn.Read(b)
	r.mu.Lock()
	r.sent.Write(b[:n])
	r.mu.Unlock()
	return n, err
}

// TestI02 sends files that end before their size, after others whose content went through the
// same buffers: what is left in those is not sent in place of what is missing.
func TestI02(t *testing.T) {
	const canary = "CANARY-OF-ANOTHER-FILE"
	for _, c := range []wires{{streams: 1}, {streams: 1, plain: true}} {
		dir := t.TempDir()
		src := filepath.Join(dir, "src")
		os.Mkdir(src, 0o755)
		// By name: first what fills the buffers, then what falls short, small and large.
		const copies = 15000
		for _, name := range []string{"a", "c"} {
			os.WriteFile(filepath.Join(src, name), []byte(strings.Repeat(canary, copies)), 0o644)
		}
		os.WriteFile(filepath.Join(src, "b-small"), []byte(strings.Repeat(canary, 2000)), 0o644)
		for name, size := range map[string]int{"d-short": 300_001, "e-short": 40_001} {
			os.WriteFile(filepath.Join(src, name), make([]byte, size), 0o644)
		}
		calls := *platform.Native()
		calls.Pread = func(fd platform.FD, b []byte, off int64) (int, error) {
			var st platform.Stat
			platform.Native().Fstat(fd, &st)
			if st.Size == 300_001 || st.Size == 40_001 {
				if off >= 10 {
					return 0, nil
				}
				return platform.Native().Pread(fd, b[:min(10, len(b))], off)
			}
			return platform.Native().Pread(fd, b, off)
		}
		c.calls = &calls
		var mu sync.Mutex
		var sent bytes.Buffer
		c.wrap = func(s conn) conn { return recorded{s, &mu, &sent} }
		opts := archive()
		opts.Jobs = 1
		runPush(context.Background(), t, c, opts, filepath.Join(dir, "dst"), src+"/")
		if n, want := bytes.Count(sent.Bytes(), []byte(canary)), 2*copies+2000; n != want {
			t.Errorf("plain %v: the canary was sent %d times, and is in the files %d times", c.plain, n, want)
		}
		for _, name := range []string{"d-short", "e-short"} {
			if _, err := os.Lstat(filepath.Join(dir, "dst", name)); err == nil {
				t.Errorf("%s was published", name)
			}
		}
	}
}

// TestI03 brings every counter that a peer moves to its bound and beyond.
func TestI03(t *testing.T) {
	w := newWindow(100)
	w.take(50)
	for _, n := range []uint64{math.MaxUint64, math.MaxUint64 - 49, 1 << 63, math.MaxInt64, 51} {
		if w.give(n) == nil || w.used != 50 {
			t.Errorf("credit for %d bytes is taken, %d are left", n, w.used)
		}
	}
	k := &sink{s: &session{}, told: map[uint32]*toldDir{1: {next: math.MaxUint32}}}
	for _, c := range []struct {
		run wire.Run
		ok  bool
	}{
		{wire.Run{From: 0, To: math.MaxUint32}, true}, {wire.Run{From: 0, To: 1}, false},
		{wire.Run{From: math.MaxUint32, To: 0}, false}, {wire.Run{From: math.MaxUint32 - 1, To: math.MaxUint32}, false},
	} {
		if err := k.ask(1, c.run); (err == nil) != c.ok {
			t.Errorf("a request for %d to %d: %v", c.run.From, c.run.To, err)
		}
	}
	for _, h := range []wire.FrameHeader{
		{Type: wire.FrameHole, Off: math.MaxInt64, Raw: 1}, {Type: wire.FrameHole, Off: 1, Raw: math.MaxInt64}, {Type: wire.FrameHole, Off: -1, Raw: 1},
		{Type: wire.FrameHole, Off: 0, Raw: math.MinInt64}, {Type: wire.FrameCopy, Off: math.MaxInt64 - 1, Raw: 2, Len: 8},
		{Type: wire.FrameRange, Off: math.MaxInt64 - 10, Raw: 11, Len: 11}, {Type: wire.FrameBatch, Raw: math.MaxInt64, Len: math.MaxUint32},
	} {
		if h.Check() == nil {
			t.Errorf("%+v is taken", h)
		}
	}
	// Holes that each are possible, and are more than any file together.
	f := &incoming{}
	for i, n := range []int64{math.MaxInt64 - 5, 5, 1, math.MaxInt64} {
		if err := f.count(n); (err == nil) != (i < 2) || f.got < 0 {
			t.Errorf("piece %d of %d bytes: %v, %d in all", i, n, err, f.got)
		}
	}
}

// TestH08 looks over the receiver's shoulder: whatever is made to be filled is made by it and
// nobody else, under no name or one that was not there, and for its eyes only.
func TestH08(t *testing.T) {
	dir := t.TempDir()
	src, dst := makeTree(t, filepath.Join(dir, "src"), 3), filepath.Join(dir, "dst")
	os.Mkdir(dst, 0o755)
	os.WriteFile(filepath.Join(dst, "s5"), []byte("old"), 0o666)
	for _, unnamed := range []bool{true, false} {
		var mu sync.Mutex
		made := 0
		calls := *platform.Native()
		calls.Openat = func(dir platform.FD, name platform.Name, flags int, mode uint32) (platform.FD, error) {
			if !unnamed && flags&platform.Unnamed == platform.Unnamed {
				return platform.None, syscall.EOPNOTSUPP
			}
			if flags&(platform.Create|platform.WriteOnly|platform.ReadWrite) != 0 {
				mu.Lock()
				defer mu.Unlock()
				made++
				tmp := flags&platform.Unnamed == platform.Unnamed
				if !tmp && (flags&platform.Exclusive == 0 || flags&platform.Create == 0) || mode&0o077 != 0 || mode&0o600 != 0o600 {
					t.Errorf("%s is opened for writing with flags %#x, mode %o", name.Bytes(), flags, mode)
				}
			}
			return platform.Native().Openat(dir, name, flags, mode)
		}
		o := runPush(context.Background(), t, wires{streams: 1, farCalls: &calls}, archive(), dst, src+"/")
		if o.client != nil || o.serv != nil || made < 200 {
			t.Errorf("client: %v, server: %v, %d files made", o.client, o.serv, made)
		}
		os.RemoveAll(dst)
		os.Mkdir(dst, 0o755)
	}
}
