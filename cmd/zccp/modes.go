package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// mode is one of the programs that zccp is, as plain data: what documents and
// completes command lines reads this, what parses them has the tables that this
// is made from.
type mode struct {
	name     string // the words that choose it, separated by a blank; "" for copy mode
	summary  string // what it does, a phrase without a full stop
	options  func() []modeOption
	operands []modeOperand // in their order
}

// modeOperand is an argument that is no option.
type modeOperand struct {
	name     string // SOURCE
	kind     valueKind
	words    []string // of valueWord
	optional bool
	repeats  bool // any number of them; those behind it have one each
}

// modeOption is one row of a mode's table.
type modeOption struct {
	names []string // the canonical one first; one of one byte is a letter
	off   []string // names, with "no-", of what turns it off
	kind  argKind
	value string // the name of the value, "" if there is none or it has no name
	usage string // without backquotes; "" for options of rsync that change nothing or are refused
	group string
	idle  string // why it may be accepted and change nothing
	never string // why it is refused

	operand valueKind
	words   []string // of valueWord and valueList, in the order to show them
}

// valueKind says what the value of an option, or an operand, is.
type valueKind uint8

const (
	valueText      valueKind = iota // anything
	valueNumber                     // a count, a size, a time
	valueWord                       // one of the words
	valueList                       // some of the words, separated by commas
	valueFile                       // a file, or a directory on the way to one
	valueDirectory                  // a directory
	valueHostPath                   // a file, or one on another machine: HOST:PATH
	valueCommand                    // the name of a program
)

// spellings returns the option's names as they are typed, without those that
// turn it off.
func (o modeOption) spellings() []string {
	var words []string
	for _, name := range o.names {
		words = append(words, spelling(name))
	}
	return words
}

// modes lists the modes in the order of the help text.
func modes() []mode {
	source := modeOperand{name: "SOURCE", kind: valueHostPath, repeats: true}
	src := modeOperand{name: "SRC", kind: valueHostPath, repeats: true}
	dest := modeOperand{name: "DEST", kind: valueHostPath}
	local := func(name string) modeOperand { return modeOperand{name: name, kind: valueFile} }
	of := func(flags func() []cli.Flag, m string) func() []modeOption {
		return func() []modeOption { return flagOptions(m, flags()) }
	}
	bench := func(kind string) func() []modeOption {
		return of(func() []cli.Flag { return benchFlags(kind) }, "bench "+kind)
	}
	places := []modeOperand{{name: "DIR", kind: valueDirectory, optional: true}, {name: "DIR2", kind: valueDirectory, optional: true}}
	none := func() []modeOption { return nil }
	list := []mode{
		{"", "copy files and directories, as cp does", of(copyFlags, ""), []modeOperand{source, dest}},
		{"sync", "make DEST hold what SRC holds, as rsync does", syncModeOptions, []modeOperand{src, dest}},
		{"serve", "let other machines copy from here and to here", of(serveFlags, "serve"), nil},
		{"keygen", "make a key for a daemon or for one of its clients", of(keygenFlags, "keygen"),
			[]modeOperand{{name: "FILE", kind: valueFile, optional: true}}},
		{"plan", "write down what sync would do", syncModeOptions, []modeOperand{{name: "SRC", kind: valueFile, repeats: true}, local("DEST")}},
		{"apply", "carry out a plan", applyModeOptions, []modeOperand{local("PLAN")}},
		{"verify", "compare two trees or files", of(verifyFlags, "verify"), []modeOperand{local("SRC"), local("DST")}},
		{"probe", "say what can be done at a place, or between two", of(probeFlags, "probe"), []modeOperand{local("PATH"), {name: "PATH", kind: valueFile, optional: true}}},
		{"bench tree", "time zccp beside other programs on a tree of small files", bench("tree"), nil},
		{"bench file", "time zccp beside other programs on one big file", bench("file"), nil},
		{"bench sync", "time zccp sync beside rsync", bench(benchSync), nil},
		{"bench remote", "time copies to servers on this machine, beside rsync", bench(benchRemote), nil},
		{"bench methods", "time each method of copying a file", bench(benchMethods), places},
		{"bench send", "time each method of sending a file", bench(benchSend), places},
		{"version", "print the version and what this machine can do", none, nil},
		{"help", "print help on a topic", of(helpFlags, "help"), nil},
		{"completion", "print the script that completes command lines in a shell", of(completionFlags, "completion"),
			[]modeOperand{{name: "SHELL", kind: valueWord, words: completionShells()}}},
	}
	for i := range list {
		if list[i].name == "help" {
			list[i].operands = []modeOperand{{name: "TOPIC", kind: valueWord, words: topicNames(list), optional: true}}
		}
	}
	return list
}

// flagOptions returns the rows of a mode whose table is a list of flags.
func flagOptions(m string, flags []cli.Flag) []modeOption {
	var options []modeOption
	for _, f := range flags {
		o := modeOption{names: f.Names()}
		switch f := f.(type) {
		case *cli.BoolFlag:
			o.usage, o.group = f.Usage, f.Category
		case *cli.StringFlag:
			o.usage, o.group, o.kind = f.Usage, f.Category, requiredValue
		case *optionalFlag:
			o.usage, o.group, o.kind = f.Usage, f.Category, optionalValue
		}
		options = append(options, o.complete(m))
	}
	return options
}

// syncModeOptions returns the rows of sync mode, those of which rsync's scripts may
// have need among them: see idle and never.
func syncModeOptions() []modeOption {
	var options []modeOption
	for _, row := range syncOptions() {
		o := modeOption{names: row.names, kind: row.kind, usage: row.usage, group: row.group, idle: row.idle, never: row.never}
		for _, name := range row.off {
			o.off = append(o.off, "no-"+name)
		}
		options = append(options, o.complete("sync"))
	}
	return options
}

// applyModeOptions returns the rows of sync mode that a plan leaves open.
func applyModeOptions() []modeOption {
	var options []modeOption
	for _, o := range syncModeOptions() {
		if slices.Contains(applyOptions(), o.names[0]) {
			o.off = nil // apply adds to what is said, and takes nothing from it
			options = append(options, o)
		}
	}
	return options
}

// complete takes the name of the value out of the usage, and adds what the value is.
func (o modeOption) complete(m string) modeOption {
	o.usage, o.value = splitValueName(o.usage)
	if o.kind == noValue {
		o.value = "" // backquotes of another kind of text
		return o
	}
	o.operand, o.words = valueOf(m, o.names[0], o.value)
	return o
}

// valueOf says what the value of an option is: one that takes words is known by its
// name, the others by the name of their value.
func valueOf(m, option, value string) (valueKind, []string) {
	if kind, words := wordsOf(m, option); words != nil {
		return kind, words
	}
	switch value {
	case "FILE":
		return valueFile, nil
	case "DIR", "DIRECTORY":
		return valueDirectory, nil
	case "DEST":
		return valueHostPath, nil
	case "CMD":
		return valueCommand, nil
	case "N", "NUM", "SIZE", "RATE", "SECONDS", "MINUTES":
		return valueNumber, nil
	}
	return valueText, nil
}

// wordsOf returns the words that an option of a mode takes, nil if it takes none.
func wordsOf(m, option string) (valueKind, []string) {
	bench, isBench := strings.CutPrefix(m, "bench ")
	switch option {
	case "update":
		return valueWord, keywordNames(updateWords())
	case "backup":
		return valueWord, keywordNames(backupWords())
	case "preserve", "no-preserve":
		return valueList, keywordNames(preserveWords())
	case "reflink":
		return valueWord, keywordNames(reflinkWords())
	case "sparse":
		return valueWord, keywordNames(sparseWords())
	case "progress":
		return valueWord, keywordNames(progressWords())
	case "verify":
		return valueWord, keywordNames(verifyWords())
	case "fsync":
		return valueWord, keywordNames(fsyncWords())
	case "atomic":
		return valueWord, keywordNames(atomicWords())
	case "method":
		if !isBench {
			return valueList, keywordNames(methodWords())
		}
		var words []string
		for _, method := range benchableMethods(bench) {
			words = append(words, method.String())
		}
		return valueList, words
	case "cache":
		return valueWord, keywordNames(cacheWords())
	case "preserve-sharing":
		return valueWord, keywordNames(sharingWords())
	case "path":
		return valueWord, keywordNames(pathWords())
	case "security":
		return valueWord, keywordNames(securityWords())
	case "ktls":
		return valueWord, keywordNames(ktlsWords())
	case "compress-choice":
		return valueWord, keywordNames(compressWords())
	case "checksum-choice":
		return valueWord, checksumWords()
	case "outbuf":
		return valueWord, keywordNames(outbufWords())
	case "stderr":
		return valueWord, keywordNames(stderrWords())
	case "info":
		return valueList, infoWords()
	case "debug":
		return valueList, debugWords()
	case "hash":
		return valueWord, keywordNames(hashWords())
	case "ignore":
		return valueList, keywordNames(aspectWords())
	case "against":
		return valueList, slices.Sorted(maps.Keys(knownContenders(bench)))
	case "shape":
		return valueWord, keywordNames(shapeWords())
	case "way":
		return valueList, remoteWays()
	case "to":
		if bench == benchSend {
			return valueList, []string{toNull, toFile}
		}
	}
	return valueText, nil
}
