//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/zccp/zccp/platform"
)

// TestServeH04 repeats what got out of Go's os.Root with the calls of an export, and with the check
// of a peer's paths, which is os.Root's.
func TestServeH04(t *testing.T) {
	top := t.TempDir()
	for _, dir := range []string{"root/in", "out/dir"} {
		os.MkdirAll(filepath.Join(top, dir), 0o755)
	}
	secret := filepath.Join(top, "out/secret")
	os.WriteFile(secret, []byte("secret"), 0o600)
	for name, target := range map[string]string{"link": "../out", "leaf": "../out/secret", "in/up": "../../out"} {
		os.Symlink(target, filepath.Join(top, "root", name))
	}
	policy := &peerPolicy{Root: filepath.Join(top, "root")}
	fd, err := policy.open()
	if err != nil {
		t.Fatal(err)
	}
	native := platform.Native()
	defer native.Close(fd)
	c := platform.Rooted(native, fd, platform.MustName(policy.Root))
	opened := func(dir platform.FD, name string, flags int) error {
		f, err := c.Openat(dir, platform.MustName(name), flags, 0)
		if err != nil {
			return err
		}
		defer native.Close(f)
		var is, root platform.Stat
		native.Fstat(f, &is)
		native.Fstat(fd, &root)
		if is.IsSymlink() || is.Ino == root.Ino {
			return syscall.EACCES // it is still below the root
		}
		return nil
	}
	for _, dir := range []platform.FD{platform.CWD, fd} {
		for _, flags := range []int{platform.ReadOnly, platform.ReadOnly | platform.NoFollow, platform.ReadOnly | platform.Directory, platform.PathOnly} {
			for cve, names := range map[string][]string{
				"CVE-2025-22873": {"../", "..", "../.", "in/../../", "./../"},
				"CVE-2026-39822": {"link/", "link/.", "link//", "in/up/", "leaf/"},
				"any":            {"link/secret", "link/dir", "in/up/secret", "link/../secret"},
			} {
				for _, name := range names {
					if err := opened(dir, name, flags); err == nil {
						t.Errorf("%s: %q was opened, flags %#x, from the root %v", cve, name, flags, dir == fd)
					}
				}
			}
		}
	}
	// CVE-2026-32282: a mode is set through a link that took the place of a file.
	if err := c.Fchmodat(fd, platform.MustName("leaf"), 0o777); err == nil {
		t.Error("CVE-2026-32282: the mode of a link can be set")
	}
	// CVE-2026-27139: what a listing tells of a name is that of another, once a directory on the way
	// leads elsewhere.
	in, err := c.Openat(fd, platform.MustName("in"), platform.ReadOnly|platform.Directory, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer native.Close(in)
	os.WriteFile(filepath.Join(policy.Root, "in/secret"), []byte("of the root"), 0o644)
	os.Rename(filepath.Join(policy.Root, "in"), filepath.Join(policy.Root, "was"))
	os.Symlink("../out", filepath.Join(policy.Root, "in"))
	var st platform.Stat
	if err := c.Statat(in, platform.MustName("secret"), &st, false); err != nil || st.Size != int64(len("of the root")) {
		t.Errorf("CVE-2026-27139: %d bytes, %v", st.Size, err)
	}
	if err := c.Statat(platform.CWD, platform.MustName("in/secret"), &st, false); err == nil {
		t.Error("CVE-2026-27139: what is outside can be looked at")
	}
	// CVE-2024-8244: so does a walk.
	if err := opened(platform.CWD, "in/dir", platform.ReadOnly|platform.Directory); err == nil {
		t.Error("CVE-2024-8244: what is outside can be entered")
	}
	for _, name := range []string{"link/", "link/.", "link/dir", "leaf", "in/secret", "link/../secret/.."} {
		// As far as it is no file of the root by its letters.
		if filepath.Clean("/"+name) == "/" {
			continue
		}
		if full, err := policy.place(name); err == nil && !strings.HasPrefix(full, policy.Root+"/secret") {
			t.Errorf("%q is placed at %s", name, full)
		}
	}
	if st, err := os.Stat(secret); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("outside: %v %v", st, err)
	}
}

// TestServeH06 asks for what is allowed, by all names that lead there, below a root that links,
// narrow directories and relative paths are part of: being kept in keeps nobody out.
func TestServeH06(t *testing.T) {
	top := t.TempDir()
	call, url := exporting(t, top, "rw")
	for _, dir := range []string{"a/dir/sub", "a/flat/sub", "a/narrow/inner", "a/old", "a/new"} {
		os.MkdirAll(filepath.Join(top, dir), 0o755)
	}
	for _, name := range []string{"a/dir/file", "a/dir/sub/file", "a/flat/file", "a/flat/sub/file", "a/narrow/inner/file", "a/old/file"} {
		os.WriteFile(filepath.Join(top, name), []byte("content"), 0o644)
	}
	os.Chmod(filepath.Join(top, "a/narrow"), 0o711)
	for name, target := range map[string]string{
		"near": "dir", "chain": "near", "dir/beside": "sub", "dir/sub/up": "../../dir/sub", "dir/filelink": "file", "new/back": "../dir", "flat/filelink": "file", "flat/beside": "sub",
	} {
		os.Symlink(target, filepath.Join(top, "a", name))
	}
	cases := 0
	get := func(path, want string, options ...string) {
		t.Helper()
		cases++
		got := filepath.Join(top, fmt.Sprintf("got%d", cases))
		code, said := call(append(append([]string{"-r"}, options...), fmt.Sprintf(url, "/"+path), got+"/")...)
		if b, err := os.ReadFile(filepath.Join(got, want)); code != 0 || string(b) != "content" {
			t.Errorf("%s with %q: code %d, %v\n%s", path, options, code, err, said)
		}
	}
	for _, dir := range []string{"dir", "near", "chain", "new/back", "dir/../dir", "./dir", "/dir", "dir//", "narrow/../near", "../dir", "dir/sub/.."} {
		get(dir+"/file", "file")
		get(dir+"/sub/file", "file")
		get(dir+"/beside/file", "file")
		get(dir+"/sub/up/file", "file")
		get(dir+"/", "file")
	}
	get("flat/", "filelink", "-L")
	get("flat/", "beside/file", "-L")
	get("narrow/inner/", "file")
	get("narrow/", "inner/file")
	get("narrow/inner/file", "narrow/inner/file", "-R")

	os.MkdirAll(top+"/mine", 0o755)
	os.WriteFile(top+"/mine/file", []byte("content"), 0o644)
	for _, dest := range []string{"put", "near/put", "chain/put/", "new/back/put2/", "narrow/inner", "./put3/../put3", "../put4"} {
		cases++
		if code, said := call("-r", top+"/mine/", fmt.Sprintf(url, "/"+dest)); code != 0 {
			t.Errorf("to %s: code %d\n%s", dest, code, said)
		}
	}
	for _, option := range []string{"--link-dest=../old", "--link-dest=/old", "--copy-dest=../old", "--compare-dest=/old", "--backup-dir=../saved", "--temp-dir=../old", "--partial-dir=.parts"} {
		cases++
		words := []string{"-rt", option, "--backup"}
		if !strings.Contains(option, "backup-dir") {
			words = words[:2]
		}
		if code, said := call(append(words, top+"/mine/", fmt.Sprintf(url, fmt.Sprintf("/made%d/", cases)))...); code != 0 {
			t.Errorf("%s: code %d\n%s", option, code, said)
		}
	}
	if cases < 60 {
		t.Errorf("only %d cases", cases)
	}
}
