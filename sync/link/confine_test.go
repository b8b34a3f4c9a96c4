package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/zccp/zccp/platform"
)

// TestConfine runs a process that confines itself and tries what it may not do.
func TestConfine(t *testing.T) {
	if dir := os.Getenv("LINK_TEST_CONFINE"); dir != "" {
		confinedProcess(dir)
		return
	}
	dir := t.TempDir()
	for _, d := range []string{"rw/a", "rw/b", "ro", "out"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"rw/a/f", "ro/f", "out/f"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(binary string) (string, error) {
		// A copy of the program stands where files are served.
		program, err := os.ReadFile(binary)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "rw/program"), program, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(binary, "-test.run=^TestConfine$", "-test.v")
		cmd.Env = append(os.Environ(), "LINK_TEST_CONFINE="+dir)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	text, err := run(os.Args[0])
	if strings.Contains(text, "not confined: ") && !testing.Short() {
		// With cgo the runtime can't change all threads, so try it as it is
		// released: without.
		binary := filepath.Join(t.TempDir(), "link.test")
		build := exec.Command("go", "test", "-c", "-o", binary, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		text, err = run(binary)
	}
	if strings.Contains(text, "not confined: ") {
		t.Skip(text)
	}
	if err != nil || !strings.Contains(text, "all tried") || strings.Contains(text, "WRONG") {
		t.Errorf("%v\n%s", err, text)
	}
}

func confinedProcess(dir string) {
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := exec.Command(at("rw/program"), "-test.run=^$").Run(); err != nil {
		fmt.Println("WRONG: the copy can't be executed beforehand:", err)
	}
	before, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println("WRONG", err)
		return
	}
	exports := []*Export{{Name: "a", Path: at("rw"), Mode: ReadWrite}, {Name: "b", Path: at("ro"), Mode: ReadOnly}}
	// On threads that are there before, as well as on new ones.
	confined, outside := make(chan bool), make(chan error)
	for range 4 {
		go func() {
			runtime.LockOSThread()
			outside <- nil
			<-confined
			_, err := os.ReadFile(at("out/f"))
			outside <- err
		}()
	}
	for range 4 {
		<-outside
	}
	note, err := Confine(ConfineRequire, exports)
	if err == nil {
		var ln net.Listener
		if ln, err = listenTCP(context.Background(), "127.0.0.1", PortRange{}); err != nil {
			fmt.Println("WRONG: ServeStdio could not listen:", err)
			return
		}
		ln.Close()
		note, err = confine(ConfineRequire, exports, false)
	}
	if err != nil {
		fmt.Println("not confined:", note, err)
		return
	}
	check := func(what string, allowed bool, err error) {
		if (err == nil) != allowed {
			fmt.Println("WRONG", what, err)
		}
	}
	read := func(name string) error { _, err := os.ReadFile(name); return err }
	close(confined)
	for range 4 {
		check("read outside on another thread", false, <-outside)
	}
	check("read outside", false, read(at("out/f")))
	check("read", true, read(at("rw/a/f")))
	check("read of ro", true, read(at("ro/f")))
	check("write", true, os.WriteFile(at("rw/a/g"), nil, 0o644))
	check("rename to another directory", true, os.Rename(at("rw/a/g"), at("rw/b/g")))
	check("link to another directory", true, os.Link(at("rw/a/f"), at("rw/b/f")))
	check("truncate", true, os.Truncate(at("rw/a/f"), 0))
	check("unnamed file", true, unnamed(at("rw/a")))
	check("write to ro", false, os.WriteFile(at("ro/f"), nil, 0o644))
	check("make in ro", false, os.Mkdir(at("ro/d"), 0o755))
	check("remove from ro", false, os.Remove(at("ro/f")))
	check("truncate in ro", false, os.Truncate(at("ro/f"), 0))
	check("rename out of the export", false, os.Rename(at("rw/a/f"), at("out/h")))
	check("write outside", false, os.WriteFile(at("out/f"), nil, 0o644))
	check("by a link", false, func() error { os.Symlink(at("out/f"), at("rw/l")); return read(at("rw/l")) }())
	check("shadow", false, read("/etc/shadow"))
	check("passwd", true, read("/etc/passwd"))
	check("list of /", false, func() error { _, err := os.ReadDir("/"); return err }())
	check("execute", false, exec.Command("/bin/true").Run())
	check("listen", false, func() error { _, err := listenTCP(context.Background(), "127.0.0.1", PortRange{}); return err }())
	check("connect", false, func() error { _, err := net.Dial("tcp", before.Addr().String()); return err }())
	check("execute from the export", false, exec.Command(at("rw/program"), "-test.run=^$").Run())
	fmt.Println("all tried")
}

// unnamed makes a file without a name and gives it one, as the copier does.
func unnamed(dir string) error {
	calls := platform.Native()
	d, err := calls.Openat(platform.CWD, platform.MustName(dir), platform.ReadOnly|platform.Directory, 0)
	if err != nil {
		return err
	}
	f, err := calls.Openat(d, platform.MustName("."), platform.Unnamed|platform.WriteOnly, 0o600)
	if err != nil {
		if errors.Is(err, platform.Errno(95)) {
			return nil
		}
		return err
	}
	return calls.LinkFD(f, d, platform.MustName("published"))
}
