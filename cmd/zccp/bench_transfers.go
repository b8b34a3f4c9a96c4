package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

// transferCase is one method to one target: what a line of the report is of.
type transferCase struct {
	target  string // toNull or toFile
	method  copier.Method
	refused string // why there are no samples

	worker *copier.Worker
	tally  *callTally
	// Of sockets only: the other end. It takes the way it likes best, which is
	// the same for every method.
	receiver      *copier.Worker
	receiverTally *callTally

	samples []transferSample
}

// transferSample is one timed transfer.
type transferSample struct {
	wall     time.Duration
	usage    platform.Usage // of the process, of sockets of the sender's thread
	calls    callCounts
	receiver *transferEnd // of sockets only
	// What the page cache holds of the files afterwards, in bytes; -1 if that
	// can't be told, or there is no such file.
	srcCached, dstCached int64
}

// transferEnd is the receiving end of a transfer through a socket.
type transferEnd struct {
	method string // that stored the last byte
	usage  platform.Usage
	calls  callCounts
}

// transferCourse is the rounds of one bench of methods.
type transferCourse struct {
	cfg   *transferConfig
	calls *platform.Calls // not counted
	load  *fileLoad
	dst   string // name of the copy while there is one
	dir2  string
	say   func(format string, a ...any)
	steal float64 // see course
}

// transferBench measures what cfg says and prints the result. It leaves nothing
// behind but, with cfg.Keep, the source.
func transferBench(ctx context.Context, e *env, cfg *transferConfig) (err error) {
	if _, err := platform.ThreadUsage(); err != nil {
		return fmt.Errorf("here nothing tells what a transfer used: %w", err)
	}
	page, err := newBenchPage(cfg.HTML)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, page.discard()) }()
	c := &transferCourse{cfg: cfg, calls: e.calls, say: func(format string, a ...any) { e.errorf("bench: "+format, a...) }}
	if c.calls == nil {
		c.calls = platform.Native()
	}
	c.calls = platform.Restarting(c.calls)
	report, err := newTransferReport(cfg, e.args)
	if err != nil {
		return err
	}
	if cfg.Cold && report.Source.FileSystem == "tmpfs" {
		return errColdMemory
	}
	place, err := openBenchPlace(report.Source.Directory)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.close()) }()
	place2 := place
	if !sameFile(cfg.Dir, cfg.Dir2) {
		place2, err = openBenchPlace(report.Destination.Directory)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, place2.close()) }()
	}
	c.load, c.dst, c.dir2 = place.file(cfg.Size), filepath.Join(place2.runs, "dst"), place2.runs
	defer func() { err = errors.Join(err, place.drop(c.load, cfg.Keep)) }()
	if err := place.ensure(ctx, c.load, c.say); err != nil {
		return err
	}
	cases := c.cases()
	if err := c.run(ctx, cases); err != nil {
		return err
	}
	report.add(cases, c.steal)
	if err := page.publish(report.page()); err != nil {
		return err
	}
	if cfg.JSON {
		return writeBenchJSON(e.stdout, report)
	}
	return report.writeText(e.stdout)
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// cases are the methods to each target, with the workers that they keep, so
// that buffers are made in the warm-up only.
func (c *transferCourse) cases() []*transferCase {
	var all []*transferCase
	worker := func(methods []copier.Method) (*copier.Worker, *callTally) {
		t := &callTally{}
		opts := copier.Options{Methods: methods, Cache: copier.CacheKeep}
		return copier.New(counted(c.calls, t), opts, platform.EffectiveUID()).NewWorker(), t
	}
	for _, target := range c.cfg.Targets {
		for _, m := range c.cfg.Methods {
			one := &transferCase{target: target, method: m}
			one.worker, one.tally = worker([]copier.Method{m})
			if c.cfg.Kind == benchSend {
				one.receiver, one.receiverTally = worker(nil)
			}
			all = append(all, one)
		}
	}
	return all
}

// run makes the rounds, paired as those of course are. A case that refuses in
// the round to warm up is left out of the others.
func (c *transferCourse) run(ctx context.Context, cases []*transferCase) error {
	// Two threads that are held and others that block in calls must not wait
	// for a processor of the scheduler.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 4))
	total, stolen, known := processorTime()
	left := cases
	for round := 0; round <= c.cfg.Transfers && len(left) > 0; round++ {
		var able []*transferCase
		for i := range left {
			one := left[(round+i)%len(left)]
			s, err := c.once(ctx, one, round == 0)
			var refused *copier.MethodError
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil && round == 0 && errors.As(err, &refused):
				one.refused = refused.Error()
				if len(refused.Refused) == 1 { // the text of one names the method again
					one.refused = platform.Message(refused.Refused[0].Err)
				}
				continue
			case err != nil:
				return fmt.Errorf("%s to %s: %w", one.method, one.target, err)
			case round > 0:
				one.samples = append(one.samples, s)
			}
			able = append(able, one)
		}
		if round == 0 {
			c.say("%d of %d made a whole copy; timing %d rounds", len(able), len(left), c.cfg.Transfers)
			left = able
		}
	}
	c.steal = -1
	if after, stolenAfter, ok := processorTime(); ok && known && after > total {
		c.steal = 100 * (stolenAfter - stolen) / (after - total)
	}
	return nil
}

// once makes one transfer, and with check looks whether all arrived.
func (c *transferCourse) once(ctx context.Context, one *transferCase, check bool) (s transferSample, err error) {
	src, err := os.Open(c.load.src)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if err := c.settle(ctx, src); err != nil {
		return s, err
	}
	var dst *os.File
	if one.target == toFile {
		dst, err = os.OpenFile(c.dst, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return s, err
		}
		// Removed at once: what is dirty then needs never be written.
		defer func() { err = errors.Join(err, dst.Close(), os.Remove(c.dst)) }()
	}
	one.tally.take()
	// A collection would count for the transfer.
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	if c.cfg.Kind == benchSend {
		s, err = c.send(ctx, one, dst, src, check)
	} else {
		s, err = c.copy(ctx, one, dst, src)
	}
	if err != nil {
		return s, err
	}
	s.srcCached, s.dstCached = c.cached(src), c.cached(dst)
	if check && dst != nil {
		if _, err := src.Seek(0, io.SeekStart); err != nil {
			return s, err
		}
		if _, err := dst.Seek(0, io.SeekStart); err != nil {
			return s, err
		}
		if err := sameBytes(src, dst); err != nil {
			return s, fmt.Errorf("the copy is not whole: %w", err)
		}
	}
	return s, nil
}

// copy is a transfer from file to file.
func (c *transferCourse) copy(ctx context.Context, one *transferCase, dst, src *os.File) (s transferSample, err error) {
	var srcStat, dstStat platform.Stat
	if err := errors.Join(c.calls.Fstat(fdOf(src), &srcStat), c.calls.Fstat(fdOf(dst), &dstStat)); err != nil {
		return s, err
	}
	var res copier.Result
	before, err := platform.OwnUsage()
	start := time.Now()
	if err == nil {
		err = one.worker.Data(ctx, fdOf(dst), fdOf(src), &dstStat, &srcStat, &res)
	}
	if err == nil && c.cfg.Fsync {
		one.tally.add(callFsync, 1)
		err = c.calls.Fsync(fdOf(dst))
	}
	s.wall = time.Since(start)
	if err != nil {
		return s, err
	}
	after, err := platform.OwnUsage()
	s.usage, s.calls = after.Sub(before), one.tally.take()
	return s, errors.Join(err, whole(&res, one.method, c.cfg.Size))
}

// whole tells whether a method alone moved everything.
func whole(res *copier.Result, m copier.Method, size int64) error {
	switch {
	case res.Method != m:
		return fmt.Errorf("%s moved the bytes", res.Method)
	case res.Bytes != size:
		return fmt.Errorf("%d of %d bytes", res.Bytes, size)
	}
	return nil
}

// settle makes the state that every transfer begins in: nothing to be written,
// and the source in memory, or with --cold nothing of it.
func (c *transferCourse) settle(ctx context.Context, src *os.File) error {
	dir, err := os.Open(c.dir2)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := errors.Join(c.calls.Syncfs(fdOf(src)), c.calls.Syncfs(fdOf(dir))); err != nil {
		return err
	}
	if c.cfg.Cold {
		if err := dropCaches(); err != nil {
			return err
		}
	} else if c.cached(src) < c.cfg.Size {
		if err := readThrough(ctx, src); err != nil {
			return err
		}
	}
	warmMemory(c.cfg.Size + c.cfg.Size/8)
	return ctx.Err()
}

// dropCaches empties the page cache and those of names and inodes; proc_sys_vm(5).
func dropCaches() error {
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond) // the kernel goes on freeing for a moment
	return nil
}

// readThrough brings a file into memory.
func readThrough(ctx context.Context, f *os.File) error {
	buf := make([]byte, 1<<20)
	for off := int64(0); ctx.Err() == nil; {
		n, err := f.ReadAt(buf, off)
		off += int64(n)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// cached returns how many bytes of f are in the page cache, -1 if that can't be
// told or f is nil.
func (c *transferCourse) cached(f *os.File) int64 {
	var st platform.CacheState
	if f == nil || c.calls.CacheState(fdOf(f), 0, 0, &st) != nil {
		return -1
	}
	return st.Resident
}

func fdOf(f *os.File) platform.FD { return platform.FD(f.Fd()) }
