package main

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/zccp/zccp/sync/verify"
)

// TestVerifyHelp: the help names every option and exit status, and fits.
func TestVerifyHelp(t *testing.T) {
	text := helpText(t, "zccp", "verify", "--help")
	golden(t, "verify-help.txt", text)
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); len(line) > helpWidth || strings.TrimRight(line, " ") != line {
			t.Errorf("too long, or blanks at the end: %q", line)
		}
	}
	for _, o := range newOptionTable(verifyFlags()).options {
		if !strings.Contains(text, "--"+o.name) {
			t.Errorf("--%s is not in the help text", o.name)
		}
	}
	for _, status := range verifyStatus() {
		if !strings.Contains(text, status.Meaning) {
			t.Errorf("exit status %s is not in the help text", status.Code)
		}
	}
}

func TestDifferenceText(t *testing.T) {
	long := strings.Repeat("x", 65)
	for _, c := range []struct {
		d    verify.Difference
		want string
	}{
		{verify.Difference{Kind: verify.OnlySrc, Path: "a\nb"}, `only in SRC: 'a'$'\n''b'`},
		{verify.Difference{Kind: verify.Content, Path: "a", Offset: 5}, `content differs: 'a': at byte 5`},
		{verify.Difference{Kind: verify.Content, Path: "a", Src: "0a", Dst: "0b"}, `content differs: 'a': 0a 0b`},
		{verify.Difference{Kind: verify.Target, Path: "a", Src: "x y", Dst: "\x1b"}, `target differs: 'a': 'x y' ''$'\033'`},
		{verify.Difference{Kind: verify.Xattr, Path: "a", Attr: "user.x", Dst: long, NotInSrc: true},
			`xattr differs: 'a': 'user.x': none '` + long[:64] + `'...`},
		{verify.Difference{Kind: verify.Xattr, Path: "a", Attr: "user.x", NotInDst: true}, `xattr differs: 'a': 'user.x': '' none`},
		{verify.Difference{Kind: verify.ModeBits, Path: "a", Src: "0644", Dst: "0600"}, `mode differs: 'a': 0644 0600`},
	} {
		if got := differenceText(&c.d); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestVerifyCode: trouble goes before differences, a signal before both.
func TestVerifyCode(t *testing.T) {
	signalled, cancel := context.WithCancelCause(t.Context())
	cancel(signalError{syscall.SIGTERM})
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("other"))
	for _, c := range []struct {
		ctx                   context.Context
		differences, problems int64
		want                  int
	}{
		{t.Context(), 0, 0, 0},
		{t.Context(), 3, 0, 1},
		{t.Context(), 0, 1, 2},
		{t.Context(), 3, 1, 2},
		{signalled, 3, 1, 128 + int(syscall.SIGTERM)},
		{stopped, 0, 1, 2},
	} {
		if got := verifyCode(c.ctx, c.differences, c.problems); got != c.want {
			t.Errorf("%d differences, %d problems: %d, want %d", c.differences, c.problems, got, c.want)
		}
	}
}
