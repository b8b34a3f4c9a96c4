package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestChmod(t *testing.T) {
	for _, c := range []struct {
		value string
		mode  uint32
		dir   bool
		want  uint32
	}{
		{"u+x", 0o644, false, 0o744},
		{"Dg+s,ug+w,Fo-w,+X", 0o755, true, 0o2775},
		{"Dg+s,ug+w,Fo-w,+X", 0o646, false, 0o664},
		{"Dg+s,ug+w,Fo-w,+X", 0o746, false, 0o775},
		{"D2775,F664", 0o700, true, 0o2775},
		{"D2775,F664", 0o700, false, 0o664},
		{"+w", 0o444, false, 0o644}, // the umask keeps the others out
		{"a=rwx", 0o000, false, 0o777},
		{"a+X", 0o600, false, 0o600},
		{"a+X", 0o700, false, 0o711},
		{"g=u", 0o640, false, 0o660},
		{"o-g", 0o666, false, 0o660},
	} {
		f, err := parseChmod([]string{c.value}, 0o022)
		if err != nil {
			t.Fatal(err)
		}
		if got := f(c.mode, c.dir); got != c.want {
			t.Errorf("%s of %04o (dir %v): %04o, want %04o", c.value, c.mode, c.dir, got, c.want)
		}
	}
	for _, bad := range []string{"x", "", "u", "8", "12345678", "DFu+x", "u+q", "+x,", "u=gr"} {
		if _, err := parseChmod([]string{bad}, 0); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestChmodMatchesRsync lets rsync give generated modes to a file and a
// directory, and compares; what rsync refuses must be refused.
func TestChmodMatchesRsync(t *testing.T) {
	requireRsync(t)
	if testing.Short() {
		t.Skip("runs rsync")
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 5))
	letters := func(set string, most int) string {
		var b strings.Builder
		for range rng.IntN(most + 1) {
			b.WriteByte(set[rng.IntN(len(set))])
		}
		return b.String()
	}
	item := func() string {
		prefix := letters("DF", 1)
		switch rng.IntN(5) {
		case 0:
			return prefix + letters("01234567", 5)
		case 1:
			return prefix + letters("ugoa", 2) + "+-="[rng.IntN(3):][:1] + letters("ugo", 1)
		}
		return prefix + letters("ugoa", 2) + "+-="[rng.IntN(3):][:1] + letters("rwxXst", 3)
	}
	refused := 0
	for n := range 100 {
		value := item()
		for range rng.IntN(2) {
			value += "," + item()
		}
		fileMode, dirMode := rng.Uint32N(0o10000), rng.Uint32N(0o10000)|0o700
		root := filepath.Join(dir, fmt.Sprint(n))
		src, dst := filepath.Join(root, "src"), filepath.Join(root, "dst")
		if err := os.MkdirAll(filepath.Join(src, "d"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(src, "f"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() != 0 {
			fileMode |= 0o400
		}
		syscall.Chmod(filepath.Join(src, "f"), fileMode)
		syscall.Chmod(filepath.Join(src, "d"), dirMode)
		out, err := exec.Command("sh", "-c", `umask 027; exec rsync "$@"`, "sh", "-rp", "--chmod="+value, src+"/", dst).CombinedOutput()
		change, parseErr := parseChmod([]string{value}, 0o027)
		if strings.Contains(string(out), "Invalid argument passed to --chmod") != (parseErr != nil) {
			t.Errorf("%s: zccp says %v, rsync %s", value, parseErr, out)
			continue
		}
		if parseErr != nil {
			refused++
			continue
		}
		if err != nil {
			t.Fatalf("--chmod=%s: %v %s", value, err, out)
		}
		for _, e := range []struct {
			name string
			mode uint32
			dir  bool
		}{{"f", fileMode, false}, {"d", dirMode, true}} {
			info, err := os.Lstat(filepath.Join(dst, e.name))
			if err != nil {
				t.Fatal(err)
			}
			want := unixMode(info.Mode())
			if got := change(e.mode, e.dir); got != want {
				t.Errorf("--chmod=%s of %04o (%s): %04o, rsync makes it %04o", value, e.mode, e.name, got, want)
			}
		}
	}
	if refused == 0 || refused > 50 {
		t.Errorf("%d of 100 values are refused", refused)
	}
}

func unixMode(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	for _, bit := range []struct {
		flag fs.FileMode
		mode uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if m&bit.flag != 0 {
			mode |= bit.mode
		}
	}
	return mode
}

// requireRsync skips the test where rsync is not the one whose ways these are.
func requireRsync(t *testing.T) {
	t.Helper()
	out, err := exec.Command("rsync", "--version").Output()
	first, _, _ := strings.Cut(string(out), "\n")
	if err != nil || !strings.Contains(first, "version 3.5.") {
		t.Skipf("rsync is not 3.5: %s %v", first, err)
	}
}
