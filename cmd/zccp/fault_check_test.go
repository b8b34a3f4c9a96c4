//go:build linux

package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
)

// look returns what is wrong after a copy with the faults hit, whatever came of it.
func (w *faultSweep) look(r faultRun, hit []injection) (found []string) {
	bad := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if r.code != 0 && r.code != 1 {
		bad("exit code %d", r.code)
	}
	if r.code != 0 && r.stderr == "" {
		bad("it failed without a word")
	}
	for _, call := range r.open {
		bad("left open: what %s opened", call)
	}
	for path, st := range w.stats() {
		if st != w.untouched[path] {
			bad("the source was changed: %q", path)
		}
	}
	w.names(r, hit, bad)
	return found
}

// names looks at everything below D.
func (w *faultSweep) names(r faultRun, hit []injection, bad func(string, ...any)) {
	there := map[string]bool{}
	dst := w.box + "/D"
	filepath.WalkDir(dst, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			bad("%v", err)
			return nil
		}
		rel, _ := filepath.Rel(dst, path)
		if rel == "." {
			return nil
		}
		there[rel] = true
		if strings.HasPrefix(d.Name(), ".zccp-") {
			if !mayLitter(hit) && !w.removing() {
				bad("litter: %q", rel)
			}
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if why := w.neither(rel, path); why != "" && !(w.inPlace && r.code != 0) {
			bad("%q: %s", rel, why)
		}
		return nil
	})
	for backup, path := range w.backups {
		old := w.before[path]
		if _, had := w.before[backup]; there[backup] && !had && !mayLitter(hit) && old.stands(dst+"/"+path) == "" {
			bad("%q is the backup of %q, which wasn't replaced", backup, path)
		}
	}
	for path := range w.before {
		if !there[path] && !w.goesAway(path, r) {
			bad("%q is gone", path)
		}
	}
}

// neither returns why what stands at path is neither the old entry nor the new one, or "".
func (w *faultSweep) neither(rel, path string) string {
	was, had := w.before[rel]
	is, comes := w.whole[rel]
	if !had && !comes {
		for p := range w.whole {
			if strings.HasPrefix(p, rel+"/") {
				return "" // a parent that --parents made
			}
		}
		return "nobody made this"
	}
	var why []string
	if had {
		reason := was.stands(path)
		if reason == "" {
			return ""
		}
		why = append(why, "not the old entry: "+reason)
	}
	if comes {
		reason := is.stands(path)
		if reason == "" {
			return ""
		}
		why = append(why, "not the new entry: "+reason)
	}
	return strings.Join(why, "; ")
}

// goesAway tells whether an old name is not to be there afterwards: a tree that is
// exchanged takes what it held with it.
func (w *faultSweep) goesAway(path string, r faultRun) bool {
	if !strings.Contains(w.line, "--atomic=tree") {
		return false
	}
	_, comes := w.whole[path]
	return !comes && (r.code == 0 || w.exchanged())
}

// removing tells whether nothing was left to be done but to remove the old tree.
func (w *faultSweep) removing() bool {
	return strings.Contains(w.line, "--atomic=tree") && len(w.old) > 0 && w.exchanged()
}

// exchanged tells whether the new tree stands at its name.
func (w *faultSweep) exchanged() bool {
	for path, it := range w.whole {
		if it.stands(w.box+"/D/"+path) != "" {
			return false
		}
	}
	return true
}

// mayLitter tells whether a fault kept a temporary name from being removed, or may have:
// of several, one can have been the reason to remove it and another the obstacle.
func mayLitter(hit []injection) bool {
	return len(hit) > 1 || len(hit) == 1 && (hit[0].call == "Unlinkat" || hit[0].call == "Rmdirat")
}

// ending is how a copy has to end after a fault, whatever it leaves.
type ending int

const (
	either ending = iota
	failing
	succeeding
)

// mustEnd tells it of the calls that move data or confirm that data are stored: of these
// no error may be passed over, and what only means that nothing was moved, or that another
// way has to be taken, may not cost the copy.
func (w *faultSweep) mustEnd(r faultRun, in *injection) ending {
	errno := faultKinds[in.kind].Errno
	if errno == unix.EINTR {
		return succeeding
	}
	switch in.call {
	case "Clone", "CopyFileRange", "Sendfile":
		if errno == unix.ENOSPC || in.call == "Clone" && errno == unix.EIO {
			return failing
		}
		return succeeding
	case "Read", "Pread":
		// A digest is compared with another one, not with a size.
		if errno == 0 && strings.Contains(w.line, "--verify") {
			return either
		}
		fallthrough
	case "Write", "Pwrite", "Ftruncate":
		if errno == 0 {
			return succeeding
		}
		return failing
	case "Fsync", "Syncfs":
		return failing
	case "Close":
		if w.sequential() && w.wroteTo(r, in) {
			return failing
		}
	}
	return either
}

// wroteTo tells whether the descriptor of a call of Close had been opened to be written.
func (w *faultSweep) wroteTo(r faultRun, in *injection) bool {
	var fd, flags, mode, got int
	fmt.Sscanf(in.where, "Close(%d)", &fd)
	for _, call := range slices.Backward(r.calls[:min(in.n-1, int64(len(r.calls)))]) {
		_, rest, opens := strings.Cut(call, "Openat(")
		result := call[strings.LastIndex(call, " = ")+3:]
		if _, err := fmt.Sscan(result, &got); !opens || err != nil || got != fd {
			continue
		}
		// The name may hold anything, and the flags come after it.
		rest = rest[strings.LastIndexByte(rest, '"')+1:]
		fmt.Sscanf(rest, ", %d, %d)", &flags, &mode)
		created := flags&unix.O_CREAT != 0 || flags&unix.O_TMPFILE == unix.O_TMPFILE
		return created || w.inPlace && flags&unix.O_ACCMODE != unix.O_RDONLY
	}
	return false
}

// unequal returns in what a copy that succeeded differs from what it was to be.
func (w *faultSweep) unequal(r faultRun, hit []injection) (found []string) {
	got, err := copiertest.Scan(w.box + "/D/" + w.to)
	if err != nil {
		found = append(found, err.Error())
	}
	noted := slices.Collect(strings.Lines(r.stderr))
	noted = slices.DeleteFunc(noted, func(line string) bool { return !strings.Contains(line, "note: not kept: ") })
	lost, believed := false, false
	for _, d := range copiertest.Compare(w.want, got, w.compare) {
		switch {
		case isBelieved(hit, d):
			believed = true
		case hit != nil && slices.ContainsFunc(noted, func(note string) bool { return noteNames(note, d) }):
			lost = true
		default:
			found = append(found, "exit code 0, but "+d)
		}
	}
	if lost {
		w.lost++
	}
	if believed {
		w.believed++
	}
	return found
}

// noteNames tells whether a note says what a difference is about.
func noteNames(note, difference string) bool {
	for _, w := range []struct{ attr, word string }{
		{": user: ", "ownership"}, {": group: ", "ownership"}, {": mode: ", "permissions"},
		{`: xattr "system.posix_acl`, "ACLs"}, {": xattr ", "extended attributes"},
		{": mtime: ", "times"}, {": atime: ", "times"}, {": hard link to: ", "hard links"},
	} {
		if strings.Contains(difference, w.attr) && strings.Contains(note, w.word) {
			return true
		}
	}
	return false
}

func isBelieved(hit []injection, difference string) bool {
	return slices.ContainsFunc(hit, func(in injection) bool { return in.believed(difference) })
}

// believed tells whether the difference comes from a lie that nobody can see through: a
// file system that says it has no attributes, or no holes.
func (in *injection) believed(difference string) bool {
	switch errno := faultKinds[in.kind].Errno; in.call {
	case "Flistxattr", "Listxattrat":
		return errno == unix.EOPNOTSUPP && strings.Contains(difference, ": xattr ")
	case "Statat":
		// A directory that is said not to be there is made, and then found to be there.
		// What is in it is replaced like what came in between, not like what was looked at.
		return errno == unix.ENOENT && strings.Contains(difference, ": xattr \"user.old\"")
	case "Fremovexattr", "Setxattrat":
		return errno == unix.EOPNOTSUPP && strings.Contains(difference, ": xattr \"system.posix_acl")
	case "Fgetxattr":
		// With two workers the arguments aren't known, only the difference that they led to.
		acl := in.where == in.call || strings.Contains(in.where, "posix_acl")
		return errno == unix.EOPNOTSUPP && acl && strings.Contains(difference, ": xattr \"system.posix_acl")
	case "Lseek":
		return (errno == unix.EOPNOTSUPP || errno == unix.EINVAL) && strings.Contains(difference, ": allocated: ")
	}
	return false
}

// again runs without a fault over what a run with the faults hit left, and returns what is
// wrong then. What was believed then can't be known now.
func (w *faultSweep) again(hit []injection) (found []string) {
	r := w.run(w.table())
	if r.code != 0 {
		found = append(found, fmt.Sprintf("exit code %d: %s", r.code, r.stderr))
	}
	defer func(old copiertest.Attr) { w.compare.Ignore = old }(w.compare.Ignore)
	w.compare.Ignore |= w.existing
	for _, d := range w.unequal(r, nil) {
		if !isBelieved(hit, d) {
			found = append(found, d)
		}
	}
	for _, call := range r.open {
		found = append(found, "left open: what "+call+" opened")
	}
	filepath.WalkDir(w.box+"/D", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), ".zccp-") {
			found = append(found, "litter: "+path)
		}
		return nil
	})
	return found
}
