package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
)

// TestFlips alters one bit of a stream that is not protected, in a session each: no file
// stands at the destination that differs from its source, and the session whose bit arrived
// has failed by it. ZCCP_TEST_FRAME_FLIPS is how often; 200 without it.
func TestFlips(t *testing.T) {
	flips := 200
	if n, err := strconv.Atoi(os.Getenv("ZCCP_TEST_FRAME_FLIPS")); err == nil {
		flips = n
	}
	const workers = 16 // a session waits more than it works
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("/dev/shm", "zccp-flips-")
			if err != nil {
				dir = t.TempDir()
			}
			defer os.RemoveAll(dir)
			f := newFlips(t, dir, rand.New(rand.NewPCG(uint64(flips), uint64(worker))))
			codes := map[int]int{}
			for n := worker; n < flips && !t.Failed(); n += workers {
				codes[f.flip(t)]++
			}
			t.Logf("%d bytes go; codes and how often: %v", f.total, codes)
			if codes[CodeSecurity] == 0 {
				t.Error("no sum has refused anything")
			}
		})
	}
}

// flips is a source of which some files go in batches and some in ranges.
type flips struct {
	dir   string
	rng   *rand.Rand
	files map[string][]byte
	total int64 // bytes of a session
}

func newFlips(t *testing.T, dir string, rng *rand.Rand) *flips {
	f := &flips{dir: dir, rng: rng, files: map[string][]byte{}}
	if err := os.Mkdir(filepath.Join(dir, "src"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"one": 10, "two": 300, "three": 2000, "empty": 0, "big": smallFile + 100} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		if err := os.WriteFile(filepath.Join(dir, "src", name), data, 0o644); err != nil {
			t.Fatal(err)
		}
		f.files[name] = data
	}
	code, seen := f.run(t, -1, 0)
	if code != 0 || len(f.there(t)) != len(f.files) {
		t.Fatalf("without a flip: code %d, %v", code, slices.Collect(maps.Keys(f.there(t))))
	}
	f.total = seen
	return f
}

// run pushes the source to an empty destination, with one bit altered if at is a byte of the
// stream, and returns the receiver's code and how many bytes it read.
func (f *flips) run(t *testing.T, at int64, bit byte) (code int, seen int64) {
	if err := os.RemoveAll(f.dst()); err != nil {
		t.Fatal(err)
	}
	off := &atomic.Int64{}
	c := wires{streams: 1, plain: true, kernel: f.rng.IntN(2) == 0, wrap: func(s conn) conn { return flipper{s, at, bit, off} }}
	o := runPush(context.Background(), t, c, archive(), f.dst(), filepath.Join(f.dir, "src")+"/")
	var e *Error
	if errors.As(o.serv, &e) {
		code = e.Code
	} else if o.serv != nil {
		code = -1
	}
	return code, off.Load()
}

func (f *flips) dst() string { return filepath.Join(f.dir, "dst") }

// there returns the files of the destination.
func (f *flips) there(t *testing.T) map[string][]byte {
	found := map[string][]byte{}
	entries, err := os.ReadDir(f.dst())
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if found[e.Name()], err = os.ReadFile(filepath.Join(f.dst(), e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func (f *flips) flip(t *testing.T) int {
	at, bit := f.rng.Int64N(f.total), byte(f.rng.IntN(8))
	if f.rng.IntN(2) == 0 {
		at = f.rng.Int64N(min(f.total, 3000)) // headers and the batch, which are few of the bytes
	}
	code, seen := f.run(t, at, bit)
	there := f.there(t)
	for name, data := range there {
		if want, ok := f.files[name]; !ok || !bytes.Equal(data, want) {
			t.Errorf("bit %d of byte %d: %q stands at the destination, %d bytes", bit, at, name, len(data))
		}
	}
	// The frame that ends a stream may come when the session is over.
	const lastFrame = 32
	done := code == 0 && len(there) == len(f.files) && at >= f.total-lastFrame
	if seen > at && !done && code != CodeSecurity && code != CodeProtocol {
		t.Errorf("bit %d of byte %d: code %d", bit, at, code)
	}
	return code
}
