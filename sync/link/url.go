package link

import (
	"errors"
	"net"
	"strconv"
	"strings"
)

// Target is what a zccp URL names:
//
//	zccp://host[:port]/export[/path][?pin=sha256:...]
//
// The path is a file's name as it is: nothing in it is decoded.
type Target struct {
	Host   string // without brackets
	Port   uint16
	Export string
	Path   string // beneath the export, without a slash in front; "" is the export
	Pin    Pin    // that the daemon has to have
	Pinned bool
}

const scheme = "zccp://"

// IsURL reports whether an operand is a zccp URL.
func IsURL(s string) bool { return strings.HasPrefix(s, scheme) }

// ParseURL reads a zccp URL.
func ParseURL(s string) (*Target, error) {
	rest, ok := strings.CutPrefix(s, scheme)
	if !ok {
		return nil, errors.New("a URL that begins with " + scheme + " is wanted")
	}
	t := &Target{Port: DefaultPort}
	const pin = "?pin="
	if i := strings.LastIndex(rest, pin); i >= 0 {
		var err error
		if t.Pin, err = ParsePin(rest[i+len(pin):]); err != nil {
			return nil, err
		}
		t.Pinned, rest = true, rest[:i]
	}
	address, path, ok := strings.Cut(rest, "/")
	if !ok || path == "" {
		return nil, errors.New("the URL names no export: zccp://HOST/EXPORT/PATH")
	}
	t.Host = address
	if i := strings.LastIndexByte(address, ':'); i >= 0 && !strings.HasSuffix(address, "]") {
		port, err := strconv.ParseUint(address[i+1:], 10, 16)
		if err != nil || port == 0 {
			return nil, errors.New("the port is a number from 1 to 65535")
		}
		t.Host, t.Port = address[:i], uint16(port)
	}
	if strings.Contains(t.Host, "@") {
		return nil, errors.New("a daemon knows keys and no users")
	}
	if err := CheckHost(t.Host); err != nil {
		return nil, err
	}
	t.Host = bareHost(t.Host)
	t.Export, t.Path, _ = strings.Cut(path, "/")
	if err := checkExportName(t.Export); err != nil {
		return nil, err
	}
	t.Path = strings.TrimLeft(t.Path, "/")
	if strings.ContainsRune(t.Path, 0) {
		return nil, errors.New("a path has no NUL")
	}
	return t, nil
}

// Address is where the daemon listens, as known hosts have it.
func (t *Target) Address() string {
	return net.JoinHostPort(strings.ToLower(t.Host), strconv.Itoa(int(t.Port)))
}
