package verify

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/zccp/zccp/platform"
)

// size compares sizes of regular files.
func (v *Verify) size(s *scratch, e *entry) bool {
	a, b := e.st[0].Size, e.st[1].Size
	if a == b {
		return true
	}
	s.add(Difference{Kind: Size, Src: strconv.FormatInt(a, 10), Dst: strconv.FormatInt(b, 10)})
	return false
}

// attributes compares what stat(2) tells of two files of one type.
func (v *Verify) attributes(s *scratch, e *entry) {
	a, b := &e.st[0], &e.st[1]
	// The mode of a symbolic link means nothing and can't be changed.
	if m, n := a.Mode&platform.ModeBits, b.Mode&platform.ModeBits; m != n && v.compares(Mode) && !a.IsSymlink() {
		s.add(Difference{Kind: ModeBits, Src: fmt.Sprintf("%04o", m), Dst: fmt.Sprintf("%04o", n)})
	}
	if a.UID != b.UID && v.compares(Owner) {
		s.add(Difference{Kind: User, Src: number(a.UID), Dst: number(b.UID)})
	}
	if a.GID != b.GID && v.compares(Group) {
		s.add(Difference{Kind: GroupID, Src: number(a.GID), Dst: number(b.GID)})
	}
	if a.Mtime != b.Mtime && v.compares(Times) && (v.compares(DirTimes) || !a.IsDir()) && !within(a.Mtime, b.Mtime, v.opts.Window) {
		s.add(Difference{Kind: Mtime, Src: timeText(a.Mtime), Dst: timeText(b.Mtime)})
	}
	if v.opts.Allocation && a.IsRegular() {
		if m, n := a.Blocks*512, b.Blocks*512; max(m, n)-min(m, n) > allocationSlack {
			s.add(Difference{Kind: Allocation, Src: strconv.FormatInt(m, 10), Dst: strconv.FormatInt(n, 10)})
		}
	}
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// within reports whether two times are at most window apart.
func within(a, b platform.Time, window time.Duration) bool {
	if b.Before(a) {
		a, b = b, a
	}
	sec := uint64(b.Sec) - uint64(a.Sec) // 2^64 seconds can lie between
	if sec > math.MaxInt64/uint64(time.Second)-1 {
		return false
	}
	return time.Duration(sec)*time.Second+time.Duration(b.Nsec-a.Nsec) <= window
}

// timeText writes a time as the decimal number of seconds since the epoch, as
// find -printf %T@ does: not every time that a file can have has a date.
func timeText(t platform.Time) string {
	if t.Sec < 0 && t.Nsec > 0 {
		return fmt.Sprintf("-%d.%09d", -(t.Sec + 1), 1_000_000_000-t.Nsec)
	}
	return fmt.Sprintf("%d.%09d", t.Sec, t.Nsec)
}
