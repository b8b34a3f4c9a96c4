package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/zccp/zccp/copier"
)

// wordRule says what an option of sync mode is to the other end of a
// connection.
type wordRule uint8

const (
	// wordHere is a matter of the machine that the user sits at: reports, the
	// connection itself. It is never sent, and refused from a peer.
	wordHere wordRule = iota + 1
	// wordInlined is sent in other words: files that it names are replaced by
	// what is in them. It is refused from a peer.
	wordInlined
	// wordFree is for both ends, and harmless.
	wordFree
	// wordPath names a path at the receiver. It is sent to receivers only. In an
	// export it has to be beneath the root.
	wordPath
	// wordChange removes or overwrites what stands at the receiver: not in an
	// export that only takes what is new.
	wordChange
	// wordSource removes what was transferred at the sender: only in an export
	// that is written to at will.
	wordSource
	// wordDevice reads or writes devices: not in an export.
	wordDevice
	// wordCapped is a number that the other end has a bound of its own for.
	wordCapped
)

// wordRules classifies every option of sync mode's table, by its canonical
// name, but for those that the table has as idle or refused: they are never
// sent, and refused from a peer.
func wordRules() map[string]wordRule {
	rules := make(map[string]wordRule)
	for rule, names := range map[wordRule]string{
		wordHere: "info debug quiet out-format log-file log-file-format stats human-readable progress 8-bit-output outbuf " +
			"stderr msgs2stderr version help explain json fail-fast remote ssh remote-zccp path data-ports security ktls streams key " +
			"contimeout timeout munge-links reflink method cache preserve-sharing block-size",
		wordInlined: "F exclude exclude-from include include-from cvs-exclude D P stop-at compress-choice",
		wordFree: "archive recursive dirs relative implied-dirs one-file-system prune-empty-dirs files-from from0 max-size min-size mkpath " +
			"links copy-links copy-unsafe-links copy-dirlinks keep-dirlinks safe-links checksum checksum-choice ignore-times size-only modify-window update existing " +
			"ignore-existing ignore-missing-args ignore-errors max-delete filter gitignore perms executability chmod acls " +
			"xattrs owner group numeric-ids usermap groupmap chown hard-links devices specials drop-D times " +
			"omit-dir-times omit-link-times atimes open-noatime super fake-super backup suffix whole-file sparse preallocate " +
			"partial fsync bwlimit stop-after dry-run verbose itemize-changes list-only allow-mass-delete " +
			"resume verify compress fuzzy",
		wordPath: "compare-dest copy-dest link-dest reflink-dest backup-dir partial-dir temp-dir",
		wordChange: "delete delete-before delete-during delete-delay delete-after delete-excluded delete-missing-args force " +
			"inplace append append-verify detect-renames delay-updates",
		wordSource: "remove-source-files",
		wordDevice: "copy-devices write-devices",
		wordCapped: "jobs",
	} {
		for name := range strings.FieldsSeq(names) {
			rules[name] = rule
		}
	}
	return rules
}

// word writes a setting in the form in which it is sent: --name or --name=value.
func word(s setting) string {
	if s.Given {
		return "--" + s.Option + "=" + s.Value
	}
	return "--" + s.Option
}

// jobWords returns what the other end is told of a command line that was
// resolved: options in the order they were given, then what replaces those that
// name files of this machine.
func (f *syncFolder) jobWords(push bool) []string {
	c, rules := &f.cfg, wordRules()
	var words []string
	for _, s := range f.settings {
		name, _ := strings.CutPrefix(s.Option, "no-")
		switch rule := rules[name]; {
		case name == "files-from" || name == "filter" || name == "from0" || name == "gitignore" ||
			name == "compress" || name == "verbose" || name == "itemize-changes" || name == "numeric-ids" || name == "verify":
			// Written below, as what came of them.
		case name == "D":
			for _, each := range []string{"devices", "specials"} {
				words = append(words, strings.Replace(word(s), "D", each, 1))
			}
		case name == "P":
			words = append(words, "--partial")
		case name == "stop-at":
			// Clocks and zones differ: what is left of the time does not.
			left := max(1, (time.Until(c.Mirror.StopAt)+time.Minute-1)/time.Minute)
			words = append(words, "--stop-after="+strconv.FormatInt(int64(left), 10))
		case rule == wordPath && !push && (name != "partial-dir" || strings.HasPrefix(s.Value, "/")):
			// The paths are of this machine. A partial directory below each
			// directory is named, since the sender leaves those out.
		case rule >= wordFree:
			words = append(words, word(s))
		}
	}
	if m := &c.Mirror; m.Partial && !m.DelayUpdates && m.PartialDir != "" && f.envPartialDir && (push || m.PartialDir[0] != '/') {
		words = append(words, "--partial-dir="+m.PartialDir)
	}
	if f.filesFromSet {
		// A receiver has to know that there is a list, a sender what is on it.
		list := ""
		if !push {
			list = joinNames(c.Mirror.FilesFrom)
		}
		words = append(words, "--files-from="+list)
	}
	if f.nulRules {
		words = append(words, "--from0")
	}
	for _, rule := range f.rulesSpelled {
		if rule == "gitignore" {
			words = append(words, "--gitignore")
		} else {
			words = append(words, "--filter="+rule)
		}
	}
	if f.numericIDs {
		words = append(words, "--numeric-ids")
	}
	switch c.Mirror.Copier.Verify {
	case copier.XXH3:
		words = append(words, "--verify=xxh3")
	case copier.BLAKE3:
		words = append(words, "--verify=blake3")
	}
	if c.Remote.Compress {
		words = append(words, "--compress")
	}
	if c.Mirror.ListOnly {
		words = append(words, "--list-only")
	}
	for range f.noteLevel() {
		words = append(words, "--verbose")
	}
	if c.Mirror.Itemize {
		words = append(words, "--itemize-changes")
		if c.Mirror.ItemizeAll {
			words = append(words, "--itemize-changes")
		}
	}
	return words
}

// noteLevel is up to which level notes are shown; see syncReport.Note.
func (f *syncFolder) noteLevel() int {
	i := &f.cfg.Output.Info
	switch {
	case i[infoBackup] > 0 || i[infoMisc] > 1 || i[infoMount] > 0 || i[infoRemove] > 0 || i[infoSkip] > 0:
		return 2
	case i[infoName] > 0 || i[infoCopy] > 0 || i[infoMisc] > 0 || i[infoSymsafe] > 0:
		return 1
	}
	return 0
}

// joinNames writes a list of --files-from for the other end: each name with a
// zero byte behind it.
func joinNames(names [][]byte) string {
	var b strings.Builder
	for _, name := range names {
		b.Write(name)
		b.WriteByte(0)
	}
	return b.String()
}

// splitNames reads what joinNames wrote. There are no comments in it, as a name
// may begin like one: "/#a" of a list is "#a" here.
func splitNames(list string) [][]byte {
	var names [][]byte
	for name := range strings.SplitSeq(list, "\x00") {
		if name != "" {
			names = append(names, beneath([]byte(name)))
		}
	}
	return names
}

// checkRemote refuses what makes no sense, or is not to be had, if an end is on
// another machine.
func (f *syncFolder) checkRemote() error {
	m, route := &f.cfg.Mirror, f.cfg.Route
	for _, s := range f.settings {
		name, negated := strings.CutPrefix(s.Option, "no-")
		for _, o := range syncOptions() {
			if o.canonical() == name && o.away != "" && !negated {
				return unsupported(spelling(name)+" between machines", o.away)
			}
		}
	}
	const alone = "data do not stay on one machine"
	switch {
	case m.Copier.Reflink == copier.Always:
		return unsupported("--reflink=always between machines", alone)
	case m.Copier.PreserveSharing == copier.AlwaysSharing:
		return unsupported("--preserve-sharing=always between machines", alone)
	case route.Push && f.listOnly:
		return usagef("--list-only lists sources, and those are on this machine")
	case route.Push && f.cfg.Sources == nil:
		return usagef("missing SRC")
	case route.Push && len(route.Places) > 1 && m.RemoveSource:
		return usagef("--remove-source-files takes one destination: the next would get nothing")
	case !route.Push && len(route.Places) > 1 && f.filesFromSet:
		return usagef("--files-from takes one SRC: its names are below it")
	}
	return f.cfg.Remote.check(route)
}
