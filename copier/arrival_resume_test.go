//go:build linux

package copier

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zccp/zccp/platform"
)

// TestArrivalResume abandons a file twice and looks for what is left of it.
func TestArrivalResume(t *testing.T) {
	content := noise(300000)
	for how, want := range map[string]int{"abandoned": 100000, "spoilt": 70000, "nothing": 70000, "too small": -1, "complete": -1} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			var name platform.Name
			for _, first := range []bool{true, false} {
				a := &arrivals{t: t, dir: dir, want: content, stage: Unnamed}
				a.prepare()
				a.put.Resume = true
				name = ResumeName(&a.put)
				c := New(platform.Native(), a.opts, uint32(os.Geteuid()))
				c.resumeMin = 1000
				if how == "too small" {
					c.resumeMin = 300001
				}
				w := c.NewWorker()
				to, err := w.Arrive(&a.put)
				if err != nil {
					t.Fatal(err)
				}
				err = to.WriteAt(content[200000:], 200000)
				switch {
				case first:
					err = errors.Join(err, to.WriteAt(content[:70000], 0))
				case how == "complete":
					err = errors.Join(err, to.WriteAt(content[:200000], 0), w.Complete(t.Context(), to, 300000, nil))
				case how != "nothing":
					err = errors.Join(err, to.WriteAt(content[:100000], 0))
				}
				if err != nil {
					t.Fatal(err)
				}
				if how == "spoilt" && !first {
					to.Spoil()
				}
				w.Abandon(to)
			}
			path := filepath.Join(dir, name.String())
			got, err := os.ReadFile(path)
			if how == "complete" {
				want = 70000 // the caller removes it
			}
			if want < 0 && !os.IsNotExist(err) || want >= 0 && !bytes.Equal(got, content[:want]) {
				t.Errorf("%d bytes are left, %v", len(got), err)
			}
			if !IsResumable(name.Bytes()) {
				t.Error("nobody would look for the name")
			}
			entries, _ := os.ReadDir(dir)
			for _, e := range entries {
				if e.Name() != name.String() && e.Name() != "new" && e.Name() != filepath.Base(dir) && how != "complete" {
					t.Errorf("%s is there too", e.Name())
				}
			}
		})
	}
}

// TestArrivalOutlives has two runs receive one file: neither gets hold of what the other
// writes, and of what is left the greater part stays.
func TestArrivalOutlives(t *testing.T) {
	content := noise(300000)
	begin := func(t *testing.T, dir string) (*Worker, *Arrival, string) {
		t.Helper()
		a := &arrivals{t: t, dir: dir, want: content, stage: Unnamed}
		a.prepare()
		a.put.Resume = true
		c := New(platform.Native(), a.opts, uint32(os.Geteuid()))
		c.resumeMin = 1000
		w := c.NewWorker()
		to, err := w.Arrive(&a.put)
		if err != nil {
			t.Fatal(err)
		}
		return w, to, filepath.Join(dir, ResumeName(&a.put).String())
	}
	write := func(t *testing.T, to *Arrival, from, until int) {
		t.Helper()
		if err := to.WriteAt(content[from:until], int64(from)); err != nil {
			t.Fatal(err)
		}
		to.Outlive()
	}
	// killed is what the end of a process leaves.
	killed := func(to *Arrival) { to.calls.Close(to.s.fd) }
	is := func(t *testing.T, path string, want []byte) {
		t.Helper()
		if got, err := os.ReadFile(path); want != nil && !bytes.Equal(got, want) || want == nil && !os.IsNotExist(err) {
			t.Errorf("%s holds %d bytes, want %d (%v)", filepath.Base(path), len(got), len(want), err)
		}
	}
	for how, test := range map[string]func(t *testing.T, dir string){
		"the second ends early": func(t *testing.T, dir string) {
			w, first, left := begin(t, dir)
			write(t, first, 0, 50000)
			w2, second, _ := begin(t, dir)
			write(t, second, 0, 200000)
			w2.Abandon(second)
			is(t, left, content[:50000])
			write(t, first, 50000, 300000)
			if err := w.Complete(t.Context(), first, 300000, nil); err != nil {
				t.Fatal(err)
			}
			is(t, filepath.Join(dir, "f"), content)
			is(t, left, nil)
		},
		"killed twice": func(t *testing.T, dir string) {
			_, first, left := begin(t, dir)
			write(t, first, 0, 100000)
			killed(first)
			_, second, _ := begin(t, dir)
			write(t, second, 0, 100000)
			is(t, left, content[:100000])
			write(t, second, 100000, 100001)
			is(t, left, content[:100001])
			write(t, second, 100001, 200000)
			killed(second)
			is(t, left, content[:200000])
			w, third, _ := begin(t, dir)
			write(t, third, 0, 150000)
			w.Abandon(third)
			is(t, left, content[:200000])
		},
		"forged after all": func(t *testing.T, dir string) {
			w, first, left := begin(t, dir)
			write(t, first, 0, 100000)
			first.Spoil()
			is(t, left, nil)
			write(t, first, 100000, 200000)
			is(t, left, nil)
			w.Abandon(first)
			is(t, left, nil)
		},
		"something else has the name": func(t *testing.T, dir string) {
			w, first, left := begin(t, dir)
			if err := os.Mkdir(left, 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, first, 0, 300000)
			if err := w.Complete(t.Context(), first, 300000, nil); err != nil {
				t.Fatal(err)
			}
			is(t, filepath.Join(dir, "f"), content)
			if err := os.Remove(left); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			test(t, dir)
			entries, _ := os.ReadDir(dir)
			temps := 0
			for _, e := range entries {
				if strings.HasPrefix(e.Name(), tempPrefix) {
					temps++
				}
			}
			if most := map[string]int{"killed twice": 1}[how]; temps != most {
				t.Errorf("%d temporary names are left, want %d: %v", temps, most, entries)
			}
		})
	}
}
