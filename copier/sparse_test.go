//go:build linux

package copier

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// segment is a piece of data of a sparse file; what is between two is a hole.
type segment struct{ off, size int }

// sparseCases are files of segments, and a size.
var sparseCases = []struct {
	size int
	data []segment
}{
	{1 << 20, nil},
	{4096, nil},
	{1, nil},
	{1 << 20, []segment{{0, 1}}},
	{1 << 20, []segment{{1<<20 - 1, 1}}},
	{1 << 20, []segment{{12345, 1}, {50000, 4096}, {65536, 65536}, {900001, 7}}},
	{1<<20 + 17, []segment{{4095, 2}, {8191, 4098}, {1 << 20, 17}}},
	{300000, []segment{{0, 5000}, {299999, 1}}},
	{300000, []segment{{8192, 200000}}},
	{2 << 20, []segment{{1 << 20, bufferSize + 1}}},
}

// sparsePair makes a sparse file and returns its content too.
func sparsePair(t *testing.T, dir string, size int, data []segment) (*pair, []byte) {
	t.Helper()
	src := filepath.Join(dir, "src")
	fd := int(open(t, src, syscall.O_RDWR|syscall.O_CREAT|syscall.O_TRUNC))
	content := make([]byte, size)
	for _, s := range data {
		copy(content[s.off:s.off+s.size], noise(s.size))
		if _, err := syscall.Pwrite(fd, content[s.off:s.off+s.size], int64(s.off)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Ftruncate(fd, int64(size)); err != nil {
		t.Fatal(err)
	}
	return openPair(t, src, filepath.Join(dir, "dst")), content
}

// allocated returns how much space the destination takes.
func (p *pair) allocated(t *testing.T) int64 {
	t.Helper()
	var st platform.Stat
	if err := platform.Native().Fstat(p.dst, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}

// testHoles: they are kept, whatever the method, made of zeros with --sparse=always and
// filled with --sparse=never.
func testHoles(t *testing.T, fsys copiertest.FileSystem) {
	for _, m := range []Method{CopyFileRange, Sendfile, ReadWrite} {
		for _, sparse := range []When{Auto, Always, Never} {
			if m != ReadWrite && sparse != Auto {
				continue // only read and write see zeros
			}
			for i, c := range sparseCases {
				for _, sip := range []int{1 << 30, 9999} {
					t.Run(fmt.Sprintf("%v %d case %d by %d", m, sparse, i, sip), func(t *testing.T) {
						p, content := sparsePair(t, fsys.Dir, c.size, c.data)
						res, err := p.data(sipping(only(m), sip), Options{Sparse: sparse})
						if err != nil {
							t.Fatal(err)
						}
						p.holds(t, content)
						if res.Bytes != int64(c.size) || res.Moved+res.Holes != int64(c.size) && sparse != Always {
							t.Errorf("result %+v", res)
						}
						const slack = 64 << 10
						if a := p.allocated(t); sparse != Never && a > p.st.Blocks*512+slack {
							t.Errorf("%d bytes allocated, %d at the source", a, p.st.Blocks*512)
						} else if sparse == Never && fsys.Name != "btrfs" && a < int64(c.size) {
							// btrfs keeps small files in its metadata.
							t.Errorf("%d bytes of %d allocated, though holes are to be filled", a, c.size)
						}
					})
				}
			}
		}
	}
}

// TestZerosAreDataByDefault: only --sparse=always makes holes of them.
func TestZerosAreDataByDefault(t *testing.T) {
	content := make([]byte, 1<<20)
	for sparse, want := range map[When]bool{Auto: true, Always: false, Never: true} {
		p := newPair(t, content)
		if p.st.Blocks*512 < int64(len(content)) {
			t.Skip("zeros take no space here")
		}
		if _, err := p.data(only(ReadWrite), Options{Sparse: sparse}); err != nil {
			t.Fatal(err)
		}
		p.holds(t, content)
		if filled := p.allocated(t) >= int64(len(content)); filled != want {
			t.Errorf("sparse %d: %d bytes allocated", sparse, p.allocated(t))
		}
	}
}

// TestBadMaps: a map of holes that makes no sense, or that isn't there, costs the holes and
// nothing else; an error in reading it is an error in reading the file.
func TestBadMaps(t *testing.T) {
	lseek := platform.Native().Lseek
	type seek func(platform.FD, int64, int) (int64, error)
	const size = 1 << 20
	data := []segment{{12345, 1}, {50000, 4096}, {900001, 7}}
	for name, c := range map[string]struct {
		seek seek
		err  error
	}{
		"data before the offset": {func(fd platform.FD, off int64, whence int) (int64, error) {
			if whence == platform.SeekData && off > 0 {
				return off - 1, nil
			}
			return lseek(fd, off, whence)
		}, nil},
		"holes that don't grow": {func(fd platform.FD, off int64, whence int) (int64, error) {
			if whence == platform.SeekHole {
				return off, nil
			}
			return lseek(fd, off, whence)
		}, nil},
		"a hole beyond the end": {func(fd platform.FD, off int64, whence int) (int64, error) {
			if whence == platform.SeekHole {
				return 1 << 40, nil
			}
			return lseek(fd, off, whence)
		}, nil},
		"all is data": {func(fd platform.FD, off int64, whence int) (int64, error) {
			if whence == platform.SeekHole {
				return size, nil
			}
			return off, nil
		}, nil},
		"cut when the hole is looked for": {func(fd platform.FD, off int64, whence int) (int64, error) {
			if whence == platform.SeekHole {
				return -1, syscall.ENXIO
			}
			return lseek(fd, off, whence)
		}, nil},
		"no map":          {func(platform.FD, int64, int) (int64, error) { return -1, syscall.EINVAL }, nil},
		"no such ability": {func(platform.FD, int64, int) (int64, error) { return -1, syscall.EOPNOTSUPP }, nil},
		"an error":        {func(platform.FD, int64, int) (int64, error) { return -1, syscall.EIO }, syscall.EIO},
		"an error of a hole": {func(fd platform.FD, off int64, whence int) (int64, error) {
			if whence == platform.SeekHole {
				return -1, syscall.EIO
			}
			return lseek(fd, off, whence)
		}, syscall.EIO},
	} {
		t.Run(name, func(t *testing.T) {
			p, content := sparsePair(t, t.TempDir(), size, data)
			calls := only(CopyFileRange)
			calls.Lseek = c.seek
			_, err := p.data(calls, Options{})
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			var s *StepError
			if c.err != nil && (!errors.As(err, &s) || s.Step != StepRead) {
				t.Errorf("error %v in step %d", err, s.Step)
			}
			if c.err == nil {
				p.holds(t, content)
			}
		})
	}
}

// TestZeroInSegments: a count of 0 in the middle of a sparse file.
func TestZeroInSegments(t *testing.T) {
	data := []segment{{0, 20000}, {100000, 20000}, {500001, 30000}}
	for nth := 1; nth <= 9; nth++ {
		p, content := sparsePair(t, t.TempDir(), 1<<20, data)
		calls := failing(sipping(only(CopyFileRange), 9999), "CopyFileRange", nth, platformtest.Fault{Zero: true})
		if _, err := p.data(calls, Options{}); err != nil {
			t.Errorf("call %d: %v", nth, err)
		}
		p.holds(t, content)
	}
}
