//go:build linux

package copier

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
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
