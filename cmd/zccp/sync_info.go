package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/zccp/zccp/sync/apply"
)

// infoFlag is a name of --info.
type infoFlag uint8

const (
	infoBackup infoFlag = iota
	infoCopy
	infoDel
	infoFlist
	infoMisc
	infoMount
	infoName
	infoNonreg
	infoProgress
	infoRemove
	infoSkip
	infoStats
	infoSymsafe
	infoFlags // their number
)

// infoLevels holds the level of each flag.
type infoLevels [infoFlags]int8

type infoRow struct {
	name    string
	max     int8
	meaning string
}

// infoRows returns names, highest levels and meanings, in the order of the
// constants, which is that of rsync's --info=help.
func infoRows() [infoFlags]infoRow {
	return [infoFlags]infoRow{
		{"BACKUP", 1, "Mention files backed up"},
		{"COPY", 1, "Mention files copied locally on the receiving side"},
		{"DEL", 1, "Mention deletions"},
		{"FLIST", 2, "Mention that the sources are being listed"},
		{"MISC", 2, "Mention miscellaneous information (levels 1-2)"},
		{"MOUNT", 1, "Mention mounts that were found or skipped"},
		{"NAME", 2, "Mention 1) updated file/dir names, 2) unchanged names"},
		{"NONREG", 1, "Mention skipped non-regular files (default 1, 0 disables)"},
		{"PROGRESS", 2, "Mention 1), 2) total transfer progress"},
		{"REMOVE", 1, "Mention files removed on the sending side"},
		{"SKIP", 2, "Mention files skipped due to transfer overrides (levels 1-2)"},
		{"STATS", 3, "Mention statistics at end of run (levels 1-3)"},
		{"SYMSAFE", 1, "Mention symlinks that are unsafe"},
	}
}

// debugNames are the flags of --debug. None of them has an output here, so
// only level 0 is taken.
func debugNames() []string {
	return strings.Fields("ACL BACKUP BIND CHDIR CONNECT CMD DEL DELTASUM DUP EXIT FILTER FLIST FUZZY GENR " +
		"HASH HLINK ICONV IO NSTR OWN PROTO RECV SEND TIME")
}

// The words of --info and --debug that are no flags.
const (
	infoWordAll  = "ALL"
	infoWordNone = "NONE"
	infoWordHelp = "HELP"
)

// infoWords are what --info takes, as a command line would have it; each but the
// last may be followed by a level.
func infoWords() []string {
	var words []string
	for _, r := range infoRows() {
		words = append(words, strings.ToLower(r.name))
	}
	return append(words, strings.ToLower(infoWordAll), strings.ToLower(infoWordNone), strings.ToLower(infoWordHelp))
}

// debugWords are what --debug takes besides its flags, of which only level 0 is taken.
func debugWords() []string {
	return []string{strings.ToLower(infoWordNone), strings.ToLower(infoWordHelp)}
}

// infoOf returns the levels that -v, given so often, stands for.
func infoOf(verbose int) infoLevels {
	var l infoLevels
	l[infoNonreg] = 1
	if verbose >= 1 {
		for _, f := range []infoFlag{infoCopy, infoDel, infoFlist, infoMisc, infoName, infoStats, infoSymsafe} {
			l[f] = 1
		}
	}
	if verbose >= 2 {
		for _, f := range []infoFlag{infoBackup, infoMount, infoRemove, infoSkip} {
			l[f] = 1
		}
		l[infoMisc], l[infoName] = 2, 2
	}
	return l
}

// infoChoice is what --info said of each flag; -1 is nothing.
type infoChoice [infoFlags]int8

func newInfoChoice() (c infoChoice) {
	for i := range c {
		c[i] = -1
	}
	return c
}

// over returns levels with those replaced that the choice names.
func (c infoChoice) over(l infoLevels) infoLevels {
	for i, level := range c {
		if level >= 0 {
			l[i] = level
		}
	}
	return l
}

// parse reads the value of --info. help tells that the list was asked for.
func (c *infoChoice) parse(value string) (help bool, err error) {
	rows := infoRows()
	for word := range strings.SplitSeq(value, ",") {
		name, level := splitLevel(word)
		switch {
		case word == "":
		case name == infoWordHelp:
			return true, nil
		case name == infoWordNone:
			*c = infoChoice{}
		case name == infoWordAll:
			for i := range c {
				c[i] = min(level, rows[i].max)
			}
		default:
			i := slices.IndexFunc(rows[:], func(r infoRow) bool { return r.name == name })
			if i < 0 {
				return false, usagef("Unknown --info item: %s", apply.Quote(word))
			}
			c[i] = min(level, rows[i].max)
		}
	}
	return false, nil
}

// parseDebug reads the value of --debug.
func parseDebug(value string) (help bool, err error) {
	for word := range strings.SplitSeq(value, ",") {
		name, level := splitLevel(word)
		switch {
		case word == "" || name == infoWordNone:
		case name == infoWordHelp:
			return true, nil
		case name != infoWordAll && !slices.Contains(debugNames(), name):
			return false, usagef("Unknown --debug item: %s", apply.Quote(word))
		case level > 0:
			return false, unsupported("--debug="+word, "there is no debugging output; see --explain and --json")
		}
	}
	return false, nil
}

// splitLevel parts name2 into NAME and 2; without a number the level is 1.
func splitLevel(word string) (name string, level int8) {
	name = strings.TrimRight(word, "0123456789")
	level = 1
	if digits := word[len(name):]; digits != "" {
		n, err := strconv.Atoi(digits)
		if err != nil || n > 9 {
			n = 9
		}
		level = int8(n)
	}
	return strings.ToUpper(name), level
}

// printInfoHelp writes the list of --info=help.
func printInfoHelp(w io.Writer) error {
	fmt.Fprint(w, "Use OPT or OPT1 for level 1 output, OPT2 for level 2, etc.; OPT0 silences.\n\n")
	for _, r := range infoRows() {
		fmt.Fprintf(w, "%-10s %s\n", r.name, r.meaning)
	}
	_, err := fmt.Fprint(w, "\nALL        Set all --info options (e.g. all4)\n"+
		"NONE       Silence all --info options (same as all0)\n"+
		"HELP       Output this help message\n\n"+
		"Options added at each level of verbosity:\n"+
		"0) NONREG\n1) COPY,DEL,FLIST,MISC,NAME,STATS,SYMSAFE\n2) BACKUP,MISC2,MOUNT,NAME2,REMOVE,SKIP\n")
	return err
}

// printDebugHelp writes the list of --debug=help.
func printDebugHelp(w io.Writer) error {
	_, err := fmt.Fprintf(w, "There is no debugging output: of these flags of rsync only level 0 is taken.\n\n%s\n",
		strings.Join(wrap(strings.Join(debugNames(), " "), 78), "\n"))
	return err
}
