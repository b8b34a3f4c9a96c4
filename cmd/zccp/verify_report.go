package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/verify"
)

var (
	_ apply.Reporter  = (*verifyReport)(nil)
	_ verify.Reporter = (*verifyReport)(nil)
)

// verifyReport tells what a comparison finds: differences on stdout, problems
// on stderr.
type verifyReport struct {
	e       *env
	cfg     *verifyConfig
	screen  *screen
	out     *output
	json    *jsonReport // nil without --json
	started time.Time
}

func newVerifyReport(e *env, cfg *verifyConfig) *verifyReport {
	r := &verifyReport{e: e, cfg: cfg, screen: newScreen(e), started: time.Now()}
	r.out = newOutput(e.stdout, r.screen)
	if cfg.JSON {
		r.json = &jsonReport{out: r.out}
	}
	return r
}

func (r *verifyReport) start() {
	if r.json != nil && !r.cfg.Quiet {
		r.json.start(r.e)
		r.out.flush() // who reads it may wait for it
	}
}

// Differences implements verify.Reporter.
func (r *verifyReport) Differences(list []verify.Difference) {
	if r.cfg.Quiet {
		return
	}
	for i := range list {
		if r.json != nil {
			r.json.difference(&list[i])
		} else {
			r.out.line(differenceText(&list[i]))
		}
	}
}

// Digest implements verify.Reporter. Without --json digests of what is the same
// are not printed: lines are differences.
func (r *verifyReport) Digest(path string, size int64, sum []byte) {
	if r.json != nil && !r.cfg.Quiet {
		r.json.digest(path, size, r.cfg.HashName, sum)
	}
}

// Problem implements apply.Reporter.
func (r *verifyReport) Problem(err error, hint string) {
	text := r.e.prog + ": " + printableText(err.Error())
	if hint != "" {
		text += "\n" + r.e.prog + ": hint: " + printableText(hint)
	}
	r.screen.message(text)
	if r.json != nil && !r.cfg.Quiet {
		r.json.problem(err, hint)
	}
}

// Done, Note and Ask implement apply.Reporter; a comparison calls none of them.
func (r *verifyReport) Done(*apply.Event) {}
func (r *verifyReport) Note(string)       {}
func (r *verifyReport) Ask(string) bool   { return false }

// status prints a line on how far the comparison is.
func (r *verifyReport) status(v *verify.Verify, c *apply.Counters) {
	r.out.flush()
	r.screen.message(fmt.Sprintf("%s: compared %s, %s; %s; %s", r.e.prog, countNoun(c.Files.Load(), "file"),
		formatSize(c.Bytes.Load()), countNoun(v.Differences(), "difference"), formatClock(time.Since(r.started))))
}

// finish prints the totals and returns the exit code.
func (r *verifyReport) finish(ctx context.Context, v *verify.Verify, c *apply.Counters) int {
	code := verifyCode(ctx, v.Differences(), c.Failed.Load())
	switch {
	case r.cfg.Quiet:
	case r.json != nil:
		line := jsonVerifySummary{
			Type: "summary", Exit: code, Seconds: time.Since(r.started).Seconds(), Found: c.Found.Load(),
			Files: c.Files.Load(), Directories: c.Dirs.Load(), Bytes: c.Bytes.Load(),
			Differences: v.Differences(), Failed: c.Failed.Load(),
		}
		if sig := (signalError{}); errors.As(context.Cause(ctx), &sig) {
			line.Signal = sig.Error()
		}
		r.json.emit(line)
	default:
		r.out.line(verifySummary(ctx, v.Differences(), c))
	}
	if err := r.out.close(); err != nil {
		r.screen.message(r.e.prog + ": write error: " + reason(err))
		// A report that is cut says of nothing that it is the same.
		code = max(code, exitTrouble)
	}
	return code
}

// verifySummary is the last line of a report as text.
func verifySummary(ctx context.Context, differences int64, c *apply.Counters) string {
	verdict := "same"
	var sig signalError
	switch {
	case errors.As(context.Cause(ctx), &sig):
		verdict = fmt.Sprintf("stopped by signal (%v)", sig)
	case c.Failed.Load() > 0:
		verdict = "not all compared"
	case differences > 0:
		verdict = "different"
	}
	return fmt.Sprintf("%s: %s, %s; %s compared, %s and %s read of each side", verdict,
		countNoun(differences, "difference"), countNoun(c.Failed.Load(), "problem"),
		countNoun(c.Found.Load(), "name"), countNoun(c.Files.Load(), "file"), formatSize(c.Bytes.Load()))
}

// differenceText is a difference as a line. Names and values that could be
// anything are quoted as everywhere.
func differenceText(d *verify.Difference) string {
	path := apply.Quote(d.Path)
	text := string(d.Kind) + " differs: " + path
	switch d.Kind {
	case verify.OnlySrc:
		return "only in SRC: " + path
	case verify.OnlyDst:
		return "only in DST: " + path
	case verify.Content:
		if d.Src == "" {
			return fmt.Sprintf("%s: at byte %d", text, d.Offset)
		}
	case verify.Target, verify.HardLinks:
		return text + ": " + apply.Quote(d.Src) + " " + apply.Quote(d.Dst)
	case verify.Xattr, verify.ACL:
		text += ": " + apply.Quote(d.Attr)
		return text + ": " + attrValue(d, d.Src, d.NotInSrc) + " " + attrValue(d, d.Dst, d.NotInDst)
	}
	return text + ": " + d.Src + " " + d.Dst
}

// attrValueMax is how much of an attribute's value a line shows.
const attrValueMax = 64

func attrValue(d *verify.Difference, value string, missing bool) string {
	switch {
	case missing:
		return "none"
	case len(value) > attrValueMax && d.Kind == verify.Xattr:
		return apply.Quote(value[:attrValueMax]) + "..."
	}
	return apply.Quote(value)
}

type jsonDifference struct {
	Type    string      `json:"type"`
	Kind    verify.Kind `json:"kind"`
	Path    string      `json:"path"`
	PathB64 string      `json:"path_b64,omitempty"`
	Attr    string      `json:"attr,omitempty"`
	AttrB64 string      `json:"attr_b64,omitempty"`
	Src     *string     `json:"src,omitempty"`
	SrcB64  string      `json:"src_b64,omitempty"`
	Dst     *string     `json:"dst,omitempty"`
	DstB64  string      `json:"dst_b64,omitempty"`
	Offset  *int64      `json:"offset,omitempty"`
}

func (j *jsonReport) difference(d *verify.Difference) {
	line := jsonDifference{Type: "difference", Kind: d.Kind}
	line.Path, line.PathB64 = jsonName(d.Path)
	line.Attr, line.AttrB64 = jsonName(d.Attr)
	src, srcB64 := jsonName(d.Src)
	dst, dstB64 := jsonName(d.Dst)
	switch {
	case d.Kind == verify.OnlySrc, d.Kind == verify.OnlyDst:
	case d.Kind == verify.Content && d.Src == "":
		line.Offset = &d.Offset
	default:
		if !d.NotInSrc {
			line.Src, line.SrcB64 = &src, srcB64
		}
		if !d.NotInDst {
			line.Dst, line.DstB64 = &dst, dstB64
		}
	}
	j.emit(line)
}

type jsonDigest struct {
	Type    string `json:"type"`
	Path    string `json:"path"`
	PathB64 string `json:"path_b64,omitempty"`
	Size    int64  `json:"size"`
	Hash    string `json:"hash"`
	Digest  string `json:"digest"`
}

func (j *jsonReport) digest(path string, size int64, name string, sum []byte) {
	line := jsonDigest{Type: "digest", Size: size, Hash: name, Digest: hex.EncodeToString(sum)}
	line.Path, line.PathB64 = jsonName(path)
	j.emit(line)
}

type jsonVerifySummary struct {
	Type        string  `json:"type"`
	Exit        int     `json:"exit"`
	Signal      string  `json:"signal,omitempty"`
	Seconds     float64 `json:"seconds"`
	Found       int64   `json:"found"`
	Files       int64   `json:"files"`
	Directories int64   `json:"directories"`
	Bytes       int64   `json:"bytes"`
	Differences int64   `json:"differences"`
	Failed      int64   `json:"failed"`
}
