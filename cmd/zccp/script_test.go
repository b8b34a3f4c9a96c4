package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary stand for the program: called by a link named
// zccp, cp or rsync it runs main, with the race detector and coverage of the tests.
// lesserKernel has names for it with less of a kernel. Called stubborn it does not stop for the first signal, called fakessh it stands for ssh.
func TestMain(m *testing.M) {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	if calls := lesserKernel(name); calls != nil {
		runLesser(calls)
	}
	switch name {
	case "zccp", "cp", "rsync":
		main()
	case "stubborn":
		ctx, _ := withSignals(context.Background())
		fmt.Println("ready")
		<-ctx.Done()
		fmt.Println("first")
		time.Sleep(time.Minute)
		os.Exit(0)
	case "fakessh":
		os.Exit(fakeSSH(os.Args[1:]))
	}
	// For what tests build once and use together; see buildBinary.
	dir, err := os.MkdirTemp("", "zccp-binary-")
	if err != nil {
		panic(err)
	}
	os.Setenv("ZCCP_TEST_BINARIES", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// linkProgram makes a link of that name to the program and returns its path.
func linkProgram(dir, name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	return path, os.Symlink(self, path)
}

// TestScript runs the end-to-end scripts. In them zccp is the program, and
// $CP the same program called cp; the system's own cp keeps its name.
func TestScript(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the program")
	}
	dir := filepath.Join(moduleRoot, "testdata", "script")
	scripts, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts in %s: %v", dir, err)
	}
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			bin := filepath.Join(e.WorkDir, ".bin")
			if _, err := linkProgram(bin, "zccp"); err != nil {
				return err
			}
			cp, err := linkProgram(filepath.Join(e.WorkDir, ".cp"), "cp")
			if err != nil {
				return err
			}
			e.Setenv("CP", cp)
			e.Setenv("PATH", bin+string(filepath.ListSeparator)+e.Getenv("PATH"))
			for _, name := range []string{"VERSION_CONTROL", "SIMPLE_BACKUP_SUFFIX", "POSIXLY_CORRECT", "LC_ALL"} {
				e.Setenv(name, "")
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
		},
	})
}

// exits runs a program and checks its exit code: exits CODE PROGRAM [ARG]...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG]...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if code != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), code, want)
	}
}
