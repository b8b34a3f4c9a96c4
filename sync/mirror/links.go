package mirror

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// follows reports whether any symbolic link of the source is followed.
func (m *Mirror) follows() bool {
	return m.opts.Links == LinksFollow || m.opts.Links == LinksCopyUnsafe || m.opts.CopyDirLinks
}

// followed reports whether the link at name is followed, and then puts what it
// leads to in st.
func (m *Mirror) followed(o *origin, name platform.Name, st *platform.Stat) (bool, error) {
	dir := o.dir.FD()
	switch {
	case m.opts.Links == LinksFollow:
		return true, m.calls.Statat(dir, name, st, true)
	case m.opts.Links == LinksCopyUnsafe:
		var buf [4096]byte
		n, err := m.calls.Readlinkat(dir, name, buf[:])
		if err != nil {
			return false, err
		}
		if unsafeLink(buf[:max(0, min(n, len(buf)))], o.relative(name)) {
			return true, m.calls.Statat(dir, name, st, true)
		}
	}
	if m.opts.CopyDirLinks {
		var target platform.Stat
		if m.calls.Statat(dir, name, &target, true) == nil && target.IsDir() {
			*st = target
			return true, nil
		}
	}
	return false, nil
}

// relative returns the name of an entry below the top of the transfer.
func (o *origin) relative(name platform.Name) string {
	if o.rel == "" {
		return name.String()
	}
	return o.rel + "/" + name.String()
}

// linkProblem reports a link that is to be followed and leads nowhere. rsync
// counts it as a failure and goes on.
func (m *Mirror) linkProblem(o *origin, name platform.Name, err error) {
	if !platform.NotExist(platform.Cause(err)) && !platform.Loop(platform.Cause(err)) {
		m.sourceProblem("stat", o.srcPath(name.Bytes()), err)
		return
	}
	m.ioError.Store(true)
	m.fail(KindPartial, err, fmt.Sprintf("symlink has no referent: %s", apply.Quote(o.srcPath(name.Bytes()))))
}

// unsafeLink reports whether a link at path, relative to the top of the
// transfer, leads out of it: an absolute one, or one with more ".." than
// directories above it (rsync(1), SYMBOLIC LINKS).
func unsafeLink(target []byte, path string) bool {
	if len(target) == 0 || target[0] == '/' {
		return true
	}
	// A ".." behind a name may go through another link, so it isn't trusted.
	rest := target
	for bytes.HasPrefix(rest, []byte("../")) {
		rest = bytes.TrimLeft(rest[3:], "/")
	}
	if bytes.Contains(rest, []byte("/../")) || bytes.HasPrefix(rest, []byte("../")) || bytes.HasSuffix(rest, []byte("/..")) {
		return true
	}
	depth := 0
	for _, part := range strings.Split(path, "/") {
		switch part {
		case "", ".":
		case "..":
			depth = 0
		default:
			depth++
		}
	}
	depth-- // the link itself
	for _, part := range bytes.Split(target, []byte("/")) {
		switch string(part) {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return depth < 0
}
