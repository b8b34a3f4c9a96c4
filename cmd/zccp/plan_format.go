package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
)

// planFormat is the version of a plan's lines. Unlike a report, a plan of
// another version is refused: what is not understood is not carried out.
const planFormat = 1

// planHeader is the first line of a plan; docs/json.md describes all of them.
type planHeader struct {
	Type    string     `json:"type"`
	Format  int        `json:"format"`
	Version string     `json:"version"`
	Time    string     `json:"time"`
	Args    []string   `json:"args"`
	ArgsB64 []string   `json:"args_b64,omitempty"`
	Dir     string     `json:"dir"`
	DirB64  string     `json:"dir_b64,omitempty"`
	Dest    *planInode `json:"destination"` // nil: not even the directory above it was there
}

// planEntry is the line of one entry.
type planEntry struct {
	Type      string     `json:"type"`
	Op        string     `json:"op"`
	Itemize   string     `json:"itemize"`
	Path      string     `json:"path"`
	PathB64   string     `json:"path_b64,omitempty"`
	Target    string     `json:"target,omitempty"`
	TargetB64 string     `json:"target_b64,omitempty"`
	Src       *planState `json:"src"` // nil for a deletion
	Dst       *planState `json:"dst"` // nil: nothing stands there
}

// planEnd is the last line. Sum is the SHA-256 of all lines, of this one without
// it: a plan that lost or gained something is not carried out.
type planEnd struct {
	Type        string    `json:"type"`
	Exit        int       `json:"exit"`
	Entries     int64     `json:"entries"`
	Created     jsonKinds `json:"created"`
	Deleted     jsonKinds `json:"deleted"`
	Transferred int64     `json:"transferred"`
	Size        int64     `json:"transferred_size"`
	Sum         string    `json:"sha256"`
}

// planInode is which file something is. The numbers are text, since many
// programs read numbers of JSON as floating point.
type planInode struct {
	Dev uint64 `json:"dev,string"`
	Ino uint64 `json:"ino,string"`
}

// planState is what is compared of an entry between plan and deed.
type planState struct {
	planInode
	Mode  uint32   `json:"mode"`
	UID   uint32   `json:"uid"`
	GID   uint32   `json:"gid"`
	Nlink uint64   `json:"nlink"`
	Size  int64    `json:"size"`
	Mtime planTime `json:"mtime"`
	Ctime planTime `json:"ctime"`
}

func newPlanState(st *platform.Stat) *planState {
	if st == nil {
		return nil
	}
	return &planState{
		planInode{st.Dev, st.Ino}, st.Mode, st.UID, st.GID, st.Nlink, st.Size, planTime(st.Mtime), planTime(st.Ctime),
	}
}

func (s *planState) isDir() bool { return s != nil && s.Mode&platform.ModeType == platform.ModeDir }

// planTime is a time to the nanosecond: "SECONDS.NNNNNNNNN".
type planTime platform.Time

// MarshalText implements encoding.TextMarshaler.
func (t planTime) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d.%09d", t.Sec, t.Nsec), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *planTime) UnmarshalText(text []byte) error {
	sec, nsec, ok := strings.Cut(string(text), ".")
	s, err := strconv.ParseInt(sec, 10, 64)
	n, err2 := strconv.ParseInt(nsec, 10, 64)
	if !ok || len(nsec) != 9 || err != nil || err2 != nil || n < 0 {
		return fmt.Errorf("%q is no time", text)
	}
	t.Sec, t.Nsec = s, n
	return nil
}

// restore turns what was read of an entry into what was written.
func (p *planEntry) restore() (err error) {
	if p.Path, err = planName(p.Path, p.PathB64); err == nil {
		p.Target, err = planName(p.Target, p.TargetB64)
	}
	return err
}

// restore turns what was read of a header into what was written.
func (h *planHeader) restore() (err error) {
	if h.Dir, err = planName(h.Dir, h.DirB64); err != nil || h.ArgsB64 == nil {
		return err
	}
	if len(h.ArgsB64) != len(h.Args) {
		return errors.New("args and args_b64 differ in length")
	}
	for i, b64 := range h.ArgsB64 {
		b, err := base64.StdEncoding.DecodeString(b64)
		if err != nil {
			return err
		}
		h.Args[i] = string(b)
	}
	return nil
}

// planName returns the bytes that jsonName wrote.
func planName(text, b64 string) (string, error) {
	if b64 == "" {
		return text, nil
	}
	b, err := base64.StdEncoding.DecodeString(b64)
	if err != nil {
		return "", err
	}
	if utf8.Valid(b) {
		return "", errors.New("base64 of a name that is UTF-8")
	}
	return string(b), nil
}

// jsonArgs is a command line as JSON can carry it: text, and all of it in base64
// if an argument is not UTF-8.
func jsonArgs(args []string) (text, b64 []string) {
	for _, a := range args {
		if !utf8.ValidString(a) {
			for _, a := range args {
				b64 = append(b64, base64.StdEncoding.EncodeToString([]byte(a)))
			}
			break
		}
	}
	return args, b64
}

// seal sets the sum; lines is that of the lines before.
func (e *planEnd) seal(lines hash.Hash) {
	e.Sum = ""
	lines.Write(encodeLine(e))
	e.Sum = hex.EncodeToString(lines.Sum(nil))
}

// planTotals fills the totals of the last line.
func planTotals(s mirror.Stats) planEnd {
	return planEnd{
		Type:        "end",
		Created:     jsonKinds{s.Created, s.CreatedRegular, s.CreatedDirs, s.CreatedLinks, s.CreatedDev, s.CreatedSpec},
		Deleted:     jsonKinds{s.Deleted, s.DeletedRegular, s.DeletedDirs, s.DeletedLinks, s.DeletedDev, s.DeletedSpec},
		Transferred: s.Transferred, Size: s.TransferredSize,
	}
}
