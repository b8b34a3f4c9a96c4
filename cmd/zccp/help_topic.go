package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zccp/zccp/sync/apply"
)

// helpFlags declares the options of help.
func helpFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "man", Usage: "print the manual page that has the topic, in the language of mdoc(7), for man -l or mandoc"},
		&cli.BoolFlag{Name: "help", Usage: "print this help and exit"},
	}
}

// topic is something that help tells of.
type topic struct {
	name, about string
	page        string                // that tells of it too
	print       func(io.Writer) error // nil: no more than about is to be said
}

// textTopics are the parts of the manual that are topics of their own.
func textTopics() []topic {
	text := func(name string) func(io.Writer) error {
		return func(w io.Writer) error { return printText(w, name) }
	}
	return []topic{
		{"filter", "the rules that say which names of a tree take part", "zccp-filter", text("zccp-filter")},
		{"paths", "slashes at the end of a name, and names on other machines", "zccp", text("paths")},
		{"environment", "the environment variables that are read", "zccp", text("environment")},
		{"exit-codes", "what the exit codes say", "zccp", printExitCodes},
	}
}

// modeTopic is what a mode is called as a topic; all benches are one.
func modeTopic(mode string) string {
	word, _, _ := strings.Cut(mode, " ")
	return cmp.Or(word, "copy")
}

// topicNames returns the names of the topics that there are with these modes.
func topicNames(list []mode) []string {
	var names []string
	for _, m := range list {
		if name := modeTopic(m.name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, t := range textTopics() {
		names = append(names, t.name)
	}
	return names
}

// topics lists what "zccp help TOPIC" knows: the modes, and parts of the manual.
func (e *env) topics() []topic {
	prints := map[string]func(io.Writer) error{
		"copy": e.printHelp, "sync": e.printSyncHelp, "serve": e.printServeHelp, "keygen": e.printKeygenHelp, "plan": e.printPlanHelp,
		"apply": e.printPlanHelp, "verify": e.printVerifyHelp, "probe": e.printProbeHelp, "bench": e.printBenchHelp, "help": e.printTopics,
		"completion": e.printCompletionHelp,
	}
	var list []topic
	for _, m := range modes() {
		name, page := modeTopic(m.name), pageOf(m.name)
		if slices.ContainsFunc(list, func(t topic) bool { return t.name == name }) {
			continue
		}
		t := topic{name, m.summary, page.name, prints[name]}
		if name == "bench" {
			t.about = page.about
		}
		list = append(list, t)
	}
	return append(list, textTopics()...)
}

// printText writes a text of the manual for a terminal.
func printText(w io.Writer, name string) error {
	p := &plainWriter{w: w}
	p.blocks(readText(name), func(name string) {
		p.began = false // the gap is there
		p.blocks((&manualPage{}).inserted(name), nil)
	})
	return nil
}

// printExitCodes writes the tables of exit codes.
func printExitCodes(w io.Writer) error {
	for i, t := range []struct {
		mode string
		rows []exitRow
	}{{"zccp, as cp", exitStatus()}, {"zccp sync, as rsync; serve, plan and apply too", syncExitStatus()}, {"zccp verify", verifyStatus()}} {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s:\n", t.mode)
		for _, row := range t.rows {
			fmt.Fprintf(w, "  %-7s %s\n", row.Code, row.Meaning)
		}
	}
	return nil
}

const topicsTemplate = `{{usage}}
{{.Description}}

{{range .Flags}}{{row .}}{{end}}
Topics:
{{range topics}}{{.}}
{{end}}`

// printTopics writes the help of help.
func (e *env) printTopics(w io.Writer) error {
	return e.printModeHelp(w, "help", topicsTemplate, helpFlags(), map[string]any{
		"topics": func() (rows []string) {
			for _, t := range e.topics() {
				rows = append(rows, fmt.Sprintf("  %-13s %s", t.name, t.about))
			}
			return rows
		},
	})
}

// runHelp runs "help [OPTION]... [TOPIC]". args are those behind the word help.
func runHelp(e *env, args []string) int {
	line, err := newOptionTable(helpFlags()).normalise(args, false)
	man := false
	for _, s := range line.Settings {
		if s.Option == "help" {
			return e.print(e.printTopics)
		}
		man = true
	}
	name := "copy"
	switch {
	case err == nil && len(line.Operands) > 1:
		err = usagef("extra operand %s", apply.Quote(line.Operands[1]))
	case len(line.Operands) == 1:
		name = line.Operands[0]
	}
	if err != nil {
		e.errorf("help: %v", err)
		e.hintFile("help")
		return exitFailure
	}
	var names []string
	for _, t := range e.topics() {
		names = append(names, t.name)
		switch {
		case t.name != name:
		case man:
			return e.print(func(w io.Writer) error { return printPage(w, t.page) })
		case t.print == nil:
			return e.print(func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s\n%s.\n", e.usageText(t.name), strings.ToUpper(t.about[:1])+t.about[1:])
				return err
			})
		default:
			return e.print(t.print)
		}
	}
	e.errorf("help: no topic %s; there are %s", apply.Quote(name), strings.Join(names, ", "))
	e.hintFile("help")
	return exitFailure
}

// printPage writes a page of the manual as it is packaged.
func printPage(w io.Writer, name string) error {
	for _, p := range manualPages() {
		if p.name == name {
			_, err := io.WriteString(w, p.mdoc())
			return err
		}
	}
	panic("no page " + name)
}
