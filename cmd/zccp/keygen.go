package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/link"
)

const keygenHelpTemplate = `{{usage}}
{{.Description}} FILE must not exist; default: ~/.config/zccp/key.

Examples:
{{examples}}

{{range .Flags}}{{row .}}{{end}}
Both print the fingerprint, by which the other end knows the key: that of a client goes into the
daemon's file of clients, that of the daemon into the URL (?pin=) or the client's known_hosts.
`

func (e *env) printKeygenHelp(w io.Writer) error {
	return e.printModeHelp(w, "keygen", keygenHelpTemplate, keygenFlags(), nil)
}

func keygenFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "show", Usage: "make nothing, print the fingerprint of the key in FILE"},
		&cli.BoolFlag{Name: "help", Usage: "print this help and exit"},
	}
}

// runKeygen makes a key for a daemon or for one of its clients. args are those
// behind the word keygen.
func runKeygen(e *env, args []string) int {
	line, err := newOptionTable(keygenFlags()).normalise(args, false)
	show := false
	for _, s := range line.Settings {
		if s.Option == "help" {
			return e.print(e.printKeygenHelp)
		}
		show = true
	}
	file := ""
	switch {
	case err != nil:
		return e.refuse(err)
	case len(line.Operands) > 1:
		return e.refuse(refusef("", "extra operand %s", apply.Quote(line.Operands[1])))
	case len(line.Operands) == 1:
		file = line.Operands[0]
	default:
		if file, err = link.DefaultKeyFile(); err != nil {
			return e.refuse(refusef("name a file", "there is no home directory for a key"))
		}
	}
	if show {
		pin, err := link.Fingerprint(file)
		if err != nil {
			return e.refuse(refusef("", "cannot read a key: %s", reason(err)))
		}
		return e.print(func(w io.Writer) error { _, err := fmt.Fprintln(w, pin); return err })
	}
	pin, err := link.GenerateKey(file)
	if errors.Is(err, fs.ErrExist) {
		return e.refuse(refusef("--show prints its fingerprint; to make a new one, move it away first", "%s is there already", apply.Quote(file)))
	}
	if err != nil {
		return e.refuse(refusef("", "cannot make a key in %s: %s", apply.Quote(file), reason(err)))
	}
	return e.print(func(w io.Writer) error { _, err := fmt.Fprintln(w, pin); return err })
}
