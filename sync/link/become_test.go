package link

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zccp/zccp/platform"
)

// child runs the test again in a process that does part instead.
func child(t *testing.T, part string, files ...*os.File) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "LINK_TEST_CHILD="+part)
	cmd.ExtraFiles = files
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return string(out)
}

// TestBecome: nothing of root is left, on no thread, and no way back.
func TestBecome(t *testing.T) {
	if os.Getenv("LINK_TEST_CHILD") == "become" {
		err := Become("nobody")
		groups, _ := os.Getgroups()
		back := make(chan bool, 8)
		for range cap(back) {
			go func() {
				f, err := os.Open("/etc/shadow")
				if err == nil {
					f.Close()
				}
				back <- err == nil || platform.Become(0, 0, []int{0}) == nil
			}()
		}
		any := false
		for range cap(back) {
			any = <-back || any
		}
		fmt.Println("result:", err, os.Getuid(), os.Geteuid(), os.Getgid(), len(groups), groups, any)
		return
	}
	nobody, err := user.Lookup("nobody")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	want := fmt.Sprintf("result: <nil> %s %s %s 1 [%s] false\n", nobody.Uid, nobody.Uid, nobody.Gid, nobody.Gid)
	if out := child(t, "become"); !strings.Contains(out, want) {
		t.Errorf("%s\nwant %s", out, want)
	}
	if err := Become("no such user"); err == nil {
		t.Error("became nobody at all")
	}
}

// TestInherited: a socket that systemd has opened for this process is used, and
// no other.
func TestInherited(t *testing.T) {
	if os.Getenv("LINK_TEST_CHILD") == "inherit" {
		os.Setenv("LISTEN_PID", fmt.Sprint(os.Getpid()))
		os.Setenv("LISTEN_FDS", "1")
		ln, err := inherited()
		if err != nil {
			fmt.Println("result:", err)
			return
		}
		fmt.Println("result:", ln.Addr())
		return
	}
	t.Setenv("LISTEN_PID", "1")
	t.Setenv("LISTEN_FDS", "1")
	if ln, err := inherited(); ln != nil || err != nil {
		t.Errorf("another process's: %v, %v", ln, err)
	}
	t.Setenv("LISTEN_PID", fmt.Sprint(os.Getpid()))
	t.Setenv("LISTEN_FDS", "2")
	if ln, err := inherited(); err == nil {
		t.Errorf("two: %v", ln)
	}
	if os.Getenv("LISTEN_FDS") != "" {
		t.Error("children would take the socket too")
	}
	ln, err := listenTCP(t.Context(), "127.0.0.1", PortRange{})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	file, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if out := child(t, "inherit", file); !strings.Contains(out, "result: "+ln.Addr().String()+"\n") {
		t.Errorf("%s: %s", ln.Addr(), out)
	}
	local, err := net.Listen("unix", filepath.Join(t.TempDir(), "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	other, err := local.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if out := child(t, "inherit", other); !strings.Contains(out, "does not listen for TCP") {
		t.Error(out)
	}
}
