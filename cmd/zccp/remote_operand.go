package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/link"
)

// defaultPort is where a daemon listens if its URL names no port.
const defaultPort = link.DefaultPort

// remotePlace is a path on another machine.
type remotePlace struct {
	Text string // as it was typed

	// Host is what ssh is called with: a name, an address or an alias of
	// ~/.ssh/config, with user@ in front where one was given. It is empty for
	// ":PATH", which is on the host of the operand before.
	Host string

	// Of a daemon. Export is "" where Host is that of ssh.
	Daemon bool
	Port   int
	Export string
	Pin    string // fingerprint of the daemon's key, or ""

	// Path is on that machine: relative to the user's home there, or below the
	// export. It is never empty; a slash at its end was typed.
	Path string
}

// sameEnd reports whether two operands can be served by one session.
func (p *remotePlace) sameEnd(q *remotePlace) bool {
	return p.Host == q.Host && p.Daemon == q.Daemon && p.Port == q.Port && p.Export == q.Export && p.Pin == q.Pin
}

// label is how messages and reports name a path of that machine.
func (p *remotePlace) label(path string) string {
	if p.Daemon {
		host := p.Host
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		if p.Port != defaultPort {
			host += ":" + strconv.Itoa(p.Port)
		}
		return "zccp://" + host + "/" + p.Export + "/" + strings.TrimPrefix(path, "/")
	}
	host := p.Host
	if user, address, found := cutLast(host, "@"); found && strings.Contains(address, ":") {
		host = user + "@[" + address + "]"
	} else if !found && strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + path
}

// cutLast is strings.Cut around the last separator.
func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return "", s, false
}

// isRemote reports whether an operand means another machine: one of a URL, or a
// colon before the first slash, if it is not that of a drive. ./a:b is local.
func isRemote(operand string) bool {
	if filepath.VolumeName(operand) != "" {
		return false
	}
	if strings.HasPrefix(operand, "[") || strings.Contains(operand, "@[") {
		if _, rest, ok := splitBracket(operand); ok {
			return strings.HasPrefix(rest, ":")
		}
	}
	for i := range len(operand) {
		switch {
		case os.IsPathSeparator(operand[i]):
			return false
		case operand[i] == ':':
			return true
		}
	}
	return false
}

// splitBracket takes [address], with user@ in front or without, off an operand.
func splitBracket(operand string) (host, rest string, ok bool) {
	open := strings.IndexByte(operand, '[')
	end := strings.IndexByte(operand, ']')
	if open < 0 || end < open || strings.Contains(operand[:end], "/") || open > 0 && operand[open-1] != '@' {
		return "", "", false
	}
	return operand[:open] + operand[open+1:end], operand[end+1:], true
}

// parseRemote reads an operand for which isRemote holds.
func parseRemote(operand string) (*remotePlace, error) {
	switch {
	case link.IsURL(operand):
		return parseURL(operand)
	case strings.HasPrefix(operand, "rsync://"):
		return nil, foreignDaemon(operand)
	case hasScheme(operand):
		return nil, unsupported(apply.Quote(operand), "remote operands are [USER@]HOST:PATH and zccp://HOST[:PORT]/EXPORT/PATH")
	}
	p := &remotePlace{Text: operand}
	host, rest, ok := splitBracket(operand)
	if ok && strings.HasPrefix(rest, ":") {
		p.Host, p.Path = host, rest[1:]
	} else {
		p.Host, p.Path, _ = strings.Cut(operand, ":")
	}
	if strings.HasPrefix(p.Path, ":") {
		return nil, foreignDaemon(operand)
	}
	user, address, named := cutLast(p.Host, "@")
	switch {
	case strings.HasPrefix(p.Host, "-"), strings.HasPrefix(address, "-"):
		// ssh would take it for an option, of which some run commands.
		return nil, refusef("", "the host of %s begins with a dash", apply.Quote(operand))
	case named && (user == "" || address == ""), strings.ContainsAny(p.Host, " \t\n\x00"):
		return nil, refusef("", "%s does not name a host; write [USER@]HOST:PATH", apply.Quote(operand))
	}
	if p.Path == "" {
		p.Path = "." // the home directory, as for scp
	}
	return p, nil
}

// hasScheme reports whether an operand is a URL of some kind: HOST:PATH with a
// path that begins with two slashes is hardly ever meant, "s3://" is.
func hasScheme(operand string) bool {
	name, rest, _ := strings.Cut(operand, ":")
	if !strings.HasPrefix(rest, "//") || name == "" {
		return false
	}
	switch name {
	case "http", "https", "ftp", "sftp", "ssh", "scp", "s3", "gs", "file", "smb", "nfs", "webdav", "zccps":
		return true
	}
	return false
}

func foreignDaemon(operand string) error {
	return &syncError{exitUnsupported, apply.Quote(operand) + " names an rsync daemon, whose protocol zccp does not speak",
		"over ssh write HOST:PATH; for a daemon run 'zccp serve --listen' there and write zccp://HOST/EXPORT/PATH"}
}

// parseURL reads zccp://HOST[:PORT]/EXPORT/PATH[?pin=FINGERPRINT].
func parseURL(operand string) (*remotePlace, error) {
	t, err := link.ParseURL(operand)
	if err != nil {
		return nil, refusef("write zccp://HOST[:PORT]/EXPORT/PATH", "invalid address %s: %v", apply.Quote(operand), err)
	}
	p := &remotePlace{Text: operand, Host: t.Host, Daemon: true, Port: int(t.Port), Export: t.Export, Path: t.Path}
	if t.Pinned {
		p.Pin = t.Pin.String()
	}
	if p.Path == "" {
		p.Path = "."
		if rest, _, _ := strings.Cut(operand, "?pin="); strings.HasSuffix(rest, "/") {
			p.Path = "./"
		}
	}
	return p, nil
}

// remoteRoute says between which ends a command line moves files.
type remoteRoute struct {
	Push   bool
	Places []*remotePlace // of a push: the destinations, one after the other; of a pull: the sources
	Local  []string       // of a push: the sources; of a pull: the destination, or nothing for a listing
}

// pushes and pulls say which way a run goes; on one machine it does neither.
func (r *remoteRoute) pushes() bool { return r != nil && r.Push }
func (r *remoteRoute) pulls() bool  { return r != nil && !r.Push }

// routeOperands finds out whether a command line has an end on another machine:
// nil if not. sources and dest are its operands, dest "" if it has none;
// destinations are the values of --remote.
func routeOperands(sources []string, dest string, destinations []string) (*remoteRoute, error) {
	var remote, local []string
	for _, s := range sources {
		if isRemote(s) {
			remote = append(remote, s)
		} else {
			local = append(local, s)
		}
	}
	if dest != "" && isRemote(dest) {
		destinations = append([]string{dest}, destinations...)
		dest = ""
	}
	switch {
	case len(remote) == 0 && len(destinations) == 0:
		return nil, nil
	case len(remote) > 0 && len(destinations) > 0:
		return nil, &syncError{exitFailure, "the source and the destination are both remote: " +
			apply.Quote(remote[0]) + " and " + apply.Quote(destinations[0]),
			"run zccp on one of these machines: ssh HOST zccp SOURCE OTHERHOST:PATH"}
	case len(remote) > 0 && len(local) > 0:
		return nil, &syncError{exitFailure, "sources are here and elsewhere: " + apply.Quote(local[0]) + " and " + apply.Quote(remote[0]),
			"copy them in two runs"}
	}
	r := &remoteRoute{Push: len(remote) == 0}
	names := remote
	if r.Push {
		names, r.Local = destinations, local
		if dest != "" {
			return nil, &syncError{exitFailure, "with --remote every operand is a source, and " + apply.Quote(dest) + " is none", ""}
		}
	} else if dest != "" {
		r.Local = []string{dest}
	}
	for _, name := range names {
		if r.Push && !isRemote(name) {
			return nil, refusef("write HOST:PATH or zccp://HOST/EXPORT/PATH", "%s is not on another machine", apply.Quote(name))
		}
		p, err := parseRemote(name)
		if err != nil {
			return nil, err
		}
		if p.Host == "" && len(r.Places) > 0 && !r.Push {
			path := p.Path
			*p = *r.Places[0]
			p.Text, p.Path = name, path
		}
		if p.Host == "" {
			return nil, refusef("", "%s does not name a host; write [USER@]HOST:PATH", apply.Quote(name))
		}
		if !r.Push && len(r.Places) > 0 && !p.sameEnd(r.Places[0]) {
			return nil, &syncError{exitFailure, "sources are on different machines: " + apply.Quote(names[0]) + " and " + apply.Quote(name),
				"copy them in two runs"}
		}
		r.Places = append(r.Places, p)
	}
	return r, nil
}
