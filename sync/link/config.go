package link

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// DefaultPort is the daemon's. IANA has assigned it to nothing.
const DefaultPort = 7453

// Mode is what clients of an export may do.
type Mode uint8

// The modes. AppendOnly is writing without replacing or deleting what is there.
const (
	ReadOnly Mode = iota
	ReadWrite
	AppendOnly
)

func (m Mode) String() string { return [...]string{"ro", "rw", "append-only"}[m] }

// Export is a directory that a daemon serves.
type Export struct {
	Name       string
	Path       string // absolute
	Mode       Mode
	Plain      bool // clients may have plain data streams
	MaxStreams int  // of one session
	Allow      []Pin
}

// allows reports whether the client with a key may use the export.
func (e *Export) allows(client Pin) bool { return among(client, e.Allow) }

// Config is what a daemon is told in its file. It has lines "key = value",
// empty ones and such that begin with #. Lines after "[export NAME]" are of that
// export. Whatever is unknown, missing or said twice is an error.
//
//	listen = :7453            address; "" for every one
//	key = /etc/zccp/key       the daemon's, see GenerateKey
//	clients = /etc/zccp/clients    who may use all exports, see ReadKnown
//	user = zccp               to become once the port is open
//	confine = auto            auto, require or off: reach nothing but exports
//	max-sessions = 32
//	sessions-per-key = 8      of them, for clients that show the same key
//	idle = 600                seconds without progress after which a session ends
//	max-names = 4000000       that a session keeps for a client that receives
//
//	[export backup]
//	path = /srv/backup
//	mode = append-only        ro, rw or append-only
//	allow = sha256:... sha256:...   instead of clients
//	plain = no                yes or no
//	max-streams = 4
type Config struct {
	Listen      string
	Key         string
	Clients     string
	User        string
	Confine     Confinement
	MaxSessions int
	PerKey      int           // sessions of one key; 0: as many as MaxSessions
	Idle        time.Duration // see Link.Patience; 0: for ever
	MaxNames    int           // see Link.MaxNames; 0: any number
	Exports     []*Export
}

// Confinement says whether a daemon gives up the right to reach anything but
// its exports.
type Confinement uint8

// The choices. With ConfineAuto it does as far as the kernel can.
const (
	ConfineAuto Confinement = iota
	ConfineRequire
	ConfineOff
)

const (
	maxConfig     = 1 << 20
	maxLine       = 16 << 10
	maxExportName = 48
	maxSessionCap = 4096
	maxIdle       = 7 * 24 * 3600 // seconds
	minNames      = 200_000
	maxNamesCap   = 1 << 30
)

// LoadConfig reads a daemon's file, which nobody but its owner may be able to
// write, and the file of clients that it names.
func LoadConfig(path string) (*Config, error) {
	text, err := readPrivate(path, 0o022, maxConfig)
	if err != nil {
		return nil, err
	}
	c, err := ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	var clients []Pin
	if c.Clients != "" {
		list, err := ReadKnown(c.Clients)
		if err != nil {
			return nil, err
		}
		for _, k := range list {
			clients = append(clients, k.Pin)
		}
	}
	for _, e := range c.Exports {
		if len(e.Allow) == 0 {
			e.Allow = clients
		}
		if len(e.Allow) == 0 {
			return nil, fmt.Errorf("%s: nobody may use the export %s: name clients, or allow some", path, e.Name)
		}
	}
	return c, nil
}

// ParseConfig reads the text of a daemon's file and nothing else. The error
// begins with the number of a line.
func ParseConfig(text []byte) (*Config, error) {
	c := &Config{
		MaxSessions: 32, PerKey: 8, Idle: 10 * time.Minute, MaxNames: 4_000_000,
		Listen: ":" + strconv.Itoa(DefaultPort),
	}
	var export *Export
	seen := make(map[string]bool) // keys of the section
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		at := func(err error) error { return fmt.Errorf("%d: %w", i+1, err) }
		line = strings.TrimSpace(strings.TrimSuffix(line, "\r"))
		switch {
		case len(line) > maxLine:
			return nil, at(errors.New("the line is too long"))
		case !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			return nil, at(errors.New("the line is not text"))
		case line == "" || line[0] == '#':
			continue
		case line[0] == '[':
			name, err := sectionName(line)
			if err != nil {
				return nil, at(err)
			}
			for _, e := range c.Exports {
				if e.Name == name {
					return nil, at(fmt.Errorf("there are two exports %s", name))
				}
			}
			if err := export.complete(seen); err != nil {
				return nil, at(err)
			}
			export = &Export{Name: name, MaxStreams: maxStreams}
			c.Exports = append(c.Exports, export)
			clear(seen)
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || key == "" || value == "" {
			return nil, at(errors.New("key = value is wanted"))
		}
		if seen[key] {
			return nil, at(fmt.Errorf("%s is set twice", printable(key, 64)))
		}
		seen[key] = true
		var err error
		if export != nil {
			err = export.set(key, value)
		} else {
			err = c.set(key, value)
		}
		if err != nil {
			return nil, at(err)
		}
	}
	end := func(err error) error { return fmt.Errorf("%d: %w", len(lines), err) }
	if err := export.complete(seen); err != nil {
		return nil, end(err)
	}
	if c.Key == "" {
		return nil, end(errors.New("there is no key"))
	}
	if len(c.Exports) == 0 {
		return nil, end(errors.New("there is no export"))
	}
	for _, e := range c.Exports {
		if len(e.Allow) == 0 && c.Clients == "" {
			return nil, end(fmt.Errorf("nobody may use the export %s: name clients, or allow some", e.Name))
		}
	}
	return c, nil
}

// sectionName reads "[export NAME]".
func sectionName(line string) (string, error) {
	f := strings.Fields(strings.TrimSuffix(line[1:], "]"))
	if !strings.HasSuffix(line, "]") || len(f) != 2 || f[0] != "export" {
		return "", errors.New("[export NAME] is wanted")
	}
	if err := checkExportName(f[1]); err != nil {
		return "", err
	}
	return f[1], nil
}

func checkExportName(name string) error {
	bad := strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	})
	if bad || name == "" || len(name) > maxExportName || name[0] == '.' || name[0] == '-' {
		return fmt.Errorf("%s can't be the name of an export: letters, digits, - _ . are, %d at most", printable(name, 64), maxExportName)
	}
	return nil
}

// complete checks an export whose lines have been read; nil is none.
func (e *Export) complete(seen map[string]bool) error {
	switch {
	case e == nil:
		return nil
	case e.Path == "":
		return fmt.Errorf("the export %s has no path", e.Name)
	case !seen["mode"]:
		return fmt.Errorf("the export %s has no mode", e.Name)
	}
	return nil
}

func (c *Config) set(key, value string) (err error) {
	switch key {
	case "listen":
		c.Listen = value
		_, err = listenAddress(value)
	case "key":
		c.Key = value
		err = absolute(value)
	case "clients":
		c.Clients = value
		err = absolute(value)
	case "user":
		c.User = value
		if !validName(value) {
			err = errors.New("that is no user")
		}
	case "confine":
		c.Confine, err = choose(value, map[string]Confinement{"auto": ConfineAuto, "require": ConfineRequire, "off": ConfineOff})
	case "max-sessions":
		c.MaxSessions, err = number(value, maxSessionCap)
	case "sessions-per-key":
		c.PerKey, err = number(value, maxSessionCap)
	case "idle":
		var n int
		n, err = number(value, maxIdle)
		c.Idle = time.Duration(n) * time.Second
	case "max-names":
		if c.MaxNames, err = number(value, maxNamesCap); err == nil && c.MaxNames < minNames {
			// So many can be on their way to a receiver that is done with each at once.
			err = fmt.Errorf("a number from %d on is wanted", minNames)
		}
	default:
		err = fmt.Errorf("%s is unknown here", printable(key, 64))
	}
	return err
}

func (e *Export) set(key, value string) (err error) {
	switch key {
	case "path":
		e.Path = value
		err = absolute(value)
	case "mode":
		e.Mode, err = choose(value, map[string]Mode{"ro": ReadOnly, "rw": ReadWrite, "append-only": AppendOnly})
	case "plain":
		e.Plain, err = choose(value, map[string]bool{"yes": true, "no": false})
	case "max-streams":
		e.MaxStreams, err = number(value, maxStreams)
	case "allow":
		for f := range strings.FieldsSeq(value) {
			p, err := ParsePin(f)
			if err != nil {
				return err
			}
			e.Allow = append(e.Allow, p)
		}
	default:
		err = fmt.Errorf("%s is unknown in an export", printable(key, 64))
	}
	return err
}

func absolute(path string) error {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return fmt.Errorf("%s is not an absolute path, or has . or .. in it", printable(path, 200))
	}
	return nil
}

func number(value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != value {
		return 0, fmt.Errorf("a number from 1 to %d is wanted", most)
	}
	return n, nil
}

func choose[T any](value string, from map[string]T) (T, error) {
	v, ok := from[value]
	if !ok {
		return v, fmt.Errorf("%s is not possible here", printable(value, 64))
	}
	return v, nil
}
