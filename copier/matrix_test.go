//go:build linux

package copier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// shape is a source of the matrix: data at segments, holes between them.
type shape struct {
	size int64
	data []piece
}

// piece is n bytes of data at off.
type piece struct{ off, n int64 }

func (s shape) String() string {
	if s.dense() {
		return fmt.Sprint(s.size)
	}
	return fmt.Sprintf("%d with %v", s.size, s.data)
}

func (s shape) dense() bool {
	return s.size == 0 || len(s.data) == 1 && s.data[0] == piece{0, s.size}
}

// hole tells that nothing but a hole is in it that the copier can see: less than a block
// is no hole to it.
func (s shape) hole() bool { return len(s.data) == 0 && s.size >= 512 }

// around returns n-1, n and n+1.
func around(list ...int64) (sizes []int64) {
	for _, n := range list {
		sizes = append(sizes, n-1, n, n+1)
	}
	return sizes
}

// denseSizes are those at the edges of sectors, pages, buffers, direct blocks, pipes and
// windows.
func denseSizes() []int64 {
	sizes := append([]int64{0}, around(512, 4096)...)
	if short() {
		return append(sizes, 1, 64<<10+1, pipeSize+1, mapWindow+1)
	}
	sizes = append(sizes, 1)
	return append(sizes, around(64<<10, bufferSize, directBlock, directDepth*directBlock, mapWindow+directBlock)...)
}

const gib = int64(1) << 30

// sparseShapes have holes at the beginning, in the middle and at the end, at and beside
// the edges of blocks, and sizes and offsets that don't fit 32 bits.
func sparseShapes() []shape {
	list := []shape{
		{1, nil},
		{4096, nil},
		{1 << 20, nil},
		{1<<20 + 17, []piece{{4095, 2}, {8191, 4098}, {1 << 20, 17}}},
		{5*gib + 1, []piece{{0, 1}, {4097, 1}, {mapWindow - 1, 2}, {chunkSize - 1, 2}, {gib + 123, 5000}, {2*gib - 1, 2}, {4*gib - 1, 2}, {5 * gib, 1}}},
	}
	if short() {
		return list
	}
	return append(list,
		shape{300000, []piece{{8192, 300000 - 8192}}},
		shape{300000, []piece{{8191, 300000 - 8191}}},
		shape{300000, []piece{{0, 5000}}},
		shape{300000, []piece{{0, 4096}, {65536, 4096}}},
		shape{300001, []piece{{0, 5000}, {299999, 1}}},
		shape{9 << 20, []piece{{directBlock - 1, mapWindow + 2}}},
		shape{chunkSize + 5, []piece{{511, directBlock + 2}, {chunkSize - 1, 2}}},
		shape{4*gib - 1, []piece{{4*gib - 2, 1}}},
		shape{4 * gib, nil},
		shape{5 * gib, []piece{{2*gib + 511, 2*directBlock + 1}, {4*gib + 1, 4096}}},
	)
}

// write makes the file.
func (s shape) write(t testing.TB, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.data {
		if _, e := f.WriteAt(noise(int(p.n)), p.off); e != nil {
			err = e
		}
	}
	if err := errors.Join(err, f.Truncate(s.size), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// sameContent fails the test if two files differ. Of each it looks at what the kernel says
// is data, in both.
func sameContent(t testing.TB, a, b platform.FD, size int64) {
	t.Helper()
	calls := platform.Native()
	bufs := [2][]byte{make([]byte, 1<<20), make([]byte, 1<<20)}
	for _, of := range [...]platform.FD{a, b} {
		for off := int64(0); off < size; {
			data, err := calls.Lseek(of, off, platform.SeekData)
			if platform.NoMoreData(err) {
				break
			}
			end, err2 := calls.Lseek(of, data, platform.SeekHole)
			if err := errors.Join(err, err2); err != nil {
				t.Errorf("the map of holes: %v", err)
				return
			}
			for off = data; off < end; {
				n := min(end-off, 1<<20)
				x, err := calls.Pread(a, bufs[0][:n], off)
				y, err2 := calls.Pread(b, bufs[1][:n], off)
				if err != nil || err2 != nil || x != y || x <= 0 || !bytes.Equal(bufs[0][:x], bufs[1][:y]) {
					t.Errorf("they differ in [%d, %d): %d and %d bytes, %v, %v", off, off+n, x, y, err, err2)
					return
				}
				off += int64(x)
			}
		}
	}
}

// able says whether a method can copy between two file systems of a current kernel. It is
// not read off the copier.
func able(m Method, dst, src string) bool {
	switch m {
	case Reflink:
		return dst == src && (src == "xfs" || src == "btrfs")
	case CopyFileRange:
		return dst == src
	case Direct:
		return dst != "tmpfs" && src != "tmpfs"
	case DontCache:
		lacks := func(name string) bool { return name == "btrfs" || name == "tmpfs" }
		return !lacks(dst) && !lacks(src)
	}
	return true
}

// matrix counts what was copied.
type matrix struct {
	cells   int
	copied  map[Method]int
	refused map[Method]int
	options int
}

// cell is one file copied by one method.
type cell struct {
	method   Method
	dst, src copiertest.FileSystem
	shape    shape
	path     string
}

// run copies and checks all that is so whatever comes out. err is nil or a refusal.
func (c cell) run(t *testing.T, opts Options, after func(dst platform.FD, st *platform.Stat)) (res Result, err error) {
	t.Helper()
	calls := platform.Native()
	to := filepath.Join(c.dst.Dir, "dst")
	src, err1 := syscall.Open(c.path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	dst, err2 := syscall.Open(to, syscall.O_RDWR|syscall.O_CREAT|syscall.O_EXCL|syscall.O_CLOEXEC, 0o600)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(syscall.Close(src), syscall.Close(dst), os.Remove(to)); err != nil {
			t.Error(err)
		}
	}()
	var st, dstStat platform.Stat
	if err := errors.Join(calls.Fstat(platform.FD(src), &st), calls.Fstat(platform.FD(dst), &dstStat)); err != nil {
		t.Fatal(err)
	}
	opts.Methods = []Method{c.method}
	err = New(calls, opts, 0).NewWorker().Data(context.Background(), platform.FD(dst), platform.FD(src), &dstStat, &st, &res)
	for name, fd := range map[string]int{"source": src, "destination": dst} {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
		if errno != 0 || flags&syscall.O_DIRECT != 0 {
			t.Errorf("the %s is left with flags %#x, %v", name, flags, errno)
		}
	}
	if held, err := calls.Leased(platform.FD(src)); held || err != nil {
		t.Errorf("the source is left with a lease, or %v", err)
	}
	if err != nil {
		var refused *MethodError
		if !errors.As(err, &refused) || len(refused.Refused) != 1 || refused.Refused[0].Method != c.method || refused.Refused[0].Err == nil || platform.Message(refused.Refused[0].Err) == "" {
			t.Errorf("an error that is no refusal with a reason: %v", err)
		}
		return res, err
	}
	if err := calls.Fstat(platform.FD(dst), &dstStat); err != nil || dstStat.Size != c.shape.size {
		t.Errorf("the destination has %d bytes, %v", dstStat.Size, err)
	}
	sameContent(t, platform.FD(dst), platform.FD(src), c.shape.size)
	if res.Bytes != c.shape.size || res.Moved+res.Holes+res.Cloned != c.shape.size && opts.Sparse != Always {
		t.Errorf("result %+v", res)
	}
	if after != nil {
		after(platform.FD(dst), &st)
	}
	return res, nil
}

// forced is a cell of the matrix: the method does it, or refuses where it has to.
func (c cell) forced(t *testing.T, count *matrix) {
	t.Helper()
	count.cells++
	res, err := c.run(t, Options{}, func(dst platform.FD, st *platform.Stat) {
		const slack = 64 << 10
		var now platform.Stat
		if err := platform.Native().Fstat(dst, &now); err != nil {
			t.Error(err)
		}
		// tmpfs may fill a small hole with a large folio. What is dense is given
		// room in advance by xfs, until it is closed.
		if st.Blocks < c.shape.size/512 && now.Blocks*512 > st.Blocks*512+slack {
			t.Errorf("%d bytes allocated, %d at the source", now.Blocks*512, st.Blocks*512)
		}
	})
	nothing := c.shape.size == 0 || c.shape.hole() && c.method != Reflink
	if wantErr := !nothing && !able(c.method, c.dst.Name, c.src.Name); (err != nil) != wantErr {
		t.Errorf("error %v, refusal wanted: %v", err, wantErr)
	}
	if err != nil {
		count.refused[c.method]++
		return
	}
	count.copied[c.method]++
	want := c.method
	if nothing {
		want = None
	}
	if res.Method != want {
		t.Errorf("moved by %v, want %v", res.Method, want)
	}
}

// TestMatrix: every method between all pairs of file systems at every size.
func TestMatrix(t *testing.T) {
	platformtest.OpenDescriptors(t)
	list := copiertest.FileSystems(t)
	if len(list) == 1 {
		t.Skip("which methods work on a directory somewhere isn't known")
	}
	var shapes []shape
	for _, size := range denseSizes() {
		if size == 0 {
			shapes = append(shapes, shape{})
		} else {
			shapes = append(shapes, shape{size, []piece{{0, size}}})
		}
	}
	shapes = append(shapes, sparseShapes()...)
	// What takes several calls is the same code on every pair.
	var large []shape
	if !short() {
		for _, size := range []int64{chunkSize - 1, chunkSize + 1} {
			large = append(large, shape{size, []piece{{0, size}}})
		}
	}
	count := matrix{copied: map[Method]int{}, refused: map[Method]int{}}
	for _, src := range list {
		t.Run(src.Name, func(t *testing.T) {
			for i, s := range slices.Concat(shapes, large) {
				path := filepath.Join(src.Dir, "src")
				s.write(t, path)
				for _, dst := range list {
					if i >= len(shapes) && dst.Name != src.Name {
						continue
					}
					for _, m := range Methods() {
						t.Run(fmt.Sprintf("to %s by %v of %v", dst.Name, m, s), func(t *testing.T) {
							cell{m, dst, src, s, path}.forced(t, &count)
						})
					}
				}
				if err := os.Remove(path); err != nil {
					t.Error(err)
				}
			}
			for _, dst := range list {
				testOptions(t, dst, src, &count)
			}
		})
	}
	t.Logf("%d cells and %d with --sparse and --reflink", count.cells, count.options)
	for _, m := range Methods() {
		t.Logf("%-16v copied %5d, refused %5d", m, count.copied[m], count.refused[m])
	}
}

// testOptions: with --sparse and --reflink a method does what they say or refuses.
func testOptions(t *testing.T, dst, src copiertest.FileSystem, count *matrix) {
	zeros := filepath.Join(src.Dir, "zeros")
	if err := os.WriteFile(zeros, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	holes := shape{1 << 20, []piece{{300001, 5000}}}
	path := filepath.Join(src.Dir, "src")
	holes.write(t, path)
	defer func() {
		if err := errors.Join(os.Remove(zeros), os.Remove(path)); err != nil {
			t.Error(err)
		}
	}()
	full := shape{1 << 20, []piece{{0, 1 << 20}}}
	for _, o := range []Options{{Sparse: Always}, {Sparse: Never}, {Reflink: Always}, {Reflink: Never}, {Reflink: Never, Sparse: Never}} {
		for _, m := range Methods() {
			for _, c := range []cell{{m, dst, src, holes, path}, {m, dst, src, full, zeros}} {
				t.Run(fmt.Sprintf("to %s by %v, sparse %d, reflink %d, of %v", dst.Name, m, o.Sparse, o.Reflink, c.shape), func(t *testing.T) {
					count.options++
					refuses := o.Sparse == Always && m != ReadWrite ||
						o.Sparse == Never && (m == Reflink || m == CopyFileRange) ||
						o.Reflink == Always && m != Reflink ||
						o.Reflink == Never && (m == Reflink || m == CopyFileRange) ||
						!able(m, dst.Name, src.Name)
					res, err := c.run(t, o, func(fd platform.FD, _ *platform.Stat) {
						var now platform.Stat
						if err := platform.Native().Fstat(fd, &now); err != nil {
							t.Error(err)
						}
						if a := now.Blocks * 512; o.Sparse == Never && a < c.shape.size || o.Sparse == Always && a > 128<<10 {
							t.Errorf("%d bytes allocated", a)
						}
					})
					if (err != nil) != refuses || err == nil && res.Method != m && !(o.Sparse == Always && res.Method == ReadWrite) {
						t.Errorf("moved by %v, error %v, refusal wanted: %v", res.Method, err, refuses)
					}
				})
			}
		}
	}
}
