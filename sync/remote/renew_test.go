package remote

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/link"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// daemonLink connects to a daemon of this process, whose sessions serve sees through.
func daemonLink(t *testing.T, serve func(*link.Link)) *link.Link {
	t.Helper()
	dir := t.TempDir()
	pins := map[string]link.Pin{}
	for _, name := range []string{"daemon", "client"} {
		pin, err := link.GenerateKey(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		pins[name] = pin
	}
	d, err := link.Listen(t.Context(), link.Options{}, &link.Config{
		Listen: "127.0.0.1:0", Key: filepath.Join(dir, "daemon"), Confine: link.ConfineOff, MaxSessions: 4,
		Exports: []*link.Export{{Name: "x", Path: dir, MaxStreams: 4, Allow: []link.Pin{pins["client"]}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- d.Serve(ctx, func(_ context.Context, l *link.Link, _ *link.Export) { serve(l) }) }()
	t.Cleanup(func() { stop(); <-served })
	l, err := link.DialDaemon(t.Context(), link.Options{KeyFile: filepath.Join(dir, "client"), Path: link.Direct}, fmt.Sprintf("zccp://%s/x?pin=%s", d.Addr(), pins["daemon"]))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// renewals are the streams that one end has had, and how often it has asked for more.
type renewals struct {
	asked atomic.Int64
	mu    sync.Mutex
	had   []*stream
}

// watch lowers the life of an end's streams, and counts.
func (r *renewals) watch(e ends, life int64, deny bool) ends {
	each := func(open func(context.Context) (*stream, error), n *atomic.Int64) func(context.Context) (*stream, error) {
		return func(ctx context.Context) (*stream, error) {
			n.Add(1)
			if deny && n == &r.asked {
				return nil, os.ErrPermission
			}
			s, err := open(ctx)
			if err == nil {
				r.mu.Lock()
				r.had = append(r.had, s)
				r.mu.Unlock()
			}
			return s, err
		}
	}
	e.next, e.renew, e.life = each(e.next, new(atomic.Int64)), each(e.renew, &r.asked), life
	if deny {
		e.end = 5 * life
	}
	return e
}

// TestRenewKeys: streams are replaced when their keys have been used for long, at the right
// moments of both ends, and nothing is lost, or sent twice, in between.
func TestRenewKeys(t *testing.T) {
	const life = 2 << 20
	src := makeTree(t, filepath.Join(t.TempDir(), "src"), 9)
	os.Remove(filepath.Join(src, "d0", "hard")) // which -a does not keep
	if err := os.WriteFile(filepath.Join(src, "large"), make([]byte, 5*rangeSize/2), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"m1", "m2", "m3", "m4", "m5", "m6"} { // not cut into ranges
		if err := os.WriteFile(filepath.Join(src, name), []byte(fmt.Sprint(name, string(make([]byte, 1500_000)))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := snapshot(t, src)
	for _, pulls := range []bool{false, true} {
		for _, packs := range []bool{false, true} {
			t.Run(fmt.Sprintf("pull %v, compressed %v", pulls, packs), func(t *testing.T) {
				dst := filepath.Join(t.TempDir(), "dst")
				var near, far renewals
				served := make(chan error, 1)
				l := daemonLink(t, func(l *link.Link) {
					served <- serve(context.Background(), far.watch(endsOf(l, new(Work)), life, false), usualTiming(), wires{}.far(archive()))
				})
				e := near.watch(endsOf(l, new(Work)), life, false)
				m := mirror.New(platform.Native(), archive(), &told{})
				job := &wire.Job{Push: !pulls}
				if packs {
					job.Words = []string{"--compress"}
				}
				var err error
				if pulls {
					job.Sources = [][]byte{[]byte(src + "/")}
					_, err = pull(context.Background(), met(e), usualTiming(), startMirror(m), m.Stats, job, dst, &told{})
				} else {
					job.Dest = []byte(dst)
					_, err = push(context.Background(), met(e), usualTiming(), m, m.Calls(), m.Copier(), m.Counters(), job, []string{src + "/"}, &told{})
				}
				if err2 := <-served; err != nil || err2 != nil {
					t.Fatalf("client: %v, server: %v", err, err2)
				}
				if d := difference(snapshot(t, dst), want); d != "" {
					t.Error(d)
				}
				for who, r := range map[string]*renewals{"client": &near, "server": &far} {
					most := int64(0)
					for _, s := range r.had {
						most = max(most, s.used.Load())
					}
					t.Logf("%s: asked for %d streams, had %d, the most used one for %d bytes", who, r.asked.Load(), len(r.had), most)
					if !packs && len(r.had) < 4 {
						t.Errorf("%s: %d streams", who, len(r.had))
					}
				}
			})
		}
	}
}

// TestRenewDenied: a stream that can't be replaced goes on for a while, and not for ever.
func TestRenewDenied(t *testing.T) {
	src := t.TempDir()
	for i := range 40 {
		os.WriteFile(filepath.Join(src, fmt.Sprint(i)), make([]byte, 1<<20), 0o644)
	}
	for _, c := range []struct {
		life int64
		code int
	}{{20 << 20, 0}, {2 << 20, CodeSocket}} {
		var near, far renewals
		served := make(chan error, 1)
		l := daemonLink(t, func(l *link.Link) {
			served <- serve(context.Background(), far.watch(endsOf(l, new(Work)), c.life, true), testTiming(), wires{}.far(archive()))
		})
		m := mirror.New(platform.Native(), archive(), &told{})
		job := &wire.Job{Push: true, Dest: []byte(filepath.Join(t.TempDir(), "dst"))}
		_, err := push(context.Background(), met(near.watch(endsOf(l, new(Work)), c.life, true)), testTiming(), m, m.Calls(), m.Copier(), m.Counters(), job, []string{src + "/"}, &told{})
		<-served
		code := 0
		if e, ok := err.(*Error); ok {
			code = e.Code
		}
		if code != c.code {
			t.Errorf("life %d: ended by %v", c.life, err)
		}
		if c.code != 0 && near.asked.Load() < 4 {
			t.Errorf("it was tried %d times", near.asked.Load())
		}
	}
}

// TestRetiredInBetween: a file that nobody else can go on with is sent to its end, although another
// stream came in this one's place before it was begun.
func TestRetiredInBetween(t *testing.T) {
	const size = 3 * smallFile
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, make([]byte, size), 0o644); err != nil {
		t.Fatal(err)
	}
	calls := platform.Native()
	fd, err := calls.Openat(platform.CWD, platform.MustName(name), platform.ReadOnly, 0)
	if err != nil {
		t.Fatal(err)
	}
	o := &opened{fd: fd}
	if err := calls.Fstat(fd, &o.st); err != nil {
		t.Fatal(err)
	}
	a, _ := memoryPair(t)
	x, y := tcpPair(t)
	defer x.Close()
	defer y.Close()
	go io.Copy(io.Discard, y)
	m := mirror.New(calls, archive(), &told{})
	d := newSender(sessionAt(a), m, m.Calls(), m.Copier(), jobWords{})
	st := &stream{conn: x, number: 1, private: true, sock: platform.None}
	st.retired.Store(true)
	p := &pump{d: d, s: st, buf: make([]byte, wire.HeaderSize+bufferSize), wear: wear{s: d.session, st: st}}
	if err := p.big(o); err != nil {
		t.Fatal(err)
	}
	if sent := st.used.Load(); sent != wire.HeaderSize+size {
		t.Errorf("%d bytes were sent", sent)
	}
}
