package main

import (
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

const syncHelpTemplate = `Usage: {{.Name}} [OPTION]... SRC... DEST
  or:  {{.Name}} [OPTION]... SRC
{{.Description}}

Examples:
  {{.Name}} -aHAX --delete src/ dst/     make dst what src is
  {{.Name}} -ain --delete src/ dst/      only say what that would change
  {{.Name}} -a --link-dest=../1 src/ 2/  a snapshot that shares what is the same
  {{.Name}} -aHAX --delete src/ host:dst/  make dst on another machine what src is, by ssh
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

// printSyncHelp writes the help text of sync mode, 100 columns wide at most.
func (e *env) printSyncHelp(w io.Writer) error {
	app := &cli.App{
		Name: e.syncCommand(),
		Description: "Make DEST hold what SRC holds, as rsync does, several files at a time; either may be on another\n" +
			"machine. With one SRC and no DEST, list it.",
	}
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
			app.Flags = append(app.Flags, o.cliFlag())
		}
	}
	idle.Text, never.Text = indented(idleNames), indented(neverNames)
	cli.HelpPrinterCustom(w, syncHelpTemplate, app, map[string]any{
		"groups":    helpGroups,
		"row":       helpRow,
		"lists":     func() []helpList { return []helpList{idle, never} },
		"negations": func() string { return indented(negations) },
		"status":    syncExitStatus,
	})
	return nil
}

// indented lays out words two blanks from the left.
func indented(words []string) string {
	return "  " + strings.Join(wrap(strings.Join(words, " "), helpWidth-2), "\n  ")
}
