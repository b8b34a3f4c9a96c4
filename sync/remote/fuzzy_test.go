package remote

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// TestFuzzy: of a new file only what differs from a similar one goes over the wire;
// whatever becomes of that one meanwhile, the file is what it is at the source.
func TestFuzzy(t *testing.T) {
	old := content(resemblingSize, 1)
	then := time.Unix(1_500_000_000, 123)
	for _, c := range []struct {
		name, file string
		content    []byte
		opts       func(*mirror.Options)
		meddle     func(dst string) error
		whole      bool // is sent
	}{
		{name: "next version", file: "app-1.1.tar", content: edits()["some"](old)},
		{name: "rotated", file: "app-1.0.tar.1", content: edits()["appended"](old)},
		{name: "renamed", file: "nothing like it", content: old},
		{name: "not asked for", file: "app-1.1.tar", content: old, opts: func(o *mirror.Options) { o.Fuzzy = false }, whole: true},
		{name: "another suffix", file: "app-1.0.txt", content: content(resemblingSize, 7), whole: true},
		{name: "deleted", file: "app-1.1.tar", content: old, opts: func(o *mirror.Options) { o.Delete, o.AllowMassDelete = mirror.DeleteDuring, true }},
		{name: "gone", file: "app-1.1.tar", content: old, whole: true, meddle: func(dst string) error { return os.Remove(filepath.Join(dst, "app-1.0.tar")) }},
		{name: "another one", file: "app-1.1.tar", content: old, whole: true, meddle: func(dst string) error {
			other := filepath.Join(dst, "other")
			return errors.Join(os.WriteFile(other, content(resemblingSize, 9), 0o644), os.Rename(other, filepath.Join(dst, "app-1.0.tar")))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
			file := filepath.Join(src, c.file)
			for path, b := range map[string][]byte{
				file: c.content, filepath.Join(dst, "app-1.0.tar"): old, filepath.Join(dst, "app-1.0.log"): content(resemblingSize+2, 2),
				filepath.Join(dst, "app-1.1.tax"): []byte("small"), filepath.Join(dst, "library.so"): content(resemblingSize+3, 3),
			} {
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, b, 0o644), os.Chtimes(path, then, then)); err != nil {
					t.Fatal(err)
				}
			}
			if c.name != "renamed" {
				os.Chtimes(file, then, then.Add(time.Hour))
			}
			opts := deltas()
			opts.Fuzzy = true
			if c.opts != nil {
				c.opts(&opts)
			}
			var n atomic.Int64
			w := wires{streams: 2, wrap: func(s conn) conn { return counted{s, &n} }}
			serving := func(job *wire.Job, rep mirror.Reporter) (*served, error) {
				v, err := w.far(opts)(job, rep)
				start := v.start
				v.start = func(ctx context.Context, root *wire.Root, dst string, peer mirror.Peer) (engine, error) {
					e, err := start(ctx, root, dst, peer)
					return &meddling{engine: e, change: func() {
						if c.meddle == nil {
							return
						}
						if err := c.meddle(dst); err != nil {
							t.Error(err)
						}
					}}, err
				}
				return v, err
			}
			a, b := w.connect(t, true)
			done := make(chan error, 1)
			go func() { done <- serve(context.Background(), b, testTiming(), serving) }()
			rep := &told{}
			m := mirror.New(platform.Native(), opts, rep)
			job := &wire.Job{Push: true, Dest: []byte(dst)}
			_, err := push(t.Context(), met(a), testTiming(), m, m.Calls(), m.Copier(), m.Counters(), job, []string{src + "/"}, rep)
			if far := <-done; err != nil || far != nil || len(rep.problems) > 0 {
				t.Fatalf("client: %v, server: %v, %v", err, far, rep.problems)
			}
			if got, err := os.ReadFile(filepath.Join(dst, c.file)); err != nil || !bytes.Equal(got, c.content) {
				t.Errorf("the file has %d bytes (%v)", len(got), err)
			}
			if whole := n.Load() > resemblingSize/2; whole != c.whole && c.name != "deleted" {
				t.Errorf("%d bytes were sent of %d", n.Load(), len(c.content))
			}
		})
	}
}
