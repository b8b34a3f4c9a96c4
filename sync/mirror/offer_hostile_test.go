package mirror

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

// offers is a Sink that keeps by which number each name can be asked for.
type offers struct {
	mu   sync.Mutex
	dirs map[uint32]string
	ids  map[string]wire.FileID
}

func (o *offers) Root(*wire.Root) error { return nil }

func (o *offers) Dir(m *wire.Dir) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dirs[m.ID] = o.dirs[m.Parent] + string(m.Name) + "/"
	return nil
}

func (o *offers) Entries(m *wire.Entries) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range m.Items {
		o.ids[o.dirs[m.Dir]+string(m.Items[i].Name)] = wire.FileID{Dir: m.Dir, Index: m.First + uint32(i)}
	}
	return nil
}

func (o *offers) DirEnd(*wire.DirEnd) error   { return nil }
func (o *offers) WalkEnd(*wire.WalkEnd) error { return nil }

// TestOfferSwapped is H01 and H02: what was offered, or a directory above it, is exchanged for
// something that leads elsewhere, after it was looked at and while it is opened. What is
// elsewhere is never opened for the other end.
func TestOfferSwapped(t *testing.T) {
	top := t.TempDir()
	path := func(name string) string { return filepath.Join(top, name) }
	for _, dir := range []string{"src/d/e", "out/e", "spare"} {
		os.MkdirAll(path(dir), 0o755)
	}
	const mine, secret = "mine", "SECRET"
	for name, text := range map[string]string{
		"src/leaf": mine, "src/hard": mine, "src/d/e/deep": mine, "out/secret": secret, "out/e/deep": secret, "out/deep": secret,
	} {
		os.WriteFile(path(name), []byte(text), 0o600)
	}
	os.Symlink(path("out/secret"), path("spare/leaf"))
	os.Link(path("out/secret"), path("spare/hard"))
	os.Symlink(path("out"), path("spare/d"))

	o := &offers{dirs: map[uint32]string{0: ""}, ids: map[string]wire.FileID{}}
	said := &told{}
	m := New(platform.Native(), archive(), said)
	if err := m.Offer(context.Background(), []string{path("src") + "/"}, o); err != nil {
		t.Fatal(err)
	}
	defer m.CloseOffered()
	opened := map[wire.Status]int{}
	open := func(name string) {
		id, ok := o.ids[name]
		if !ok {
			t.Fatalf("%s was not offered", name)
		}
		fd, _, status, err := m.OpenOffered(id)
		if err != nil {
			t.Fatal(err)
		}
		if opened[status]++; status != wire.Good {
			return
		}
		b := make([]byte, 100)
		n, _ := platform.Native().Pread(fd, b, 0)
		platform.Native().Close(fd)
		if got := string(b[:n]); got != mine {
			t.Fatalf("%s: %q was opened", name, got)
		}
	}
	swap := func(name string) {
		err := platform.Native().RenameExchange(platform.CWD, platform.MustName(path("src/"+name)), platform.CWD, platform.MustName(path("spare/"+name)))
		if err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct{ swapped, name string }{{"leaf", "leaf"}, {"hard", "hard"}, {"d", "d/e/deep"}} {
		open(c.name)
		swap(c.swapped)
		open(c.name)
		swap(c.swapped)
	}
	stop := make(chan struct{})
	var flipping sync.WaitGroup
	flipping.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				swap([]string{"leaf", "hard", "d"}[i/2%3])
			}
		}
	})
	for range 3000 {
		for _, name := range []string{"leaf", "hard", "d/e/deep"} {
			open(name)
		}
	}
	close(stop)
	flipping.Wait()
	if opened[wire.Good] == 0 || opened[wire.Good] == 9006 {
		t.Errorf("nothing was exchanged in time: %v", opened)
	}
	if text := strings.Join(said.problems, "\n"); strings.Contains(text, secret) {
		t.Errorf("problems: %s", text)
	}
}
