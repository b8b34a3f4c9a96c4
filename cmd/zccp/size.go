package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// parseSize reads a size the way rsync does: a decimal number, which may have
// a fraction, and a unit. K, KiB are 1024, KB is 1000, B is bytes, and so on
// for M, G, T, P in either case. A bare number counts in units of bare bytes.
func parseSize(s string, bare int64) (int64, error) {
	digits := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if digits < 0 {
		digits = len(s)
	}
	n, err := strconv.ParseFloat(s[:digits], 64)
	if err != nil {
		return 0, fmt.Errorf("not a number")
	}
	unit := strings.ToLower(s[digits:])
	factor := float64(bare)
	switch {
	case unit == "b":
		factor = 1
	case unit != "":
		power := strings.IndexByte("kmgtp", unit[0]) + 1
		base := 1024.0
		switch unit[1:] {
		case "", "ib":
		case "b":
			base = 1000
		default:
			power = 0
		}
		if power == 0 {
			return 0, fmt.Errorf("unknown unit '%s'", s[digits:])
		}
		factor = math.Pow(base, float64(power))
	}
	n *= factor
	// MaxInt64 as a float is 2^63, which does not fit.
	if n >= math.MaxInt64 {
		return 0, fmt.Errorf("too large")
	}
	return int64(n), nil
}

// formatSize writes a number of bytes for people: 0 B, 1023 B, 1.5 KiB.
func formatSize(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, unit := float64(n)/1024, 0
	// 1023.95 KiB would round to 1024.0.
	for f >= 1023.95 && unit < len(binaryUnits)-1 {
		f /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", f, binaryUnits[unit])
}

const binaryUnits = "KMGTPE"
