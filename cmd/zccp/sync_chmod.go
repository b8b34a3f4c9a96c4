package main

import (
	"strings"

	"github.com/zccp/zccp/sync/apply"
)

// chmodItem is one change of --chmod.
type chmodItem struct {
	dirs, files bool   // if exactly one is set, entries of the other kind are left alone
	clear       uint32 // bits that go
	set         uint32 // bits that come
	keepX       bool   // X: execution only for directories and for what had it
	subtract    bool   // of a copy: the copied bits go instead
	from        uint32 // 0, or how many bits right the permissions are copied from: 6, 3, 0 in copy
	to          uint32 // of a copy: one bit (0100, 0010, 0001) for each class that gets it
	mask        uint32 // of a copy: what the umask leaves of it
	copies      bool
}

const permBits = 0o7777

// parseChmod reads the values of --chmod, in order, and returns what they do
// to a mode: rsync's chmod.c, which is that of chmod(1) with D and F in front of
// an item that is for directories or for all others. umask counts where no
// class is named, as in chmod(1).
func parseChmod(values []string, umask uint32) (func(mode uint32, dir bool) uint32, error) {
	var items []chmodItem
	for _, value := range values {
		for text := range strings.SplitSeq(value, ",") {
			item, ok := parseChmodItem(text, umask)
			if !ok {
				return nil, usagef("Invalid argument passed to --chmod (%s)", apply.Quote(value))
			}
			items = append(items, item)
		}
	}
	return func(mode uint32, dir bool) uint32 {
		executable := mode&0o111 != 0
		for _, it := range items {
			if it.dirs != it.files && it.dirs != dir {
				continue
			}
			mode = it.apply(mode, dir, executable)
		}
		return mode
	}, nil
}

func (it *chmodItem) apply(mode uint32, dir, executable bool) uint32 {
	set := it.set
	if it.copies {
		bits := mode >> it.from & 7 * it.to & it.mask
		if it.subtract {
			return mode &^ bits
		}
		set = bits
	}
	if it.keepX && !dir && !executable {
		set &^= 0o111
	}
	return mode&^it.clear | set
}

// parseChmodItem reads what stands between commas.
func parseChmodItem(s string, umask uint32) (it chmodItem, ok bool) {
	for len(s) > 0 && (s[0] == 'D' || s[0] == 'F') {
		it.dirs, it.files = it.dirs || s[0] == 'D', it.files || s[0] == 'F'
		s = s[1:]
	}
	if it.dirs && it.files {
		return it, false
	}
	if s != "" && s[0] >= '0' && s[0] <= '7' {
		for _, c := range []byte(s) {
			if c < '0' || c > '7' {
				return it, false
			}
			if it.set = it.set<<3 | uint32(c-'0'); it.set > permBits {
				return it, false
			}
		}
		it.clear = permBits
		return it, true
	}
	var classes, special uint32
	for ; s != ""; s = s[1:] {
		switch s[0] {
		case 'u':
			classes, special = classes|0o100, special|0o4000
			continue
		case 'g':
			classes, special = classes|0o010, special|0o2000
			continue
		case 'o':
			classes |= 0o001
			continue
		case 'a':
			classes, special = 0o111, 0o6000
			continue
		}
		break
	}
	if s == "" || strings.IndexByte("+-=", s[0]) < 0 {
		return it, false
	}
	return it.finish(s[0], s[1:], classes, special, umask)
}

// finish reads what stands behind the operator.
func (it chmodItem) finish(op byte, s string, classes, special, umask uint32) (chmodItem, bool) {
	mask := uint32(0o777)
	if classes == 0 {
		classes, mask = 0o111, 0o777&^umask
	}
	if len(s) == 1 && strings.Contains("ugo", s) {
		it.copies, it.subtract, it.to, it.mask = true, op == '-', classes, mask
		it.from = map[string]uint32{"u": 6, "g": 3, "o": 0}[s]
		if op == '=' {
			it.clear = classes*7 | classes>>6&1<<11 | classes>>3&1<<10 | classes&1<<9
		}
		return it, true
	}
	var what, bits uint32
	for _, c := range []byte(s) {
		switch c {
		case 'r':
			what |= 4
		case 'w':
			what |= 2
		case 'X':
			it.keepX = true
			what |= 1
		case 'x':
			what |= 1
		case 's':
			if special != 0 {
				bits |= special
			} else {
				bits = 0o4000 // rsync forgets a t before it
			}
		case 't':
			bits |= 0o1000
		default:
			return it, false
		}
	}
	perms := classes * what & mask
	switch op {
	case '+':
		it.set = perms | bits
	case '-':
		it.clear = perms | bits
	default:
		it.clear = classes * 7
		if bits != 0 {
			it.clear |= special
		}
		it.set = perms | bits
	}
	return it, true
}
