//go:build linux

package copier

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
)

// TestEveryMethod forces each method by making the others refuse, at sizes around pages,
// the least size for sendfile, the buffer and the largest single call.
func TestEveryMethod(t *testing.T) {
	sizes := []int{
		0, 1, 511, 4095, 4096, 4097, sendfileMin - 1, sendfileMin, sendfileMin + 1, 65535, 65537,
		bufferSize - 1, bufferSize, bufferSize + 1, 2*bufferSize + 1, 2<<20 + 1,
	}
	if !testing.Short() {
		sizes = append(sizes, chunkSize-1, chunkSize, chunkSize+1)
	}
	for _, m := range []Method{CopyFileRange, Sendfile, ReadWrite} {
		for _, size := range sizes {
			if m == Sendfile && size < sendfileMin {
				continue
			}
			for _, sip := range []int{0, 4096, 5000} {
				if sip > 0 && size > 1<<20 {
					continue
				}
				t.Run(fmt.Sprintf("%v %d by %d", m, size, sip), func(t *testing.T) {
					content := noise(size)
					p := newPair(t, content)
					calls := only(m)
					if sip > 0 {
						calls = sipping(calls, sip)
					}
					res, err := p.data(calls, Options{})
					if err != nil {
						t.Fatal(err)
					}
					p.holds(t, content)
					want := m
					if size == 0 {
						want = None
					}
					if res.Method != want || res.Bytes != int64(size) || res.Moved != int64(size) {
						t.Errorf("result %+v", res)
					}
				})
			}
		}
	}
}

// testReflink: a file is cloned where the file system can, and the result says so.
func testReflink(t *testing.T, fsys copiertest.FileSystem) {
	if fsys.Name != "xfs" && fsys.Name != "btrfs" {
		t.Skipf("%s is not known to clone", fsys.Name)
	}
	for _, size := range []int{0, 1, 4095, 4096, 4097, 1<<20 + 1} {
		content := noise(size)
		src := filepath.Join(fsys.Dir, "reflink")
		if err := os.WriteFile(src, content, 0o644); err != nil {
			t.Fatal(err)
		}
		p := openPair(t, src, src+".dst")
		res, err := p.data(platform.Native(), Options{Reflink: Always})
		if err != nil {
			t.Fatal(err)
		}
		p.holds(t, content)
		if size > 0 && (res.Method != Reflink || res.Cloned != int64(size) || res.Moved != 0) {
			t.Errorf("size %d: %+v", size, res)
		}
	}
}

// TestReflinkAlways fails where there is no clone, and leaves the reason.
func TestReflinkAlways(t *testing.T) {
	p := newPair(t, noise(10))
	_, err := p.data(only(ReadWrite), Options{Reflink: Always})
	s, ok := err.(*StepError)
	if !ok || s.Step != StepClone || s.Err != error(syscall.EOPNOTSUPP) {
		t.Errorf("error %v", err)
	}
	p.holds(t, nil)
}

// TestRefusalIsRemembered: a method that a pair of file systems lacks is asked once.
func TestRefusalIsRemembered(t *testing.T) {
	asked := 0
	calls := platform.Native()
	calls.Clone = func(platform.FD, platform.FD) error { asked++; return syscall.EOPNOTSUPP }
	w := New(calls, Options{}, 0).NewWorker()
	for range 3 {
		p := newPair(t, noise(5000))
		var res Result
		if err := w.Data(t.Context(), p.dst, p.src, &platform.Stat{Dev: p.st.Dev, Mode: platform.ModeRegular}, &p.st, &res); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	// Another pair of file systems is another matter.
	p := newPair(t, noise(5000))
	var res Result
	if err := w.Data(t.Context(), p.dst, p.src, &platform.Stat{Dev: p.st.Dev + 1, Mode: platform.ModeRegular}, &p.st, &res); err != nil {
		t.Fatal(err)
	}
	if asked != 2 || len(res.Refusals()) == 0 || res.Refusals()[0].Method != Reflink {
		t.Errorf("asked %d times, refusals %v", asked, res.Refusals())
	}
}
