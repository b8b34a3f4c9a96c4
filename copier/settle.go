package copier

import (
	"bytes"
	"context"
	"time"

	"github.com/zccp/zccp/platform"
)

// settleTime is how long before the run a source was last changed that nobody
// is taken to be in the middle of a write to. Writes of many megabytes take
// some milliseconds, and tenths of a second where the kernel holds them back.
const settleTime = 2 * time.Second

// settledAt returns the time before which a source must have been changed last.
func settledAt(now time.Time) platform.Time {
	t := now.Add(-settleTime)
	return platform.Time{Sec: t.Unix(), Nsec: int64(t.Nanosecond())}
}

// beingWritten reports whether a write may be under way that began before the
// source was looked at. A write sets the times of a file first and stores its
// data then, so that a copy made meanwhile can hold a part of it though
// nothing about the file seems to change: ext4, tmpfs and btrfs don't lock
// readers out. It costs nothing for a file that was left alone for a while,
// and one call for others, since mostly nobody has them open any more.
func (w *Worker) beingWritten(p *Put) bool {
	return !p.Stat.Ctime.Before(w.c.settled) && p.Stat.IsRegular() && p.Stat.Size > 0 &&
		!w.c.opts.AttributesOnly && w.calls.Unwritten(p.Src) != nil
}

// readsSame reads a source again and reports whether it is what was stored
// before. Then every byte was the same from the first time that it was read to
// the second, so the copy is the file as it was between the two passes. A
// clone needs no second look, since it locks the source. What is written in
// place may not be open for reading; it is seen in parts anyway.
func (w *Worker) readsSame(ctx context.Context, dst platform.FD, p *Put) (bool, error) {
	if p.Result.Method == Reflink || p.Stage == InPlace {
		return true, nil
	}
	buf := w.buffer()
	half := len(buf) / 2
	for off := int64(0); ; {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		n, err := w.pread(p.Src, buf[:half], off)
		if err != nil {
			return false, step(StepRead, err)
		}
		if n == 0 {
			return off == p.Result.Bytes, nil
		}
		stored, err := w.pread(dst, buf[half:half+n], off)
		if err != nil {
			return false, step(StepVerify, err)
		}
		if !bytes.Equal(buf[:stored], buf[half:half+stored]) || stored == 0 {
			return false, nil
		}
		off += int64(stored)
	}
}
