package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/zccp/zccp/platform"
)

// env is what a program gets from outside. Everything in this package that
// reads or prints does it through one, so that tests run the whole program
// without touching the process's own streams and environment.
type env struct {
	args   []string // args[0] is the name the program was called by
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
	prog   string // base name of args[0]; every message starts with it

	selinux bool // the kernel runs an SELinux policy

	calls *platform.Calls // what a test puts in the place of the kernel, else nil
}

// newEnv returns an env for a program called with args; args[0] may be missing.
func newEnv(args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) *env {
	e := &env{args: args, stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv, prog: "zccp"}
	if len(args) > 0 && args[0] != "" {
		e.prog = strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	}
	_, err := os.Stat("/sys/fs/selinux/enforce")
	e.selinux = err == nil
	return e
}

// asCp reports whether the program was called by the name cp. It then stands
// in for cp in scripts that were written for it: no subcommands, and no
// progress bar unless asked for.
func (e *env) asCp() bool { return e.prog == "cp" }

// errorf prints one message on stderr, headed by the program's name.
func (e *env) errorf(format string, a ...any) {
	fmt.Fprintf(e.stderr, "%s: %s\n", e.prog, fmt.Sprintf(format, a...))
}

// hintf prints a known cure under a message.
func (e *env) hintf(format string, a ...any) {
	fmt.Fprintf(e.stderr, "%s: hint: %s\n", e.prog, fmt.Sprintf(format, a...))
}
