//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// TestFaultSweep makes every kernel call of every scenario fail in every way, one at a
// time, and looks at what is left: at every final name the old or the new whole entry, no
// litter, no descriptor, an exit code that tells, a source as it was. A second run makes
// everything right after every failure, and after a sample of the copies that succeeded.
//
// All faults are made to happen on tmpfs; elsewhere, with the race detector and with
// -short it is a sample. ZCCP_TEST_SWEEP=full leaves nothing out.
func TestFaultSweep(t *testing.T) {
	var total faultCount
	manyRuns(t)
	platformtest.OpenDescriptors(t)
	for _, fsys := range copiertest.FileSystems(t) {
		t.Run(fsys.Name, func(t *testing.T) {
			eachScenario(t, fsys, &total, func(w *faultSweep) { w.sweep(faultStride(fsys.Name)) })
		})
	}
	t.Logf("%v", &total)
}

// eachScenario runs test for all of them, two at a time, and adds up what they count.
func eachScenario(t *testing.T, fsys copiertest.FileSystem, total *faultCount, test func(*faultSweep)) {
	var sweeps []*faultSweep
	for _, s := range faultScenarios() {
		sweeps = append(sweeps, newFaultSweep(t, s, fsys))
	}
	// What was written just before is copied in another way.
	time.Sleep(2100 * time.Millisecond)
	for _, w := range sweeps {
		t.Run(w.name, func(t *testing.T) {
			if w.descriptors == 0 {
				t.Parallel()
			}
			w.t = t
			w.record()
			test(w)
			total.add(&w.faultCount)
		})
	}
}

// manyRuns prepares the process for a test that copies thousands of times, two at a time. A
// run sets the umask to read it, which two would do to each other, so it is 0 all the time;
// and each allocates buffers that are garbage right after, which in a small heap would be
// collected all the time.
func manyRuns(t *testing.T) {
	umask, percent := syscall.Umask(0), debug.SetGCPercent(2000)
	t.Cleanup(func() {
		syscall.Umask(umask)
		debug.SetGCPercent(percent)
	})
}

// faultStride is how many faults are left out between two that are made to happen.
func faultStride(fsys string) int {
	switch {
	case os.Getenv("ZCCP_TEST_SWEEP") == "full":
		return 1
	case testing.Short() || underRaceDetector():
		return 97
	case fsys == "tmpfs" || fsys == "tempdir":
		return 1
	}
	return 61
}

func underRaceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			return true
		}
	}
	return false
}

// faultCount is what a sweep did.
type faultCount struct {
	mu                                                sync.Mutex
	injections, succeeded, believed, lost, violations int
}

func (c *faultCount) add(d *faultCount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.injections += d.injections
	c.succeeded += d.succeeded
	c.believed += d.believed
	c.lost += d.lost
	c.violations += d.violations
}

func (c *faultCount) String() string {
	return fmt.Sprintf("%d injections, %d violations; %d copies succeeded all the same, %d of them with a loss that was noted, %d believing what nobody could know better",
		c.injections, c.violations, c.succeeded, c.lost, c.believed)
}

// faultSweep is one scenario on one file system.
type faultSweep struct {
	faultScenario
	faultCount
	t         *testing.T
	box       string // where S and D are
	args      []string
	whole     map[string]item // by path below D
	before    map[string]item
	want      *copiertest.Tree
	untouched map[string]unix.Stat_t // the source
	compare   copiertest.CompareOptions
	sequence  []string // the calls of a run without faults
	shown     int
}

func newFaultSweep(t *testing.T, s faultScenario, fsys copiertest.FileSystem) *faultSweep {
	box, err := os.MkdirTemp(fsys.Dir, "fault")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { wipe(t, box) })
	src, dst := box+"/S", box+"/D"
	if err := os.Mkdir(src, 0o755); err != nil {
		t.Fatal(err)
	}
	s.to = strings.Replace(s.to, "S", strings.TrimPrefix(src, "/"), 1)
	w := &faultSweep{faultScenario: s, t: t, box: box, before: resolved(s.old)}
	for arg := range strings.FieldsSeq(s.line) {
		switch arg[0] {
		case 'S':
			arg = src + arg[1:]
		case 'D':
			arg = dst + arg[1:]
		}
		w.args = append(w.args, arg)
	}
	w.whole = w.final()
	makeItems(t, src, s.source, 1_000_000_000)
	w.reset()
	w.expect(fsys)
	return w
}

// stats returns what would tell that the source was changed.
func (w *faultSweep) stats() map[string]unix.Stat_t {
	found := map[string]unix.Stat_t{}
	for _, it := range w.source {
		var st unix.Stat_t
		if err := unix.Lstat(w.box+"/S/"+it.path, &st); err != nil {
			w.t.Fatal(err)
		}
		st.Atim = unix.Timespec{}
		found[it.path] = st
	}
	return found
}

// reset makes S and D what they are before a copy.
func (w *faultSweep) reset() {
	if w.young {
		for _, it := range w.source { // which sets the time of change and no other
			if err := unix.Chmod(w.box+"/S/"+it.path, it.mode&0o7777); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	w.untouched = w.stats()
	dst := w.box + "/D"
	wipe(w.t, dst)
	if err := os.Mkdir(dst, 0o755); err != nil {
		w.t.Fatal(err)
	}
	makeItems(w.t, dst, w.old, 1_500_000_000)
}

// expect scans what the copy is to be equal to.
func (w *faultSweep) expect(fsys copiertest.FileSystem) {
	scan := func(path string) *copiertest.Tree {
		tree, err := copiertest.Scan(path)
		if err != nil {
			w.t.Fatal(err)
		}
		return tree
	}
	old := new(copiertest.Tree)
	if w.keepsOld || w.merges {
		old = scan(w.box + "/D/" + w.to)
	}
	w.want = w.expected(scan(w.box+"/S/"+w.from), old)
	if fsys.Name == "tempdir" {
		w.compare.Ignore |= copiertest.Atime // reading it for the compare changed it
	}
	if w.keepsOld {
		w.compare.Ignore |= copiertest.Mtime | copiertest.Atime
	}
	w.compare.Skip = func(path string) bool {
		_, wanted := w.want.Entries[path]
		return !wanted || w.onto && path == "."
	}
}

// record makes the copy once without a fault, to know its calls.
func (w *faultSweep) record() {
	log := platformtest.Log{Text: true}
	w.reset()
	r := w.run(log.Wrap(w.table()))
	w.sequence = log.Calls()
	for _, v := range append(w.look(r, nil), w.unequal(r, nil)...) {
		w.t.Errorf("without any fault: %s", v)
	}
	if r.code != 0 || w.t.Failed() {
		w.t.Fatalf("exit code %d without any fault: %s", r.code, r.stderr)
	}
}

func (w *faultSweep) table() *platform.Calls {
	calls := platform.Native()
	if w.kernel != nil {
		w.kernel(calls)
	}
	return calls
}

// faultRun is how a copy ended.
type faultRun struct {
	code   int
	stderr string
	open   []string // the calls whose descriptors were left open
	calls  []string // all calls in order
}

// run makes the copy and gives up where it hangs.
func (w *faultSweep) run(calls *platform.Calls) faultRun {
	log := platformtest.Log{Text: true}
	e, _, stderr := testEnv(nil, append([]string{"zccp"}, w.args...)...)
	e.calls = log.Wrap(calls)
	if w.descriptors != 0 {
		defer limitDescriptors(w.t, w.descriptors)()
	}
	done := make(chan int)
	go func() { done <- run(e) }()
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	select {
	case code := <-done:
		return faultRun{code, stderr.String(), log.Open(), log.Calls()}
	case <-timeout.C:
		stacks := make([]byte, 1<<20)
		w.t.Fatalf("still running after a minute:\n%s", stacks[:runtime.Stack(stacks, true)])
		return faultRun{}
	}
}

// limitDescriptors sets the limit that a run sees and returns what takes it back.
func limitDescriptors(t *testing.T, n uint64) func() {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	low := syscall.Rlimit{Cur: n, Max: old.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
			t.Fatal(err)
		}
	}
}

// injection is a fault that happened.
type injection struct {
	kind  int
	n     int64
	call  string // "" if it didn't happen
	where string // the call as it was made without the fault
}

func (in injection) String() string {
	return fmt.Sprintf("call %d, %s, %s", in.n, in.where, faultKinds[in.kind].name)
}

// sweep makes every stride-th fault happen.
func (w *faultSweep) sweep(stride int) {
	turn := int(w.faultSeed()) % stride
	for n := int64(1); ; n++ {
		reached := false
		for kind := range faultKinds {
			if turn++; turn%stride != 0 {
				reached = reached || n <= int64(len(w.sequence))
				continue
			}
			reached = w.inject(kind, n) || reached
		}
		if !reached {
			break
		}
	}
	w.t.Logf("%d calls: %v", len(w.sequence), &w.faultCount)
}

// faultSeed lets every scenario begin its sample elsewhere.
func (w *faultSweep) faultSeed() (sum uint32) {
	for _, c := range []byte(w.name + w.box) {
		sum = sum*31 + uint32(c)
	}
	return sum
}

// inject makes one fault happen and looks at the consequences. It reports whether there
// were so many calls.
func (w *faultSweep) inject(kind int, n int64) bool {
	in := injection{kind: kind, n: n}
	fault := &faultKinds[kind].Fault
	if n <= int64(len(w.sequence)) {
		in.where = w.sequence[n-1]
		name, _, _ := strings.Cut(in.where, "(")
		if w.sequential() && !happens(fault, name) {
			return true
		}
	}
	w.reset()
	reached := false
	r := w.run(platformtest.Wrap(w.table(), func(call string, i int64) *platformtest.Fault {
		if i != n {
			return nil
		}
		reached = true
		if !happens(fault, call) {
			return nil
		}
		in.call = call
		return fault
	}))
	if in.call == "" {
		return reached
	}
	// Not every run makes the same calls: some hang on how old a source is.
	if in.where = in.call; w.sequential() && n <= int64(len(r.calls)) {
		in.where = r.calls[n-1]
	}
	w.injections++
	var found []string
	switch must := w.mustEnd(r, &in); {
	case must == failing && r.code == 0:
		found = append(found, "it succeeded")
	case must == succeeding && r.code != 0:
		found = append(found, "it failed")
	}
	w.judge(r, []injection{in}, found)
	return reached
}

// judge looks at what a run with faults left, and lets another one follow.
func (w *faultSweep) judge(r faultRun, hit []injection, found []string) {
	found = append(found, w.look(r, hit)...)
	if r.code == 0 {
		w.succeeded++
		found = append(found, w.unequal(r, hit)...)
	}
	if r.code != 0 || len(found) > 0 || w.injections%8 == 0 {
		for _, v := range w.again(hit) {
			found = append(found, "a second run: "+v)
		}
	}
	if len(found) == 0 {
		return
	}
	w.violations++
	if w.shown++; w.shown <= 20 {
		w.t.Errorf("%v: exit code %d\n\t%s\nstderr: %s", hit, r.code, strings.Join(found, "\n\t"), r.stderr)
	}
}

// sequential tells that the calls come in the same order every time.
func (w *faultSweep) sequential() bool { return strings.Contains(w.line, "-j1") }

// happens tells whether a fault can happen to a call. That close(2) was interrupted means
// nothing, and is kept from everybody.
func happens(fault *platformtest.Fault, call string) bool {
	if call == "Close" && fault.Errno == unix.EINTR {
		return false
	}
	return (!fault.Short || platformtest.CanBeShort(call)) && (!fault.Zero || platformtest.CanBeZero(call))
}
