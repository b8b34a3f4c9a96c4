package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/zccp/zccp/sync/apply"
)

// parseSyncSize reads a size as parseSize does, with rsync's +1 and -1 behind
// it: --max-size=1G-1 is less than a gibibyte.
func parseSyncSize(option, s string, bare int64) (int64, error) {
	text, offset := s, int64(0)
	switch {
	case strings.HasSuffix(s, "+1"):
		text, offset = s[:len(s)-2], 1
	case strings.HasSuffix(s, "-1"):
		text, offset = s[:len(s)-2], -1
	}
	n, err := parseSize(text, bare)
	if err != nil {
		return 0, usagef("--%s=%s is invalid: %v", option, printableText(s), err)
	}
	if n += offset; n < 0 {
		return 0, usagef("--%s=%s is invalid: negative", option, printableText(s))
	}
	return n, nil
}

// parseSyncInt reads a whole number, in any of C's notations as rsync does.
func parseSyncInt(option, s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 0, 32)
	if err != nil || strings.Contains(s, "_") {
		return 0, usagef("--%s=%s: invalid numeric value", option, printableText(s))
	}
	return int(n), nil
}

// Levels of -h.
const (
	humanDigits = iota
	humanSeparated
	humanDecimal
	humanBinary
)

// humanNumber writes n as rsync does at a level of -h.
func humanNumber(n int64, level int) string {
	if level >= humanDecimal {
		base := 1000.0
		if level >= humanBinary {
			base = 1024
		}
		if f := float64(n); f >= base || f <= -base {
			for i := range len(binaryUnits) {
				f /= base
				if f < base && f > -base || i == len("KMGTP")-1 {
					return fmt.Sprintf("%.2f%c", f, binaryUnits[i])
				}
			}
		}
	}
	text := strconv.FormatInt(n, 10)
	if level == humanDigits {
		return text
	}
	return separated(text)
}

// humanFraction is humanNumber for a number with two places.
func humanFraction(f float64, level int) string {
	text := strconv.FormatFloat(f, 'f', 2, 64)
	if level == humanDigits || f < 1000 {
		return text
	}
	if level >= humanDecimal {
		return humanNumber(int64(f), level)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	return separated(whole) + "." + fraction
}

// separated puts a comma before each third digit from the end.
func separated(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// unsupported is an option that is refused with exit code 4.
func unsupported(option, why string) error {
	return &syncError{code: exitUnsupported, text: fmt.Sprintf("%s is not supported: %s", option, why)}
}

// fileError is a file named by an option that can't be read.
func fileError(code int, option, path string, err error) error {
	return &syncError{code: code, text: fmt.Sprintf("cannot read %s of --%s: %s", apply.Quote(path), option, reason(err))}
}

// syncError is a command line that is not carried out, with an exit code other
// than that of wrong usage.
type syncError struct {
	code int
	text string
	hint string
}

func (e *syncError) Error() string { return e.text }
