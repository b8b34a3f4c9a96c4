package main

import (
	"io"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/zccp/zccp/sync/apply"
)

// serveConfig is a validated command line of serve.
type serveConfig struct {
	help   bool
	stdio  bool
	listen string // "" for the address in the configuration
	config string
	plain  bool
	policy peerPolicy // of stdio
}

const serveHelpTemplate = `{{usage}}
{{.Description}}

Examples:
{{examples}}
  command="zccp serve --stdio --root=/srv/backup --append-only",restrict ssh-ed25519 AAAA...
{{range groups .Flags}}
{{.Name}}:
{{range .Flags}}{{row .}}{{end}}{{end}}
Exit status: that of zccp sync; see docs/remote.md.
`

func serveFlags() []cli.Flag {
	const (
		stdio  = "For one client, by ssh"
		daemon = "For clients with known keys"
	)
	flag := func(category, usage, name string) cli.Flag {
		return &cli.BoolFlag{Name: name, Usage: usage, Category: category}
	}
	value := func(category, usage, name string) cli.Flag {
		return &cli.StringFlag{Name: name, Usage: usage, Category: category}
	}
	return []cli.Flag{
		flag(stdio, "speak to the client over standard input and output; what a client runs by ssh", "stdio"),
		value(stdio, "let the client reach nothing but what is below `DIR`, which is / to it", "root"),
		flag(stdio, "let the client read only", "read-only"),
		flag(stdio, "let the client add what is new, and change or delete nothing", "append-only"),
		flag(stdio, "with one of the three above: let the client ask for --security=plain", "allow-plain"),
		value(daemon, "read exports, keys and limits from `FILE`, see docs/remote.md", "config"),
		value(daemon, "listen on `ADDRESS`, as 192.0.2.7:7453 or :7453, instead of what FILE says", "listen"),
		flag("Help", "print this help and exit", "help"),
	}
}

func (e *env) printServeHelp(w io.Writer) error {
	return e.printModeHelp(w, "serve", serveHelpTemplate, serveFlags(), nil)
}

// parseServe reads the arguments of serve.
func parseServe(args []string) (*serveConfig, error) {
	line, err := newOptionTable(serveFlags()).normalise(args, false)
	cfg := &serveConfig{}
	modes, rooted := 0, false
	for _, s := range line.Settings {
		switch s.Option {
		case "help":
			return &serveConfig{help: true}, nil
		case "stdio":
			cfg.stdio = true
		case "root":
			rooted = true
			if cfg.policy.Root = filepath.Clean(s.Value); !filepath.IsAbs(s.Value) {
				return nil, refusef("", "--root=%s is not an absolute path", printableText(s.Value))
			}
		case "read-only":
			modes, cfg.policy.Mode = modes+1, exportReadOnly
		case "append-only":
			modes, cfg.policy.Mode = modes+1, exportAppendOnly
		case "allow-plain":
			cfg.plain = true
		case "config":
			cfg.config = s.Value
		case "listen":
			cfg.listen = s.Value
		}
	}
	switch {
	case err != nil:
		return nil, err
	case len(line.Operands) > 0:
		return nil, refusef("to copy a file of that name, write ./serve", "extra operand %s", apply.Quote(line.Operands[0]))
	case cfg.stdio && (cfg.config != "" || cfg.listen != ""):
		return nil, refusef("", "--stdio is for one client, --config and --listen are for a daemon")
	case !cfg.stdio && (rooted || modes > 0 || cfg.plain):
		return nil, refusef("for a daemon, the configuration says this for each export",
			"--root, --read-only, --append-only and --allow-plain go with --stdio")
	case modes > 1:
		return nil, refusef("", "--read-only and --append-only exclude each other")
	case !cfg.stdio && cfg.config == "":
		return nil, refusef("zccp serve --help says more, and docs/remote.md how to set up a daemon", "serve needs --stdio, or --config=FILE for a daemon")
	}
	return cfg, nil
}
