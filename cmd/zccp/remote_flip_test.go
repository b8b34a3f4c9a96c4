//go:build linux

package main_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestRemoteFlip changes single bits of what goes between a client and a daemon, on plain
// streams and on the control channel: no file is published that differs from its source, and a
// run that says it succeeded did. ZCCP_TEST_FLIPS is how often; 60 without it.
func TestRemoteFlip(t *testing.T) {
	flips := countFrom(t, "ZCCP_TEST_FLIPS", 60)
	binary := buildBinary(t)
	seed := copiertest.Seed(t)
	keys := newDaemonKeys(t, binary)
	t.Run("workers", func(t *testing.T) {
		const workers = 2
		for worker := range workers {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(seed, uint64(worker)))
				// In memory: most of the time is the program's.
				dir, err := os.MkdirTemp("/dev/shm", "zccp-flip-")
				must(t, err)
				t.Cleanup(func() { os.RemoveAll(dir) })
				f := remoteFlip{t: t, rng: rng, dir: dir, binary: binary, options: append(slices.Clone(keys.options), "--security=plain")}
				f.make()
				d := startDaemon(t, binary, keys, daemonOptions{root: dir, plain: true})
				f.proxy = startProxy(t, &proxy{to: d.port})
				f.url, f.pin = d.urlAt(f.proxy.port()), d.pin
				for _, pull := range []bool{false, true} {
					if code := f.run(pull, nil); code != 0 {
						t.Fatalf("without a flip: exit code %d: %s", code, f.stderr)
					}
					f.totals[pull] = f.proxy.total()
				}
				t.Logf("bytes in each direction: %v", f.totals)
				codes := map[int]int{}
				for n := worker; n < flips && !t.Failed(); n += workers {
					codes[f.flip(n/workers%2 == 1)]++
				}
				t.Logf("exit codes and how often: %v", codes)
			})
		}
	})
}

type remoteFlip struct {
	t       *testing.T
	rng     *rand.Rand
	dir     string
	binary  string
	options []string
	url     string
	pin     string
	proxy   *proxy
	totals  map[bool][2]int64
	stderr  string
	src     *copiertest.Tree
}

// make makes a source with files that go in batches and files that go in ranges.
func (f *remoteFlip) make() {
	f.totals = map[bool][2]int64{}
	must(f.t, os.MkdirAll(filepath.Join(f.dir, "src/sub"), 0o755))
	must(f.t, os.Mkdir(filepath.Join(f.dir, "dst"), 0o755))
	for name, size := range map[string]int{"one": 10, "sub/two": 3000, "three": 20_000, "big": 70_000, "sub/bigger": 300_000, "empty": 0} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(f.rng.Uint32())
		}
		must(f.t, os.WriteFile(filepath.Join(f.dir, "src", name), data, 0o644))
	}
	f.src = scan(f.t, filepath.Join(f.dir, "src"))
}

// run runs once over a line that meddles.
func (f *remoteFlip) run(pull bool, meddle func(direction int, offset int64, b []byte) (int, bool)) (code int) {
	f.t.Helper()
	dst := filepath.Join(f.dir, "dst")
	must(f.t, os.RemoveAll(dst))
	must(f.t, os.Mkdir(dst, 0o755))
	f.proxy.renew(meddle)
	operands := []string{filepath.Join(f.dir, "src") + "/", f.url + "dst/?pin=" + f.pin}
	if pull {
		operands = []string{f.url + "src/?pin=" + f.pin, dst + "/"}
	}
	e := command{args: slices.Concat([]string{f.binary, "sync", "-a", "--timeout=5"}, f.options, operands), dir: f.dir}.run(f.t)
	f.stderr = e.stderr
	return e.code
}

// flip changes one bit and judges what is there then.
func (f *remoteFlip) flip(pull bool) (code int) {
	f.t.Helper()
	direction := f.rng.IntN(2)
	at, bit := f.rng.Int64N(f.totals[pull][direction]), byte(1)<<f.rng.IntN(8)
	hit := false
	code = f.run(pull, func(d int, offset int64, b []byte) (int, bool) {
		if i := at - offset; d == direction && i >= 0 && i < int64(len(b)) {
			b[i] ^= bit
			hit = true
		}
		return len(b), true
	})
	about := fmt.Sprintf("pull %v, bit %#x of byte %d of %d in direction %d, hit %v", pull, bit, at, f.totals[pull][direction], direction, hit)
	dst := scan(f.t, filepath.Join(f.dir, "dst"))
	if code == 0 {
		report(f.t, about, copiertest.Compare(f.src, dst, copiertest.CompareOptions{Ignore: copiertest.Atime}))
		return code
	}
	for name, e := range dst.Entries {
		if s, ok := f.src.Entries[name]; !isTemporary(name) && (!ok || !asWhole(s, e)) {
			f.t.Errorf("%s: exit code %d, and %q is there, unlike its source", about, code, name)
		}
	}
	return code
}
