package main

import (
	"strings"
	"time"
)

// parseStopAt reads the value of --stop-at as rsync does: [[Y-]M-]D[Th:m],
// h:m or :m, with / for -. It stands for the next time after now that fits what
// is given; what is left out in front may be anything, behind it is 0. ok is
// false if it cannot be read, or no such time comes.
func parseStopAt(s string, now time.Time) (at time.Time, ok bool) {
	date, clock := s, ""
	for i := range len(s) {
		if s[i] == 'T' || s[i] == 't' {
			date, clock = s[:i], s[i+1:]
			if clock == "" && date == "" {
				return at, false
			}
			break
		}
		if s[i] == ':' {
			date, clock = "", s
			break
		}
	}
	dates, ok := splitNumbers(date, "-/", 3)
	if !ok {
		return at, false
	}
	year, month, day := dates[0], dates[1], dates[2]
	hour, minute := 0, 0
	switch {
	case clock == "":
		if date == "" {
			return at, false
		}
	case clock[0] == ':': // the next hour in which the minute comes
		m, ok := splitNumbers(clock[1:], "", 1)
		if !ok || date != "" || m[0] < 0 || m[0] > 59 {
			return at, false
		}
		at = time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), m[0], 0, 0, now.Location())
		if !at.After(now) {
			at = at.Add(time.Hour)
		}
		return at, true
	default:
		t, ok := splitNumbers(clock, ":", 2)
		if !ok || t[0] < 0 {
			return at, false
		}
		hour, minute = t[0], t[1]
	}
	if hour > 23 || minute > 59 || month == 0 || month > 12 || day == 0 || day > 31 {
		return at, false
	}
	if year >= 0 && year < 100 {
		for year += 1900; year < now.Year(); {
			year += 100
		}
	}
	// A day that fits comes within eight years: 29 February around 2100.
	first := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	if year > now.Year() {
		first = time.Date(year, 1, 1, 0, 0, 0, 0, now.Location())
	}
	for i := range 366 * 9 {
		d := first.AddDate(0, 0, i)
		if year >= 0 && d.Year() != year || month >= 0 && int(d.Month()) != month || day >= 0 && d.Day() != day {
			continue
		}
		at = time.Date(d.Year(), d.Month(), d.Day(), hour, minute, 0, 0, now.Location())
		if at.After(now) {
			return at, true
		}
	}
	return at, false
}

// splitNumbers returns the numbers of s, at most n of them, set to the right:
// what is missing in front is -1.
func splitNumbers(s, separators string, n int) ([]int, bool) {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = -1
	}
	if s == "" {
		return numbers, true
	}
	count, value, digits := 0, 0, 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] >= '0' && s[i] <= '9' {
			if value, digits = value*10+int(s[i]-'0'), digits+1; digits > 9 {
				return nil, false
			}
			continue
		}
		separator := i < len(s) && strings.IndexByte(separators, s[i]) >= 0
		if digits == 0 || count == n || i < len(s) && !separator {
			return nil, false
		}
		copy(numbers, numbers[1:])
		numbers[n-1] = value
		count, value, digits = count+1, 0, 0
	}
	return numbers, true
}
