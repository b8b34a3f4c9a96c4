package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"strings"

	"github.com/zccp/zccp/sync/apply"
)

// Bounds of a plan. A line holds two names and the header a command line; an
// entry takes some 500 bytes of memory.
const (
	maxPlanLine    = 16 << 20
	maxPlanEntries = 50_000_000
)

// readPlan is a plan that was read whole.
type readPlan struct {
	header  planHeader
	entries map[string]*plannedEntry // by path
}

// plannedEntry is one entry of a plan and what became of it.
type plannedEntry struct {
	op       string
	src, dst *planState

	met      bool // the run asked for it
	approved bool
}

// planOps are the words of planEntry.Op.
func planOps() []string {
	return []string{"transfer", "create", "link", "change", "delete", "remove", "remove_source", "none"}
}

// parsePlan reads a plan. It takes nothing that is not, byte for byte, what this
// version writes: what is carried out is what was looked through.
func parsePlan(r io.Reader) (*readPlan, error) {
	p := &readPlan{entries: map[string]*plannedEntry{}}
	in := bufio.NewReaderSize(r, 64<<10)
	sum := sha256.New()
	for number := 1; ; number++ {
		line, err := planLine(in)
		if err == nil {
			var end bool
			if end, err = p.line(line, number, sum); end && err == nil {
				if _, err := in.ReadByte(); err != io.EOF {
					return nil, fmt.Errorf("line %d: something stands behind the end of the plan", number+1)
				}
				return p, nil
			}
		}
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the plan is cut off: its last line is missing")
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		sum.Write(line)
	}
}

// planLine reads a line with its newline; io.EOF says that there is none, whole.
func planLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > maxPlanLine {
			return nil, fmt.Errorf("more than %d bytes", maxPlanLine)
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// line takes one line; sum is that of the lines before.
func (p *readPlan) line(line []byte, number int, sum hash.Hash) (end bool, err error) {
	var head struct {
		Type   string `json:"type"`
		Format int    `json:"format"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return false, err
	}
	switch {
	case number == 1 && head.Type != "plan":
		return false, errors.New("this is no plan")
	case number == 1 && head.Format != planFormat:
		return false, fmt.Errorf("a plan of format %d, and this version knows %d", head.Format, planFormat)
	case number == 1:
		return false, p.readHeader(line)
	case head.Type == "entry":
		return false, p.readEntry(line)
	case head.Type == "end":
		return true, p.readEnd(line, sum)
	}
	return false, fmt.Errorf("unknown type %q", head.Type)
}

// decodePlanLine decodes a line that has v's fields, in their order, and nothing
// else. names puts the bytes of names in the place of what JSON can carry.
func decodePlanLine(line []byte, v any, names func() error) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if err := names(); err != nil {
		return err
	}
	if !bytes.Equal(encodeLine(v), line) {
		return errors.New("not as it was written")
	}
	return nil
}

func (p *readPlan) readHeader(line []byte) error {
	h := &p.header
	if err := decodePlanLine(line, h, h.restore); err != nil {
		return err
	}
	if !filepath.IsAbs(h.Dir) || strings.Contains(h.Dir+strings.Join(h.Args, ""), "\x00") {
		return errors.New("no working directory, or a NUL in a name")
	}
	return nil
}

func (p *readPlan) readEntry(line []byte) error {
	var e planEntry
	if err := decodePlanLine(line, &e, e.restore); err != nil {
		return err
	}
	name := e.Path
	known := false
	for _, op := range planOps() {
		known = known || op == e.Op
	}
	switch {
	case !known:
		return fmt.Errorf("unknown op %q", e.Op)
	case !isPlanPath(name):
		return fmt.Errorf("%s is no path below the destination", apply.Quote(name))
	case (e.Src == nil) != (e.Op == "delete") || e.Dst == nil && (e.Op == "delete" || e.Op == "change" || e.Op == "remove"):
		return fmt.Errorf("%s: op %q with states of another one", apply.Quote(name), e.Op)
	case p.entries[name] != nil:
		return fmt.Errorf("%s is planned twice", apply.Quote(name))
	case len(p.entries) == maxPlanEntries:
		return fmt.Errorf("more than %d entries", maxPlanEntries)
	}
	p.entries[name] = &plannedEntry{op: e.Op, src: e.Src, dst: e.Dst}
	return nil
}

// isPlanPath reports a path in the one form that runs give it: relative, without
// "." and ".." and empty parts. "." alone is the destination.
func isPlanPath(name string) bool {
	if name == "." {
		return true
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return !strings.Contains(name, "\x00")
}

func (p *readPlan) readEnd(line []byte, sum hash.Hash) error {
	var e planEnd
	if err := decodePlanLine(line, &e, func() error { return nil }); err != nil {
		return err
	}
	if e.Entries != int64(len(p.entries)) {
		return fmt.Errorf("%d entries, and there were %d", len(p.entries), e.Entries)
	}
	sealed := e
	if sealed.seal(sum); e != sealed {
		return errors.New("the plan was changed after it was made")
	}
	return nil
}
