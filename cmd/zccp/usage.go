package main

import (
	"fmt"
	"strings"

	"github.com/zccp/zccp/sync/apply"
)

// usageError is a command line that is not carried out. Its text is one line
// without the program's name.
type usageError struct {
	text    string
	hint    string // a known cure
	tryHelp bool   // point to --help, as cp does where it calls usage()
	example bool   // print a short usage with an example instead
}

func (e *usageError) Error() string { return e.text }

// usagef returns a usageError that points to --help.
func usagef(format string, a ...any) error {
	return &usageError{text: fmt.Sprintf(format, a...), tryHelp: true}
}

// refusef returns a usageError that stands alone, or with a hint.
func refusef(hint, format string, a ...any) error {
	return &usageError{text: fmt.Sprintf(format, a...), hint: hint}
}

// keyword is one value of an option that takes words.
type keyword[T any] struct {
	name string
	val  T
}

// findKeyword returns the value that word names, by its full name or by a
// beginning that only one name has. context names the option in the message.
func findKeyword[T comparable](context, word string, table []keyword[T]) (T, error) {
	var found, zero T
	n := 0
	for _, k := range table {
		if k.name == word {
			return k.val, nil
		}
		if strings.HasPrefix(k.name, word) {
			found = k.val
			n++
		}
	}
	if n == 1 {
		return found, nil
	}
	problem := "invalid"
	if n > 1 {
		problem = "ambiguous"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s argument %s for '%s'\nValid arguments are:", problem, apply.Quote(word), context)
	for i, k := range table {
		// Words of one value share a line, as in cp.
		if i > 0 && table[i-1].val == k.val {
			fmt.Fprintf(&b, ", '%s'", k.name)
		} else {
			fmt.Fprintf(&b, "\n  - '%s'", k.name)
		}
	}
	return zero, usagef("%s", b.String())
}
