package local

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// operandsSeen are the operands met so far, by what they lead to.
type operandsSeen map[inode][]*operandJob

// repeated returns what is said of an operand that was given before, which cp
// copies once, or "". A file is the same if its name and the directory of that
// are, however they are spelt: other names of it are copies of their own. A
// directory is if its copy would be.
func (c *Copy) repeated(op *operandJob, st *platform.Stat, seen *operandsSeen) string {
	kind, same := "file", c.sameOperand
	switch {
	case st.IsDir():
		if !c.opts.Rules.Recursive {
			return ""
		}
		kind, same = "directory", sameCopy
	case c.opts.Backup != NoBackup:
		return ""
	}
	key := inodeOf(st)
	if slices.ContainsFunc((*seen)[key], func(earlier *operandJob) bool { return same(earlier, op) }) {
		return fmt.Sprintf("warning: source %s %s specified more than once", kind, apply.Quote(op.src))
	}
	if *seen == nil {
		*seen = operandsSeen{}
	}
	(*seen)[key] = append((*seen)[key], op)
	return ""
}

// sameOperand reports whether two operands are one directory entry.
func (c *Copy) sameOperand(a, b *operandJob) bool {
	if a.src == b.src {
		return true
	}
	dirA, nameA := splitPath(a.src)
	dirB, nameB := splitPath(b.src)
	var stA, stB platform.Stat
	return nameA == nameB && c.lookAt(dirA, &stA) && c.lookAt(dirB, &stB) && stA.SameInode(&stB)
}

// lookAtOperand fills in the state of an operand, and reports whether it could.
func (c *Copy) lookAtOperand(op *operandJob, st *platform.Stat) bool {
	name, err := platform.MakeName(op.src)
	return err == nil && c.calls.Statat(platform.CWD, name, st, c.opts.Follow != FollowNever) == nil
}

// lookAt fills in the state of a directory that operands stand in, and reports
// whether it could.
func (c *Copy) lookAt(dir string, st *platform.Stat) bool {
	if dir == "" {
		dir = "."
	}
	name, err := platform.MakeName(dir)
	return err == nil && c.calls.Statat(platform.CWD, name, st, true) == nil
}

// sameCopy reports whether two operands go to one place.
func sameCopy(a, b *operandJob) bool {
	return a.dst == b.dst && slices.Equal(pathParts(a.parents), pathParts(b.parents))
}

// pathParts returns the components of a path that lead anywhere.
func pathParts(path string) []string {
	parts := strings.Split(path, "/")
	return slices.DeleteFunc(parts, func(part string) bool { return part == "" || part == "." })
}
