package main

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/zccp/zccp/platform"
)

// planText returns a plan of those entries, as it is written.
func planText(entries ...planEntry) string {
	return planSealed(int64(len(entries)), planLines(entries...))
}

func planLines(entries ...planEntry) string {
	h := planHeader{Type: "plan", Format: planFormat, Version: "devel", Time: "2026-01-01T00:00:00Z", Dest: &planInode{1, 1 << 63}}
	h.Args, h.ArgsB64 = jsonArgs([]string{"-a", "src/", "\xff"})
	h.Dir, h.DirB64 = jsonName("/home/\xfe")
	text := string(encodeLine(h))
	for _, e := range entries {
		text += string(encodeLine(e))
	}
	return text
}

// planSealed puts the last line behind others.
func planSealed(entries int64, lines string) string {
	sum := sha256.New()
	sum.Write([]byte(lines))
	end := planEnd{Type: "end", Entries: entries}
	end.seal(sum)
	return lines + string(encodeLine(end))
}

func planEntries() []planEntry {
	st := &platform.Stat{Dev: 1, Ino: 1<<64 - 1, Mode: platform.ModeRegular | 0o644, Nlink: 1, Size: 1 << 60, Mtime: platform.Time{Sec: -5, Nsec: 1}, Ctime: platform.Time{Sec: 1 << 40}}
	dir := &platform.Stat{Dev: 1, Ino: 2, Mode: platform.ModeDir | 0o755, Nlink: 2}
	entries := []planEntry{
		*newPlanEntry("none", ".d         ", ".", asked{dir, dir}),
		*newPlanEntry("transfer", ">f+++++++++", "new\nline", asked{st, nil}),
		*newPlanEntry("transfer", ">f+++++++++", "\xff/<&>\u2028", asked{st, st}),
		*newPlanEntry("link", "hf+++++++++", "...", asked{st, nil}),
		*newPlanEntry("delete", "*deleting  ", "old", asked{nil, st}),
	}
	entries[3].Target, entries[3].TargetB64 = jsonName("\xff/x")
	return entries
}

// TestPlanReadsItself: names, numbers and times come back as they were.
func TestPlanReadsItself(t *testing.T) {
	p, err := parsePlan(strings.NewReader(planText(planEntries()...)))
	if err != nil {
		t.Fatal(err)
	}
	if h := p.header; h.Args[2] != "\xff" || h.Dir != "/home/\xfe" || *h.Dest != (planInode{1, 1 << 63}) {
		t.Errorf("header %+v", h)
	}
	if len(p.entries) != 5 {
		t.Errorf("%d entries", len(p.entries))
	}
	e := p.entries["\xff/<&>\u2028"]
	if e == nil || e.op != "transfer" || *e.src != *planEntries()[2].Src || *e.dst != *planEntries()[2].Dst {
		t.Errorf("%+v", e)
	}
	if e := p.entries["old"]; e == nil || e.src != nil || e.dst == nil {
		t.Errorf("%+v", e)
	}
}

// TestPlanRefused: what is not a whole plan of this version is refused, with the
// reason.
func TestPlanRefused(t *testing.T) {
	entries := planEntries()
	whole := planText(entries...)
	with := func(change func(e *planEntry)) string {
		list := planEntries()
		change(&list[1])
		return planText(list...)
	}
	replaced := func(old, new string) string {
		if !strings.Contains(whole, old) {
			t.Fatalf("no %q", old)
		}
		end := strings.LastIndex(whole[:len(whole)-1], "\n") + 1
		return planSealed(5, strings.Replace(whole[:end], old, new, 1))
	}
	at := func(name string) func(e *planEntry) {
		return func(e *planEntry) { e.Path, e.PathB64 = jsonName(name) }
	}
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "cut off"},
		{"one entry less", planSealed(5, planLines(entries[1:]...)), "4 entries, and there were 5"},
		{"changed", strings.Replace(whole, "new\\n", "old\\n", 1), "changed after it was made"},
		{"changed sum", strings.Replace(whole, `"sha256":"`, `"sha256":"0`, 1), "changed after it was made"},
		{"changed totals", strings.Replace(whole, `"exit":0`, `"exit":0,"exit":0`, 1), "not as it was written"},
		{"more behind it", whole + "\n", "something stands behind the end"},
		{"twice", whole + whole, "something stands behind the end"},
		{"two headers", planSealed(0, planLines()+planLines()), `unknown type "plan"`},
		{"no header", whole[strings.IndexByte(whole, '\n')+1:], "this is no plan"},
		{"another format", replaced(`"format":1`, `"format":2`), "a plan of format 2"},
		{"no JSON", replaced(`"entry"`, `entry`), "invalid character"},
		{"unknown type", replaced(`"entry"`, `"enter"`), `unknown type "enter"`},
		{"unknown field", replaced(`"op":`, `"x":1,"op":`), `unknown field "x"`},
		{"a field twice", replaced(`"op":"none"`, `"op":"none","op":"none"`), "not as it was written"},
		{"a field in capitals", replaced(`"op":`, `"OP":`), "not as it was written"},
		{"a field less", replaced(`,"uid":0`, ``), "not as it was written"},
		{"white space", replaced(`"op":`, `"op": `), "not as it was written"},
		{"a number of another type", replaced(`"mode":16877`, `"mode":-1`), "cannot unmarshal"},
		{"no time", replaced(`-5.000000001`, `-5.00000001`), "is no time"},
		{"two objects in a line", replaced(`}`+"\n"+`{"type":"entry","op":"delete"`, `}{"type":"entry","op":"delete"`), "invalid character"},
		{"base64 of UTF-8", with(func(e *planEntry) { e.PathB64 = "YQ==" }), "base64 of a name that is UTF-8"},
		{"no base64", with(func(e *planEntry) { e.PathB64 = "?" }), "illegal base64"},
		{"text of another name", strings.Replace(whole, `/x","target_b64`, `/y","target_b64`, 1), "not as it was written"},
		{"arguments of another number", replaced(`"args":["-a",`, `"args":[`), "differ in length"},
		{"relative directory", replaced(`"dir":"/home/`, `"dir":"home/`), "not as it was written"},
		{"unknown op", with(func(e *planEntry) { e.Op = "erase" }), `unknown op "erase"`},
		{"no source", with(func(e *planEntry) { e.Src = nil }), "states of another one"},
		{"deletion of nothing", with(func(e *planEntry) { e.Op, e.Src = "delete", nil }), "states of another one"},
		{"deletion with a source", with(func(e *planEntry) { e.Op, e.Dst = "delete", e.Src }), "states of another one"},
		{"change of nothing", with(func(e *planEntry) { e.Op = "change" }), "states of another one"},
		{"twice the same", with(at("old")), "'old' is planned twice"},
		{"no path", with(at("")), "no path below"},
		{"absolute", with(at("/etc/passwd")), "no path below"},
		{"above", with(at("a/../../b")), "no path below"},
		{"above at the end", with(at("a/..")), "no path below"},
		{"the parent", with(at("..")), "no path below"},
		{"this", with(at("./a")), "no path below"},
		{"a slash behind", with(at("a/")), "no path below"},
		{"two slashes", with(at("a//b")), "no path below"},
		{"NUL", with(at("a\x00")), "no path below"},
		{"a long line", replaced(`"op":"none"`, `"op":"`+strings.Repeat("x", maxPlanLine)+`"`), "more than 16777216 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parsePlan(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	for n := range len(whole) {
		if _, err := parsePlan(strings.NewReader(whole[:n])); err == nil {
			t.Fatalf("the first %d of %d bytes are taken for a plan", n, len(whole))
		}
	}
	for i := range len(whole) {
		b := []byte(whole)
		b[i] ^= 1
		if _, err := parsePlan(strings.NewReader(string(b))); err == nil {
			t.Fatalf("a plan is taken whose byte %d was changed: %s", i, b[max(0, i-20):min(len(b), i+20)])
		}
	}
}

// FuzzPlan: whatever is read ends in an error or in entries below the destination,
// and what is taken can't be cut, or go on.
func FuzzPlan(f *testing.F) {
	whole := planText(planEntries()...)
	f.Add(whole, int64(5))
	f.Add(planLines(planEntries()...), int64(5))
	f.Add(planLines(), int64(0))
	f.Add(planLines(planEntries()[4]), int64(1))
	f.Add(strings.Replace(planLines(planEntries()[1]), `"new`, `"../new`, 1), int64(1))
	f.Add("{}\n", int64(0))
	f.Add("null\n[]\n", int64(1))
	f.Fuzz(func(t *testing.T, text string, entries int64) {
		for _, text := range []string{text, planSealed(entries, text)} {
			p, err := parsePlan(strings.NewReader(text))
			if err != nil {
				continue
			}
			for name, e := range p.entries {
				if name != "." && !fs.ValidPath(strings.ToValidUTF8(name, "?")) || path.Clean(name) != name {
					t.Errorf("path %q", name)
				}
				if e.src == nil && e.dst == nil {
					t.Errorf("%q is nowhere", name)
				}
			}
			for _, other := range []string{text[:len(text)-1], text + "x", text + text} {
				if _, err := parsePlan(strings.NewReader(other)); err == nil {
					t.Errorf("a plan is taken that was cut or goes on: %q", other)
				}
			}
		}
	})
}

// TestPlanLeavesStdin: a plan of what is read from stdin is refused.
func TestPlanLeavesStdin(t *testing.T) {
	dir := t.TempDir()
	e, stdout, stderr := testEnv(nil, "zccp", "plan", "-a", "--files-from=-", dir, dir)
	e.stdin = strings.NewReader("a\n")
	if code := run(e); code != exitFailure || stdout.Len() > 0 || !strings.Contains(stderr.String(), "stdin can't be read again") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	if _, err := os.Lstat(dir + "/a"); err == nil {
		t.Error("something was done")
	}
}
