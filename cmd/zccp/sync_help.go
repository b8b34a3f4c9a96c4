package main

import (
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

const syncHelpTemplate = `{{usage}}
{{.Description}}

Examples:
{{examples}}
{{range groups .Flags}}
{{.Name}}:
{{range .Flags}}{{row .}}{{end}}{{end}}{{range lists}}
{{.Name}}:
{{.Text}}
{{end}}
--no-OPTION turns off, and a later option wins:
{{negations}}

An argument that is mandatory for a long option is so for its short form. A SRC that ends in a slash
means what is in the directory, one without the directory itself. A name with a colon before its
first slash is one on another machine: write ./a:b for a local one. docs/remote.md says more.

Environment: RSYNC_RSH, RSYNC_PARTIAL_DIR, CVSIGNORE, HOME, XDG_STATE_HOME (which sources
were mount points), XDG_CONFIG_HOME (keys).

Exit status:
{{range status}}{{printf "  %-7s %s" .Code .Meaning}}
{{end}}`

type helpList struct{ Name, Text string }

// printSyncHelp writes the help text of sync mode.
func (e *env) printSyncHelp(w io.Writer) error {
	var flags []cli.Flag
	var negations []string
	idle, never := helpList{Name: groupIdle}, helpList{Name: groupNever}
	var idleNames, neverNames []string
	for _, o := range syncOptions() {
		for _, name := range o.off {
			negations = append(negations, "--no-"+name)
		}
		var names []string
		for _, name := range o.names {
			names = append(names, spelling(name))
		}
		switch {
		case o.idle != "":
			idleNames = append(idleNames, names...)
		case o.never != "":
			neverNames = append(neverNames, names...)
		default:
			flags = append(flags, o.cliFlag())
		}
	}
	idle.Text, never.Text = indented(idleNames), indented(neverNames)
	return e.printModeHelp(w, "sync", syncHelpTemplate, flags, map[string]any{
		"lists":     func() []helpList { return []helpList{idle, never} },
		"negations": func() string { return indented(negations) },
		"status":    syncExitStatus,
	})
}

// indented lays out words two blanks from the left.
func indented(words []string) string {
	return "  " + strings.Join(wrap(strings.Join(words, " "), helpWidth-2), "\n  ")
}
