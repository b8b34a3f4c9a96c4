package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zccp/zccp/sync/apply"
)

// The normaliser turns an argument vector into an ordered list of options and
// the operands, by the rules of getopt_long(3). It stands in front of the
// option table's library because that one stops at the first operand, knows
// neither -j4 nor -avT DIR, and loses the order of options: with it
// "zccp a b --dry-run" would copy, into a directory called --dry-run.

// argKind says whether an option takes a value.
type argKind uint8

const (
	noValue       argKind = iota
	requiredValue         // --name=VALUE, --name VALUE, -nVALUE, -n VALUE
	optionalValue         // --name=VALUE or --name; its short form takes none
)

// option is one row of an optionTable.
type option struct {
	name  string // the first long name, or the letter of an option without one
	long  []string
	kind  argKind
	extra bool // zccp's own, not cp's
}

// optionTable knows the names of a mode's options. It is read-only.
type optionTable struct {
	options []*option
	short   map[byte]*option
	popt    bool // rules of popt(3), which rsync uses: no abbreviations, and -T=DIR is -TDIR
}

// newOptionTable makes the table of a mode from the flags that declare it.
func newOptionTable(flags []cli.Flag) *optionTable {
	t := &optionTable{short: make(map[byte]*option)}
	for _, f := range flags {
		o := &option{}
		var names []string // not f.Names(), which splits them by a regular expression: 0.1 ms in all
		var category string
		switch f := f.(type) {
		case *cli.BoolFlag:
			o.name, names, category = f.Name, f.Aliases, f.Category
		case *cli.StringFlag:
			o.name, names, category, o.kind = f.Name, f.Aliases, f.Category, requiredValue
		case *optionalFlag:
			o.name, names, category, o.kind = f.Name, f.Aliases, f.Category, optionalValue
		default:
			panic(fmt.Sprintf("flag %s: the normaliser does not know a %T", f.Names()[0], f))
		}
		o.extra = category == categoryExtra || category == categoryRemote
		t.add(o, o.name)
		for _, name := range names {
			t.add(o, name)
		}
		t.options = append(t.options, o)
	}
	return t
}

// add makes name one of the option's.
func (t *optionTable) add(o *option, name string) {
	if len(name) == 1 {
		t.short[name[0]] = o
	} else {
		o.long = append(o.long, name)
	}
}

// setting is one option as given. Without a value Given is false, which an
// optional value distinguishes from an empty one.
type setting struct {
	Option string // canonical name, see option.name
	Value  string
	Given  bool
}

// commandLine is a normalised argument vector.
type commandLine struct {
	Settings []setting // in the order they were written
	Operands []string  // byte for byte as they were written
}

// normalise reads args, the arguments after the program's name. If posix is
// set (POSIXLY_CORRECT), options end at the first operand. What was read before
// an error is returned with it: a --help before the mistake still counts.
func (t *optionTable) normalise(args []string, posix bool) (commandLine, error) {
	var line commandLine
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		var err error
		switch {
		case arg == "--":
			line.Operands = append(line.Operands, args...)
			return line, nil
		case strings.HasPrefix(arg, "--"):
			args, err = t.readLong(&line, arg, args)
		case len(arg) > 1 && arg[0] == '-':
			args, err = t.readBundle(&line, arg, args)
		case posix:
			line.Operands = append(append(line.Operands, arg), args...)
			return line, nil
		default:
			line.Operands = append(line.Operands, arg)
		}
		if err != nil {
			return line, err
		}
	}
	return line, nil
}

// readLong reads --name, --name=value or --name and the next argument. It
// returns the arguments that are left.
func (t *optionTable) readLong(line *commandLine, arg string, rest []string) ([]string, error) {
	name, value, given := strings.Cut(arg[2:], "=")
	o, full, err := t.find(name, arg)
	if err != nil {
		return nil, err
	}
	switch {
	case o.kind == noValue && given:
		return nil, usagef("option '--%s' doesn't allow an argument", full)
	case o.kind == requiredValue && !given:
		if len(rest) == 0 {
			return nil, usagef("option '--%s' requires an argument", full)
		}
		value, given, rest = rest[0], true, rest[1:]
	}
	line.Settings = append(line.Settings, setting{o.name, value, given})
	return rest, nil
}

// find returns the option that name is, or abbreviates, and the spelling that
// matched. An abbreviation that fits one option of cp and some of zccp's own
// means cp's: scripts were written before zccp's options existed.
func (t *optionTable) find(name, arg string) (o *option, full string, err error) {
	var matches []string
	var cp, extra, any *option
	var cpName, anyName string
	cpUnique, unique := true, true
	for _, o := range t.options {
		for _, long := range o.long {
			if long == name {
				return o, long, nil
			}
			if t.popt || !strings.HasPrefix(long, name) {
				continue
			}
			matches = append(matches, long)
			unique = unique && (any == nil || any == o)
			any, anyName = o, long
			if o.extra {
				extra = o
				continue
			}
			cpUnique = cpUnique && (cp == nil || cp == o)
			cp, cpName = o, long
		}
	}
	switch {
	case any == nil:
		return nil, "", usagef("unrecognized option %s", apply.Quote(arg))
	case unique:
		return any, anyName, nil
	case cp != nil && cpUnique && extra != nil:
		return cp, cpName, nil
	}
	return nil, "", usagef("option %s is ambiguous; possibilities: '--%s'",
		apply.Quote(arg), strings.Join(matches, "' '--"))
}

// readBundle reads letters behind one dash: -avT, and -j4 or -j 4, where the
// rest of the argument or the next one is the value.
func (t *optionTable) readBundle(line *commandLine, arg string, rest []string) ([]string, error) {
	for i := 1; i < len(arg); i++ {
		o := t.short[arg[i]]
		if o == nil {
			return nil, usagef("invalid option -- %s", apply.Quote(arg[i:i+1]))
		}
		if o.kind != requiredValue {
			line.Settings = append(line.Settings, setting{Option: o.name})
			continue
		}
		value := arg[i+1:]
		if value == "" {
			if len(rest) == 0 {
				return nil, usagef("option requires an argument -- '%c'", arg[i])
			}
			value, rest = rest[0], rest[1:]
		} else if t.popt {
			value = strings.TrimPrefix(value, "=")
		}
		line.Settings = append(line.Settings, setting{o.name, value, true})
		break
	}
	return rest, nil
}

// canonical returns an argument vector that normalises to line again: full
// names, values behind =, every operand after --.
func (line commandLine) canonical() []string {
	args := make([]string, 0, len(line.Settings)+1+len(line.Operands))
	for _, s := range line.Settings {
		switch {
		case len(s.Option) == 1:
			args = append(args, "-"+s.Option+s.Value)
		case s.Given:
			args = append(args, "--"+s.Option+"="+s.Value)
		default:
			args = append(args, "--"+s.Option)
		}
	}
	return append(append(args, "--"), line.Operands...)
}
