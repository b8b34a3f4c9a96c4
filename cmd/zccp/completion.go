package main

import (
	"embed"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zccp/zccp/sync/apply"
)

// completionText holds the part of each script that does not depend on the options.
//
//go:embed all:completion
var completionText embed.FS

// completionShell is a shell that there is a script for.
type completionShell struct {
	name   string
	file   string                   // what the script is called where the shell looks for it
	tables func() map[string]string // what stands in for @NAME@ in the text, for each NAME
}

func completionScripts() []completionShell {
	return []completionShell{
		{"bash", "zccp.bash", bashTables},
		{"zsh", "_zccp", zshTables},
		{"fish", "zccp.fish", fishTables},
	}
}

// completionShells are the names of the shells.
func completionShells() []string {
	var names []string
	for _, s := range completionScripts() {
		names = append(names, s.name)
	}
	return names
}

// script returns the script. It is the same for each call and on each platform.
func (s completionShell) script() string {
	text, err := completionText.ReadFile("completion/" + s.file)
	if err != nil {
		panic(err) // it is part of the program
	}
	var pairs []string
	for name, table := range s.tables() {
		pairs = append(pairs, "@"+name+"@", table)
	}
	return strings.NewReplacer(pairs...).Replace(string(text))
}

const completionHelpTemplate = `Usage: {{.Name}} completion SHELL
{{.Description}}

Examples:
  bash: {{.Name}} completion bash > ~/.local/share/bash-completion/completions/zccp
  zsh:  {{.Name}} completion zsh > DIRECTORY/_zccp, where DIRECTORY is one of $fpath
  fish: {{.Name}} completion fish > ~/.config/fish/completions/zccp.fish

{{range .Flags}}{{row .}}{{end}}
docs/completion.md says more.
`

func completionFlags() []cli.Flag {
	return []cli.Flag{&cli.BoolFlag{Name: "help", Usage: "print this help and exit"}}
}

func (e *env) printCompletionHelp(w io.Writer) error {
	app := &cli.App{Name: e.prog, Flags: completionFlags(),
		Description: "Print the script that completes command lines of zccp in SHELL: " + strings.Join(completionShells(), ", ") + "."}
	cli.HelpPrinterCustom(w, completionHelpTemplate, app, map[string]any{"row": helpRow})
	return nil
}

// runCompletion runs "completion SHELL". args are those behind the word completion.
func runCompletion(e *env, args []string) int {
	line, err := newOptionTable(completionFlags()).normalise(args, false)
	if len(line.Settings) > 0 {
		return e.print(e.printCompletionHelp)
	}
	shells := strings.Join(completionShells(), ", ")
	switch {
	case err != nil:
		return e.refuseCompletion(err)
	case len(line.Operands) == 0:
		return e.refuseCompletion(refusef("'"+e.prog+" completion --help' says where it goes", "say for which shell: %s", shells))
	case len(line.Operands) > 1:
		return e.refuseCompletion(refusef("", "extra operand %s", apply.Quote(line.Operands[1])))
	}
	scripts := completionScripts()
	i := slices.IndexFunc(scripts, func(s completionShell) bool { return s.name == line.Operands[0] })
	if i < 0 {
		return e.refuseCompletion(refusef("", "no completion for the shell %s; there are %s", apply.Quote(line.Operands[0]), shells))
	}
	return e.print(func(w io.Writer) error {
		_, err := io.WriteString(w, scripts[i].script())
		return err
	})
}

// refuseCompletion prints why there is no script.
func (e *env) refuseCompletion(err error) int {
	code := e.refuse(err)
	e.hintFile("completion")
	return code
}

// completionMode is a mode as a script sees it.
type completionMode struct {
	name     string // copy for copy mode
	options  []modeOption
	operands []modeOperand
}

// completionModes returns the modes, and for those of two words the first word as a
// mode whose operand is the second.
func completionModes() []completionMode {
	var list []completionMode
	for _, m := range modes() {
		c := completionMode{m.name, m.options(), m.operands}
		if m.name == "" {
			c.name = "copy"
		}
		c.options = slices.DeleteFunc(c.options, func(o modeOption) bool { return o.never != "" })
		if first, second, found := strings.Cut(m.name, " "); found {
			i := slices.IndexFunc(list, func(c completionMode) bool { return c.name == first })
			if i < 0 {
				i = len(list)
				list = append(list, completionMode{first, nil, []modeOperand{{name: "KIND", kind: valueWord}}})
			}
			list[i].operands[0].words = append(list[i].operands[0].words, second)
		}
		list = append(list, c)
	}
	return list
}

// operand returns what an operand of the mode is; none of them differ in that. ok is
// false if the mode has none.
func (m completionMode) operand() (o modeOperand, ok bool) {
	for i, next := range m.operands {
		if i > 0 && next.kind != o.kind {
			panic("the operands of " + m.name + " are of different kinds, which no script tells apart")
		}
		o, ok = next, true
	}
	return o, ok
}

// commandWords are the words that choose a mode, with what it does.
func commandWords() (words, summaries []string) {
	for _, m := range modes() {
		word, kind, _ := strings.Cut(m.name, " ")
		switch {
		case word == "" || slices.Contains(words, word):
			continue
		case kind != "":
			m.summary = "time copies"
		}
		words, summaries = append(words, word), append(summaries, m.summary)
	}
	return words, summaries
}

// brief returns what an option does in a few words: its usage without what its values
// are.
func (o modeOption) brief() string {
	if o.idle != "" {
		return "no effect: " + o.idle
	}
	text := o.usage
	if o.value != "" {
		if strings.HasPrefix(text, o.value+" is ") {
			return strings.ReplaceAll(o.names[0], "-", " ")
		}
		text, _, _ = strings.Cut(text, ", "+o.value+" is ")
	}
	for _, end := range []string{"; ", ", see docs/", ": ", " ("} {
		text, _, _ = strings.Cut(text, end)
	}
	return text
}

// negation returns what the names that turn the option off do.
func (o modeOption) negation() string { return "undo " + o.spellings()[0] }

// offNames returns the names that turn the option off as they are typed.
func (o modeOption) offNames() []string {
	var words []string
	for _, name := range o.off {
		words = append(words, spelling(name))
	}
	return words
}
