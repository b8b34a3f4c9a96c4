package platform

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSlashPath(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	drive := filepath.VolumeName(dir)
	here := "/" + filepath.ToSlash(dir)
	for _, c := range []struct{ typed, want string }{
		{"", ""},
		{`a`, "a"},
		{`a\b\`, "a/b/"},
		{`..\a/b`, "../a/b"},
		{`C:\a\b`, "/C:/a/b"},
		{`c:/a/`, "/c:/a/"},
		{`C:\`, "/C:/."},
		{`\a`, "/a"},
		{`\`, "/"},
		{`\\server\share\a`, "//server/share/a"},
		{`\\server\share\`, "//server/share/."},
		{`\\?\C:\a`, "//?/C:/a"},
		{"/C:/a", "/C:/a"},
		{drive + "a", here + "/a"},
		{drive + `a\`, here + "/a/"},
		{drive, here},
	} {
		if got := SlashPath(c.typed); got != c.want {
			t.Errorf("SlashPath(%q) = %q, want %q", c.typed, got, c.want)
		}
	}
}

func TestAbsPath(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	here := "/" + filepath.ToSlash(dir)
	for _, c := range []struct{ path, want string }{
		{"a/./b/../c", here + "/a/c"},
		{"/C:/a/", "/C:/a"},
		{"/C:/.", "/C:/"},
		{"/C:/../..", "/C:/"},
		{"//server/share/a/..", "//server/share/"},
		{"/a", "/" + filepath.VolumeName(dir) + "/a"},
	} {
		if got, err := AbsPath(c.path); got != c.want || err != nil {
			t.Errorf("AbsPath(%q) = %q, %v, want %q", c.path, got, err, c.want)
		}
	}
}

// TestObjectName resolves paths from the current directory.
func TestObjectName(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"/C:/a", `\??\C:\a`},
		{`C:\a\..\b`, `\??\C:\b`},
		{"/C:", `\??\C:\`},
		{"/C:/", `\??\C:\`},
		{"//server/share/a", `\??\UNC\server\share\a`},
		{"//?/C:/a", `\??\C:\a`},
		{`\\?\UNC\server\share\a`, `\??\UNC\server\share\a`},
	} {
		var o object
		if err := o.set(CWD, MustName(c.path), false); err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if got := string(appendUTF8(nil, bytesOf(o.units()))); got != c.want {
			t.Errorf("%s is %s, want %s", c.path, got, c.want)
		}
	}
}

func bytesOf(units []uint16) (b []byte) {
	for _, u := range units {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

// TestNames has names that lead out of a directory or to something else than a
// file, and such that only nobody could open afterwards.
func TestNames(t *testing.T) {
	dir, _ := held(t)
	for _, c := range []struct {
		name          string
		reads, writes bool
	}{
		{"a", true, true},
		{".a", true, true},
		{"a.b", true, true},
		{"COM10", true, true},
		{"console", true, true},
		{`a\b`, false, false},
		{`..\a`, false, false},
		{"a:b", false, false},
		{"a:", false, false},
		{"a?", false, false},
		{"a\x01", false, false},
		{"a.", true, false},
		{"a ", true, false},
		{"NUL", true, false},
		{"nul.txt", true, false},
		{"Aux .c", true, false},
		{"com1", true, false},
		{"LPT¹", true, false},
		{"CONIN$", true, false},
	} {
		var o object
		if err := o.set(dir, MustName(c.name), false); (err == nil) != c.reads {
			t.Errorf("%q is read: %v", c.name, err)
		}
		if err := o.set(dir, MustName(c.name), true); (err == nil) != c.writes {
			t.Errorf("%q is created: %v", c.name, err)
		}
		if err := o.set(CWD, MustName("/C:/dir/"+c.name), true); (err == nil) != c.writes && !strings.Contains(c.name, `\`) {
			t.Errorf("%q is created by its path: %v", c.name, err)
		}
	}
}

func TestLinkText(t *testing.T) {
	for _, c := range []struct{ object, want string }{
		{`\??\C:\a\b`, "/C:/a/b"},
		{`\??\UNC\server\share\a`, "//server/share/a"},
		{`\??\Volume{1}\`, "//?/Volume{1}/"},
	} {
		got := strings.ReplaceAll(fromObjectName(c.object), `\`, "/")
		if got != c.want {
			t.Errorf("%s is told as %s, want %s", c.object, got, c.want)
		}
		if back := objectName(win32Path(got)); back != c.object {
			t.Errorf("%s is made %s again, want %s", got, back, c.object)
		}
	}
}

func TestShownPath(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"/C:/a", "C:/a"}, {"/C:", "C:"}, {"/C:a", "/C:a"}, {"//server/share", "//server/share"}, {"a/C:/b", "a/C:/b"}, {"", ""}, {"/", "/"},
	} {
		if got := ShownPath(c.path); got != c.want {
			t.Errorf("%s is shown as %s, want %s", c.path, got, c.want)
		}
	}
}
