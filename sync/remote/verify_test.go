package remote

import (
	"path/filepath"
	"testing"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

// TestVerify: files of all sizes are read back and compared, and what was stored
// otherwise fails.
func TestVerify(t *testing.T) {
	for _, hash := range []copier.Hash{copier.XXH3, copier.BLAKE3} {
		for _, c := range []wires{{}, {streams: 2, kernel: true}, {streams: 2, plain: true}} {
			for _, lies := range []bool{false, true} {
				dir := t.TempDir()
				src := makeTree(t, filepath.Join(dir, "src"), 1)
				opts := archive()
				opts.HardLinks, opts.Copier.Verify = true, hash
				c.words = []string{map[copier.Hash]string{copier.XXH3: "--verify=xxh3", copier.BLAKE3: "--verify=blake3"}[hash]}
				c.farCalls = platform.Native()
				pwrite := c.farCalls.Pwrite
				c.farCalls.Pwrite = func(fd platform.FD, b []byte, off int64) (int, error) {
					if lies && (len(b) == 100 || len(b) == 4096) { // the latter has two names
						b = make([]byte, len(b))
					}
					return pwrite(fd, b, off)
				}
				o := runPush(t.Context(), t, c, opts, filepath.Join(dir, "dst"), src+"/")
				if o.client != nil || o.serv != nil {
					t.Fatal(o.client, o.serv)
				}
				if lies {
					if len(o.rep.problems) == 0 {
						t.Error("nobody noticed what was stored")
					}
					continue
				}
				if len(o.rep.problems) > 0 {
					t.Error(o.rep.problems)
				}
				if got, want := snapshot(t, filepath.Join(dir, "dst")), snapshot(t, src); got != want {
					t.Error(difference(got, want))
				}
			}
		}
	}
}
