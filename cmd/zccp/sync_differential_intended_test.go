//go:build linux

package main_test

import "regexp"

// syncDifference is a difference from rsync that is meant.
type syncDifference struct {
	name   string
	reason string
	// what matches the difference as it is printed, and when tells whether this case is one
	// in which it is meant.
	what *regexp.Regexp
	when func(s *syncTrial, found string) bool
}

// syncIntended lists the differences from rsync that are meant; docs/sync-differences.md
// has the same list in words.
var syncIntended = []syncDifference{}
