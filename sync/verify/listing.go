package verify

import (
	"bytes"
	"errors"
	"slices"

	"github.com/zccp/zccp/platform"
)

// errListing is a listing that no correct kernel returns.
var errListing = errors.New("malformed directory listing")

// listed is a name as a listing has it, with its type bits if the file system
// told.
type listed struct {
	name platform.Name
	mode uint32
}

// item is a name of a pair of directories.
type item struct {
	name platform.Name
	mode [2]uint32
	on   [2]bool // the sides that have it
}

// readListing reads a directory to its end, sorted by name. buf holds a portion of the
// kernel's answer.
func readListing(calls *platform.Calls, fd platform.FD, buf []byte) ([]listed, error) {
	var all []listed
	var block []byte
	for {
		n, err := calls.Getdents(fd, buf)
		if err == nil && n > len(buf) {
			err = errListing
		}
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			break
		}
		for rest := buf[:n]; len(rest) > 0; {
			name, mode, _, next := platform.NextEntry(rest)
			if name == nil {
				return nil, errListing
			}
			rest = next
			if name.IsDots() {
				continue
			}
			if cap(block)-len(block) < len(name) {
				block = make([]byte, 0, min(64<<10, max(n, len(name))))
			}
			block = append(block, name...)
			all = append(all, listed{block[len(block)-len(name):], mode})
		}
	}
	slices.SortFunc(all, func(a, b listed) int { return bytes.Compare(a.name, b.name) })
	return all, nil
}

// merge makes one list of two that are sorted. A name that a listing has twice,
// since the directory changed meanwhile, counts once.
func merge(a, b []listed) []item {
	items := make([]item, 0, max(len(a), len(b)))
	add := func(side int, l listed) {
		if n := len(items); n == 0 || !bytes.Equal(items[n-1].name, l.name) {
			items = append(items, item{name: l.name})
		}
		last := &items[len(items)-1]
		last.on[side], last.mode[side] = true, l.mode
	}
	for len(a) > 0 || len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && bytes.Compare(a[0].name, b[0].name) <= 0 {
			add(0, a[0])
			a = a[1:]
		} else {
			add(1, b[0])
			b = b[1:]
		}
	}
	return items
}
