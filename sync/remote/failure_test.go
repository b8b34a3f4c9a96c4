package remote

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// TestFarProblem: what fails at the far end is told with its path, and the rest
// goes on.
func TestFarProblem(t *testing.T) {
	for _, c := range []wires{{}, {streams: 2}, {streams: 2, kernel: true, plain: true}} {
		dir := t.TempDir()
		src := makeTree(t, filepath.Join(dir, "src"), 1)
		calls := *platform.Native()
		calls.Pwrite = func(fd platform.FD, b []byte, off int64) (int, error) {
			if off >= 4<<20 { // in s9 and sparse alone
				return 0, syscall.ENOSPC
			}
			return platform.Native().Pwrite(fd, b, off)
		}
		c.farCalls = &calls
		o := runPush(context.Background(), t, c, archive(), filepath.Join(dir, "dst"), src+"/")
		if o.client != nil || o.serv != nil {
			t.Fatalf("client: %v, server: %v", o.client, o.serv)
		}
		text := strings.Join(o.rep.problems, "\n")
		if len(o.rep.problems) == 0 || !strings.Contains(text, "dst/s9") || !strings.Contains(text, "No space left on device") {
			t.Errorf("problems: %q", text)
		}
		got := lines(snapshot(t, filepath.Join(dir, "dst")))
		for name := range lines(snapshot(t, src)) {
			if _, ok := got[name]; ok == (name == "s9" || name == "sparse") {
				t.Errorf("%s is there: %v", name, ok)
			}
		}
	}
}

// TestDrop: of a large file that can't be stored not all is sent, whether it can't be made or the
// device is full soon; what else there is arrives.
func TestDrop(t *testing.T) {
	const size = 48 << 20
	src := t.TempDir()
	for name, n := range map[string]int{"large": size, "other": 3 << 20, "small": 100} {
		if err := os.WriteFile(filepath.Join(src, name), make([]byte, n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []wires{{}, {plain: true, streams: 1}} {
		for _, early := range []bool{false, true} {
			dst := filepath.Join(t.TempDir(), "dst")
			farCalls, calls := *platform.Native(), *platform.Native()
			farCalls.Pwrite = func(fd platform.FD, b []byte, off int64) (int, error) {
				if off >= 4<<20 {
					return 0, syscall.ENOSPC
				}
				return platform.Native().Pwrite(fd, b, off)
			}
			farCalls.Fallocate = func(fd platform.FD, off, n int64) error {
				if early && n == size {
					return syscall.ENOSPC
				}
				return nil
			}
			var read atomic.Int64
			calls.Pread = func(fd platform.FD, b []byte, off int64) (int, error) {
				if off+int64(len(b)) > 5<<20 {
					// The receiver has a moment to say so.
					time.Sleep(time.Duration(len(b)) * time.Millisecond >> 16)
					read.Add(int64(len(b)))
				}
				return platform.Native().Pread(fd, b, off)
			}
			c.calls, c.farCalls = &calls, &farCalls
			o := runPush(context.Background(), t, c, archive(), dst, src+"/")
			if o.client != nil || o.serv != nil {
				t.Fatalf("client: %v, server: %v", o.client, o.serv)
			}
			if text := strings.Join(o.rep.problems, "\n"); len(o.rep.problems) != 1 || !strings.Contains(text, "dst/large") || !strings.Contains(text, "No space left on device") {
				t.Errorf("problems: %q", text)
			}
			if n := read.Load(); n > size*3/4 {
				t.Errorf("plain %v, early %v: %d MiB of %d were read for it", c.plain, early, n>>20, size>>20)
			}
			for name, there := range map[string]bool{"large": false, "other": true, "small": true} {
				if _, err := os.Lstat(filepath.Join(dst, name)); (err == nil) != there {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

// TestSourceProblem: what can't be read at a far sender is told, and is not at
// the destination.
func TestSourceProblem(t *testing.T) {
	for _, c := range []wires{{}, {streams: 2}, {streams: 2, kernel: true, plain: true}} {
		dir := t.TempDir()
		src := makeTree(t, filepath.Join(dir, "src"), 1)
		calls := *platform.Native()
		bad := func(fd platform.FD, off int64, n int) bool {
			var st platform.Stat
			platform.Native().Fstat(fd, &st)
			return st.Size == int64(sizes[9]) && off+int64(n) > 3<<20 || st.Size == int64(sizes[3])
		}
		calls.Pread = func(fd platform.FD, b []byte, off int64) (int, error) {
			if bad(fd, off, len(b)) {
				return 0, syscall.EIO
			}
			return platform.Native().Pread(fd, b, off)
		}
		calls.Sendfile = func(dst, fd platform.FD, off int64, n int) (int, error) {
			if bad(fd, off, n) {
				return 0, syscall.EIO
			}
			return platform.Native().Sendfile(dst, fd, off, n)
		}
		calls.Splice = func(platform.FD, *int64, platform.FD, *int64, int) (int, error) { return 0, syscall.ENOSYS }
		c.farCalls = &calls
		o := runPull(context.Background(), t, c, archive(), filepath.Join(dir, "dst"), src+"/")
		if o.client != nil || o.serv != nil {
			t.Fatalf("client: %v, server: %v", o.client, o.serv)
		}
		text := strings.Join(o.rep.problems, "\n")
		for _, name := range []string{"s3", "s9"} {
			if !strings.Contains(text, "src/"+name) || !strings.Contains(text, "Input/output error") {
				t.Errorf("problems: %q", text)
			}
			if _, err := os.Lstat(filepath.Join(dir, "dst", name)); err == nil {
				t.Errorf("%s is there", name)
			}
		}
	}
}

// TestChanged: a source that is another one after it was read is not published.
func TestChanged(t *testing.T) {
	for _, c := range []wires{{}, {streams: 2}, {streams: 2, kernel: true}, {streams: 2, kernel: true, plain: true}} {
		dir := t.TempDir()
		src := makeTree(t, filepath.Join(dir, "src"), 1)
		calls := *platform.Native()
		var looks atomic.Int64
		calls.Fstat = func(fd platform.FD, st *platform.Stat) error {
			err := platform.Native().Fstat(fd, st)
			if st.Size == int64(sizes[9]) || st.Size == int64(sizes[2]) {
				st.Mtime.Nsec = looks.Add(1)
			}
			return err
		}
		c.calls = &calls
		o := runPush(context.Background(), t, c, archive(), filepath.Join(dir, "dst"), src+"/")
		if o.client != nil || o.serv != nil {
			t.Fatalf("client: %v, server: %v", o.client, o.serv)
		}
		text := strings.Join(o.rep.problems, "\n")
		for _, name := range []string{"s2", "s9"} {
			if !strings.Contains(text, "src/"+name+"' changed") {
				t.Errorf("problems: %q", text)
			}
			if _, err := os.Lstat(filepath.Join(dir, "dst", name)); err == nil {
				t.Errorf("%s is there", name)
			}
		}
	}
}

// TestShrinks: a file that ends early while it is sent leaves the stream in step.
func TestShrinks(t *testing.T) {
	for _, c := range []wires{{}, {streams: 2}, {streams: 2, kernel: true}, {streams: 1, kernel: true, plain: true}} {
		dir := t.TempDir()
		src := makeTree(t, filepath.Join(dir, "src"), 1)
		calls := *platform.Native()
		var cut atomic.Bool
		shrink := func(off int64) {
			if off >= 1<<20 && cut.CompareAndSwap(false, true) {
				os.Truncate(filepath.Join(src, "s9"), 100)
			}
		}
		calls.Pread = func(fd platform.FD, b []byte, off int64) (int, error) {
			n, err := platform.Native().Pread(fd, b, off)
			shrink(off)
			return n, err
		}
		calls.Sendfile = func(dst, fd platform.FD, off int64, n int) (int, error) {
			n, err := platform.Native().Sendfile(dst, fd, off, min(n, 1<<20))
			shrink(off)
			return n, err
		}
		c.calls = &calls
		os.Remove(filepath.Join(src, "sparse"))
		os.Remove(filepath.Join(src, "d0/hard"))
		o := runPush(context.Background(), t, c, archive(), filepath.Join(dir, "dst"), src+"/")
		if o.client != nil || o.serv != nil {
			t.Fatalf("client: %v, server: %v", o.client, o.serv)
		}
		if text := strings.Join(o.rep.problems, "\n"); !strings.Contains(text, "src/s9' changed") {
			t.Errorf("problems: %q", text)
		}
		want := snapshot(t, src)
		got := snapshot(t, filepath.Join(dir, "dst"))
		if d := difference(got, want); strings.Count(d, "\n") != 1 || !strings.Contains(d, "- s9 ") {
			t.Errorf("at the destination %s", d)
		}
	}
}

// TestPanic: a panic in the work of a served session ends that session.
func TestPanic(t *testing.T) {
	dir := t.TempDir()
	src := makeTree(t, filepath.Join(dir, "src"), 1)
	calls := *platform.Native()
	// In the engine's work, and in that of the session.
	calls.Futimens = func(platform.FD, platform.Time, platform.Time) error { panic("planted") }
	other := *platform.Native()
	other.Pwrite = func(fd platform.FD, b []byte, off int64) (int, error) {
		if off > 1<<20 {
			panic("planted")
		}
		return platform.Native().Pwrite(fd, b, off)
	}
	for _, far := range []*platform.Calls{&calls, &other} {
		before := runtime.NumGoroutine()
		o := runPush(context.Background(), t, wires{streams: 1, farCalls: far}, archive(), filepath.Join(dir, "dst"), src+"/")
		if e, ok := o.serv.(*Error); !ok || e.Code != CodeBug || !strings.Contains(e.Text, "planted") {
			t.Errorf("server: %v", o.serv)
		}
		if e, ok := o.client.(*Error); !ok || e.Code != CodeBug || !e.Far || strings.Contains(e.Text, "planted") {
			t.Errorf("client: %v", o.client)
		}
		noneLeft(t, before)
	}
}

// TestRefused: a job that is not taken on, and a destination that can't be used.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	src := makeTree(t, filepath.Join(dir, "src"), 1)
	a, b := wires{}.connect(t, true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(context.Background(), b, testTiming(), func(*wire.Job, mirror.Reporter) (*served, error) {
			return nil, &Error{Code: 4, Text: "not here", Hint: "elsewhere"}
		})
	}()
	m := mirror.New(platform.Native(), archive(), &told{})
	_, err := push(context.Background(), met(a), testTiming(), m, m.Calls(), m.Copier(), m.Counters(), &wire.Job{Push: true}, []string{src}, &told{})
	if e, ok := err.(*Error); !ok || e.Code != 4 || e.Text != "not here" || e.Hint != "elsewhere" || !e.Far {
		t.Errorf("refused job: %v", err)
	}
	await(t, done)

	o := runPush(context.Background(), t, wires{}, archive(), filepath.Join(src, "s3", "x"), src+"/")
	if e, ok := o.client.(*Error); !ok || e.Code != CodeFile && e.Code != CodeSelection || !e.Far {
		t.Errorf("unusable destination: %v", o.client)
	}
	o = runPush(context.Background(), t, wires{}, archive(), filepath.Join(dir, "dst"), filepath.Join(dir, "none"))
	if len(o.rep.problems) == 0 && o.client == nil {
		t.Error("missing source: no error")
	}
}

// slowly takes its time for every read.
type slowly struct {
	conn
	delay time.Duration
}

func (s slowly) Read(b []byte) (int, error) {
	time.Sleep(s.delay)
	return s.conn.Read(b[:min(len(b), 4096)])
}

// TestInterrupt: either end's user ends both within a second.
func TestInterrupt(t *testing.T) {
	for _, far := range []bool{false, true} {
		dir := t.TempDir()
		src := makeTree(t, filepath.Join(dir, "src"), 1)
		c := wires{streams: 2, kernel: true, wrap: func(s conn) conn { return slowly{s, time.Millisecond} }}
		before := runtime.NumGoroutine()
		ours, theirs := context.Background(), context.Background()
		ctx, cancel := context.WithCancel(context.Background())
		if far {
			theirs = ctx
		} else {
			ours = ctx
		}
		var at time.Time
		time.AfterFunc(200*time.Millisecond, func() { at = time.Now(); cancel() })
		a, b := c.connect(t, true)
		var serv error
		done := make(chan struct{})
		go func() {
			defer close(done)
			serv = serve(theirs, b, testTiming(), c.far(archive()))
		}()
		m := mirror.New(platform.Native(), archive(), &told{})
		_, err := push(ours, met(a), testTiming(), m, m.Calls(), m.Copier(), m.Counters(), &wire.Job{Push: true, Dest: []byte(filepath.Join(dir, "dst"))}, []string{src + "/"}, &told{})
		await(t, done)
		if took := time.Since(at); took > 2*time.Second {
			t.Errorf("far %v: took %v", far, took)
		}
		for _, err := range []error{err, serv} {
			if e, ok := err.(*Error); !ok || e.Code != CodeSignal {
				t.Errorf("far %v: %v", far, err)
			}
		}
		whole(t, snapshot(t, filepath.Join(dir, "dst")), lines(snapshot(t, src)))
		noneLeft(t, before)
	}
}

// TestSilence: a peer that says nothing is given up.
func TestSilence(t *testing.T) {
	times := timing{ping: 10 * time.Millisecond, idle: 100 * time.Millisecond, linger: 50 * time.Millisecond, totals: time.Second}
	dir := t.TempDir()
	src := makeTree(t, filepath.Join(dir, "src"), 1)
	for _, pulls := range []bool{false, true} {
		a, b := pipePair(t)
		// A root, so that the receiver waits for its streams as well.
		b.Write(say(t, &wire.Ready{}))
		if pulls {
			b.Write(say(t, &wire.Root{IsDir: true, Content: true, Path: []byte("x")}))
		}
		x, y := tcpPair(t)
		list := []*stream{{conn: x, number: 1, private: true, sock: platform.None}}
		e := ends{control: a, next: func(ctx context.Context) (*stream, error) {
			if len(list) == 0 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			s := list[0]
			list = nil
			return s, nil
		}}
		m := mirror.New(platform.Native(), archive(), &told{})
		before := runtime.NumGoroutine()
		begun := time.Now()
		var err error
		if pulls {
			_, err = pull(context.Background(), met(e), times, startMirror(m), m.Stats, &wire.Job{}, filepath.Join(dir, "dst"), &told{})
		} else {
			_, err = push(context.Background(), met(e), times, m, m.Calls(), m.Copier(), m.Counters(), &wire.Job{Push: true}, []string{src}, &told{})
		}
		if e, ok := err.(*Error); !ok || e.Code != CodeTimeout {
			t.Errorf("pulls %v: %v", pulls, err)
		}
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("pulls %v: took %v", pulls, took)
		}
		noneLeft(t, before)
		b.Close()
		y.Close()
	}
}

// flipper alters one bit of what is read.
type flipper struct {
	conn
	at  int64
	bit byte
	off *atomic.Int64
}

func (f flipper) Read(b []byte) (int, error) {
	n, err := f.conn.Read(b)
	off := f.off.Add(int64(n)) - int64(n)
	if f.at >= off && f.at < off+int64(n) {
		b[f.at-off] ^= 1 << f.bit
	}
	return n, err
}

// TestForged: no bit that is altered on a stream that is not protected reaches a
// file.
func TestForged(t *testing.T) {
	dir := t.TempDir()
	src := makeTree(t, filepath.Join(dir, "src"), 1)
	tiny := makeTree(t, filepath.Join(dir, "tiny"), 2)
	for _, pattern := range []string{"s*", "*/hard"} {
		big, _ := filepath.Glob(filepath.Join(tiny, pattern))
		for _, name := range big {
			os.Remove(name)
		}
	}
	trees := map[string]map[string]string{src: lines(snapshot(t, src)), tiny: lines(snapshot(t, tiny))}
	rng := rand.New(rand.NewPCG(5, 6))
	rounds := 30
	if testing.Short() {
		rounds = 9
	}
	codes := map[int]int{}
	for i := range rounds {
		at, src := rng.Int64N(7<<20), src
		switch i % 3 {
		case 0:
			at = rng.Int64N(40) // a header, or near it
		case 1:
			at, src = rng.Int64N(100_000), tiny // a batch
		}
		off := &atomic.Int64{}
		c := wires{streams: 1, plain: true, kernel: i%2 == 0, wrap: func(s conn) conn { return flipper{s, at, byte(i % 8), off} }}
		dst := filepath.Join(dir, "dst")
		o := runPush(context.Background(), t, c, archive(), dst, src+"/")
		var e *Error
		if off.Load() > at && (!errors.As(o.serv, &e) || e.Code != CodeSecurity && e.Code != CodeProtocol) {
			t.Errorf("bit at %d: %v", at, o.serv)
		}
		if e != nil {
			codes[e.Code]++
		}
		if _, err := os.Stat(dst); err == nil {
			whole(t, snapshot(t, dst), trees[src])
		}
		os.RemoveAll(dst)
	}
	if codes[CodeSecurity] == 0 {
		t.Errorf("codes: %v", codes)
	}
}

// trickle reads a byte at a time.
type trickle struct{ io.ReadWriteCloser }

func (c trickle) Read(b []byte) (int, error) { return c.ReadWriteCloser.Read(b[:min(1, len(b))]) }

// TestTrickle: nothing depends on how much comes at once.
func TestTrickle(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "src")
	for _, name := range []string{"a", "b/c", "b/d/e"} {
		os.MkdirAll(filepath.Dir(filepath.Join(src, name)), 0o755)
		if err := os.WriteFile(filepath.Join(src, name), make([]byte, 70_000), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := wires{control: func(t *testing.T) (io.ReadWriteCloser, io.ReadWriteCloser) {
		a, b := memoryPair(t)
		return trickle{a}, trickle{b}
	}}
	dst := filepath.Join(dir, "dst")
	o := runPush(context.Background(), t, c, archive(), dst, src+"/")
	if o.client != nil || o.serv != nil {
		t.Fatal(o.client, o.serv)
	}
	if d := difference(snapshot(t, dst), snapshot(t, src)); d != "" {
		t.Error(d)
	}
}

// TestDescriptors: however early a session ends, no descriptor stays open.
func TestDescriptors(t *testing.T) {
	open := func() int {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("needs /proc")
		}
		return len(names)
	}
	dir := t.TempDir()
	src := makeTree(t, filepath.Join(dir, "src"), 1)
	for _, file := range []string{"a", "b", "c", "d"} {
		if err := os.WriteFile(filepath.Join(src, file), make([]byte, 20<<20), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(t *testing.T, i int) {
		by := &cutter{}
		by.left.Store(int64(i) * 150_000)
		dst := filepath.Join(dir, "dst")
		c := wires{streams: 2, kernel: i%2 == 0, plain: i%4 == 0, late: time.Duration(i%5) * time.Millisecond,
			words: [][]string{nil, {"--verify"}}[i%2]}
		c.control = func(t *testing.T) (io.ReadWriteCloser, io.ReadWriteCloser) {
			a, b := pipePair(t)
			return a, cutControl{b, by}
		}
		if i%3 == 0 {
			c.control = nil
			c.wrap = func(s conn) conn { return cutConn{s, by} }
		}
		opts := archive()
		if i%2 == 1 {
			opts.Copier.Verify = copier.XXH3
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i*10)*time.Millisecond)
		defer cancel()
		runPush(ctx, t, c, opts, dst, src+"/")
		os.RemoveAll(dst)
	}
	t.Run("first", func(t *testing.T) { run(t, 1) })
	before := open()
	rounds := 40
	if testing.Short() {
		rounds = 12
	}
	for i := range rounds {
		t.Run("", func(t *testing.T) { run(t, i) })
	}
	for range 100 {
		if open() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d descriptors are open, %d before", open(), before)
}
