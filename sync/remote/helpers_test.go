package remote

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/plan"
	"github.com/zccp/zccp/sync/wire"
)

// told is a Reporter that keeps what it hears.
type told struct {
	mu       sync.Mutex
	items    []string
	problems []string
	notes    []string
}

func (r *told) Item(ev *mirror.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.items = append(r.items, ev.Flags.Itemize(ev.Mode, true)+" "+ev.Name)
}

func (r *told) Problem(kind mirror.Kind, err error, hint string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, err.Error())
}

func (r *told) Note(level int, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if level == 0 {
		r.notes = append(r.notes, text)
	}
}

func (r *told) sorted() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, item := range r.items {
		// Which name of a file comes first is chance.
		if strings.HasPrefix(item, "hf") {
			r.items[i] = ">" + item[1:]
		}
	}
	slices.Sort(r.items)
	return strings.Join(r.items, "\n")
}

// archive are the options of -a, itemized.
func archive() mirror.Options {
	return mirror.Options{
		Rules: plan.SyncRules{
			Links: true, Devices: true, Specials: true, Perms: true, Owner: true, Group: true, Times: true,
			MaxSize: -1, Root: platform.EffectiveUID() == 0,
		},
		Recursive: true, Links: mirror.LinksKeep, MaxDelete: -1, WholeFile: true, Suffix: "~",
		Umask: 0o022, Jobs: 2, Itemize: true, UID: platform.EffectiveUID(),
	}
}

func testTiming() timing {
	return timing{ping: 50 * time.Millisecond, idle: 20 * time.Second, linger: 700 * time.Millisecond, totals: 20 * time.Millisecond}
}

// outcome is what became of both ends.
type outcome struct {
	rep          *told // the client's
	stats        mirror.Stats
	client, serv error
}

// far makes a served mirror.
func (c wires) far(opts mirror.Options) func(*wire.Job, mirror.Reporter) (*served, error) {
	return func(job *wire.Job, rep mirror.Reporter) (*served, error) {
		opts.OnPanic = OnPanic(rep)
		m := mirror.New(orNative(c.farCalls), opts, rep)
		return &served{m, m.Calls(), m.Copier(), m.Counters(), startMirror(m), m.Stats, m.Walked, m.Told}, nil
	}
}

func (c wires) timing() timing {
	if c.times != nil {
		return *c.times
	}
	return testTiming()
}

// met is a connection that is there, and on which nothing has been said.
func met(e ends) meeting {
	return func(context.Context, []byte) (ends, error) {
		e.jobless = true
		return e, nil
	}
}

// sessionAt returns a session on a control channel.
func sessionAt(control io.ReadWriteCloser) *session {
	s := newSession(context.Background(), testTiming())
	s.connect(ends{control: control})
	return s
}

// runPush pushes src to dst.
func runPush(ctx context.Context, t *testing.T, c wires, opts mirror.Options, dst string, sources ...string) *outcome {
	t.Helper()
	a, b := c.connect(t, true)
	o := &outcome{rep: &told{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.serv = serve(context.Background(), b, c.timing(), c.far(opts))
	}()
	m := mirror.New(orNative(c.calls), opts, o.rep)
	job := &wire.Job{Push: true, Dest: []byte(dst), Words: c.words}
	o.stats, o.client = push(ctx, met(a), c.timing(), m, m.Calls(), m.Copier(), m.Counters(), job, sources, o.rep)
	await(t, done)
	return o
}

// runPull pulls sources to dst.
func runPull(ctx context.Context, t *testing.T, c wires, opts mirror.Options, dst string, sources ...string) *outcome {
	t.Helper()
	a, b := c.connect(t, false)
	o := &outcome{rep: &told{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.serv = serve(context.Background(), b, c.timing(), c.far(opts))
	}()
	m := mirror.New(orNative(c.calls), opts, o.rep)
	job := &wire.Job{Words: c.words}
	for _, s := range sources {
		job.Sources = append(job.Sources, []byte(s))
	}
	o.stats, o.client = pull(ctx, met(a), c.timing(), startMirror(m), m.Stats, job, dst, o.rep)
	await(t, done)
	return o
}

func await(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		panic("the other end does not end")
	}
}

// snapshot describes everything below dir.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	inodes := map[uint64]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		var st platform.Stat
		if err := platform.Native().Statat(platform.CWD, platform.MustName(path), &st, false); err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		fmt.Fprintf(&b, "%s %v %d:%d", name, info.Mode(), st.UID, st.GID)
		if !info.IsDir() {
			fmt.Fprintf(&b, " %d", info.Size())
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			fmt.Fprintf(&b, " %d", info.ModTime().UnixNano())
		}
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %x", sha256.Sum256(data))
			if st.Nlink > 1 {
				if inodes[st.Ino] == "" {
					inodes[st.Ino] = name
				}
				fmt.Fprintf(&b, " = %s", inodes[st.Ino])
			}
		case info.Mode()&fs.ModeSymlink != 0:
			to, _ := os.Readlink(path)
			fmt.Fprintf(&b, " -> %s", to)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sizes of the files of makeTree: around the bounds between ways to send.
var sizes = []int{0, 1, 100, 4096, smallFile - 1, smallFile, smallFile + 1, 300_000, 1 << 20, 5 << 20}

// makeTree makes a tree with a bit of everything.
func makeTree(t *testing.T, dir string, seed uint64) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(dir, 0o755))
	file := func(path string, size int) {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		must(os.WriteFile(path, data, 0o600|os.FileMode(rng.IntN(0o100))))
		at := time.Unix(1_600_000_000+rng.Int64N(1e7), rng.Int64N(1e9))
		must(os.Chtimes(path, at, at))
	}
	for d := range 6 {
		sub := filepath.Join(dir, fmt.Sprintf("d%d", d), strings.Repeat("x", d))
		must(os.MkdirAll(sub, 0o755))
		for i := range 40 {
			file(filepath.Join(sub, fmt.Sprintf("f%d", i)), rng.IntN(3000))
		}
		must(os.Symlink("f1", filepath.Join(sub, "link")))
	}
	for i, size := range sizes {
		file(filepath.Join(dir, fmt.Sprintf("s%d", i)), size)
	}
	must(os.Link(filepath.Join(dir, "s3"), filepath.Join(dir, "d0", "hard")))
	must(os.Mkdir(filepath.Join(dir, "empty"), 0o711))
	// A file with holes at both ends.
	f, err := os.Create(filepath.Join(dir, "sparse"))
	must(err)
	_, err = f.WriteAt(make([]byte, 5), 3<<20)
	must(err)
	_, err = f.WriteAt([]byte("end"), 9<<20)
	must(err)
	must(f.Truncate(12 << 20))
	must(f.Close())
	return dir
}

// localRun is what a run on one machine makes of it.
func localRun(t *testing.T, opts mirror.Options, dst string, sources ...string) (*told, mirror.Stats) {
	t.Helper()
	r := &told{}
	m := mirror.New(platform.Native(), opts, r)
	if err := m.Run(context.Background(), sources, dst); err != nil {
		t.Fatal(err)
	}
	return r, m.Stats()
}

// difference tells the lines of one text that the other has not.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	var b strings.Builder
	for _, l := range g {
		if !slices.Contains(w, l) {
			fmt.Fprintf(&b, "\n+ %s", l)
		}
	}
	for _, l := range w {
		if !slices.Contains(g, l) {
			fmt.Fprintf(&b, "\n- %s", l)
		}
	}
	return b.String()
}
