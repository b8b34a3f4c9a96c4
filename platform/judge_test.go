//go:build linux

package platform

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// verdicts is what every error of every call means for the copy of a file. Of two marks the
// second one is for when bytes of the file were moved already.
//
//	F    next method, at the same offset
//	F*   the same, and don't ask again for this pair of file systems
//	Z    from byte 0 with read and write, whose error is final
//	R    repeat
//	W    wait until the descriptor is ready, then repeat
//	C    the source was cut while it was mapped
//	X    fail
const verdicts = `
errno        clone   copy_file_range sendfile    splice      send    mmap    direct  dontcache plain
EINTR        R       R               R           R           R       R       R       R         R
EAGAIN       F       F               F           F           W       F       F       F*        X
ENOSYS       F*      F*              F*          F*          F*      F*      F*      F*        X
EOPNOTSUPP   F*      F*              F*          F*          F*      F*      F*      F*        X
ENOTTY       F*      F*              F*          F*          F*      F*      F*      F*        X
ENODEV       F       X               X           X           X       F*      F*      F*        X
ENOTSOCK     F       X               F*          X           X       X       X       X         X
EXDEV        F*      F*              F           F           X       X       X       X         X
EINVAL       F       F               F           F           F       F       F       F*        X
EBADF        F       F               F           X           X       X       X       X         X
EPERM        F*      F*/Z            F*/Z        F*          X       F       F       F*        X
EACCES       F       F/Z             F/Z         F           X       F       F       F         X
ETXTBSY      F       F/Z             F/Z         F           X       F       F       F         X
EISDIR       X       X               X           X           X       X       X       X         X
ESPIPE       X       X               X           X           X       X       X       X         X
ENXIO        X       X               X           X           X       X       X       X         X
ENOENT       F       Z               Z           Z           X       X       X       X         X
ESTALE       X       X               X           X           X       X       X       X         X
EIO          X       Z               Z           Z           X       Z       Z       Z         X
EUCLEAN      F       X               X           X           X       X       X       X         X
EBADMSG      F       X               X           X           X       X       X       X         X
ENOSPC       X       X               X           X           X       X       X       X         X
EDQUOT       X       X               X           X           X       X       X       X         X
EFBIG        F       Z               Z           Z           X       F       X       X         X
EOVERFLOW    F       Z               Z           Z           F       F       X       X         X
ENOMEM       X       Z               Z           Z           F       F*      F*      F         X
EROFS        X       X               X           X           X       X       X       X         X
EPIPE        F       X               X           X           X       X       X       X         X
ECONNRESET   F       X               X           X           X       X       X       X         X
EMFILE       F       X               X           X           X       X       X       X         X
EFAULT       F       X               X           X           X       C       X       X         X
`

var errnos = map[string]syscall.Errno{
	"EINTR": syscall.EINTR, "EAGAIN": syscall.EAGAIN, "ENOSYS": syscall.ENOSYS, "EOPNOTSUPP": syscall.EOPNOTSUPP,
	"ENOTTY": syscall.ENOTTY, "EXDEV": syscall.EXDEV, "EINVAL": syscall.EINVAL, "EBADF": syscall.EBADF,
	"EPERM": syscall.EPERM, "EACCES": syscall.EACCES, "ETXTBSY": syscall.ETXTBSY, "EISDIR": syscall.EISDIR,
	"ESPIPE": syscall.ESPIPE, "ENXIO": syscall.ENXIO, "ENOENT": syscall.ENOENT, "ESTALE": syscall.ESTALE,
	"EIO": syscall.EIO, "EUCLEAN": syscall.EUCLEAN, "EBADMSG": syscall.EBADMSG, "ENOSPC": syscall.ENOSPC,
	"EDQUOT": syscall.EDQUOT, "EFBIG": syscall.EFBIG, "EOVERFLOW": syscall.EOVERFLOW, "ENOMEM": syscall.ENOMEM,
	"EROFS": syscall.EROFS, "EPIPE": syscall.EPIPE, "ECONNRESET": syscall.ECONNRESET, "EMFILE": syscall.EMFILE,
	"EFAULT": syscall.EFAULT, "ENODEV": syscall.ENODEV, "ENOTSOCK": syscall.ENOTSOCK,
}

func TestJudge(t *testing.T) {
	marks := map[Verdict]string{Fail: "X", Repeat: "R", Next: "F", NextAndRemember: "F*", Restart: "Z", Wait: "W", Changed: "C"}
	calls := []Call{CallClone, CallCopyFileRange, CallSendfile, CallSplice, CallSend, CallMmap, CallDirect, CallUncached, CallPlain}
	lines := strings.Split(strings.TrimSpace(verdicts), "\n")
	header := strings.Fields(lines[0])
	if len(lines)-1 != len(errnos) {
		t.Errorf("%d errors in the table, %d known", len(lines)-1, len(errnos))
	}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		errno, known := errnos[cells[0]]
		if !known || len(cells) != len(calls)+1 {
			t.Fatalf("a bad line: %s", line)
		}
		for i, call := range calls {
			first, later, both := strings.Cut(cells[i+1], "/")
			if !both {
				later = first
			}
			for moved, want := range map[bool]string{false: first, true: later} {
				if got := marks[Judge(call, errno, moved)]; got != want {
					t.Errorf("%s from %s, bytes moved %v: %s, want %s", cells[0], header[i+1], moved, got, want)
				}
			}
		}
	}
}

// TestJudgeOthers: what is no errno is no reason to try something else, but for that the
// system lacks a call.
func TestJudgeOthers(t *testing.T) {
	for call := CallClone; call <= CallPlain; call++ {
		if got := Judge(call, errors.New("count"), true); got != Fail {
			t.Errorf("call %d: an error of ours: %d", call, got)
		}
		want := NextAndRemember
		if call == CallPlain {
			want = Fail
		}
		for _, err := range []error{errors.ErrUnsupported, fmt.Errorf("x: %w", errors.ErrUnsupported)} {
			if got := Judge(call, err, false); got != want {
				t.Errorf("call %d: %v: %d", call, err, got)
			}
		}
	}
}

// TestPredicates: each is true of what it names and of nothing else.
func TestPredicates(t *testing.T) {
	for name, c := range map[string]struct {
		is   func(error) bool
		true []syscall.Errno
	}{
		"Unsupported":      {Unsupported, []syscall.Errno{syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EINVAL, syscall.ENOTTY}},
		"Exists":           {Exists, []syscall.Errno{syscall.EEXIST, syscall.ENOTEMPTY}},
		"NotExist":         {NotExist, []syscall.Errno{syscall.ENOENT}},
		"Denied":           {Denied, []syscall.Errno{syscall.EACCES, syscall.EPERM}},
		"NotPermitted":     {NotPermitted, []syscall.Errno{syscall.EPERM, syscall.EINVAL}},
		"NoUnnamedFiles":   {NoUnnamedFiles, []syscall.Errno{syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EINVAL, syscall.ENOTTY, syscall.EISDIR, syscall.ENOENT}},
		"NoSpace":          {NoSpace, []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT}},
		"NoAttribute":      {NoAttribute, []syscall.Errno{syscall.ENODATA}},
		"Interrupted":      {Interrupted, []syscall.Errno{syscall.EINTR}},
		"OutOfDescriptors": {OutOfDescriptors, []syscall.Errno{syscall.EMFILE, syscall.ENFILE}},
		"Busy":             {Busy, []syscall.Errno{syscall.ETXTBSY, syscall.EBUSY}},
		"TooManyLinks":     {TooManyLinks, []syscall.Errno{syscall.EMLINK}},
		"OtherDevice":      {OtherDevice, []syscall.Errno{syscall.EXDEV}},
		"NoMoreData":       {NoMoreData, []syscall.Errno{syscall.ENXIO}},
		"SmallBuffer":      {SmallBuffer, []syscall.Errno{syscall.ERANGE}},
	} {
		want := map[syscall.Errno]bool{}
		for _, e := range c.true {
			want[e] = true
		}
		for e := syscall.Errno(1); e < 134; e++ {
			if got := c.is(e); got != want[e] {
				t.Errorf("%s of %v: %v", name, e, got)
			}
		}
		if c.is(nil) || c.is(os.ErrInvalid) {
			t.Errorf("%s of no errno", name)
		}
	}
}
