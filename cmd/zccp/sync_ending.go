package main

import (
	"strconv"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
)

// syncEnding is the last line of a run that did not end well.
func (e *env) syncEnding(code int) string {
	if e.asRsync() {
		return rsyncEnding(code)
	}
	return e.prog + ": " + endingText(code)
}

func endingText(code int) string {
	return syncExitText(code) + " (code " + strconv.Itoa(code) + ")"
}

// rsyncEnding is that line as programs look for it that read what rsync says.
// Every log has it so: whoever searches one for "rsync error:" and finds none
// takes a failure for a success.
func rsyncEnding(code int) string {
	if code == exitVanished {
		return "rsync warning: " + endingText(code)
	}
	return "rsync error: " + endingText(code)
}

// rsyncProblem is a failure in the same manner: with the number of the error,
// by which programs know a full disk, and without a name in front of what
// vanished, which wrappers take out by its first words (rsync-no-vanished).
func rsyncProblem(kind mirror.Kind, text string, err error) string {
	if kind == mirror.KindVanished {
		return text
	}
	if n := platform.Number(err); n != 0 {
		text += " (" + strconv.Itoa(n) + ")"
	}
	return "rsync: " + text
}
