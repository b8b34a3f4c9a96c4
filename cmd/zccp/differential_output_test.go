//go:build linux

package main_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// outcome is what a command leaves beside files.
type outcome struct {
	code           int
	stdout, stderr string
}

const nobody = 65534

// usual returns the options and operands of the trial, for a destination.
func (c *trial) usual(dst string) []string {
	words := slices.Clone(c.args)
	for _, operand := range c.operands {
		words = append(words, strings.ReplaceAll(operand, "{dst}", dst))
	}
	return words
}

func (c *trial) execute(command, words []string, dst string) outcome {
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	args := []string{"-c", "umask " + cmp.Or(c.umask, "022") + `; exec "$@"`, "sh"}
	args = append(append(args, command...), words...)
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH"), "TZ=UTC0"}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if c.user {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() != nil {
		c.t.Errorf("%s did not end: %s", command, stderr.Bytes())
	} else if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	name := filepath.Base(command[0])
	plain := strings.NewReplacer("\n"+name+": ", "\ncp: ", dst, "{dst}")
	clean := func(b bytes.Buffer) string {
		return quotedName.ReplaceAllStringFunc(strings.TrimPrefix(plain.Replace("\n"+b.String()), "\n"), requote)
	}
	return outcome{cmd.ProcessState.ExitCode(), clean(stdout), clean(stderr)}
}

// quotedName is a name as cp quotes it for the shell: any number of these parts in a row.
var quotedName = regexp.MustCompile(`('[^']*'|\$'([^'\\]|\\.)*'|\\'|"[^"]*")+`)

// requote writes a quoted name in one form only: which characters are fit to print, and so
// stand there as they are, is a matter of the locale.
func requote(quoted string) string {
	part := regexp.MustCompile(`^('[^']*'|\$'([^'\\]|\\.)*'|\\'|"[^"]*")`)
	name := ""
	for rest := quoted; rest != ""; {
		p := part.FindString(rest)
		rest = rest[len(p):]
		switch {
		case p == `\'`:
			name += "'"
		case p[0] == '$':
			raw, err := strconv.Unquote(`"` + strings.ReplaceAll(p[2:len(p)-1], `"`, `\"`) + `"`)
			if err != nil {
				return quoted
			}
			name += raw
		default:
			name += p[1 : len(p)-1]
		}
	}
	return fmt.Sprintf("'%q'", name)
}

// lines compares what was printed, in any order: zccp works at several places at once.
func lines(what, a, b string) []string {
	var found []string
	left := strings.Split(b, "\n")
	for line := range strings.SplitSeq(a, "\n") {
		if i := slices.Index(left, line); i >= 0 {
			left = slices.Delete(left, i, i+1)
		} else {
			found = append(found, fmt.Sprintf("%s of a only: %s", what, line))
		}
	}
	for _, line := range left {
		if !strings.HasPrefix(line, "zccp: hint: ") {
			found = append(found, fmt.Sprintf("%s of b only: %s", what, line))
		}
	}
	return found
}
