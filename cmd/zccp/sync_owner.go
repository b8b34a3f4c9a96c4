package main

import (
	"os/user"
	"path"
	"strconv"
	"strings"

	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/mirror"
)

// names looks users up, or groups; tests put their own in its place.
type nameLookup struct {
	what string // "user" or "group"
	id   func(name string) (string, error)
	name func(id string) (string, error)
}

func userNames() nameLookup {
	return nameLookup{"user",
		func(name string) (string, error) {
			u, err := user.Lookup(name)
			if err != nil {
				return "", err
			}
			return u.Uid, nil
		},
		func(id string) (string, error) {
			u, err := user.LookupId(id)
			if err != nil {
				return "", err
			}
			return u.Username, nil
		}}
}

func groupNames() nameLookup {
	return nameLookup{"group",
		func(name string) (string, error) {
			g, err := user.LookupGroup(name)
			if err != nil {
				return "", err
			}
			return g.Gid, nil
		},
		func(id string) (string, error) {
			g, err := user.LookupGroupId(id)
			if err != nil {
				return "", err
			}
			return g.Name, nil
		}}
}

// idRule maps the numbers from low to high, or those whose name matches.
type idRule struct {
	named     bool
	pattern   string
	low, high uint32
	to        uint32
}

// parseIDMap reads the value of --usermap or --groupmap: FROM:TO pairs, the
// first that matches counts. numeric is --numeric-ids: no number has a name.
// A name that nobody has is an error: rsync warns, ends with 0, and has given
// the files to whom they belonged before.
func parseIDMap(option, value string, names nameLookup, numeric bool) (mirror.IDMap, error) {
	var rules []idRule
	byName := false
	for pair := range strings.SplitSeq(value, ",") {
		from, to, found := strings.Cut(pair, ":")
		if !found {
			return nil, usagef("No colon found in --%s: %s", option, apply.Quote(pair))
		}
		var r idRule
		low, high, ranged := strings.Cut(from, "-")
		switch {
		case from != "" && from[0] >= '0' && from[0] <= '9':
			if !ranged {
				high = low
			}
			var ok, ok2 bool
			r.low, ok = parseID(low)
			r.high, ok2 = parseID(high)
			if !ok || !ok2 || r.high < r.low {
				return nil, usagef("Invalid number in --%s: %s", option, apply.Quote(from))
			}
		case strings.ContainsAny(from, "*?["):
			if _, err := path.Match(from, ""); err != nil {
				return nil, usagef("Invalid pattern in --%s: %s", option, apply.Quote(from))
			}
			fallthrough
		default:
			r.named, r.pattern, byName = true, from, true
		}
		var err error
		if r.to, err = lookUp(option, to, names); err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return func(id uint32) uint32 {
		name := ""
		if byName && !numeric {
			name, _ = names.name(strconv.FormatUint(uint64(id), 10))
		}
		for _, r := range rules {
			if r.named {
				if match, _ := path.Match(r.pattern, name); match {
					return r.to
				}
			} else if r.low <= id && id <= r.high {
				return r.to
			}
		}
		return id
	}, nil
}

// lookUp returns the number of a name, or the number that it is.
func lookUp(option, name string, names nameLookup) (uint32, error) {
	if id, ok := parseID(name); ok {
		return id, nil
	}
	text, err := names.id(name)
	if err != nil {
		return 0, refusef("", "--%s: there is no %s %s", option, names.what, apply.Quote(name))
	}
	id, ok := parseID(text)
	if !ok {
		return 0, refusef("", "--%s: %s %s has no number", option, names.what, apply.Quote(name))
	}
	return id, nil
}

// parseID reads a number of a user or group. The highest one means none.
func parseID(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n < 1<<32-1
}
