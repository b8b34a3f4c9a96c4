package main

import (
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/urfave/cli/v2"
)

// helpTemplate is filled in by cli's own printer.
const helpTemplate = `{{usage}}
{{if commands}}  or:  {{commands}}
{{end}}{{.Description}}

Examples:
{{examples}}
{{range groups .Flags}}
{{.Name}}:
{{range .Flags}}{{row .}}{{end}}{{end}}
An argument that is mandatory for a long option is so for its short form. Long options may be
shortened as long as they are unique, those of cp among themselves. Options may follow operands;
what follows -- is no option.
{{if commands}}A SOURCE named like a command is written with a path: ./bench.
'{{.Name}} help TOPIC' says more, of commands, filter rules, paths, environment and exit codes;
'{{.Name}} help help' lists the topics.
{{end}}
A file is at its final name only when it is whole. An existing file is replaced by rename, except
where that would lose something of it (other hard links, its owner) or --inplace is given.
SIGUSR1 makes {{.Name}} print a line on how far it is. A second Ctrl-C ends it at once.

Environment: VERSION_CONTROL, SIMPLE_BACKUP_SUFFIX, POSIXLY_CORRECT (options end at the first
operand), TERM.

Exit status:
{{range status}}{{printf "  %-7s %s" .Code .Meaning}}
{{end}}`

// printHelp writes the help text of copy mode.
func (e *env) printHelp(w io.Writer) error {
	return e.printModeHelp(w, "", helpTemplate, copyFlags(), map[string]any{
		"commands": e.commandList,
		"status":   exitStatus,
	})
}

// printModeHelp fills in the help text of a mode, 100 columns wide at most. What all
// templates have are the name, the about text, usage, examples, groups and row.
func (e *env) printModeHelp(w io.Writer, mode, template string, flags []cli.Flag, more map[string]any) error {
	app := &cli.App{Name: e.command(mode), Flags: flags, Description: pageOf(mode).lead(mode)}
	words := map[string]any{
		"usage":    func() string { return e.usageText(mode) },
		"examples": func() string { return e.examplesText(mode) },
		"groups":   helpGroups,
		"row":      helpRow,
	}
	maps.Copy(words, more)
	cli.HelpPrinterCustom(w, template, app, words)
	return nil
}

type helpGroup struct {
	Name  string
	Flags []cli.Flag
}

// helpGroups splits flags where the category changes. cli's own grouping sorts
// by name, which would tear apart what belongs together.
func helpGroups(flags []cli.Flag) []helpGroup {
	var groups []helpGroup
	for _, f := range flags {
		var name string
		if c, ok := f.(cli.CategorizableFlag); ok {
			name = c.GetCategory()
		}
		if n := len(groups); n == 0 || groups[n-1].Name != name {
			groups = append(groups, helpGroup{Name: name})
		}
		g := &groups[len(groups)-1]
		g.Flags = append(g.Flags, f)
	}
	return groups
}

// printExample is what a call without operands gets under its message.
func (e *env) printExample(w io.Writer) {
	fmt.Fprintf(w, "Usage: %s [OPTION]... SOURCE... DEST, for example: %s -a SRC DST\n", e.prog, e.prog)
	e.printTryHelp(w)
}

func (e *env) printTryHelp(w io.Writer) {
	fmt.Fprintf(w, "Try '%s --help' for more information.\n", e.prog)
}

// print writes something to stdout and returns the exit code: a full disk or a
// closed pipe is a failure, as in cp.
func (e *env) print(write func(io.Writer) error) int {
	w := &checkedWriter{w: e.stdout}
	if err := write(w); err != nil {
		w.err = err
	}
	if w.err != nil {
		e.errorf("write error: %s", reason(w.err))
		return exitFailure
	}
	return exitOK
}

// checkedWriter remembers the first error: cli's help printer drops it.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (c *checkedWriter) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.w.Write(p)
	c.err = err
	return n, err
}

// Columns of the help text.
const (
	helpColumn = 32 // where descriptions begin
	helpWidth  = 100
)

// helpRow lays out one option as cp's help does: "  -s, --long=VALUE  text".
func helpRow(f cli.Flag) string {
	var usage string
	optional := false
	switch f := f.(type) {
	case *cli.BoolFlag:
		usage = f.Usage
	case *cli.StringFlag:
		usage = f.Usage
	case *optionalFlag:
		usage, optional = f.Usage, true
	}
	usage, value := splitValueName(usage)
	var short, long []string
	for _, n := range f.Names() {
		if len(n) == 1 {
			short = append(short, "-"+n)
		} else {
			long = append(long, "--"+n)
		}
	}
	// Only the first long name is shown; the others are there for old scripts.
	names := strings.Join(short, ", ")
	switch {
	case len(long) == 0:
	case names == "":
		names = "    " + long[0]
	default:
		names += ", " + long[0]
	}
	if value != "" {
		if optional {
			names += "[=" + value + "]"
		} else {
			names += "=" + value
		}
	}
	var b strings.Builder
	b.WriteString("  " + names)
	at := 2 + len(names)
	if at+2 > helpColumn {
		b.WriteByte('\n')
		at = 0
	}
	for i, line := range wrap(usage, helpWidth-helpColumn) {
		if i > 0 {
			b.WriteByte('\n')
			at = 0
		}
		b.WriteString(strings.Repeat(" ", helpColumn-at) + line)
	}
	b.WriteByte('\n')
	return b.String()
}

// splitValueName takes the backquotes off the name of the value.
func splitValueName(usage string) (text, value string) {
	before, rest, found := strings.Cut(usage, "`")
	if !found {
		return usage, ""
	}
	value, after, _ := strings.Cut(rest, "`")
	return before + value + after, value
}

// wrap breaks text at blanks into lines of at most width bytes.
func wrap(text string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		if n := len(lines); n > 0 && len(lines[n-1])+1+len(word) <= width {
			lines[n-1] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
