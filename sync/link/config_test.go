package link

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var (
	pinA = "sha256:" + strings.Repeat("0a", 32)
	pinB = "sha256:" + strings.Repeat("ff", 32)
)

const minimal = "key = /k\nclients = /c\n[export a]\npath = /a\nmode = ro\n"

func TestParseConfig(t *testing.T) {
	a, _ := ParsePin(pinA)
	b, _ := ParsePin(pinB)
	tests := []struct {
		name, text string
		want       *Config // nil: err
		err        string
	}{
		{"minimal", minimal, &Config{Listen: ":7453", Key: "/k", Clients: "/c", MaxSessions: 32, PerKey: 8, Idle: 10 * time.Minute, MaxNames: 4_000_000, Exports: []*Export{{Name: "a", Path: "/a", MaxStreams: 16}}}, ""},
		{"all", "# all\r\nlisten = [::1]:99\nkey=/etc/zccp/key\nuser = zccp\nconfine = require\nmax-sessions = 5\nsessions-per-key=2\nidle = 60\nmax-names = 300000\n\n" +
			"[export up]\n  path = /srv/a = b\n  mode = append-only\nallow = " + pinA + "  " + pinB + "\nplain = yes\nmax-streams = 3\n[export x.y-Z_1]\npath = /\nmode = rw\nallow = " + pinB,
			&Config{Listen: "[::1]:99", Key: "/etc/zccp/key", User: "zccp", Confine: ConfineRequire, MaxSessions: 5, PerKey: 2, Idle: time.Minute, MaxNames: 300_000, Exports: []*Export{
				{Name: "up", Path: "/srv/a = b", Mode: AppendOnly, Plain: true, MaxStreams: 3, Allow: []Pin{a, b}},
				{Name: "x.y-Z_1", Path: "/", Mode: ReadWrite, MaxStreams: 16, Allow: []Pin{b}},
			}}, ""},
		{"empty", "", nil, "1: there is no key"},
		{"no key", strings.Replace(minimal, "key = /k\n", "", 1), nil, "5: there is no key"},
		{"no export", "key = /k\nclients = /c\n", nil, "3: there is no export"},
		{"nobody", strings.Replace(minimal, "clients = /c\n", "", 1), nil, "nobody may use the export a"},
		{"nobody may use the second", minimal[:9] + "[export a]\npath = /a\nmode = ro\nallow = " + pinA + "\n[export b]\npath = /b\nmode = ro\n", nil, "nobody may use the export b"},
		{"no path", "key = /k\nclients = /c\n[export a]\nmode = ro\n", nil, "the export a has no path"},
		{"no path of the first", "key = /k\nclients = /c\n[export a]\nmode = ro\n[export b]\npath = /\nmode = ro", nil, "5: the export a has no path"},
		{"no mode", "key = /k\nclients = /c\n[export a]\npath = /a\n", nil, "the export a has no mode"},
		{"unknown key", "keyfile = /k\n" + minimal, nil, "1: keyfile is unknown here"},
		{"unknown key of an export", minimal + "key = /k\n", nil, "6: key is unknown in an export"},
		{"key of an export outside", "path = /a\n" + minimal, nil, "1: path is unknown here"},
		{"unknown mode", strings.Replace(minimal, "ro", "read-write", 1), nil, "read-write is not possible here"},
		{"capitals", strings.Replace(minimal, "ro", "RO", 1), nil, "RO is not possible here"},
		{"plain maybe", minimal + "plain = true\n", nil, "6: true is not possible here"},
		{"twice", minimal + "mode = rw\n", nil, "6: mode is set twice"},
		{"two exports", minimal + "[export a]\npath = /b\nmode = ro\n", nil, "6: there are two exports a"},
		{"section", minimal + "[exports b]\n", nil, "6: [export NAME] is wanted"},
		{"open section", minimal + "[export b\n", nil, "6: [export NAME] is wanted"},
		{"bad name", minimal + "[export ../b]\n", nil, "6: ../b can't be the name"},
		{"long name", minimal + "[export " + strings.Repeat("b", 49) + "]\n", nil, "can't be the name"},
		{"no value", minimal + "plain =\n", nil, "6: key = value is wanted"},
		{"no equals", minimal + "plain yes\n", nil, "6: key = value is wanted"},
		{"comment behind", minimal + "plain = yes # always\n", nil, "is not possible here"},
		{"relative path", strings.Replace(minimal, "/a", "a", 1), nil, "a is not an absolute path"},
		{"path with ..", strings.Replace(minimal, "/a", "/a/../b", 1), nil, "not an absolute path"},
		{"NUL", minimal + "plain = yes\x00\n", nil, "6: the line is not text"},
		{"escape", minimal + "# \x1b[31m\n", nil, "6: the line is not text"},
		{"not UTF-8", minimal + "# \xff\n", nil, "6: the line is not text"},
		{"long line", minimal + "#" + strings.Repeat("x", maxLine) + "\n", nil, "6: the line is too long"},
		{"no fingerprint", minimal + "allow = " + pinA[:70] + "\n", nil, "not a fingerprint"},
		{"capital fingerprint", minimal + "allow = " + strings.ToUpper(pinA) + "\n", nil, "not a fingerprint"},
		{"anybody", minimal + "allow = *\n", nil, "not a fingerprint"},
		{"no streams", minimal + "max-streams = 0\n", nil, "from 1 to 16"},
		{"many streams", minimal + "max-streams = 17\n", nil, "from 1 to 16"},
		{"odd number", minimal + "max-streams = +3\n", nil, "from 1 to 16"},
		{"name to listen on", "listen = localhost:1\n" + minimal, nil, "names can't be listened on"},
		{"port", "listen = :http\n" + minimal, nil, "the port is a number"},
		{"confine", "confine = no\n" + minimal, nil, "no is not possible here"},
		{"no session of a key", "sessions-per-key = 0\n" + minimal, nil, "1: a number from 1 to 4096"},
		{"idle with a unit", "idle = 10m\n" + minimal, nil, "1: a number from 1 to 604800"},
		{"never idle", "idle = 0\n" + minimal, nil, "1: a number from 1 to 604800"},
		{"idle of an export", minimal + "idle = 5\n", nil, "6: idle is unknown in an export"},
		{"few names", "max-names = 1000\n" + minimal, nil, "1: a number from 200000 on"},
		{"no names", "max-names = no\n" + minimal, nil, "1: a number from 1 to"},
		{"user", "user = a b\n" + minimal, nil, "that is no user"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseConfig([]byte(tt.text))
			if tt.want == nil {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("%+v, %v, want %s", got, err, tt.err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// FuzzConfig: whatever the file says, a daemon that takes it has a key, and only
// exports with all that they need.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte("[export a]\nallow=" + pinA + "\npath=/\nmode=rw\nplain=yes\nmax-streams=1\n"))
	f.Add([]byte("listen = :1\nkey = /k\r\nuser = u\nconfine = off\nmax-sessions = 4096\n[export b]\n"))
	f.Add([]byte("key = /k\nclients = /c\nsessions-per-key = 4097\nidle = 604800\nmax-names = 1\n[export a]\npath = /a\nmode = ro\n"))
	f.Add([]byte("key = /k\n[export a]\npath = /a\nmode = append-only\nallow = \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseConfig(text)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v, %v", c, err)
		}
		if err != nil {
			return
		}
		if !filepath.IsAbs(c.Key) || len(c.Exports) == 0 || c.MaxSessions < 1 || c.MaxSessions > maxSessionCap || c.PerKey < 1 || c.Idle < time.Second || c.MaxNames < 1 {
			t.Errorf("%+v", c)
		}
		for _, e := range c.Exports {
			if !filepath.IsAbs(e.Path) || checkExportName(e.Name) != nil || e.MaxStreams < 1 || e.MaxStreams > maxStreams || len(e.Allow) == 0 && c.Clients == "" || e.Mode > AppendOnly {
				t.Errorf("%+v", e)
			}
		}
	})
}

// TestLoadConfig: files that others could change are not believed, nor is a list
// of nobody.
func TestLoadConfig(t *testing.T) {
	dir := t.TempDir()
	clients, config := filepath.Join(dir, "clients"), filepath.Join(dir, "config")
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		os.Remove(name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.Replace(minimal, "/c", clients, 1)
	good := "# who\n\n" + pinA + " alice\n" + pinB + " bob@host\n"
	tests := []struct {
		name          string
		text, clients string
		mode, cmode   os.FileMode
		err           string
	}{
		{"good", text, good, 0o644, 0o600, ""},
		{"group can write", text, good, 0o664, 0o600, "can be written by others"},
		{"others can write", text, good, 0o602, 0o600, "can be written by others"},
		{"clients", text, good, 0o600, 0o622, "can be written by others"},
		{"nobody", text, "# nobody\n", 0o600, 0o600, "nobody may use the export a"},
		{"no name", text, pinA + "\n", 0o600, 0o600, "clients:1: a fingerprint, a space and a name are wanted"},
		{"two names", text, good + pinA + " a b\n", 0o600, 0o600, "clients:5: a fingerprint"},
		{"indented", text, " " + pinA + " a\n", 0o600, 0o600, "clients:1: not a fingerprint"},
		{"no text", text, pinA + " \x1b[1m\n", 0o600, 0o600, "clients:1: a fingerprint"},
		{"long", text, good + strings.Repeat("x", 70000), 0o600, 0o600, "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			write(config, tt.text, tt.mode)
			write(clients, tt.clients, tt.cmode)
			c, err := LoadConfig(config)
			switch {
			case tt.err != "":
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("%v, want %s", err, tt.err)
				}
			case err != nil:
				t.Error(err)
			case len(c.Exports[0].Allow) != 2:
				t.Errorf("%+v", c.Exports[0])
			}
		})
	}
	if err := os.Remove(clients); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadConfig(config); err == nil {
		t.Error("served without the list of clients")
	}
	if _, err := LoadConfig(dir); err == nil {
		t.Error("a directory was read")
	}
}
