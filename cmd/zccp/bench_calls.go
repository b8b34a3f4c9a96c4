package main

import (
	"sync/atomic"

	"github.com/zccp/zccp/platform"
)

// callTally counts system calls by the names of their manual pages. It is safe
// for concurrent use: direct reads and writes at once.
type callTally struct {
	n [len(tallied)]atomic.Int64
}

// tallied are the calls that move data or prepare for it.
var tallied = [...]string{
	"read", "write", "pread", "pwrite", "preadv2", "pwritev2", "copy_file_range", "sendfile", "splice", "recv",
	"ioctl", "lseek", "ftruncate", "fallocate", "fadvise", "fstat", "statx", "cachestat", "mmap", "munmap", "fcntl",
	"pipe", "poll", "fsync", "fdatasync",
}

// Indexes into tallied.
const (
	callRead = iota
	callWrite
	callPread
	callPwrite
	callPreadv2
	callPwritev2
	callCopyFileRange
	callSendfile
	callSplice
	callRecv
	callIoctl
	callLseek
	callFtruncate
	callFallocate
	callFadvise
	callFstat
	callStatx
	callCachestat
	callMmap
	callMunmap
	callFcntl
	callPipe
	callPoll
	callFsync
	callFdatasync
)

// callCounts is what a callTally held at one time.
type callCounts [len(tallied)]int64

func (t *callTally) add(call int, n int64) { t.n[call].Add(n) }

// take returns the counts and begins again.
func (t *callTally) take() (c callCounts) {
	for i := range t.n {
		c[i] = t.n[i].Swap(0)
	}
	return c
}

func (c *callCounts) total() (n int64) {
	for _, v := range c {
		n += v
	}
	return n
}

// counted returns a table that counts in t the system calls of the data path
// and makes them through calls. An addition costs some ns where the cheapest
// call costs 100, so the same table serves the transfers that are timed.
func counted(calls *platform.Calls, t *callTally) *platform.Calls {
	c := *calls
	countData(&c, calls, t)
	countPreparation(&c, calls, t)
	return &c
}

// countData is counted for the calls that move bytes.
func countData(c, calls *platform.Calls, t *callTally) {
	c.Read = func(fd platform.FD, buf []byte) (int, error) {
		t.add(callRead, 1)
		return calls.Read(fd, buf)
	}
	c.Write = func(fd platform.FD, buf []byte) (int, error) {
		t.add(callWrite, 1)
		return calls.Write(fd, buf)
	}
	c.Pread = func(fd platform.FD, buf []byte, off int64) (int, error) {
		t.add(callPread, 1)
		return calls.Pread(fd, buf, off)
	}
	c.Pwrite = func(fd platform.FD, buf []byte, off int64) (int, error) {
		t.add(callPwrite, 1)
		return calls.Pwrite(fd, buf, off)
	}
	c.PreadUncached = func(fd platform.FD, buf []byte, off int64) (int, error) {
		t.add(callPreadv2, 1)
		return calls.PreadUncached(fd, buf, off)
	}
	c.PwriteUncached = func(fd platform.FD, buf []byte, off int64) (int, error) {
		t.add(callPwritev2, 1)
		return calls.PwriteUncached(fd, buf, off)
	}
	c.CopyFileRange = func(dst platform.FD, dstOff int64, src platform.FD, srcOff int64, n int) (int, error) {
		t.add(callCopyFileRange, 1)
		return calls.CopyFileRange(dst, dstOff, src, srcOff, n)
	}
	c.Sendfile = func(dst, src platform.FD, srcOff int64, n int) (int, error) {
		t.add(callSendfile, 1)
		return calls.Sendfile(dst, src, srcOff, n)
	}
	c.Splice = func(dst platform.FD, dstOff *int64, src platform.FD, srcOff *int64, n int) (int, error) {
		t.add(callSplice, 1)
		return calls.Splice(dst, dstOff, src, srcOff, n)
	}
	c.Clone = func(dst, src platform.FD) error {
		t.add(callIoctl, 1)
		return calls.Clone(dst, src)
	}
	c.CloneRange = func(dst platform.FD, dstOff int64, src platform.FD, srcOff, n int64) error {
		t.add(callIoctl, 1)
		return calls.CloneRange(dst, dstOff, src, srcOff, n)
	}
	c.Cached = func(fd platform.FD, off int64) (bool, error) {
		t.add(callPreadv2, 1)
		return calls.Cached(fd, off)
	}
}

// countPreparation is counted for the calls around those.
func countPreparation(c, calls *platform.Calls, t *callTally) {
	c.Fstat = func(fd platform.FD, st *platform.Stat) error {
		t.add(callFstat, 1)
		return calls.Fstat(fd, st)
	}
	c.Lseek = func(fd platform.FD, off int64, whence int) (int64, error) {
		t.add(callLseek, 1)
		return calls.Lseek(fd, off, whence)
	}
	c.Ftruncate = func(fd platform.FD, size int64) error {
		t.add(callFtruncate, 1)
		return calls.Ftruncate(fd, size)
	}
	c.Fallocate = func(fd platform.FD, off, length int64) error {
		t.add(callFallocate, 1)
		return calls.Fallocate(fd, off, length)
	}
	c.PunchHole = func(fd platform.FD, off, length int64) error {
		t.add(callFallocate, 1)
		return calls.PunchHole(fd, off, length)
	}
	c.Extents = func(fd platform.FD, off int64, flush bool, m *platform.ExtentMap) (int, error) {
		t.add(callIoctl, 1)
		return calls.Extents(fd, off, flush, m)
	}
	c.CowExtent = func(fd platform.FD, bytes int) (int, error) {
		t.add(callIoctl, 2)
		return calls.CowExtent(fd, bytes)
	}
	c.ExtentSpace = func(fd platform.FD) (platform.ExtentSpace, error) {
		t.add(callIoctl, 2)
		return calls.ExtentSpace(fd)
	}
	c.Dup = func(fd platform.FD) (platform.FD, error) {
		t.add(callFcntl, 1)
		return calls.Dup(fd)
	}
	c.Fadvise = func(fd platform.FD, off, length int64, advice int) error {
		t.add(callFadvise, 1)
		return calls.Fadvise(fd, off, length, advice)
	}
	c.DirectAlign = func(fd platform.FD) (memory, offset int, err error) {
		t.add(callStatx, 1)
		return calls.DirectAlign(fd)
	}
	c.SetDirect = func(fd platform.FD, on bool) error {
		t.add(callFcntl, 2) // the flags are read and written
		return calls.SetDirect(fd, on)
	}
	c.CacheState = func(fd platform.FD, off, n int64, st *platform.CacheState) error {
		t.add(callCachestat, 1)
		return calls.CacheState(fd, off, n, st)
	}
	c.Mmap = func(fd platform.FD, off int64, n int) ([]byte, error) {
		t.add(callMmap, 1)
		return calls.Mmap(fd, off, n)
	}
	c.Munmap = func(b []byte) error {
		t.add(callMunmap, 1)
		return calls.Munmap(b)
	}
	c.Lease = func(fd platform.FD) error {
		t.add(callFcntl, 1)
		return calls.Lease(fd)
	}
	c.Leased = func(fd platform.FD) (bool, error) {
		t.add(callFcntl, 1)
		return calls.Leased(fd)
	}
	c.Unlease = func(fd platform.FD) error {
		t.add(callFcntl, 1)
		return calls.Unlease(fd)
	}
	c.Pipe = func() (r, w platform.FD, err error) {
		t.add(callPipe, 1)
		return calls.Pipe()
	}
	c.SetPipeSize = func(fd platform.FD, n int) (int, error) {
		t.add(callFcntl, 1)
		return calls.SetPipeSize(fd, n)
	}
	c.Poll = func(fd platform.FD, write bool, ms int) (bool, error) {
		t.add(callPoll, 1)
		return calls.Poll(fd, write, ms)
	}
	c.Fsync = func(fd platform.FD) error {
		t.add(callFsync, 1)
		return calls.Fsync(fd)
	}
	c.Fdatasync = func(fd platform.FD) error {
		t.add(callFdatasync, 1)
		return calls.Fdatasync(fd)
	}
}
