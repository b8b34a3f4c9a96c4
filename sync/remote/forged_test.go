package remote

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// TestForgedPartial: what came on a stream that is not protected is not kept of
// a file that is not whole, since nobody knows yet whose it is.
func TestForgedPartial(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	os.Mkdir(src, 0o755)
	if err := os.WriteFile(filepath.Join(src, "f"), make([]byte, 3<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	opts := archive()
	opts.Partial = true
	for _, kernel := range []bool{false, true} {
		off := &atomic.Int64{}
		c := wires{streams: 1, plain: true, kernel: kernel, wrap: func(s conn) conn { return flipper{s, 1 << 20, 0, off} }}
		o := runPush(context.Background(), t, c, opts, dst, src+"/")
		if o.serv == nil {
			t.Error("an altered file was taken")
		}
		if b, err := os.ReadFile(filepath.Join(dst, "f")); err == nil {
			t.Errorf("%d bytes of it are kept", len(b))
		}
		os.RemoveAll(dst)
	}
}
