//go:build linux

package copier

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// TestSharingFaults makes each call that sharing adds fail, one after the
// other: the files are copied all the same, except where the destination says
// that it is broken or full.
func TestSharingFaults(t *testing.T) {
	platformtest.OpenDescriptors(t)
	sharePairs(t, func(t *testing.T, src, dst string) {
		a, b := filepath.Join(src, "a"), filepath.Join(src, "b")
		writeFile(t, a, noise(512<<10))
		cloneFile(t, b, a)
		for off := int64(40 << 10); off < 512<<10; off += 100 << 10 {
			overwrite(t, b, off, []byte("changed"))
		}
		settled()
		for _, call := range []string{"Extents", "ExtentSpace", "Dup", "CloneRange"} {
			for _, errno := range []syscall.Errno{unix.EIO, unix.EINVAL, unix.EOPNOTSUPP, unix.ENOTTY, unix.ENOMEM, unix.EXDEV, unix.EPERM, unix.ENOSPC, unix.EINTR} {
				fatal := call == "CloneRange" && (errno == unix.EIO || errno == unix.ENOMEM || errno == unix.ENOSPC)
				for nth := 1; ; nth++ {
					var seen, failed atomic.Int64
					calls := platformtest.Wrap(platform.Native(), func(name string, _ int64) *platformtest.Fault {
						if name != call || seen.Add(1) != int64(nth) {
							return nil
						}
						failed.Add(1)
						return &platformtest.Fault{Errno: errno}
					})
					s := newShareCopy(t, calls, src, dst)
					w := s.c.NewWorker()
					for _, name := range []string{"a", "b"} {
						if _, _, err := s.put(w, name); err == nil {
							s.same(name)
						} else if _, missing := os.Lstat(filepath.Join(dst, name)); !fatal || !errors.Is(err, errno) || missing == nil {
							t.Errorf("%s %d: %v: %s: %v (%v)", call, nth, errno, name, err, missing)
						}
						os.Remove(filepath.Join(dst, name))
					}
					s.c.Close()
					if failed.Load() == 0 {
						if nth == 1 {
							t.Errorf("no call of %s", call)
						}
						break
					}
				}
			}
		}
	})
}

// TestSharingChanging copies files while somebody writes into them, cuts them
// and clones them anew: what was published is what the source was at the time
// that its state was taken.
func TestSharingChanging(t *testing.T) {
	rounds := 300
	if short() {
		rounds = 30
	}
	sharePairs(t, func(t *testing.T, src, dst string) {
		const files, size = 6, 512 << 10
		var shared, compared, changed atomic.Int64
		for round := range rounds / 4 {
			changeRound(t, src, dst, uint64(round), files, size, &shared, &compared, &changed)
		}
		t.Logf("%d files published while they kept still, %d shared, %d changed meanwhile", compared.Load(), shared.Load(), changed.Load())
		if shared.Load() == 0 || compared.Load() < int64(rounds)/4 {
			t.Error("nothing was found out")
		}
	})
}

func changeRound(t *testing.T, src, dst string, seed uint64, files, size int, shared, compared, changed *atomic.Int64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 9))
	name := func(i int) string { return filepath.Join(src, fmt.Sprint(i)) }
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	writeFile(t, name(0), random(size))
	for i := 1; i < files; i++ {
		cloneFile(t, name(i), name(rng.IntN(i)))
		for range rng.IntN(4) {
			overwrite(t, name(i), rng.Int64N(int64(size)-9000), random(1+rng.IntN(9000)))
		}
	}
	if seed%2 == 0 {
		unix.Sync() // else much of it is in memory only
	}
	settled()
	s := newShareCopy(t, platform.Native(), src, dst)
	// Every change is made under the lock, under which copies are compared.
	var mu sync.Mutex
	stop := make(chan struct{})
	var wg, writer sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			mu.Lock()
			i := rng.IntN(files)
			switch path := name(i); rng.IntN(12) {
			case 0:
				cloneFile(t, path, name((i+1)%files))
			case 1:
				if err := os.Truncate(path, int64(size)-rng.Int64N(100000)); err != nil {
					t.Error(err)
				}
			default:
				overwrite(t, path, rng.Int64N(int64(size)-200000), random(1+rng.IntN(20000)))
			}
			mu.Unlock()
			for range rng.IntN(4) {
				unix.Nanosleep(&unix.Timespec{Nsec: 200_000}, nil)
			}
		}
	})
	for k := range 2 {
		wg.Go(func() {
			w := s.c.NewWorker()
			for i := k; i < files; i += 2 {
				res, st, err := s.put(w, fmt.Sprint(i))
				if errors.Is(err, ErrChanged) {
					changed.Add(1)
					continue
				}
				if err != nil {
					t.Error(err)
					continue
				}
				if res.Cloned > 0 {
					shared.Add(1)
				}
				mu.Lock()
				var now platform.Stat
				if err := platform.Native().Statat(platform.CWD, platform.MustName(name(i)), &now, false); err != nil {
					t.Error(err)
				}
				if now.Unchanged(&st) {
					compared.Add(1)
					want, _ := os.ReadFile(name(i))
					got, _ := os.ReadFile(filepath.Join(dst, fmt.Sprint(i)))
					if !bytes.Equal(want, got) {
						t.Errorf("round %d: file %d: %d bytes, want %d: other content (%+v)", seed, i, len(got), len(want), res)
					}
				} else {
					changed.Add(1)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	close(stop)
	writer.Wait()
	s.c.Close()
	for i := range files {
		os.Remove(filepath.Join(dst, fmt.Sprint(i)))
		os.Remove(name(i))
	}
}
