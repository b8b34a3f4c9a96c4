package mirror

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

// farRuns makes run go through the halves of two Mirrors that know each other
// by messages only.
var farRuns = os.Getenv("ZCCP_TEST_FAR") != ""

// TestFar repeats the tests of the package with sources and destination in
// Mirrors of their own.
func TestFar(t *testing.T) {
	if farRuns {
		t.Skip("this is the repetition")
	}
	cmd := exec.Command(os.Args[0], "-test.run", "AgainstRsync|MissingArgs|DotInPath|WriteDevices|FollowedNames|OnTheWay|NamedBelow|MissingLink", "-test.timeout", "5m")
	cmd.Env = append(os.Environ(), "ZCCP_TEST_FAR=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// loop carries messages of a sender to a Receiver, and requests back.
type loop struct {
	t    *testing.T
	from *Mirror
	recv *Receiver
	root chan *wire.Root
	down chan any // messages of the sender, encoded and decoded
	mu   sync.Mutex
	need chan wire.FileID
}

func (l *loop) send(msg any) error {
	b, err := wire.Append(nil, msg)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r := wire.NewReader(bytes.NewReader(b), 0)
	for {
		m, _, err := r.Next()
		if err != nil {
			return nil
		}
		l.down <- m
	}
}

func (l *loop) Root(m *wire.Root) error {
	b, err := wire.Append(nil, m)
	if err != nil {
		return err
	}
	got, _, err := wire.NewReader(bytes.NewReader(b), 0).Next()
	if err != nil {
		return err
	}
	l.root <- got.(*wire.Root)
	return nil
}
func (l *loop) Dir(m *wire.Dir) error         { return l.send(m) }
func (l *loop) Entries(m *wire.Entries) error { return l.send(m) }
func (l *loop) DirEnd(m *wire.DirEnd) error   { return l.send(m) }
func (l *loop) WalkEnd(m *wire.WalkEnd) error { return l.send(m) }

func (l *loop) Need(id wire.FileID, size int64)                { l.need <- id }
func (l *loop) NeedDelta(id wire.FileID, size int64, _ *Basis) { l.need <- id }
func (l *loop) Flush()                                         {}
func (l *loop) DirDone(dir uint32) {
	if err := l.from.ForgetDir(dir); err != nil {
		l.t.Error(err)
	}
}
func (l *loop) Remove(id wire.FileID) {
	if err := l.from.RemoveOffered(id); err != nil {
		l.t.Error(err)
	}
}

// serve answers requests: small files as batches of one, others in two pieces.
func (l *loop) serve() {
	for id := range l.need {
		fd, st, status, err := l.from.OpenOffered(id)
		if err != nil {
			l.t.Error(err)
		}
		if status != wire.Good {
			l.recv.Fail(id, nil)
			continue
		}
		data := make([]byte, st.Size)
		l.from.readFull(fd, data, 0)
		l.from.calls.Close(fd)
		mtime := timeToWire(st.Mtime)
		if len(data)%2 == 0 {
			err = l.recv.Batch([]wire.BatchFile{{ID: id, Status: wire.Good, Size: st.Size, Mtime: mtime, Data: data}}, func() {})
		} else {
			a, e := l.recv.Begin(id)
			if e != nil {
				l.t.Error(e)
			} else if a != nil {
				a.WriteAt(data[1:], 1)
				a.WriteAt(data[:1], 0)
			}
			err = l.recv.Complete(id, &wire.Sent{ID: id, Status: wire.Good, Size: st.Size, Mtime: mtime})
		}
		if err != nil {
			l.t.Error(err)
		}
	}
}

// runFar is run by two Mirrors.
func runFar(t *testing.T, opts Options, r *told, dst string, sources []string) *Mirror {
	from, to := New(platform.Native(), opts, r), New(platform.Native(), opts, r)
	l := &loop{t: t, from: from, root: make(chan *wire.Root, 1), down: make(chan any, 1<<16), need: make(chan wire.FileID, 1<<16)}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	walked := make(chan error, 1)
	go func() { walked <- from.Offer(ctx, sources, l) }()
	var err error
	// A refusal is the sender's to say.
	to.Expect(sources)
	select {
	case root := <-l.root:
		l.recv, err = to.Receive(ctx, root, dst, l)
	case err = <-walked:
		walked <- err
		if err == nil {
			l.recv, err = to.Receive(ctx, <-l.root, dst, l)
		}
	}
	if err != nil {
		r.problems = append(r.problems, err.Error())
		cancel()
		return to
	}
	go l.serve()
	go func() {
		for msg := range l.down {
			var err error
			done := func() {}
			switch m := msg.(type) {
			case *wire.Dir:
				err = l.recv.Dir(m, done)
			case *wire.Entries:
				err = l.recv.Entries(m, done)
			case *wire.DirEnd:
				err = l.recv.DirEnd(m, done)
			case *wire.WalkEnd:
				err = l.recv.WalkEnd(m)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	if err := l.recv.Wait(); err != nil {
		t.Errorf("%v: %d outstanding, %d directories", err, l.recv.outstanding, len(l.recv.dirs))
	}
	if err := <-walked; err != nil {
		t.Error(err)
	}
	close(l.need)
	if n := len(from.out.dirs); n != 0 {
		t.Errorf("%d directories were never done with", n)
	}
	from.CloseOffered()
	return to
}

// TestFarViolations tells a Receiver what no sender may.
func TestFarViolations(t *testing.T) {
	file := wire.Entry{Name: []byte("f"), Attr: wire.Attr{Mode: platform.ModeRegular | 0o644, Nlink: 1}}
	dir := func(id, parent uint32, name string) *wire.Dir {
		return &wire.Dir{ID: id, Parent: parent, Name: []byte(name), Lists: true, Attr: wire.Attr{Mode: platform.ModeDir | 0o755}}
	}
	for name, tell := range map[string]func(r *Receiver) error{
		"parent unknown": func(r *Receiver) error { return r.Dir(dir(1, 7, "d"), func() {}) },
		"twice": func(r *Receiver) error {
			r.Dir(dir(1, 0, "d"), func() {})
			return r.Dir(dir(1, 0, "e"), func() {})
		},
		"slash":     func(r *Receiver) error { return r.Dir(dir(1, 0, "a/b"), func() {}) },
		"dots":      func(r *Receiver) error { return r.Dir(dir(1, 0, ".."), func() {}) },
		"file mode": func(r *Receiver) error { d := dir(1, 0, "d"); d.Attr.Mode = 0o100644; return r.Dir(d, func() {}) },
		"entries of nothing": func(r *Receiver) error {
			return r.Entries(&wire.Entries{Dir: 3, Items: []wire.Entry{file}}, func() {})
		},
		"entry with a slash": func(r *Receiver) error {
			e := file
			e.Name = []byte("../f")
			return r.Entries(&wire.Entries{Items: []wire.Entry{e}}, func() {})
		},
		"directory as entry": func(r *Receiver) error {
			e := file
			e.Attr.Mode = platform.ModeDir | 0o755
			return r.Entries(&wire.Entries{Items: []wire.Entry{e}}, func() {})
		},
		"end twice": func(r *Receiver) error {
			r.DirEnd(&wire.DirEnd{}, func() {})
			return r.DirEnd(&wire.DirEnd{}, func() {})
		},
		"content not asked for": func(r *Receiver) error {
			return r.Batch([]wire.BatchFile{{ID: wire.FileID{Dir: 0, Index: 5}, Status: wire.Good}}, func() {})
		},
		"piece not asked for": func(r *Receiver) error {
			_, err := r.Begin(wire.FileID{Dir: 9})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dst := t.TempDir()
			m := New(platform.Native(), archive(), &told{})
			ctx, cancel := context.WithCancel(context.Background())
			r, err := m.Receive(ctx, &wire.Root{Content: true, Lists: true}, dst, noPeer{})
			if err != nil {
				t.Fatal(err)
			}
			if err := tell(r); err == nil || !strings.Contains(err.Error(), "violation") {
				t.Errorf("got %v", err)
			}
			cancel()
			r.Wait()
			if left, _ := os.ReadDir(dst); len(left) > 0 && !slices.Contains([]string{"d"}, left[0].Name()) {
				t.Errorf("left %v", left)
			}
		})
	}
}

type noPeer struct{}

func (noPeer) Need(wire.FileID, int64)              {}
func (noPeer) NeedDelta(wire.FileID, int64, *Basis) {}
func (noPeer) Flush()                               {}
func (noPeer) DirDone(uint32)                       {}
func (noPeer) Remove(wire.FileID)                   {}

// panicky is a Reporter that can't bear an item.
type panicky struct{ told }

func (*panicky) Item(*Event) { panic("an item") }

// TestFarPanic has a job of a Receiver panic: the run ends all the same.
func TestFarPanic(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opts := archive()
	heard := make(chan any, 9)
	opts.OnPanic = func(p any) {
		heard <- p
		cancel()
	}
	r, err := New(platform.Native(), opts, &panicky{}).Receive(ctx, &wire.Root{Content: true, Lists: true}, t.TempDir()+"/new", noPeer{})
	if err != nil {
		t.Fatal(err)
	}
	link := wire.Entry{Name: []byte("l"), Link: []byte("x"), Attr: wire.Attr{Mode: platform.ModeSymlink | 0o777, Nlink: 1}}
	if err := r.Entries(&wire.Entries{Items: []wire.Entry{link}}, func() {}); err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- r.Wait() }()
	select {
	case err := <-over:
		if err == nil || len(heard) == 0 {
			t.Errorf("ended with %v, heard of %d panics", err, len(heard))
		}
	case <-time.After(5 * time.Second):
		t.Error("the run never ended")
	}
}
