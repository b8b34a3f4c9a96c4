package link

import (
	"errors"
	"fmt"
	"strings"
)

// CheckHost returns an error if host, "[user@]name" or "[user@][v6 address]",
// can't be handed to ssh: what would be taken for an option, and what means
// something to a shell, since ssh puts names into ProxyCommand and Match exec
// (CVE-2023-51385).
func CheckHost(host string) error {
	user, name, found := strings.Cut(host, "@")
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		user, name = host[:i], host[i+1:] // as ssh does it
	}
	if !found {
		user, name = "", host
	}
	if found && user == "" {
		return errors.New("the user before @ is empty")
	}
	inner := name
	if strings.HasPrefix(name, "[") || strings.HasSuffix(name, "]") {
		var ok bool
		if inner, ok = strings.CutPrefix(name, "["); ok {
			inner, ok = strings.CutSuffix(inner, "]")
		}
		if !ok {
			return errors.New("a bracket is missing")
		}
	}
	if inner == "" {
		return errors.New("there is no host")
	}
	for what, s := range map[string]string{"user": user, "host": inner} {
		if strings.HasPrefix(s, "-") {
			return fmt.Errorf("a %s can't begin with -", what)
		}
		if i := strings.IndexFunc(s, forbidden); i >= 0 {
			return fmt.Errorf("%q can't be part of a %s", s[i:i+1], what)
		}
		if what == "host" && strings.ContainsAny(s, "\\/") || strings.HasSuffix(s, "\\") {
			return fmt.Errorf("a %s has no slashes like this", what)
		}
	}
	if len(host) > 512 {
		return errors.New("the name is too long")
	}
	return nil
}

// forbidden is what means something to shells, and what can't be seen.
func forbidden(r rune) bool {
	return r <= ' ' || r == 0x7f || r == 0xfffd || strings.ContainsRune("'`\"$;&<>|(){}[]*?!#~^=,", r)
}

// sshHost returns host as ssh wants it: without brackets.
func sshHost(host string) string {
	i := strings.LastIndexByte(host, '@') + 1
	return host[:i] + strings.TrimSuffix(strings.TrimPrefix(host[i:], "["), "]")
}

// bareHost returns the name alone.
func bareHost(host string) string {
	h := sshHost(host)
	return h[strings.LastIndexByte(h, '@')+1:]
}

// remoteCommand returns the words that run the far end. A login shell reads
// them, so a path is quoted unless nothing in it means anything to any shell;
// "~/" in front is left to the shell.
func remoteCommand(path string) ([]string, error) {
	words := []string{"zccp", "serve", "--stdio"}
	if path == "" {
		return words, nil
	}
	if strings.HasPrefix(path, "-") {
		return nil, errors.New("the path of the far end's zccp can't begin with -")
	}
	for _, r := range path {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return nil, errors.New("the path of the far end's zccp has control characters")
		}
	}
	words[0] = quote(path)
	return words, nil
}

func quote(path string) string {
	home := ""
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, path = "~/", rest
	}
	plain := strings.IndexFunc(path, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%", r))
	}) < 0
	if plain && path != "" {
		return home + path
	}
	return home + "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
