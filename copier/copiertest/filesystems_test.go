package copiertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFileSystems(t *testing.T) {
	Require(t, "loopfs")
	var bases []string
	t.Run("mounted", func(t *testing.T) {
		for _, fsys := range Mount(t, MountOptions{Size: 512 << 20}) {
			table := mountTable(t)
			mount := filepath.Dir(fsys.Dir)
			bases = append(bases, filepath.Dir(mount))
			if !strings.Contains(table, " "+mount+" "+fsys.Name+" ") {
				t.Errorf("%s is not mounted at %s", fsys.Name, mount)
			}
			if err := os.WriteFile(filepath.Join(fsys.Dir, "f"), []byte("x"), 0o644); err != nil {
				t.Error(err)
			}
		}
	})
	if len(bases) != 4 {
		t.Fatalf("%d file systems, want 4", len(bases))
	}
	if table := mountTable(t); strings.Contains(table, bases[0]) {
		t.Errorf("still mounted below %s", bases[0])
	}
	if _, err := os.Lstat(bases[0]); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", bases[0], err)
	}
}

// A test that leaves a descriptor open is told so, and nothing stays mounted.
func TestCloseBusy(t *testing.T) {
	Require(t, "loopfs")
	m, err := MountAll(MountOptions{Names: []string{"tmpfs"}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(m.list[0].Dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := m.Close(); err == nil || !strings.Contains(err.Error(), "busy") {
		t.Errorf("Close with an open file: %v, want busy", err)
	}
	if table := mountTable(t); strings.Contains(table, m.base) {
		t.Errorf("still mounted below %s", m.base)
	}
}

func mountTable(t *testing.T) string {
	t.Helper()
	table, err := os.ReadFile("/proc/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return string(table)
}

// TestRequire runs this test binary again with abilities that are missing.
func TestRequire(t *testing.T) {
	if ability := os.Getenv("COPIERTEST_REQUIRE"); ability != "" {
		t.Setenv("PATH", "")
		Require(t, ability)
		return
	}
	for _, c := range []struct{ name, ability, env, want string }{
		{"missing", "strace", "", "--- SKIP"},
		{"other required", "strace", "root,rsync", "--- SKIP"},
		{"required", "strace", "root, strace", "--- FAIL"},
		{"unknown", "strce", "", "--- FAIL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestRequire$", "-test.v")
			cmd.Env = append(os.Environ(), "COPIERTEST_REQUIRE="+c.ability, EnvRequire+"="+c.env)
			out, _ := cmd.CombinedOutput()
			if !strings.Contains(string(out), c.want) {
				t.Errorf("want %s, got\n%s", c.want, out)
			}
		})
	}
}

// TestKilled lets a test binary be killed with file systems mounted: they go all the same.
func TestKilled(t *testing.T) {
	if file := os.Getenv("COPIERTEST_KILLED"); file != "" {
		m, err := MountAll(MountOptions{Size: 512 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(m.base), 0o600); err != nil {
			t.Fatal(err)
		}
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		t.Fatal(self.Kill())
	}
	Require(t, "loopfs")
	file := filepath.Join(t.TempDir(), "base")
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "COPIERTEST_KILLED="+file)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("%v, want killed\n%s", err, out)
	}
	base, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Lstat(string(base)); os.IsNotExist(err) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s outlived the process by 30 s", base)
		}
	}
	if table := mountTable(t); strings.Contains(table, string(base)) {
		t.Errorf("still mounted below %s", base)
	}
}
