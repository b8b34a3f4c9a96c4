package main

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/verify"
)

// verifyConfig is a verify command line, checked.
type verifyConfig struct {
	Src, Dst   string
	Ignore     verify.Aspect
	Hash       copier.Hash
	HashName   string
	Quick      bool
	Window     time.Duration
	Allocation bool
	Jobs       int // 0 for the default
	JSON       bool
	Quiet      bool
	Help       bool
}

// Groups of options of verify, in the order of the help text.
const (
	categoryCompared       = "What is compared"
	categoryComparedOutput = "Output"
)

// verifyFlags declares the options of verify, as copyFlags those of copy mode.
func verifyFlags() []cli.Flag {
	flag := func(category, usage, name string, aliases ...string) cli.Flag {
		return &cli.BoolFlag{Name: name, Aliases: aliases, Usage: usage, Category: category}
	}
	value := func(category, usage, name string, aliases ...string) cli.Flag {
		return &cli.StringFlag{Name: name, Aliases: aliases, Usage: usage, Category: category}
	}
	return []cli.Flag{
		value(categoryCompared, "leave out what `LIST` names, any of mode, owner, group, times, dirtimes (of directories), "+
			"acl, xattr, links (hard links); repeatable", "ignore"),
		flag(categoryCompared, "compare sizes and times of files and don't read them", "quick"),
		&optionalFlag{cli.StringFlag{Name: "hash", Category: categoryCompared,
			Usage: "compare digests and not bytes, and report them, `HASH` is xxh3 (128 bits, the default) or blake3"}},
		value(categoryCompared, "times that are up to `SECONDS` apart are the same", "modify-window"),
		flag(categoryCompared, "compare the space that files take, too: more than 64 KiB are a difference", "sparse"),
		value(categoryCompared, "use up to `N` workers; 1 compares in a fixed order", "jobs", "j"),
		flag(categoryComparedOutput, "report as JSON lines on stdout, see docs/json.md", "json"),
		flag(categoryComparedOutput, "print problems only; the exit status tells the rest", "quiet", "q"),
		flag(categoryComparedOutput, "print this help and exit", "help"),
	}
}

// parseVerify reads the command line after "verify".
func parseVerify(e *env, args []string) (*verifyConfig, error) {
	line, err := newOptionTable(verifyFlags()).normalise(args, e.getenv("POSIXLY_CORRECT") != "")
	cfg := &verifyConfig{}
	for _, s := range line.Settings {
		if s.Option == "help" {
			cfg.Help = true
			return cfg, nil
		}
	}
	if err != nil {
		return nil, err
	}
	for _, s := range line.Settings {
		if err := cfg.set(s); err != nil {
			return nil, err
		}
	}
	if cfg.Quick && cfg.Hash != copier.NoHash {
		return nil, usagef("--quick reads nothing that --hash could digest")
	}
	switch n := len(line.Operands); n {
	case 0, 1:
		return nil, usagef("say what to compare: SRC and DST")
	case 2:
		cfg.Src, cfg.Dst = platform.SlashPath(line.Operands[0]), platform.SlashPath(line.Operands[1])
	default:
		return nil, usagef("extra operand %s", apply.Quote(line.Operands[2]))
	}
	return cfg, nil
}

// set takes one option.
func (cfg *verifyConfig) set(s setting) (err error) {
	switch s.Option {
	case "ignore":
		return cfg.ignore(s.Value)
	case "quick":
		cfg.Quick = true
	case "hash":
		cfg.Hash, cfg.HashName = copier.XXH3, "xxh3"
		if s.Given {
			cfg.Hash, err = findKeyword("--hash", s.Value, hashWords())
		}
		if cfg.Hash == copier.BLAKE3 {
			cfg.HashName = "blake3"
		}
	case "modify-window":
		seconds, err := strconv.ParseFloat(s.Value, 64)
		if err != nil || !(seconds >= 0 && seconds <= math.MaxInt32) {
			return usagef("invalid --modify-window %s: not a number of seconds", apply.Quote(s.Value))
		}
		cfg.Window = time.Duration(math.Round(seconds * float64(time.Second)))
	case "sparse":
		cfg.Allocation = true
	case "jobs":
		cfg.Jobs, err = parseCount(s, 1)
	case "json":
		cfg.JSON = true
	case "quiet":
		cfg.Quiet = true
	}
	return err
}

// ignore adds a list of words.
func (cfg *verifyConfig) ignore(list string) error {
	for word := range strings.SplitSeq(list, ",") {
		aspect, err := findKeyword("--ignore", word, aspectWords())
		if err != nil {
			return err
		}
		cfg.Ignore |= aspect
	}
	return nil
}
