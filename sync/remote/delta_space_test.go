//go:build linux

package remote

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/copier/copiertest"
)

// envDeltaSize names a variable with the size in MiB of the files that
// TestDeltaSpace sends, for a look at it on a larger scale.
const envDeltaSize = "ZCCP_TEST_DELTA_MIB"

// countedControl is a control channel that counts both directions.
type countedControl struct {
	io.ReadWriteCloser
	n *atomic.Int64
}

func (c countedControl) Read(b []byte) (int, error) {
	n, err := c.ReadWriteCloser.Read(b)
	c.n.Add(int64(n))
	return n, err
}

func (c countedControl) Write(b []byte) (int, error) {
	n, err := c.ReadWriteCloser.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// TestDeltaSpace: 1 % of the blocks of a file changed takes 2 % of it on the
// wire, and 3 % of new space where files can be cloned; a byte inserted in front
// takes 3 % on the wire.
func TestDeltaSpace(t *testing.T) {
	mib := 64
	if testing.Short() {
		mib = 16
	}
	if v, err := strconv.Atoi(os.Getenv(envDeltaSize)); err == nil {
		mib = v
	}
	size := int64(mib) << 20
	src := filepath.Join(t.TempDir(), "src")
	for _, fsys := range copiertest.Mount(t, copiertest.MountOptions{Size: 3*size + 1<<30, Names: []string{"xfs", "btrfs", "ext4"}}) {
		for _, c := range []struct {
			name string
			edit func(t *testing.T, old, src string)
			wire float64 // of the file's size
		}{{"changed", changeBlocks, 0.02}, {"inserted", insertByte, 0.03}} {
			t.Run(fsys.Name+" "+c.name, func(t *testing.T) {
				dir := filepath.Join(fsys.Dir, c.name)
				dst := filepath.Join(dir, "f")
				if err := os.Mkdir(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				defer os.RemoveAll(dir)
				writeNoise(t, dst, size)
				c.edit(t, dst, src)
				// So that nothing of it is given back.
				if err := os.Link(dst, dst+".old"); err != nil {
					t.Fatal(err)
				}
				syscall.Sync()
				before := used(t, dir)
				var streams, control atomic.Int64
				w := wires{streams: 2, wrap: func(s conn) conn { return counted{s, &streams} }}
				w.control = func(t *testing.T) (a, b io.ReadWriteCloser) {
					x, y := net.Pipe()
					return countedControl{x, &control}, y
				}
				opts := deltas()
				opts.Rules.IgnoreTimes = true
				start := time.Now()
				o := runPush(t.Context(), t, w, opts, dst, src)
				took := time.Since(start)
				if o.client != nil || o.serv != nil || len(o.rep.problems) > 0 {
					t.Fatalf("client: %v, server: %v, %v", o.client, o.serv, o.rep.problems)
				}
				syscall.Sync()
				wire := float64(streams.Load()+control.Load()) / float64(size)
				space := float64(used(t, dir)-before) / float64(size)
				t.Logf("%d MiB in %v: %.2f %% on the wire, %.2f %% new space", mib, took.Round(time.Millisecond), 100*wire, 100*space)
				if wire > c.wire {
					t.Errorf("%.2f %% on the wire", 100*wire)
				}
				if c.name == "changed" && fsys.Name != "ext4" && space > 0.03 {
					t.Errorf("%.2f %% of new space", 100*space)
				}
				same(t, dst, src)
			})
		}
	}
}

func writeNoise(t *testing.T, path string, size int64) {
	t.Helper()
	f, err := os.Create(path)
	if err == nil {
		_, err = io.CopyN(f, rand.NewChaCha8([32]byte{1}), size)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		t.Fatal(err)
	}
}

// changeBlocks makes src of old with 1 % of its blocks of 4 KiB changed.
func changeBlocks(t *testing.T, old, src string) {
	t.Helper()
	copyWith(t, old, src, nil)
	f, err := os.OpenFile(src, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, _ := f.Stat()
	rng := rand.New(rand.NewPCG(1, 2))
	blocks := st.Size() / 4096
	for range blocks / 100 {
		if _, err := f.WriteAt(content(4096, byte(rng.Uint32())), rng.Int64N(blocks)*4096); err != nil {
			t.Fatal(err)
		}
	}
}

func insertByte(t *testing.T, old, src string) { copyWith(t, old, src, []byte{7}) }

func copyWith(t *testing.T, old, src string, before []byte) {
	t.Helper()
	in, err := os.Open(old)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(src)
	if err == nil {
		_, err = out.Write(before)
	}
	if err == nil {
		_, err = io.Copy(out, in)
	}
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		t.Fatal(err)
	}
}

func used(t *testing.T, dir string) int64 {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	return int64(st.Blocks-st.Bfree) * st.Bsize
}

// same compares two files.
func same(t *testing.T, x, y string) {
	t.Helper()
	a, err1 := os.Open(x)
	b, err2 := os.Open(y)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	defer a.Close()
	defer b.Close()
	bufs := [2][]byte{make([]byte, 1<<20), make([]byte, 1<<20)}
	for {
		n, err1 := io.ReadFull(a, bufs[0])
		m, err2 := io.ReadFull(b, bufs[1])
		if n != m || string(bufs[0][:n]) != string(bufs[1][:m]) {
			t.Fatal("the files differ")
		}
		if err1 != nil || err2 != nil {
			return
		}
	}
}
