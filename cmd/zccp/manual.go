package main

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// manualDate is the date that the pages bear: that of the last change of what they
// say. It is not that of the day, so that a page is the same whenever it is made.
const manualDate = "November 22, 2026"

// manualTexts are the hand-written parts, in the form that parseText reads.
//
//go:embed manual/*.md
var manualTexts embed.FS

// manualPage is one page of the manual. What --help of its modes says besides the
// options is taken from it too.
type manualPage struct {
	name     string // of the page and of its text
	section  int
	about    string
	modes    []string // whose options it has
	usage    []manualUsage
	examples []manualExample
	see      []string // other pages; those of the manual itself are added
}

// manualUsage is one way of calling a mode.
type manualUsage struct{ mode, args string }

// manualExample is a command line, which begins behind the name of the program, and what it does.
type manualExample struct{ mode, args, does string }

// manualPages are the pages of the manual. docs/man has them as they are packaged.
func manualPages() []manualPage {
	return []manualPage{
		{
			name: "zccp", section: 1, about: "copy files and trees, in parallel and with all they have",
			modes: []string{"", "help", "version", "completion"},
			usage: []manualUsage{
				{"", "[OPTION]... [-T] SOURCE DEST"},
				{"", "[OPTION]... SOURCE... DIRECTORY"},
				{"", "[OPTION]... -t DIRECTORY SOURCE..."},
				{"help", "[OPTION]... [TOPIC]"},
				{"version", ""},
				{"completion", "SHELL"},
			},
			examples: []manualExample{
				{"", "-a SRC DST", "a tree with all its attributes, as cp -a"},
				{"", "-a --verify --fsync SRC DST", "the same, read back, compared and durable"},
				{"", "-a --dry-run SRC DST", "only say what would be done"},
				{"", "-R --reflink=always SRC DST", "clones that take no space, or fail"},
				{"", "-a SRC HOST:DST", "to another machine, by ssh"},
			},
			see: []string{"cp(1)", "ssh(1)", "ioctl_ficlone(2)", "copy_file_range(2)"},
		},
		{
			name: "zccp-sync", section: 1, about: "make one tree like another, by the rules of rsync",
			modes: []string{"sync"},
			usage: []manualUsage{{"sync", "[OPTION]... SRC... DEST"}, {"sync", "[OPTION]... SRC"}},
			examples: []manualExample{
				{"sync", "-aHAX --delete src/ dst/", "make dst what src is"},
				{"sync", "-ain --delete src/ dst/", "only say what that would change"},
				{"sync", "-a --link-dest=../1 src/ 2/", "a snapshot that shares what is the same"},
				{"sync", "-aHAX --delete src/ host:dst/", "make dst on another machine what src is, by ssh"},
			},
			see: []string{"rsync(1)", "ssh(1)"},
		},
		{
			name: "zccp-plan", section: 1, about: "write down what a sync would do, and do that later",
			modes: []string{"plan", "apply"},
			usage: []manualUsage{{"plan", "[OPTION]... SRC... DEST > PLAN"}, {"apply", "[OPTION]... PLAN"}},
			examples: []manualExample{
				{"plan", "-aHAX --delete src/ dst/ > plan.jsonl", "write down what would be done"},
				{"apply", "-i plan.jsonl", "do that, and nothing else"},
			},
		},
		{
			name: "zccp-verify", section: 1, about: "compare two trees: contents and all metadata",
			modes: []string{"verify"},
			usage: []manualUsage{{"verify", "[OPTION]... SRC DST"}},
			examples: []manualExample{
				{"verify", "-q src backup && echo safe", "only the exit status"},
				{"verify", "--ignore=owner,group src backup", "copied by somebody who is not root"},
				{"verify", "--quick src backup", "sizes, times and attributes, no content"},
				{"verify", "--hash=blake3 --json src backup", "a record: the digest of each file that is the same"},
			},
			see: []string{"cmp(1)", "diff(1)"},
		},
		{
			name: "zccp-bench", section: 1, about: "time zccp beside other programs, and its ways to move bytes",
			modes: []string{"bench"},
			usage: []manualUsage{
				{"bench", "tree [OPTION]..."}, {"bench", "file [OPTION]..."}, {"bench", "sync [OPTION]..."},
				{"bench", "remote [OPTION]..."}, {"bench", "methods [OPTION]... [DIR [DIR2]]"}, {"bench", "send [OPTION]... [DIR [DIR2]]"},
			},
			examples: []manualExample{
				{"bench", "tree --against cp,rsync", "50 000 small files, warm cache"},
				{"bench", "tree --cold --dir /mnt/disk", "the caches dropped before each run (root)"},
				{"bench", "file --size=4G", "one big file"},
				{"bench", "methods DIR", "every way to move its bytes"},
			},
		},
		{
			name: "zccp-probe", section: 1, about: "say what a file system, or a pair of them, can do",
			modes:    []string{"probe"},
			usage:    []manualUsage{{"probe", "[OPTION]... PATH"}, {"probe", "[OPTION]... SOURCE DEST"}},
			examples: []manualExample{{"probe", "/srv", "what can be done there"}, {"probe", "/home /mnt/backup", "and between the two"}},
		},
		{
			name: "zccp-serve", section: 8, about: "let other machines copy from here and to here",
			modes: []string{"serve", "keygen"},
			usage: []manualUsage{
				{"serve", "--stdio [OPTION]..."}, {"serve", "[--listen=ADDRESS] --config=FILE"},
				{"keygen", "[FILE]"}, {"keygen", "--show [FILE]"},
			},
			examples: []manualExample{
				{"keygen", "/etc/zccp/key", "make the key of a daemon, once"},
				{"serve", "--config=/etc/zccp/serve.conf", "a daemon"},
			},
			see: []string{"sshd(8)", "authorized_keys(5)", "systemd.socket(5)"},
		},
		{
			name: "zccp-filter", section: 7, about: "rules that say which names of a tree take part",
			see: []string{"rsync(1)", "gitignore(5)", "glob(7)"},
		},
	}
}

// pageOf returns the page that a mode is on; all benches are on one.
func pageOf(mode string) *manualPage {
	word, _, _ := strings.Cut(mode, " ")
	for _, p := range manualPages() {
		if slices.Contains(p.modes, word) {
			return &p
		}
	}
	panic("no page of the manual is about " + mode)
}

// blocks returns the page's own text.
func (p *manualPage) blocks() []textBlock { return readText(p.name) }

// lead returns what --help says of a mode at first: of the one that gives the page
// its name the paragraphs that the page begins with, of others their summary.
func (p *manualPage) lead(name string) string {
	var lines []string
	if name != p.modes[0] {
		for _, m := range modes() {
			if m.name == name {
				return strings.ToUpper(m.summary[:1]) + m.summary[1:] + "."
			}
		}
	}
	for _, b := range p.blocks()[1:] {
		if b.kind != blockParagraph {
			break
		}
		if lines != nil {
			lines = append(lines, "")
		}
		lines = append(lines, wrap(plainWords(b.text, true), helpWidth)...)
	}
	return strings.Join(lines, "\n")
}

// readText returns a text of manual/.
func readText(name string) []textBlock {
	text, err := manualTexts.ReadFile("manual/" + name + ".md")
	if err != nil {
		panic(err)
	}
	return parseText(string(text))
}

// title is how others refer to the page.
func (p *manualPage) title() string { return fmt.Sprintf("%s(%d)", p.name, p.section) }

// command is how a mode is called.
func (e *env) command(mode string) string {
	if mode == "sync" {
		return e.syncCommand()
	}
	return strings.TrimSpace(e.prog + " " + mode)
}

// file is the name of the page in docs/man.
func (p *manualPage) file() string { return fmt.Sprintf("%s.%d", p.name, p.section) }

// usageText returns the ways of calling the given modes, as the first lines of a help text.
func (e *env) usageText(modes ...string) string {
	var b strings.Builder
	for _, mode := range modes {
		for _, u := range pageOf(mode).usage {
			if u.mode != mode {
				continue
			}
			head := "\n  or:  "
			if b.Len() == 0 {
				head = "Usage: "
			}
			b.WriteString(head + strings.TrimSpace(e.command(mode)+" "+u.args))
		}
	}
	return b.String()
}

// examplesText returns the examples of modes, one a line.
func (e *env) examplesText(modes ...string) string {
	var lines [][2]string
	wide := 0
	for _, mode := range modes {
		for _, x := range pageOf(mode).examples {
			if x.mode == mode && !(e.asCp() && strings.Contains(x.args, "HOST:")) {
				line := [2]string{e.command(mode) + " " + x.args, x.does}
				lines = append(lines, line)
				wide = max(wide, len(line[0]))
			}
		}
	}
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "  %-*s  %s", wide, line[0], line[1])
	}
	return b.String()
}

// commandList names the commands, "" for a program that has none.
func (e *env) commandList() string {
	if e.asCp() {
		return ""
	}
	var names []string
	for _, m := range modes() {
		if name, _, _ := strings.Cut(m.name, " "); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(wrap(e.prog+" "+strings.Join(names, " | "), helpWidth-9), "\n         ")
}
