//go:build linux

package copier

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// telling is one piece of an Arrival.
type telling struct {
	kind         byte // 'w'rite, 'h'ole, 'c'opy
	off, from, n int64
}

// arrivals is a file to be made of pieces, and what it is to become.
type arrivals struct {
	t       *testing.T
	dir     string
	old     []byte // the basis; nil for a new file
	want    []byte
	pieces  []telling
	stage   Stage
	opts    Options
	reserve bool
	put     Put
	log     platformtest.Log
}

// drawArrival makes up an arrival in dir. Everything follows from seed.
func drawArrival(t *testing.T, dir string, seed uint64) *arrivals {
	rng := rand.New(rand.NewPCG(seed, 7))
	a := &arrivals{t: t, dir: dir, reserve: rng.IntN(4) == 0}
	a.opts.Sparse = []When{Auto, Always, Never}[rng.IntN(3)]
	a.opts.Reflink = []When{Auto, Auto, Never}[rng.IntN(3)]
	a.stage = []Stage{Plain, Unnamed, Sibling, InPlace}[rng.IntN(4)]
	sizes := []int{0, 1, 4095, 4096, 5000, 70000, 400000, 1 << 20}
	if a.stage >= Sibling {
		a.old = noise(1 + sizes[rng.IntN(len(sizes))])
	}
	size := sizes[rng.IntN(len(sizes))]
	if size > 0 && rng.IntN(2) == 0 {
		size = 1 + rng.IntN(size)
	}
	if a.old != nil && rng.IntN(3) == 0 {
		size = len(a.old)
	}
	a.want = make([]byte, size)
	bytesOf := noise(size)
	for off := 0; off < size; {
		n := 1 + rng.IntN(min(size-off, 1+rng.IntN(200000)))
		if rng.IntN(2) == 0 {
			n = min(size-off, (n+4095)&^4095)
		}
		p := telling{kind: 'w', off: int64(off), n: int64(n)}
		piece := a.want[off : off+n]
		switch k := rng.IntN(6); {
		case k == 0:
			p.kind = 'h'
		case k == 1: // zeros that are told
		case k == 2 && n > 9000:
			copy(piece[n/3:n/2], bytesOf[off:])
		case k >= 4 && n <= len(a.old):
			p.kind, p.from = 'c', int64(rng.IntN(len(a.old)-n+1))
			if rng.IntN(2) == 0 && off+n <= len(a.old) {
				p.from = int64(off)
			}
			copy(piece, a.old[p.from:])
		default:
			copy(piece, bytesOf[off:])
		}
		a.pieces = append(a.pieces, p)
		off += n
	}
	rng.Shuffle(len(a.pieces), func(i, j int) { a.pieces[i], a.pieces[j] = a.pieces[j], a.pieces[i] })
	return a
}

func (a *arrivals) String() string {
	return fmt.Sprintf("%v, %d bytes of %d, sparse %v, reflink %v, reserve %v", a.stage, len(a.want), len(a.old), a.opts.Sparse, a.opts.Reflink, a.reserve)
}

// prepare makes the directory and the basis.
func (a *arrivals) prepare() {
	a.t.Helper()
	path := filepath.Join(a.dir, "f")
	if a.old != nil {
		if err := os.WriteFile(path, a.old, 0o604); err != nil {
			a.t.Fatal(err)
		}
	}
	dir := open(a.t, a.dir, os.O_RDONLY)
	var st platform.Stat
	if err := platform.Native().Fstat(dir, &st); err != nil {
		a.t.Fatal(err)
	}
	a.put = Put{
		Dir: dir, DirIno: st.Ino, DirDev: st.Dev, Name: platform.MustName("f"), Src: platform.None, OldFD: platform.None,
		Stage: a.stage, Preallocate: a.reserve, Basis: platform.None,
		Stat: &platform.Stat{Mode: platform.ModeRegular | 0o640, Size: int64(len(a.want))},
	}
	if a.old == nil {
		return
	}
	a.put.Old, a.put.Delta = new(platform.Stat), true
	a.put.Basis, a.put.BasisStat = open(a.t, path, os.O_RDONLY), a.put.Old
	if err := platform.Native().Fstat(a.put.Basis, a.put.Old); err != nil {
		a.t.Fatal(err)
	}
	if a.stage == InPlace {
		fd, err := syscall.Open(path, os.O_RDWR|syscall.O_CLOEXEC, 0)
		if err != nil {
			a.t.Fatal(err)
		}
		a.put.OldFD = platform.FD(fd)
	}
}

// tellOne tells a piece, and content that can't be copied any more as such.
func (a *arrivals) tellOne(to *Arrival, p telling) error {
	switch p.kind {
	case 'h':
		return to.Hole(p.off, p.n)
	case 'c':
		if to.CanCopy(p.off, p.from, p.n) {
			err := to.Copy(p.off, p.from, p.n)
			if err == nil || !errors.Is(err, ErrBasis) || to.CanCopy(p.off, p.from, p.n) {
				return err
			}
		}
	}
	return to.WriteAt(a.want[p.off:p.off+p.n], p.off)
}

// run makes the file, by several goroutines, and completes it with another
// worker.
func (a *arrivals) run(calls *platform.Calls) error {
	a.t.Helper()
	c := New(a.log.Wrap(calls), a.opts, uint32(os.Geteuid()))
	to, err := c.NewWorker().Arrive(&a.put)
	if err != nil {
		return err
	}
	work := make(chan telling, len(a.pieces))
	for _, p := range a.pieces {
		work <- p
	}
	close(work)
	var wg sync.WaitGroup
	var failed error
	var once sync.Once
	for range 3 {
		wg.Go(func() {
			for p := range work {
				if err := a.tellOne(to, p); err != nil {
					once.Do(func() { failed = err })
					return
				}
			}
		})
	}
	wg.Wait()
	w := c.NewWorker()
	if failed != nil {
		w.Abandon(to)
		return failed
	}
	return w.Complete(a.t.Context(), to, int64(len(a.want)), nil)
}

// check compares the file with what it is to be; after an error, unless it was
// written in place, with what it was.
func (a *arrivals) check(failed bool) {
	a.t.Helper()
	want := a.want
	if failed {
		want = a.old
	}
	got, err := os.ReadFile(filepath.Join(a.dir, "f"))
	switch {
	case want == nil && os.IsNotExist(err):
	case failed && a.stage == InPlace && err == nil:
	case err != nil || !bytes.Equal(got, want):
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		a.t.Errorf("%v: the file has %d bytes, want %d, the first difference is at %d (%v)", a, len(got), len(want), at, err)
	}
	if l := litter(a.t, a.dir); len(l) > 0 {
		a.t.Errorf("%v: left %q", a, l)
	}
	if open := a.log.Open(); len(open) > 0 {
		a.t.Errorf("%v: left open %q", a, open)
	}
	if r := &a.put.Result; !failed && (r.Moved+r.Holes+r.Matched != r.Bytes || r.Bytes != int64(len(want))) {
		a.t.Errorf("%v: %+v", a, r)
	}
}

// testArrival compares files made of pieces with what they are made of.
func testArrival(t *testing.T, base string) {
	cases := uint64(300)
	if short() {
		cases = 40
	}
	for seed := range cases {
		dir := filepath.Join(base, fmt.Sprint("arrival", seed))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		a := drawArrival(t, dir, seed)
		a.prepare()
		if err := a.run(platform.Native()); err != nil {
			t.Errorf("%d: %v: %v", seed, a, err)
		}
		a.check(false)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		os.RemoveAll(dir)
	}
}

func TestArrival(t *testing.T) { testArrival(t, t.TempDir()) }

// TestArrivalFaults: what the kernel does halfway, or not at all, is done all
// the same or told, and nothing else.
func TestArrivalFaults(t *testing.T) {
	cases := uint64(400)
	if short() {
		cases = 60
	}
	for seed := range cases {
		rng := rand.New(rand.NewPCG(seed, 8))
		a := drawArrival(t, filepath.Join(t.TempDir(), "d"), seed)
		if err := os.Mkdir(a.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		a.prepare()
		clones := 0
		calls := platform.Native()
		if rng.IntN(2) == 0 {
			calls = cloneByCopy(calls, &clones)
		}
		hard := rng.IntN(2) == 0
		var mu sync.Mutex
		hit := ""
		at, errno := rng.Int64N(40), []platform.Errno{syscall.EIO, syscall.ENOSPC}[rng.IntN(2)]
		err := a.run(platformtest.Wrap(calls, func(call string, n int64) *platformtest.Fault {
			mu.Lock()
			defer mu.Unlock()
			if call == "Unlinkat" || call == "Flock" && hard {
				return nil // they would leave what they are to remove
			}
			if hard {
				if n >= at && hit == "" {
					hit = call
					return &platformtest.Fault{Errno: errno}
				}
				return nil
			}
			switch rng.IntN(6) {
			case 0:
				if call != "Close" && call != "Fstat" && call != "Fallocate" {
					return &platformtest.Fault{Errno: syscall.EINTR}
				}
			case 1:
				return &platformtest.Fault{Short: true}
			case 2:
				if call == "Pwrite" || call == "CopyFileRange" {
					return &platformtest.Fault{Zero: true}
				}
			}
			return nil
		}))
		switch {
		case err != nil && !hard:
			t.Errorf("%d: %v: %v", seed, a, err)
		case err != nil && !errors.Is(err, errno):
			t.Errorf("%d: %v: %s failed: %v", seed, a, hit, err)
		case err == nil && hard && slices.Contains([]string{"Openat", "Pwrite", "Ftruncate", "Close", "Fstat"}, hit):
			t.Errorf("%d: %v: %s failed and nobody noticed", seed, a, hit)
		}
		a.check(err != nil)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// newArrival begins an arrival of content at a new name.
func newArrival(t *testing.T, stage Stage, opts Options, content []byte) (*arrivals, *Worker, *Arrival) {
	t.Helper()
	a := &arrivals{t: t, dir: t.TempDir(), want: content, stage: stage, opts: opts}
	a.prepare()
	w := New(a.log.Wrap(platform.Native()), opts, uint32(os.Geteuid())).NewWorker()
	to, err := w.Arrive(&a.put)
	if err != nil {
		t.Fatal(err)
	}
	return a, w, to
}

// TestArrivalPieces: what isn't exactly one file isn't published.
func TestArrivalPieces(t *testing.T) {
	content := noise(10000)
	write := func(a *Arrival, from, to int64) error { return a.WriteAt(content[from:to], from) }
	for name, tell := range map[string]func(a *Arrival) error{
		"nothing":        func(a *Arrival) error { return nil },
		"no beginning":   func(a *Arrival) error { return write(a, 1, 10000) },
		"no end":         func(a *Arrival) error { return write(a, 0, 9999) },
		"a gap":          func(a *Arrival) error { return errors.Join(write(a, 0, 5000), write(a, 5001, 10000)) },
		"twice":          func(a *Arrival) error { return errors.Join(write(a, 0, 10000), write(a, 7000, 7001)) },
		"overlap":        func(a *Arrival) error { return errors.Join(write(a, 3000, 10000), write(a, 0, 3001)) },
		"a hole in it":   func(a *Arrival) error { return errors.Join(write(a, 0, 10000), a.Hole(9999, 1)) },
		"too long":       func(a *Arrival) error { return errors.Join(write(a, 0, 10000), a.Hole(10000, 1)) },
		"negative":       func(a *Arrival) error { return errors.Join(a.Hole(-1, 1), write(a, 0, 10000)) },
		"beyond all":     func(a *Arrival) error { return errors.Join(a.Hole(1<<63-1, 1), write(a, 0, 10000)) },
		"negative count": func(a *Arrival) error { return errors.Join(a.Hole(5, -1), write(a, 0, 10000)) },
		"no basis":       func(a *Arrival) error { a.Copy(0, 0, 1); return write(a, 1, 10000) },
	} {
		a, w, to := newArrival(t, Unnamed, Options{}, content)
		told := tell(to)
		err := w.Complete(t.Context(), to, 10000, nil)
		if !errors.Is(err, ErrPieces) {
			t.Errorf("%s: %v, %v", name, told, err)
		}
		w.Abandon(to)
		a.check(true)
	}
	a, w, to := newArrival(t, Unnamed, Options{}, content)
	for i := int64(0); i < 10000; i += 2 {
		if err := write(to, i, i+1); err != nil {
			t.Fatal(err)
		}
	}
	for i := int64(9999); i > 0; i -= 2 {
		if err := write(to, i, i+1); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(to.Hole(0, 0), w.Complete(t.Context(), to, 10000, nil)); err != nil || len(to.told) != 1 {
		t.Errorf("%v, %d pieces", err, len(to.told))
	}
	a.check(false)
}

// TestArrivalGrown: the source need not have the size that it was told of.
func TestArrivalGrown(t *testing.T) {
	for _, sparse := range []When{Auto, Always} {
		for _, listed := range []int64{0, 100, 300000} {
			content := append(noise(200000), make([]byte, 5000)...)
			a := &arrivals{t: t, dir: t.TempDir(), want: content, stage: Unnamed, opts: Options{Sparse: sparse}}
			a.prepare()
			a.put.Stat.Size = listed
			w := New(a.log.Wrap(platform.Native()), a.opts, 0).NewWorker()
			to, err := w.Arrive(&a.put)
			if err == nil {
				err = errors.Join(to.Hole(200000, 5000), to.WriteAt(content[:200000], 0), w.Complete(t.Context(), to, int64(len(content)), nil))
			}
			if err != nil {
				t.Errorf("%v, %d: %v", sparse, listed, err)
			}
			a.check(false)
		}
	}
}

// TestArrivalGrownMeanwhile: what is just being stored is not cut off because
// more was not heard of.
func TestArrivalGrownMeanwhile(t *testing.T) {
	content := append(make([]byte, 100000), noise(200000)...)
	a := &arrivals{t: t, dir: t.TempDir(), want: content, stage: Unnamed}
	a.prepare()
	a.put.Stat.Size = 150000
	calls := platform.Native()
	pwrite := calls.Pwrite
	var to *Arrival
	calls.Pwrite = func(fd platform.FD, b []byte, off int64) (int, error) {
		n, err := pwrite(fd, b, off)
		return n, errors.Join(err, to.Hole(0, 100000))
	}
	w := New(a.log.Wrap(calls), a.opts, 0).NewWorker()
	to, err := w.Arrive(&a.put)
	if err := errors.Join(err, to.WriteAt(content[100000:], 100000), w.Complete(t.Context(), to, 300000, nil)); err != nil {
		t.Fatal(err)
	}
	a.check(false)
}

// TestArrivalCalls: a small file takes no more calls than it has to.
func TestArrivalCalls(t *testing.T) {
	content := noise(3000)
	for stage, publish := range map[Stage]string{Plain: "", Unnamed: "LinkFD ", Sibling: "RenameNoReplace "} {
		a := &arrivals{t: t, dir: t.TempDir(), want: content, stage: stage, opts: Options{Preserve: Preserve{Times: true}}}
		a.prepare()
		a.log.Text = true
		w := New(a.log.Wrap(platform.Native()), a.opts, uint32(os.Geteuid())).NewWorker()
		to, err := w.Arrive(&a.put)
		if err := errors.Join(err, to.WriteAt(content, 0), w.Complete(t.Context(), to, 3000, nil)); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, c := range a.log.Calls() {
			name, _, _ := strings.Cut(c, "(")
			got.WriteString(name + " ")
		}
		want := "Openat Pwrite Fstat Futimens " + map[Stage]string{Plain: "Close ", Unnamed: publish + "Close ", Sibling: "Close " + publish}[stage]
		if stage == Sibling {
			want = strings.Replace(want, "Openat ", "Openat Flock ", 1)
		}
		if got.String() != want {
			t.Errorf("%v: %s, want %s", stage, got.String(), want)
		}
		a.check(false)
	}
}

// TestArrivalVerify compares what is stored with the digest of the sender.
func TestArrivalVerify(t *testing.T) {
	content := noise(300000)
	for _, hash := range []Hash{XXH3, BLAKE3} {
		h := hash.New()
		h.Write(content)
		right := h.Sum(nil)
		for name, c := range map[string]struct {
			digest []byte
			stored []byte
			err    error
		}{
			"right": {right, content, nil},
			"wrong": {right, edited(content, 299999), ErrVerify},
			"none":  {nil, content, errNoDigest},
		} {
			a, w, to := newArrival(t, Unnamed, Options{Verify: hash}, content)
			when := platform.Time{Sec: 1234567, Nsec: 89}
			a.put.Finish = func(fd platform.FD) (Lost, error) { return Lost{}, platform.Native().Futimens(fd, when, when) }
			err := errors.Join(to.WriteAt(c.stored, 0))
			if err == nil {
				err = w.Complete(t.Context(), to, int64(len(content)), c.digest)
			}
			if !errors.Is(err, c.err) || c.err == nil && err != nil || a.put.Result.Verified != (c.err == nil) {
				t.Errorf("%s: %v, %+v", name, err, a.put.Result)
			}
			var st platform.Stat
			if c.err == nil && (platform.Native().Statat(a.put.Dir, a.put.Name, &st, false) != nil || st.Mtime != when || st.Atime != when) {
				t.Errorf("%s: times are %v, %v", name, st.Atime, st.Mtime)
			}
			a.check(c.err != nil)
		}
	}
}

// TestArrivalPartial keeps what is there without a gap.
func TestArrivalPartial(t *testing.T) {
	content := noise(300000)
	for _, stage := range []Stage{Plain, Unnamed, Sibling} {
		for how, kept := range map[string]int{"abandoned": 100000, "incomplete": 100000, "spoilt": -1, "failed": 80000, "nothing": -1, "complete": -1} {
			a := &arrivals{t: t, dir: t.TempDir(), want: content, stage: stage}
			a.prepare()
			parts := t.TempDir()
			part := filepath.Join(parts, "part")
			if err := os.WriteFile(part, []byte("of an earlier run"), 0o600); err != nil {
				t.Fatal(err)
			}
			a.put.Partial = &Partial{Dir: open(t, parts, os.O_RDONLY), Name: platform.MustName("part")}
			calls := platform.Native()
			pwrite := calls.Pwrite
			full := false
			calls.Pwrite = func(fd platform.FD, b []byte, off int64) (int, error) {
				if full {
					return -1, syscall.ENOSPC
				}
				return pwrite(fd, b, off)
			}
			w := New(a.log.Wrap(calls), a.opts, uint32(os.Geteuid())).NewWorker()
			to, err := w.Arrive(&a.put)
			if err != nil {
				t.Fatal(err)
			}
			if how != "nothing" {
				err = errors.Join(to.WriteAt(content[200000:], 200000), to.WriteAt(content[:80000], 0))
				full = how == "failed"
				err = errors.Join(err, to.WriteAt(content[80000:100000], 80000))
			}
			switch {
			case how == "complete":
				err = errors.Join(err, to.WriteAt(content[100000:200000], 100000), w.Complete(t.Context(), to, 300000, nil))
			case how == "incomplete":
				if w.Complete(t.Context(), to, 300000, nil) == nil {
					t.Error("completed though it isn't")
				}
			case how == "spoilt":
				to.Spoil()
			}
			if (err != nil) != full {
				t.Fatal(err)
			}
			w.Abandon(to)
			got, err := os.ReadFile(part)
			switch {
			case how == "complete":
				if !os.IsNotExist(err) {
					t.Errorf("%v: a part is left: %v", stage, err)
				}
			case kept < 0:
				if string(got) != "of an earlier run" {
					t.Errorf("%v, %s: %d bytes are kept, %v", stage, how, len(got), err)
				}
			case len(got) != kept || !bytes.Equal(got, content[:kept]) || !a.put.Partial.Kept:
				t.Errorf("%v, %s: %d bytes are kept, %v", stage, how, len(got), err)
			}
			a.check(how != "complete")
		}
	}
}

// TestArrivalAcross: a file that can't get its name from where it grew is
// copied there.
func TestArrivalAcross(t *testing.T) {
	content := noise(200000)
	for _, how := range []string{"no link", "other device", "held"} {
		a := &arrivals{t: t, dir: t.TempDir(), want: content, stage: Unnamed}
		a.prepare()
		calls := platform.Native()
		called := 0
		a.put.BeforeCommit = func() error { called++; return nil }
		name := a.put.Name
		switch how {
		case "no link":
			calls.LinkFD = func(platform.FD, platform.FD, platform.Name) error { return syscall.ENOENT }
		case "other device":
			aside := t.TempDir()
			fd := open(t, aside, os.O_RDONLY)
			var st platform.Stat
			if err := platform.Native().Fstat(fd, &st); err != nil {
				t.Fatal(err)
			}
			a.put.StageDir = &StageDir{fd, st.Ino}
			rename := calls.RenameNoReplace
			calls.RenameNoReplace = func(from platform.FD, old platform.Name, to platform.FD, name platform.Name) error {
				if from == fd && to != fd {
					return syscall.EXDEV
				}
				return rename(from, old, to, name)
			}
			defer func() {
				if l := names(t, aside); len(l) > 0 {
					t.Errorf("left aside: %q", l)
				}
			}()
		case "held":
			a.put.Hold, a.put.HoldName = true, platform.MustName("held")
		}
		w := New(a.log.Wrap(calls), a.opts, uint32(os.Geteuid())).NewWorker()
		to, err := w.Arrive(&a.put)
		if err := errors.Join(err, to.WriteAt(content, 0), w.Complete(t.Context(), to, 200000, nil)); err != nil || called != 1 {
			t.Fatalf("%s: %v, called %d times", how, err, called)
		}
		if how == "held" {
			if err := calls.Renameat(a.put.Dir, a.put.HoldName, a.put.Dir, name); err != nil {
				t.Error(err)
			}
		}
		a.check(false)
	}
}

// TestArrivalInPlace: what is overwritten can't be had any more.
func TestArrivalInPlace(t *testing.T) {
	old := noise(1 << 20)
	a := &arrivals{t: t, dir: t.TempDir(), old: old, stage: InPlace, want: make([]byte, 1<<20)}
	a.prepare()
	w := New(a.log.Wrap(platform.Native()), a.opts, 0).NewWorker()
	to, err := w.Arrive(&a.put)
	if err != nil {
		t.Fatal(err)
	}
	const half = 1 << 19
	if err := to.Copy(half, 1000, half-1000); err != nil || !to.CanCopy(0, half-1000, 1000) {
		t.Fatal(err)
	}
	if to.CanCopy(0, half, 1) || !errors.Is(to.Copy(0, half, 1), ErrBasis) {
		t.Error("what is overwritten was copied")
	}
	if to.CanCopy(0, 1<<20-5, 6) || to.CanCopy(-1, 0, 1) || to.CanCopy(0, -1, 1) || to.CanCopy(0, 0, 1<<62) {
		t.Error("there is nothing")
	}
	copy(a.want[half:], old[1000:half])
	copy(a.want, old[5:half])
	copy(a.want[half-5:half], "hello")
	copy(a.want[1<<20-1000:], "end")
	err = errors.Join(to.WriteAt(a.want[1<<20-1000:], 1<<20-1000), to.Copy(0, 5, half-5), to.WriteAt([]byte("hello"), half-5),
		w.Complete(t.Context(), to, 1<<20, nil))
	if err != nil {
		t.Error(err)
	}
	a.check(false)
}

// TestArrivalShifts: content that is moved within the file is read before it is
// overwritten, either way.
func TestArrivalShifts(t *testing.T) {
	old := noise(1 << 20)
	for _, c := range []telling{{off: 300000, from: 5, n: 1<<20 - 300000}, {off: 5, from: 70000, n: 1<<20 - 70000}} {
		for _, sparse := range []When{Auto, Always} {
			a := &arrivals{t: t, dir: t.TempDir(), old: old, stage: InPlace, opts: Options{Sparse: sparse}}
			a.want = append(bytes.Repeat([]byte{1}, int(c.off)), old[c.from:c.from+c.n]...)
			a.prepare()
			w := New(a.log.Wrap(platform.Native()), a.opts, 0).NewWorker()
			to, err := w.Arrive(&a.put)
			if err == nil {
				err = errors.Join(to.Copy(c.off, c.from, c.n), to.WriteAt(a.want[:c.off], 0), w.Complete(t.Context(), to, c.off+c.n, nil))
			}
			if err != nil {
				t.Error(err)
			}
			a.check(false)
		}
	}
}

// TestArrivalRestart: what is told after a new beginning counts, and nothing
// from before.
func TestArrivalRestart(t *testing.T) {
	old, content := noise(400000), append(noise(250000), make([]byte, 50000)...)
	for _, stage := range []Stage{Sibling, InPlace} {
		for _, sparse := range []When{Auto, Always, Never} {
			a := &arrivals{t: t, dir: t.TempDir(), old: old, stage: stage, opts: Options{Sparse: sparse}, want: content}
			a.prepare()
			w := New(a.log.Wrap(platform.Native()), a.opts, 0).NewWorker()
			to, err := w.Arrive(&a.put)
			if err != nil {
				t.Fatal(err)
			}
			err = errors.Join(to.Copy(0, 0, 200000), to.Hole(200000, 1000), to.WriteAt(content[:5], 399995))
			b := make([]byte, 300000)
			n, eof := to.ReadAt(b, 100000)
			if want := append(bytes.Clone(old[100000:200000]), make([]byte, 1000)...); n != 101000 || eof != io.EOF || !bytes.Equal(b[:n], want) || err != nil {
				t.Errorf("%v: read %d bytes, %v; %v", stage, n, eof, err)
			}
			if to.WriteAt(content[:1], 0) == nil {
				t.Error("told twice")
			}
			err = to.Restart()
			if to.CanCopy(0, 0, 1) || !errors.Is(to.Copy(0, 0, 1), ErrBasis) {
				t.Error("there is no basis")
			}
			err = errors.Join(err, to.WriteAt(content[100:250000], 100), to.Hole(250000, 50000), to.WriteAt(content[:100], 0))
			for off, want := range map[int64]int{0: 300000, 250001: 49999, 300000: 0, 1 << 40: 0} {
				if n, err := to.ReadAt(b, off); n != want || (err == nil) != (want == len(b)) || n > 0 && !bytes.Equal(b[:n], content[off:]) {
					t.Errorf("%v: %d bytes at %d, %v", stage, n, off, err)
				}
			}
			if err := errors.Join(err, w.Complete(t.Context(), to, 300000, nil)); err != nil {
				t.Error(err)
			}
			a.check(false)
		}
	}
}

// TestArrivalReadHole: a hole that the file doesn't reach to yet is zeros.
func TestArrivalReadHole(t *testing.T) {
	a, w, to := newArrival(t, Unnamed, Options{}, make([]byte, 5000))
	b := bytes.Repeat([]byte{1}, 5000)
	err := to.Hole(0, 5000)
	if n, rerr := to.ReadAt(b, 0); n != 5000 || err != nil || rerr != nil || !isZero(b) {
		t.Errorf("%d bytes, %v, %v", n, err, rerr)
	}
	w.Abandon(to)
	a.check(true)
}

// testArrivalSpace: a clone keeps its space, and holes have none.
func testArrivalSpace(t *testing.T, fsys copiertest.FileSystem) {
	const size = 8 << 20
	content := noise(size)
	for _, c := range []struct {
		name string
		make func(a *Arrival) error
		opts Options
		old  []byte
		max  int64 // bytes allocated; new ones with old
	}{
		{"holes", func(a *Arrival) error {
			var err error // in parts, behind which ever more space is reserved
			for off := int64(0); off < size/2; off += 1 << 18 {
				err = errors.Join(err, a.WriteAt(content[off:off+1<<18], off))
			}
			return errors.Join(err, a.Hole(size/2, size/2-100000), a.WriteAt(content[size-100000:], size-100000))
		}, Options{}, nil, size/2 + 300000},
		{"hole at the end", func(a *Arrival) error {
			return errors.Join(a.WriteAt(content[:1<<20], 0), a.Hole(1<<20, size-1<<20))
		}, Options{}, nil, 1<<20 + 100000},
		{"zeros", func(a *Arrival) error {
			return errors.Join(a.WriteAt(make([]byte, size/2), size/2), a.WriteAt(content[:4096], 0), a.WriteAt(make([]byte, size/2-4096), 4096))
		}, Options{Sparse: Always}, nil, 100000},
		{"clone", func(a *Arrival) error {
			var err error // a block here and there
			for off := int64(0); off < size; off += 1 << 17 {
				err = errors.Join(err, a.WriteAt(content[:4096], off), a.Copy(off+4096, off+4096, 1<<17-4096))
			}
			return err
		}, Options{}, noise(size), 1 << 20},
	} {
		if c.old != nil && fsys.Name != "xfs" && fsys.Name != "btrfs" {
			continue
		}
		dir := filepath.Join(fsys.Dir, "space "+c.name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		a := &arrivals{t: t, dir: dir, old: c.old, want: content, stage: Sibling, opts: c.opts}
		a.prepare()
		syscall.Sync()
		before := usedOn(t, dir)
		w := New(a.log.Wrap(platform.Native()), c.opts, 0).NewWorker()
		to, err := w.Arrive(&a.put)
		if err == nil {
			err = errors.Join(c.make(to), w.Complete(t.Context(), to, size, nil))
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		syscall.Sync()
		var st platform.Stat
		if err := platform.Native().Statat(a.put.Dir, a.put.Name, &st, false); err != nil {
			t.Fatal(err)
		}
		got := st.Blocks * 512
		if was, err := platform.Native().CowExtent(open(t, filepath.Join(dir, "f"), os.O_RDWR), 0); was > 0 {
			t.Errorf("%s: the extent size is %d, %v", c.name, was, err)
		}
		if c.old != nil {
			got = usedOn(t, dir) - before // the old file is open yet
		}
		if got > c.max || st.Size != size {
			t.Errorf("%s: %d bytes are allocated, at most %d expected", c.name, got, c.max)
		}
	}
}

// usedOn returns how many bytes of a file system are in use.
func usedOn(t *testing.T, dir string) int64 {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	return int64(st.Blocks-st.Bfree) * st.Bsize
}

// TestArrivalGaps: what is kept of the pieces is bounded.
func TestArrivalGaps(t *testing.T) {
	var s spans
	for i := range int64(maxSpans) {
		if err := s.add(2*i, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.add(2*maxSpans, 1); !errors.Is(err, ErrPieces) {
		t.Error(err)
	}
	if err := s.add(1, 1); err != nil || len(s) != maxSpans-1 {
		t.Error(err)
	}
}
