package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// jsonSchema is the version of the lines' meaning. Fields may be added without
// a new version; docs/json.md is the contract.
const jsonSchema = 1

// jsonReport prints JSON lines on stdout.
type jsonReport struct {
	out    *output
	dryRun bool
	route  string // how contents went to another machine or came from it
}

// jsonName is a name as JSON can carry it: text, and the exact bytes in base64
// beside it if they are not UTF-8.
func jsonName(s string) (text, b64 string) {
	s = platform.ShownPath(s)
	if utf8.ValidString(s) {
		return s, ""
	}
	return s, base64.StdEncoding.EncodeToString([]byte(s))
}

func (j *jsonReport) emit(v any) {
	j.out.line(string(bytes.TrimSuffix(encodeLine(v), []byte("\n"))))
}

// encodeLine returns v as a line of JSON with its newline.
func encodeLine(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		// Only a type that JSON has no form for can fail, and there is none.
		panic(err)
	}
	return b.Bytes()
}

type jsonStart struct {
	Type    string   `json:"type"`
	Schema  int      `json:"schema"`
	Program string   `json:"program"`
	Version string   `json:"version"`
	Argv    []string `json:"argv"`
	ArgvB64 []string `json:"argv_b64,omitempty"`
	Time    string   `json:"time"`
	DryRun  bool     `json:"dry_run,omitempty"`
}

func (j *jsonReport) start(e *env) {
	v, _ := buildVersion()
	line := jsonStart{
		Type: "start", Schema: jsonSchema, Program: e.prog, Version: v, Argv: e.args,
		Time: time.Now().Format(time.RFC3339Nano), DryRun: j.dryRun,
	}
	for _, a := range e.args {
		if !utf8.ValidString(a) {
			for _, a := range e.args {
				line.ArgvB64 = append(line.ArgvB64, base64.StdEncoding.EncodeToString([]byte(a)))
			}
			break
		}
	}
	j.emit(line)
}

type jsonFile struct {
	Type      string        `json:"type"`
	Op        apply.Op      `json:"op"`
	Src       string        `json:"src"`
	SrcB64    string        `json:"src_b64,omitempty"`
	Dst       string        `json:"dst"`
	DstB64    string        `json:"dst_b64,omitempty"`
	Target    string        `json:"target,omitempty"`
	TargetB64 string        `json:"target_b64,omitempty"`
	Backup    string        `json:"backup,omitempty"`
	BackupB64 string        `json:"backup_b64,omitempty"`
	Size      int64         `json:"size"`
	Reason    string        `json:"reason,omitempty"`
	How       string        `json:"how,omitempty"`
	Method    string        `json:"method,omitempty"`
	Moved     *int64        `json:"moved,omitempty"`
	Cloned    *int64        `json:"cloned,omitempty"`
	Holes     *int64        `json:"holes,omitempty"`
	Attempts  int           `json:"attempts,omitempty"`
	Verified  bool          `json:"verified,omitempty"`
	Refused   []jsonRefusal `json:"refused,omitempty"`
}

type jsonRefusal struct {
	Method string `json:"method"`
	Error  string `json:"error"`
}

func (j *jsonReport) event(ev *apply.Event) {
	line := jsonFile{Type: "file", Op: ev.Op, Size: ev.Size, Reason: ev.Reason, How: ev.How}
	line.Src, line.SrcB64 = jsonName(ev.Src)
	line.Dst, line.DstB64 = jsonName(ev.Dst)
	line.Target, line.TargetB64 = jsonName(ev.Target)
	line.Backup, line.BackupB64 = jsonName(ev.Backup)
	if res := ev.Result; res != nil {
		line.Method, line.Attempts, line.Verified = res.Method.String(), res.Attempts, res.Verified
		line.Moved, line.Cloned, line.Holes = &res.Moved, &res.Cloned, &res.Holes
		for _, x := range res.Refusals() {
			line.Refused = append(line.Refused, jsonRefusal{x.Method.String(), reason(x.Err)})
		}
	}
	j.emit(line)
}

type jsonError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Errno   int    `json:"errno,omitempty"`
}

func (j *jsonReport) problem(err error, hint string) {
	line := jsonError{Type: "error", Message: err.Error(), Hint: hint}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		line.Errno = int(errno)
	}
	j.emit(line)
}

func (j *jsonReport) note(text string) {
	j.emit(jsonError{Type: "note", Message: text})
}

// statusInterval is the time between two status lines.
const statusInterval = time.Second

type jsonStatus struct {
	Type       string   `json:"type"`
	Seconds    float64  `json:"seconds"`
	Scanning   bool     `json:"scanning,omitempty"`
	Found      int64    `json:"found"`
	FoundBytes int64    `json:"found_bytes"`
	Files      int64    `json:"files"`
	Bytes      int64    `json:"bytes"`
	TotalFiles *int64   `json:"total_files,omitempty"`
	TotalBytes *int64   `json:"total_bytes,omitempty"`
	Percent    *int     `json:"percent,omitempty"`
	Now        float64  `json:"rate_now"`
	Average    float64  `json:"rate_average"`
	Remaining  *float64 `json:"seconds_left,omitempty"`
}

// status tells how far a run is.
func (j *jsonReport) status(s sample) {
	line := jsonStatus{
		Type: "status", Seconds: s.elapsed.Seconds(), Scanning: !s.totalKnown && !s.endless, Found: s.found, FoundBytes: s.foundBytes,
		Files: s.files, Bytes: s.bytes, Now: s.now, Average: s.average,
	}
	if s.totalKnown {
		line.TotalFiles, line.TotalBytes, line.Percent = &s.totalFiles, &s.totalBytes, &s.percent
	}
	if s.etaKnown {
		left := s.eta.Seconds()
		line.Remaining = &left
	}
	j.emit(line)
}

type jsonSummary struct {
	Type         string  `json:"type"`
	Exit         int     `json:"exit"`
	Signal       string  `json:"signal,omitempty"`
	DryRun       bool    `json:"dry_run,omitempty"`
	Seconds      float64 `json:"seconds"`
	Found        int64   `json:"found"`
	Files        int64   `json:"files"`
	Directories  int64   `json:"directories"`
	Symlinks     int64   `json:"symlinks"`
	HardLinks    int64   `json:"hard_links"`
	Specials     int64   `json:"specials"`
	Skipped      int64   `json:"skipped"`
	Failed       int64   `json:"failed"`
	LostMetadata int64   `json:"lost_metadata"`
	FoundBytes   int64   `json:"found_bytes"`
	Bytes        int64   `json:"bytes"`
	Cloned       int64   `json:"cloned"`
	InKernel     int64   `json:"in_kernel"`
	ReadWrite    int64   `json:"read_write"`
	Holes        int64   `json:"holes"`
	Route        string  `json:"route,omitempty"`
}

func (j *jsonReport) summary(s sample, c *apply.Counters, code int, ctx context.Context) {
	line := jsonSummary{
		Type: "summary", Exit: code, DryRun: j.dryRun, Seconds: s.elapsed.Seconds(),
		Found: c.Found.Load(), Files: c.Files.Load(), Directories: c.Dirs.Load(),
		Symlinks: c.Symlinks.Load(), HardLinks: c.Links.Load(), Specials: c.Specials.Load(),
		Skipped: c.Skipped.Load(), Failed: c.Failed.Load(), LostMetadata: c.LostMeta.Load(),
		FoundBytes: c.FoundBytes.Load(), Bytes: c.Bytes.Load(), Cloned: c.Cloned.Load(),
		InKernel: c.InKernel.Load(), ReadWrite: c.Buffered.Load(), Holes: c.Holes.Load(), Route: j.route,
	}
	var sig signalError
	if errors.As(context.Cause(ctx), &sig) {
		line.Signal = sig.Error()
	}
	j.emit(line)
}
