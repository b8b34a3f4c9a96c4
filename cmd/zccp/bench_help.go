package main

import (
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

const benchHelpTemplate = `{{usage}}
{{.Description}}

Examples:
{{examples}}
{{range groups}}
{{.Name}}:
{{if .Text}}{{.Text}}
{{end}}{{range .Flags}}{{row .}}{{end}}{{end}}`

// benchHelpGroup is a part of bench's table as its help shows it.
type benchHelpGroup struct {
	Name, Text string
	Flags      []cli.Flag
}

// printBenchHelp writes the help of bench.
func (e *env) printBenchHelp(w io.Writer) error {
	var groups []benchHelpGroup
	for _, g := range benchGroups() {
		groups = append(groups, benchHelpGroup{g.title, strings.Join(wrap(g.about, helpWidth), "\n"), g.flags})
	}
	return e.printModeHelp(w, "bench", benchHelpTemplate, nil, map[string]any{
		"groups": func() []benchHelpGroup { return groups },
	})
}
