// Command zccp copies files and trees in place of cp: parallel, faithful,
// whole files only, and with a say on which method moved the bytes.
//
// The package holds words only: it reads the command line, prints reports and
// chooses the exit code. What is done with files lives in sync/* and copier.
package main

import "os"

func main() {
	relaxGC()
	keepStatusSignals()
	e := newEnv(os.Args, os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	code := run(e)
	dieBySignal(code)
	os.Exit(code)
}
