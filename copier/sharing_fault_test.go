//go:build linux

package copier

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/zeebo/xxh3"
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
// and clones them anew: what was published is what a source held at some time
// while it was copied.
func TestSharingChanging(t *testing.T) {
	rounds := 120
	if short() {
		rounds = 40
	}
	sharePairs(t, func(t *testing.T, src, dst string) {
		var shared, changed int
		for round := range rounds / 4 {
			r := changeRound{src: src, dst: dst, rng: rand.New(rand.NewPCG(uint64(round), 9))}
			r.prepare(t, round%2 == 0)
			r.run(t)
			shared, changed = shared+int(r.shared.Load()), changed+int(r.changed.Load())
		}
		t.Logf("%d files shared, %d changed meanwhile", shared, changed)
		if shared < rounds/4 || changed == 0 {
			t.Error("too little was tried")
		}
	})
}

// changeRound is one copy of files that change. Every change is made under the
// lock and adds the content that the file has then.
type changeRound struct {
	src, dst        string
	rng             *rand.Rand
	shared, changed atomic.Int64

	mu       sync.Mutex
	versions [changeFiles][]xxh3.Uint128
}

const (
	changeFiles = 6
	changeSize  = 512 << 10
)

func (r *changeRound) name(i int) string { return filepath.Join(r.src, fmt.Sprint(i)) }

func (r *changeRound) random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.rng.Uint32())
	}
	return b
}

func (r *changeRound) note(t *testing.T, i int) {
	data, err := os.ReadFile(r.name(i))
	if err != nil {
		t.Error(err)
	}
	r.versions[i] = append(r.versions[i], xxh3.Hash128(data))
}

func (r *changeRound) prepare(t *testing.T, flush bool) {
	writeFile(t, r.name(0), r.random(changeSize))
	for i := 1; i < changeFiles; i++ {
		cloneFile(t, r.name(i), r.name(r.rng.IntN(i)))
		for range r.rng.IntN(4) {
			overwrite(t, r.name(i), r.rng.Int64N(changeSize-9000), r.random(1+r.rng.IntN(9000)))
		}
	}
	for i := range changeFiles {
		r.note(t, i)
	}
	if flush {
		unix.Sync() // else much of it is in memory only
	}
	settled()
}

// cloneOver makes a file a clone of another without emptying it before, which
// would be one state more. A part of a block can't end in the middle of a file.
func cloneOver(t *testing.T, dst, src string) {
	a, errA := os.Open(src)
	b, errB := os.OpenFile(dst, os.O_WRONLY, 0)
	if err := errors.Join(errA, errB); err != nil {
		t.Error(err)
		return
	}
	if err := unix.IoctlFileClone(int(b.Fd()), int(a.Fd())); err != nil && err != unix.EINVAL {
		t.Error(err)
	}
	a.Close()
	b.Close()
}

func (r *changeRound) change(t *testing.T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.rng.IntN(changeFiles)
	switch path := r.name(i); r.rng.IntN(12) {
	case 0:
		cloneOver(t, path, r.name((i+1)%changeFiles))
	case 1:
		if err := os.Truncate(path, changeSize-r.rng.Int64N(100000)); err != nil {
			t.Error(err)
		}
	default:
		overwrite(t, path, r.rng.Int64N(changeSize-200000), r.random(1+r.rng.IntN(20000)))
	}
	r.note(t, i)
}

func (r *changeRound) run(t *testing.T) {
	t.Helper()
	s := newShareCopy(t, platform.Native(), r.src, r.dst)
	stop := make(chan struct{})
	var copies, writer sync.WaitGroup
	pauses := r.rng.IntN(8)
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				r.change(t)
				unix.Nanosleep(&unix.Timespec{Nsec: int64(pauses) * 100_000}, nil)
			}
		}
	})
	for k := range 2 {
		copies.Go(func() {
			w := s.c.NewWorker()
			for i := k; i < changeFiles; i += 2 {
				r.copy(t, s, w, i)
			}
		})
	}
	copies.Wait()
	close(stop)
	writer.Wait()
	s.c.Close()
	for i := range changeFiles {
		os.Remove(filepath.Join(r.dst, fmt.Sprint(i)))
		os.Remove(r.name(i))
	}
}

// copy copies a file and looks for its content among those that the source had
// meanwhile.
func (r *changeRound) copy(t *testing.T, s *shareCopy, w *Worker, i int) {
	current := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.versions[i]) - 1
	}
	from := current()
	res, _, err := s.put(w, fmt.Sprint(i))
	to := current()
	if to > from {
		r.changed.Add(1)
	}
	if errors.Is(err, ErrChanged) {
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	if res.Cloned > 0 {
		r.shared.Add(1)
	}
	got, err := os.ReadFile(filepath.Join(r.dst, fmt.Sprint(i)))
	if err != nil {
		t.Error(err)
	}
	sum := xxh3.Hash128(got)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.versions[i][from:to+1], sum) {
		t.Errorf("file %d holds %d bytes that its source never did, of %d states (%+v)", i, len(got), to-from+1, res)
	}
}
