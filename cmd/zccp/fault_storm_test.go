//go:build linux

package main

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform/platformtest"
)

// TestFaultStorm makes calls fail at random, several in a run: also those that are made
// only because another one failed.
func TestFaultStorm(t *testing.T) {
	storms := 100
	if testing.Short() || underRaceDetector() {
		storms = 4
	}
	seed := copiertest.Seed(t)
	manyRuns(t)
	platformtest.OpenDescriptors(t)
	var total faultCount
	fsys := copiertest.Mount(t, copiertest.MountOptions{Names: []string{"tmpfs"}})[0]
	t.Run(fsys.Name, func(t *testing.T) {
		eachScenario(t, fsys, &total, func(w *faultSweep) {
			for i := range storms {
				w.storm(rand.New(rand.NewPCG(seed, uint64(i))))
			}
			w.t.Logf("%v", &w.faultCount)
		})
	})
	t.Logf("%v", &total)
}

// storm is one run in which some calls fail.
func (w *faultSweep) storm(rng *rand.Rand) {
	var mu sync.Mutex
	var hit []injection
	odds := max(2, min(40, len(w.sequence)/3))
	w.reset()
	r := w.run(platformtest.Wrap(w.table(), func(call string, n int64) *platformtest.Fault {
		mu.Lock()
		defer mu.Unlock()
		kind := rng.IntN(len(faultKinds))
		fault := &faultKinds[kind].Fault
		if rng.IntN(odds) != 0 || !happens(fault, call) || w.tears(fault) {
			return nil
		}
		hit = append(hit, injection{kind: kind, n: n, call: call, where: call})
		return fault
	}))
	if len(hit) > 0 {
		w.injections += len(hit)
		w.judge(r, hit, nil)
	}
}

// tears tells whether after such a fault an old file may be written in place, so that
// another fault may leave a part of it: where its directory takes no new names, or a new
// file can't be given what the old one had.
func (w *faultSweep) tears(fault *platformtest.Fault) bool {
	return len(w.old) > 0 && slices.Contains([]unix.Errno{unix.EPERM, unix.EINVAL, unix.EOPNOTSUPP}, fault.Errno)
}
