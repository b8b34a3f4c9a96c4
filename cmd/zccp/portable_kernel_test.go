package main

import (
	"os"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// lesserKernel returns what the program called by a name gets in the place of the kernel:
// what all systems have, alone or with what macOS adds to it. nil is for other names.
func lesserKernel(name string) *platform.Calls {
	c, native := platform.Portable(), platform.Native()
	// Sources are made just before they are copied. Without this each would be read twice,
	// gigabytes of holes as well.
	c.Unwritten = native.Unwritten
	switch name {
	case "zccp-portable":
		return c
	case "zccp-clonefile":
		c.RenameNoReplace, c.RenameExchange = native.RenameNoReplace, native.RenameExchange
		c.CloneAt = platformtest.CloneAt(native)
		return c
	}
	return nil
}

// runLesser is main with another kernel.
func runLesser(calls *platform.Calls) {
	e := newEnv(os.Args, os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	e.calls = calls
	code := run(e)
	dieBySignal(code)
	os.Exit(code)
}
