//go:build linux

package copier

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// faultErrnos are those that some row of the judgement of errors speaks of, and one of
// which none does.
var faultErrnos = []syscall.Errno{
	syscall.EINTR, syscall.EAGAIN, syscall.ENOSYS, syscall.EOPNOTSUPP, syscall.ENOTTY, syscall.ENODEV, syscall.EXDEV, syscall.EINVAL,
	syscall.EBADF, syscall.EPERM, syscall.EACCES, syscall.ETXTBSY, syscall.EISDIR, syscall.ESPIPE, syscall.ENXIO, syscall.ENOENT,
	syscall.ESTALE, syscall.EIO, syscall.EUCLEAN, syscall.EBADMSG, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EOVERFLOW,
	syscall.ENOMEM, syscall.EROFS, syscall.EPIPE, syscall.ECONNRESET, syscall.EMFILE, syscall.EFAULT, syscall.ELOOP,
}

// methodCalls are the calls that a method makes.
var methodCalls = []struct {
	method Method
	call   platform.Call
	names  []string
}{
	{Reflink, platform.CallClone, []string{"Clone"}},
	{CopyFileRange, platform.CallCopyFileRange, []string{"CopyFileRange", "Ftruncate"}},
	{Sendfile, platform.CallSendfile, []string{"Sendfile", "Lseek"}},
	{Splice, platform.CallSplice, []string{"Pipe", "SetPipeSize", "Splice"}},
	{Mmap, platform.CallMmap, []string{"Lease", "Leased", "Mmap", "Munmap", "Pwrite", "Unlease"}},
	{Direct, platform.CallDirect, []string{"DirectAlign", "SetDirect", "Fallocate", "Ftruncate", "Pread", "Pwrite"}},
	{DontCache, platform.CallUncached, []string{"PreadUncached", "PwriteUncached"}},
	{ReadWrite, platform.CallPlain, []string{"Pread", "Pwrite", "Ftruncate"}},
}

// What an error of a call is, beside what Judge says of those that are the method's own.
const (
	ofMethod = iota
	ignored  // it costs nothing but time
	final    // nobody else could do better
	preparing
	mapping // of holes, without which there is data only
)

// kind says what the errors of the call are, in the state that it is made in.
func kind(m Method, name string, direct, switchOn bool, whence int) int {
	switch name {
	case "Lseek":
		if whence != platform.SeekSet {
			return mapping
		}
	case "SetPipeSize", "Munmap", "Lease", "Leased", "Unlease":
		return ignored
	case "Ftruncate":
		return final
	case "Fallocate":
		return preparing // only that there is no room is an error
	case "SetDirect":
		if !switchOn {
			return final
		}
	case "Pread", "Pwrite":
		if m == ReadWrite || m == Direct && !direct {
			return final
		}
	}
	return ofMethod
}

// trial is one copy with one fault.
type trial struct {
	t       *testing.T
	method  Method
	call    platform.Call
	name    string // of the call that the fault happens to
	nth     int    // 0: to none
	fault   platformtest.Fault
	opts    Options
	src     string
	dstDir  string
	before  []Method // that the pair refused before
	seen    int      // calls of that name
	worker  *Worker
	faulted bool
	kind    int
	moved   int64 // confirmed when the fault happened

	mu       *sync.Mutex
	direct   [2]bool // the source's and the destination's O_DIRECT
	switchOn bool
	whence   int
	open     int   // descriptors
	emptied  bool  // after the fault
	from     int64 // where plain reads go on, or -1
}

// calls are the native ones with the fault and with eyes on what the methods hold.
func (tr *trial) calls(dst, src platform.FD) *platform.Calls {
	c := platformtest.Wrap(platform.Native(), func(name string, _ int64) *platformtest.Fault {
		if name != tr.name {
			return nil
		}
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if tr.seen++; tr.seen != tr.nth {
			return nil
		}
		tr.faulted, tr.moved = true, tr.worker.t.off
		tr.kind = kind(tr.method, name, tr.direct[0] || tr.direct[1], tr.switchOn, tr.whence)
		if tr.kind == mapping && tr.fault.Errno == syscall.ENXIO {
			// This is no error but says that a hole follows.
			tr.fault.Errno = syscall.EINVAL
		}
		return &tr.fault
	})
	setDirect, pipe, closeFD, truncate, pread, lseek, munmap := c.SetDirect, c.Pipe, c.Close, c.Ftruncate, c.Pread, c.Lseek, c.Munmap
	c.Lseek = func(fd platform.FD, off int64, whence int) (int64, error) {
		tr.locked(func() { tr.whence = whence })
		return lseek(fd, off, whence)
	}
	c.SetDirect = func(fd platform.FD, on bool) error {
		tr.locked(func() { tr.switchOn = on })
		err := setDirect(fd, on)
		if err == nil {
			tr.locked(func() {
				if fd == src {
					tr.direct[0] = on
				} else {
					tr.direct[1] = on
				}
			})
		}
		return err
	}
	c.Munmap = func(b []byte) error {
		err := munmap(b)
		if err != nil {
			platform.Native().Munmap(b) // or it would keep the file system busy
		}
		return err
	}
	c.Pipe = func() (r, w platform.FD, err error) {
		if r, w, err = pipe(); err == nil {
			tr.locked(func() { tr.open += 2 })
		}
		return r, w, err
	}
	c.Close = func(fd platform.FD) error {
		tr.locked(func() { tr.open-- })
		return closeFD(fd)
	}
	c.Ftruncate = func(fd platform.FD, size int64) error {
		tr.locked(func() { tr.emptied = tr.emptied || tr.faulted && size == 0 })
		return truncate(fd, size)
	}
	c.Pread = func(fd platform.FD, buf []byte, off int64) (int, error) {
		tr.locked(func() {
			if tr.faulted && tr.from < 0 && len(buf) > 1 && !tr.direct[0] {
				tr.from = off
			}
		})
		return pread(fd, buf, off)
	}
	return platform.Restarting(c)
}

func (tr *trial) locked(f func()) {
	tr.mu.Lock()
	f()
	tr.mu.Unlock()
}

// run copies and checks what is so whatever comes out: no wrong bytes without an error,
// nothing held.
func (tr *trial) run() (Result, error) {
	t := tr.t
	t.Helper()
	native := platform.Native()
	to := filepath.Join(tr.dstDir, "dst")
	s, err1 := syscall.Open(tr.src, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	d, err2 := syscall.Open(to, syscall.O_RDWR|syscall.O_CREAT|syscall.O_TRUNC|syscall.O_CLOEXEC, 0o600)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(syscall.Close(s), syscall.Close(d)); err != nil {
			t.Error(err)
		}
	}()
	src, dst := platform.FD(s), platform.FD(d)
	var st, dstStat platform.Stat
	if err := errors.Join(native.Fstat(src, &st), native.Fstat(dst, &dstStat)); err != nil {
		t.Fatal(err)
	}
	tr.from, tr.mu = -1, new(sync.Mutex)
	tr.worker = New(tr.calls(dst, src), tr.opts, 0).NewWorker()
	for _, m := range tr.before {
		tr.worker.refusedFor(dstStat.Dev, st.Dev).Or(1 << m)
	}
	var res Result
	err := tr.worker.Data(context.Background(), dst, src, &dstStat, &st, &res)
	if tr.open != 0 {
		t.Errorf("%v: %d descriptors left open", tr, tr.open)
	}
	if held, e := native.Leased(src); (held || e != nil) && tr.name != "Unlease" {
		t.Errorf("%v: the lease is still held, or %v", tr, e)
	}
	for _, fd := range []platform.FD{src, dst} {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
		if (errno != 0 || flags&syscall.O_DIRECT != 0) && !(tr.name == "SetDirect" && tr.kind == final && err != nil) {
			t.Errorf("%v: O_DIRECT is left, %v", tr, errno)
		}
	}
	if err == nil && res.Bytes < st.Size && tr.name == "Pread" && tr.fault.Zero && tr.fault.Times > 1 {
		// Data believes what read says of the end. Put doesn't, since the source has its
		// size still.
		return res, step(StepRead, errCount("read", int(res.Bytes), st.Size))
	}
	if err == nil {
		if e := native.Fstat(dst, &dstStat); e != nil || dstStat.Size != st.Size || res.Bytes != st.Size {
			t.Errorf("%v: %d bytes of %d without an error, result %+v, %v", tr, dstStat.Size, st.Size, res, e)
		}
		sameContent(t, dst, src, st.Size)
	}
	return res, err
}

func (tr *trial) String() string {
	fault := fmt.Sprintf("%+v", tr.fault)
	if tr.fault.Errno != 0 {
		fault = tr.fault.Errno.Error()
	}
	return fmt.Sprintf("%v of %v, %s %d: %s", tr.method, tr.opts.Methods, tr.name, tr.nth, fault)
}

// check compares what came out with what the errno means.
func (tr *trial) check(res Result, err error) {
	t, errno := tr.t, tr.fault.Errno
	t.Helper()
	list := slices.Contains(tr.opts.Methods, ReadWrite) && tr.method != ReadWrite
	verdict := platform.Judge(tr.call, errno, tr.moved > 0)
	// Repeat stands for all that doesn't keep the method from its work.
	switch {
	case tr.kind == ignored, errno == syscall.EINTR, tr.kind == preparing && errno != syscall.ENOSPC && errno != syscall.EDQUOT:
		verdict = platform.Repeat
	case tr.kind == mapping && platform.Unsupported(errno):
		verdict = platform.Repeat
	case tr.kind == final, tr.kind == mapping:
		verdict = platform.Fail
	case verdict == platform.Changed:
		verdict = platform.Restart // the source is as it was: a page that can't be read
	}
	var refused *MethodError
	var s *StepError
	switch {
	case !tr.faulted:
		t.Errorf("%v: the fault did not happen", tr)
	case verdict == platform.Repeat:
		if err != nil || res.Method != tr.method || tr.emptied {
			t.Errorf("%v: error %v, moved by %v", tr, err, res.Method)
		}
	case verdict == platform.Fail, verdict == platform.Restart && !list:
		if !errors.Is(err, errno) || !errors.As(err, &s) || errors.As(err, &refused) {
			t.Errorf("%v: error %v", tr, err)
		}
	case verdict == platform.Restart:
		if err != nil || res.Method != ReadWrite || !tr.emptied || tr.from > 2 {
			t.Errorf("%v: error %v, moved by %v, emptied %v, from %d", tr, err, res.Method, tr.emptied, tr.from)
		}
	case !list:
		if !errors.As(err, &refused) || len(refused.Refused) != 1 || refused.Refused[0] != (Refusal{tr.method, errno}) {
			t.Errorf("%v: error %v", tr, err)
		}
	default:
		if err != nil || res.Method != ReadWrite || tr.emptied || tr.from != tr.moved && tr.method != Reflink {
			t.Errorf("%v: error %v, moved by %v, emptied %v, from %d after %d", tr, err, res.Method, tr.emptied, tr.from, tr.moved)
		}
		if r := res.Refusals(); len(r) != 1 || r[0] != (Refusal{tr.method, errno}) {
			t.Errorf("%v: refusals %v", tr, r)
		}
	}
	if verdict == platform.Next || verdict == platform.NextAndRemember {
		remembered := tr.worker.refused.Load()&(1<<tr.method) != 0
		if remembered != (verdict == platform.NextAndRemember) {
			t.Errorf("%v: remembered %v", tr, remembered)
		}
	}
}

// faultSources are one of data and one that every method moves in several steps.
func faultSources(t *testing.T, dir string) []string {
	t.Helper()
	shapes := []shape{
		{2<<20 + 1017, []piece{{0, 2<<20 + 1017}}},
		{9 << 20, []piece{{1, 70000}, {1<<20 + 5, pipeSize + 8000}, {4<<20 + 4096, 8192}, {8<<20 + 700, 5000}}},
	}
	var paths []string
	for i, s := range shapes {
		path := filepath.Join(dir, fmt.Sprint("src", i))
		s.write(t, path)
		paths = append(paths, path)
	}
	return paths
}

// positions are the first calls, those in the middle and the last, two of each: they come
// in pairs in what reads with one call and writes with the next.
func positions(n int) []int {
	list := []int{1, 2, (n + 1) / 2, (n+1)/2 + 1, n - 1, n}
	list = slices.DeleteFunc(list, func(i int) bool { return i < 1 || i > n })
	slices.Sort(list)
	return slices.Compact(list)
}

// TestMethodErrors makes every call of every method fail with every error, at the first
// call, in the middle and at the last.
func TestMethodErrors(t *testing.T) {
	platformtest.OpenDescriptors(t)
	list := copiertest.Mount(t, copiertest.MountOptions{Names: []string{"ext4", "xfs"}, Size: 400 << 20})
	total := 0
	for _, c := range methodCalls {
		fsys := list[0]
		if c.method == Reflink {
			fsys = list[len(list)-1]
		}
		sources := faultSources(t, fsys.Dir)
		t.Run(c.method.String(), func(t *testing.T) {
			count := 0
			for _, src := range sources {
				base := trial{t: t, method: c.method, call: c.call, src: src, dstDir: fsys.Dir}
				lists := [][]Method{{c.method}, {c.method, ReadWrite}}
				if c.method == ReadWrite {
					lists = lists[:1]
				}
				for _, name := range c.names {
					clean := base
					clean.name, clean.opts.Methods = name, lists[0]
					if _, err := clean.run(); err != nil && fsys.Name == "tempdir" {
						t.Skipf("not here: %v", err)
					} else if err != nil {
						t.Fatalf("without a fault: %v", err)
					}
					at := positions(clean.seen)
					if (short() || kind(c.method, name, false, false, 0) == ignored) && len(at) > 2 {
						at = []int{at[0], at[len(at)-1]}
					}
					for _, nth := range at {
						for _, methods := range lists {
							for _, errno := range faultErrnos {
								tr := base
								tr.name, tr.nth, tr.opts.Methods, tr.fault.Errno = name, nth, methods, errno
								tr.check(tr.run())
								count++
							}
							count += base.counts(name, nth, methods)
						}
					}
				}
			}
			t.Logf("%d injections", count)
			total += count
		})
	}
	t.Logf("%d injections in all", total)
}

// counts makes the call move less than it was asked to, or nothing, once or for ever.
func (base trial) counts(name string, nth int, methods []Method) (n int) {
	if !platformtest.CanBeZero(name) {
		return 0
	}
	for _, fault := range []platformtest.Fault{{Short: true}, {Short: true, Times: 20}, {Zero: true}, {Zero: true, Times: 1 << 30}} {
		tr := base
		tr.name, tr.nth, tr.opts.Methods, tr.fault = name, nth, methods, fault
		res, err := tr.run()
		n++
		var refused *MethodError
		switch stuck := fault.Times > 20; {
		case err == nil:
		case fault.Zero && errors.As(err, &refused) && len(methods) == 1 && errors.Is(refused.Refused[0].Err, errZero):
		case fault.Short && base.method == Direct && errors.As(err, &refused) && len(methods) == 1 && refused.Refused[0].Err == syscall.EINVAL:
			// Half of what was asked for needn't be aligned.
		case stuck && (name == "Pread" || name == "Pwrite"):
			// Nobody can copy without them; the error is a count.
		default:
			tr.t.Errorf("%v: error %v, result %+v", &tr, err, res)
		}
	}
	return n
}

// TestInterruptedForEver: signals that never end are an error in the end.
func TestInterruptedForEver(t *testing.T) {
	if short() {
		t.Skip("some calls are made a thousand times a thousand times")
	}
	fsys := copiertest.Mount(t, copiertest.MountOptions{Names: []string{"ext4"}, Size: 256 << 20})[0]
	src := faultSources(t, fsys.Dir)[0]
	for _, c := range methodCalls {
		for _, name := range c.names {
			tr := trial{t: t, method: c.method, call: c.call, src: src, dstDir: fsys.Dir, name: name, nth: 1}
			tr.opts.Methods = []Method{c.method}
			tr.fault = platformtest.Fault{Errno: syscall.EINTR, Times: 1 << 30}
			_, err := tr.run()
			wanted := tr.faulted && tr.kind != ignored
			if c.method != Reflink && wanted && !errors.Is(err, syscall.EINTR) || err != nil && !wanted {
				t.Errorf("%v: error %v", &tr, err)
			}
		}
	}
}

// TestMethodErrorsAuto: the same where the table chooses, for a source that is to be left
// out of the page cache and for others: whatever happens, the next method or an error.
func TestMethodErrorsAuto(t *testing.T) {
	platformtest.OpenDescriptors(t)
	fsys := copiertest.Mount(t, copiertest.MountOptions{Names: []string{"ext4"}, Size: 256 << 20})[0]
	count := 0
	for _, src := range faultSources(t, fsys.Dir) {
		for _, c := range methodCalls {
			opts := Options{Cache: CacheKeep}
			var refuse []Method
			switch c.method {
			case Splice, Mmap, ReadWrite:
				continue // never first
			case Sendfile:
				refuse = []Method{CopyFileRange}
			case Direct:
				opts.Cache, refuse = CacheDrop, []Method{DontCache}
			case DontCache:
				opts.Cache = CacheDrop
			}
			for _, name := range c.names {
				run := func(nth int, errno syscall.Errno) (*trial, Result, error) {
					tr := &trial{t: t, method: c.method, call: c.call, src: src, dstDir: fsys.Dir, name: name, nth: nth, opts: opts, before: refuse}
					tr.fault.Errno = errno
					res, err := tr.run()
					return tr, res, err
				}
				clean, res, err := run(0, 0)
				if err != nil || res.Method != c.method && c.method != Reflink {
					t.Errorf("%v: %v, %+v", clean, err, res)
					continue
				}
				for _, nth := range positions(clean.seen) {
					for _, errno := range faultErrnos {
						tr, res, err := run(nth, errno)
						count++
						verdict := platform.Judge(c.call, errno, tr.moved > 0)
						fails := (tr.kind == final || tr.kind == mapping && !platform.Unsupported(tr.fault.Errno)) && errno != syscall.EINTR || tr.kind == ofMethod && verdict == platform.Fail ||
							tr.kind == preparing && (errno == syscall.ENOSPC || errno == syscall.EDQUOT)
						switch {
						case fails != (err != nil), err != nil && !errors.Is(err, errno):
							t.Errorf("%v: error %v", tr, err)
						case err == nil && tr.kind == ofMethod && verdict == platform.Restart && res.Method != ReadWrite:
							t.Errorf("%v: moved by %v", tr, res.Method)
						}
					}
				}
			}
		}
	}
	t.Logf("%d injections", count)
}

// TestCloneBehindAnother: clones may be asked for behind another method, which refuses at
// the beginning or later on.
func TestCloneBehindAnother(t *testing.T) {
	content := noise(3 * sip)
	for nth := 1; nth <= 3; nth++ {
		for _, clones := range []bool{true, false} {
			p := newPair(t, content)
			c := sipping(platform.Native(), sip)
			c.Clone = func(dst, src platform.FD) error {
				if !clones {
					return syscall.EOPNOTSUPP
				}
				_, err := platform.Native().Pwrite(dst, content, 0)
				return err
			}
			calls := failing(c, "CopyFileRange", nth, platformtest.Fault{Errno: syscall.EINVAL})
			res, err := p.data(calls, Options{Methods: []Method{CopyFileRange, Reflink, ReadWrite}})
			if err != nil {
				t.Errorf("call %d: %v", nth, err)
			}
			p.holds(t, content)
			switch {
			case clones && (res.Method != Reflink || res.Cloned != res.Bytes || res.Moved != 0):
				t.Errorf("call %d: %+v", nth, res)
			case !clones && (res.Method != ReadWrite || res.Moved != res.Bytes || len(res.Refusals()) != 2):
				t.Errorf("call %d: %+v", nth, res)
			}
		}
	}
}

// TestOddAlignment: direct I/O that wants what no buffer has is refused.
func TestOddAlignment(t *testing.T) {
	content := noise(3 * sip)
	for _, align := range []int{3, -1, 2 * directBlock} {
		p := newPair(t, content)
		c := platform.Native()
		c.DirectAlign = func(platform.FD) (int, int, error) { return 512, align, nil }
		res, err := p.data(c, Options{Methods: []Method{Direct, ReadWrite}})
		if err != nil || res.Method != ReadWrite || len(res.Refusals()) != 1 {
			t.Errorf("%d: %v, %+v", align, err, res)
		}
		p.holds(t, content)
	}
}

// TestDirectStays: where O_DIRECT can't be taken back nobody goes on, whatever else went
// wrong.
func TestDirectStays(t *testing.T) {
	p := newPair(t, noise(1<<20))
	c := platform.Native()
	c.DirectAlign = func(platform.FD) (int, int, error) { return 512, 512, nil }
	c.SetDirect = func(_ platform.FD, on bool) error {
		if on {
			return nil
		}
		return syscall.EBADF
	}
	c.Pread = func(platform.FD, []byte, int64) (int, error) { return -1, syscall.EIO }
	var s *StepError
	if _, err := p.data(c, Options{Methods: []Method{Direct, ReadWrite}}); !errors.Is(err, syscall.EIO) || !errors.As(err, &s) || s.Step != StepRead {
		t.Errorf("error %v", err)
	}
}

// TestShorterThanItWas: of a source that was cut since it was looked at, what is left is
// copied, and nothing stays behind that: no zeros and no reserved space.
func TestShorterThanItWas(t *testing.T) {
	fsys := copiertest.Mount(t, copiertest.MountOptions{Names: []string{"ext4"}, Size: 256 << 20})[0]
	for _, m := range []Method{ReadWrite, CopyFileRange, Sendfile, Splice, Direct, DontCache} {
		for _, size := range []int{0, 1, 511, 4096, 5000, directBlock, directBlock + 513, 3 * directBlock} {
			content := noise(size)
			path := filepath.Join(fsys.Dir, "src")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			p := openPair(t, path, filepath.Join(fsys.Dir, "dst"))
			p.st.Size, p.st.Blocks = 4<<20+5, 4<<11+8
			res, err := p.data(platform.Native(), Options{Methods: []Method{m}})
			if err != nil || res.Bytes != int64(size) {
				t.Errorf("%v of %d: %v, %+v", m, size, err, res)
			}
			p.holds(t, content)
			if a := p.allocated(t); a > int64(size)+4096 {
				t.Errorf("%v of %d: %d bytes are allocated", m, size, a)
			}
		}
	}
}

// TestDirectReserves: room is reserved for all of the data, and not where there are holes.
func TestDirectReserves(t *testing.T) {
	dir := t.TempDir()
	for _, s := range []shape{{1<<20 + 5, []piece{{0, 1<<20 + 5}}}, {1 << 20, []piece{{0, 4096}}}} {
		path := filepath.Join(dir, "src")
		s.write(t, path)
		p := openPair(t, path, filepath.Join(dir, "dst"))
		c := platform.Native()
		c.DirectAlign = func(platform.FD) (int, int, error) { return 512, 512, nil }
		c.SetDirect = func(platform.FD, bool) error { return nil }
		reserved := int64(0)
		c.Fallocate = func(_ platform.FD, off, n int64) error { reserved = off + n; return nil }
		if _, err := p.data(c, Options{Methods: []Method{Direct}}); err != nil {
			t.Errorf("%v: %v", s, err)
		}
		want := s.size
		if !s.dense() {
			want = 0
		}
		if reserved != want {
			t.Errorf("%v: %d bytes reserved, want %d", s, reserved, want)
		}
	}
}

// TestDirectBlocks: each buffer is where direct I/O may have it, and no two overlap.
func TestDirectBlocks(t *testing.T) {
	var b directBlocks
	for _, c := range []struct{ n, align int }{{1, 4096}, {directDepth, 512}, {directDepth, 4096}, {2, 64 << 10}, {directDepth, 1 << 20}, {1, 512}} {
		list := b.get(c.n, directBlock, c.align)
		if len(list) != c.n {
			t.Errorf("%d buffers, want %d", len(list), c.n)
		}
		for i, buf := range list {
			if len(buf) != directBlock || cap(buf) != directBlock {
				t.Errorf("a buffer of %d bytes, capacity %d", len(buf), cap(buf))
			}
			if at := uintptr(unsafe.Pointer(unsafe.SliceData(buf))); at%uintptr(c.align) != 0 {
				t.Errorf("buffer %d of %+v is at %#x", i, c, at)
			}
			buf[0], buf[directBlock-1] = byte(i), byte(i)
		}
		for i, buf := range list {
			if buf[0] != byte(i) || buf[directBlock-1] != byte(i) {
				t.Errorf("buffer %d of %+v lies over another", i, c)
			}
		}
	}
}

// TestStrandedInPipe: what is left in the pipe when splice stops in the middle doesn't
// come out before what is read next.
func TestStrandedInPipe(t *testing.T) {
	content := noise(3*pipeSize + 5)
	for nth := 1; nth <= 4; nth++ {
		for _, part := range []int{0, 1, 4096} {
			p := newPair(t, content)
			c := platform.Native()
			splice, outs := c.Splice, 0
			c.Splice = func(dst platform.FD, dstOff *int64, src platform.FD, srcOff *int64, n int) (int, error) {
				if dst == p.dst {
					if outs++; outs == nth && part > 0 {
						n = min(n, part)
					} else if outs == nth || part > 0 && outs == nth+1 {
						return 0, nil
					}
				}
				return splice(dst, dstOff, src, srcOff, n)
			}
			res, err := p.data(c, Options{Methods: []Method{Splice, ReadWrite}})
			if err != nil || (nth > 1 || part > 0) && res.Method != Splice {
				t.Errorf("%d bytes of pipe %d: %v, %+v", part, nth, err, res)
			}
			p.holds(t, content)
		}
	}
}

// strict returns calls that take direct I/O of 512 bytes and multiples of them, and nothing
// else, on every file system.
func strict(c *platform.Calls) *platform.Calls {
	var direct atomic.Bool
	s := *c
	s.DirectAlign = func(platform.FD) (int, int, error) { return 512, 512, nil }
	s.SetDirect = func(_ platform.FD, on bool) error {
		direct.Store(on)
		return nil
	}
	aligned := func(call func(platform.FD, []byte, int64) (int, error)) func(platform.FD, []byte, int64) (int, error) {
		return func(fd platform.FD, buf []byte, off int64) (int, error) {
			if direct.Load() && (off%512 != 0 || len(buf)%512 != 0) {
				return -1, syscall.EINVAL
			}
			return call(fd, buf, off)
		}
	}
	s.Pread, s.Pwrite = aligned(c.Pread), aligned(c.Pwrite)
	return &s
}

// TestDirectFromTheMiddle: direct I/O goes on where another method stopped.
func TestDirectFromTheMiddle(t *testing.T) {
	content := noise(2*directBlock + 5)
	for _, off := range []int{1, 511, 512, 513, 10000, directBlock - 1, 2*directBlock + 4} {
		p := newPair(t, content)
		c := strict(platform.Native())
		c.CopyFileRange = sipping(platform.Native(), off).CopyFileRange
		res, err := p.data(failing(c, "CopyFileRange", 2, platformtest.Fault{Errno: syscall.EINVAL}), Options{Methods: []Method{CopyFileRange, Direct}})
		if err != nil || res.Method != Direct || res.Moved != int64(len(content)) {
			t.Errorf("from %d: %v, %+v", off, err, res)
		}
		p.holds(t, content)
	}
}

// TestUnalignedCounts: direct I/O that moves what is no multiple of a block goes on with
// what it is allowed to.
func TestUnalignedCounts(t *testing.T) {
	content := noise(5*directBlock + 5)
	for _, of := range []string{"Pread", "Pwrite"} {
		for nth := 1; nth <= 5; nth++ {
			for _, count := range []int{1, 511, 512, 1000, directBlock - 1} {
				p := newPair(t, content)
				c := strict(platform.Native())
				odd := func(call func(platform.FD, []byte, int64) (int, error)) func(platform.FD, []byte, int64) (int, error) {
					seen := 0
					return func(fd platform.FD, buf []byte, off int64) (int, error) {
						if seen++; seen != nth {
							return call(fd, buf, off)
						}
						// A whole read or write of which less is said to have happened.
						n, err := call(fd, buf, off)
						return min(n, count), err
					}
				}
				if of == "Pread" {
					c.Pread = odd(c.Pread)
				} else {
					c.Pwrite = odd(c.Pwrite)
				}
				res, err := p.data(c, Options{Methods: []Method{Direct}})
				if err != nil || res.Method != Direct {
					t.Errorf("%s %d of %d bytes: %v, %+v", of, nth, count, err, res)
				}
				p.holds(t, content)
			}
		}
	}
}
