//go:build linux

package main_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// differenceKind is the part of a difference that a smaller case must have too.
func differenceKind(found string) string {
	if m := regexp.MustCompile(`^-i of [ab] only: .{11}`).FindString(found); m != "" {
		return m
	}
	if m := regexp.MustCompile(`": (name: .*|[a-z]+)`).FindStringSubmatch(found); m != nil {
		return m[1]
	}
	return found
}

// shrinkRunsMost bounds the time that a failing case takes to be made smaller.
const shrinkRunsMost = 400

// standing are the names that stay in a case that is made smaller: without them it would
// fail for another reason.
var standing = map[string]bool{"src": true, "dst": true, "src2": true, "alt0": true, "alt1": true, "list": true}

// shrink takes options, operands and names away from a case as long as it has a difference
// of the kind of the first one found, and returns the least case and its differences.
func (s *syncTrial) shrink(c *syncCase, found []string) (*syncCase, []string) {
	kind := differenceKind(found[0])
	runs := 0
	fails := func(smaller *syncCase) bool {
		if runs++; runs > shrinkRunsMost || s.hung {
			return false
		}
		now := s.run(smaller)
		if !slices.ContainsFunc(now, func(f string) bool { return differenceKind(f) == kind }) {
			return false
		}
		c, found = smaller, now
		return true
	}
	for before := -1; before != c.weight(); {
		before = c.weight()
		for i := 0; i < len(c.flags); i++ {
			smaller := *c
			smaller.flags = slices.Delete(slices.Clone(c.flags), i, i+1)
			// Then it would be about a run with other operands.
			if !strings.HasPrefix(c.flags[i][0], "--files-from") && fails(&smaller) {
				i--
				continue
			}
			s.shrinkBundle(c, i, fails)
		}
		for i := 0; i < len(c.sources) && len(c.sources) > 1; i++ {
			smaller := *c
			smaller.sources = slices.Delete(slices.Clone(c.sources), i, i+1)
			if fails(&smaller) {
				i--
			}
		}
		for size := len(c.nodes) / 2; size > 0; size /= 2 {
			for i := 0; i < len(c.nodes); {
				smaller := *c
				smaller.nodes = withoutNodes(c.nodes, func(at int) bool { return at >= i && at < i+size && !standing[c.nodes[at].path] })
				if len(smaller.nodes) == len(c.nodes) || !fails(&smaller) {
					i += size
				}
			}
		}
		for i := range c.nodes {
			s.shrinkNode(c, i, fails)
		}
	}
	s.run(c) // for the transcript
	return c, found
}

func (c *syncCase) weight() int {
	sum := len(c.nodes) + len(c.sources)
	for _, flag := range c.flags {
		sum += len(strings.Join(flag, ""))
	}
	for _, n := range c.nodes {
		sum += len(n.xattrs) + n.data.size + len(n.data.patches) + int(n.mode) + n.uid + n.gid
	}
	return sum
}

// shrinkBundle takes letters out of a word like -aHAX.
func (s *syncTrial) shrinkBundle(c *syncCase, i int, fails func(*syncCase) bool) {
	word := c.flags[i][0]
	if strings.HasPrefix(word, "--") || len(c.flags[i]) > 1 {
		return
	}
	try := func(word string) bool {
		smaller := *c
		smaller.flags = slices.Clone(c.flags)
		smaller.flags[i] = []string{word}
		if len(word) < 2 || !fails(&smaller) {
			return false
		}
		*c = smaller
		return true
	}
	if strings.Contains(word, "a") && try(strings.Replace(word, "a", "rlptgoD", 1)) {
		word = c.flags[i][0]
	}
	for at := len(word) - 1; at > 0; at-- {
		if shorter := word[:at] + word[at+1:]; try(shorter) {
			word = shorter
		}
	}
}

// shrinkNode makes a node plainer.
func (s *syncTrial) shrinkNode(c *syncCase, i int, fails func(*syncCase) bool) {
	plainer := []func(n *node){
		func(n *node) { n.xattrs = nil },
		func(n *node) { n.uid, n.gid = c.uid, c.uid },
		func(n *node) {
			if n.mode = 0o644; n.isDir() {
				n.mode = 0o755
			}
		},
		func(n *node) { n.data.patches = nil },
		func(n *node) { n.data.hole = false },
		func(n *node) { n.data.size = min(n.data.size, 1+len(n.data.line)) },
		func(n *node) { n.mtime.Nsec = 0 },
		func(n *node) { n.mtime.Sec = 1_500_000_000 },
	}
	for _, change := range plainer {
		smaller := *c
		smaller.nodes = slices.Clone(c.nodes)
		change(&smaller.nodes[i])
		if fmt.Sprint(smaller.nodes[i]) != fmt.Sprint(c.nodes[i]) && fails(&smaller) {
			c.nodes = smaller.nodes
		}
	}
}

// script returns the commands that make the case and run both programs on it.
func (c *syncCase) script(d *syncDifferential) string {
	quoted := func(words []string) string {
		var list []string
		for _, w := range words {
			list = append(list, strings.ReplaceAll(shellWord(w), "{root}", `'"$PWD"'`))
		}
		return strings.Join(list, " ")
	}
	user := ""
	if c.uid != 0 {
		user = fmt.Sprintf("setpriv --reuid=%d --regid=%[1]d --clear-groups ", c.uid)
	}
	run := func(dir string, command []string) string {
		return fmt.Sprintf("(cd %s; HOME=/nonexistent LC_ALL=C %s%s -i %s; echo \"exit code $?\")\n", dir, user, strings.Join(command, " "), quoted(c.words("{root}")))
	}
	made := shell(c.nodes)
	if c.uid != 0 {
		made = fmt.Sprintf("chown %d:%[1]d .\n", c.uid) + made
	}
	return fmt.Sprintf("for i in 1 2; do mkdir $i; (cd $i\n%s); done\n%s%s", made, run("1", d.reference), run("2", append([]string{"zccp"}, d.subject[1:]...)))
}
