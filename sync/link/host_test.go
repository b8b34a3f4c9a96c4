package link

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCheckHost is I15 for the names of hosts: none becomes an option or a command. TestRemoteCommand
// is it for paths.
func TestCheckHost(t *testing.T) {
	good := []string{"h", "host.example", "u@h", "u@x@h", "a-b_c.d", "192.0.2.1", "[2001:db8::1]", "u@[fe80::1%eth0]", "2001:db8::1", `DOMAIN\u@h`, "u+x@h", "xn--bcher-kva.example", "bücher.example"}
	for _, h := range good {
		if err := CheckHost(h); err != nil {
			t.Errorf("%q: %v", h, err)
		}
	}
	hostile := hostileHosts()
	if len(hostile) < 200 {
		t.Errorf("only %d hostile names", len(hostile))
	}
	for _, h := range hostile {
		if CheckHost(h) == nil {
			t.Errorf("%q is taken", h)
		}
		if _, err := DialSSH(t.Context(), Options{Shell: []string{"/nonexistent/ssh"}}, h); err == nil || !strings.Contains(err.Error(), "invalid host") {
			t.Errorf("%q: %v", h, err)
		}
	}
}

// hostileHosts are names that would be options of ssh, or commands of a shell
// that ssh hands them to.
func hostileHosts() []string {
	list := []string{"", "@", "u@", "@h", "[", "]", "[]", "[::1", "::1]", "u@[", strings.Repeat("h", 600), "h/../x", "h/x", "ssh://h", `h\`, `u\@h`, `a\b`, "h,h2", "h=1"}
	for _, option := range []string{"-", "--", "-oProxyCommand=touch x", "-oProxyCommand=x;", "-F/tmp/x", "-i", "-vvv", "-W h:1", "-J evil", "-S/tmp/x", "-e none", "-oLocalCommand=x", "-G", "-Q cipher", "-I/tmp/x.so", "-D1", "-L1:h:1", "-R1:h:1", "-tt", "-w0:0"} {
		list = append(list, option, "u@"+option, option+"@h")
	}
	for _, c := range " !\"#$&'()*,;<=>?[]^`{|}~\x7f" {
		list = append(list, "h"+string(c)+"x", "u"+string(c)+"x@h", string(c))
	}
	for c := range rune(' ') {
		list = append(list, "h"+string(c), string(c)+"h")
	}
	for _, shell := range []string{"$(touch x)", "`touch x`", "h;touch x", "h|touch", "h&&touch", "h>x", "h\ntouch x", "${IFS}x", "h\xff"} {
		list = append(list, shell, "u@"+shell, shell+"@h")
	}
	return list
}

// TestRemoteCommand: a shell makes of the words what was meant.
func TestRemoteCommand(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	paths := []string{"zccp", "/opt/zccp", "/a b/zccp", "/it's", "/$HOME/`x`", "/a;b", "/a\"b", "/a\\b", "/~x", "/*", "/a'$(touch x)'b", "/é", "''", "!x"}
	for _, path := range paths {
		words, err := remoteCommand(path)
		if err != nil || !slices.Equal(words[1:], []string{"serve", "--stdio"}) {
			t.Fatal(words, err)
		}
		out, err := exec.Command(shell, "-c", "printf %s "+words[0]).Output()
		if err != nil || string(out) != path {
			t.Errorf("%q is %q to a shell (%v)", path, out, err)
		}
	}
	cmd := exec.Command(shell, "-c", "printf %s "+quote("~/a b"))
	cmd.Env = []string{"HOME=/home/u"}
	if out, err := cmd.Output(); err != nil || string(out) != "/home/u/a b" {
		t.Errorf("%q, %v", out, err)
	}
	for _, path := range []string{"-x", "a\nb", "a\x00b", "\x1b"} {
		if words, err := remoteCommand(path); err == nil {
			t.Errorf("%q: %q", path, words)
		}
	}
	if words, err := remoteCommand(""); err != nil || strings.Join(words, " ") != "zccp serve --stdio" {
		t.Errorf("%q, %v", words, err)
	}
}

// TestSecretsStayInside is I21: neither the arguments nor the environment of any
// process of a session has its identifier, its token or a pin.
func TestSecretsStayInside(t *testing.T) {
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("no /proc")
	}
	opts := fakeSSH(t)
	l, err := DialSSH(t.Context(), opts, "good")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	echo(t, l.Control, 16)
	ours := "LINK_TEST_SSH=" + t.Name() + "\x00"
	seen := 0
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		env, _ := os.ReadFile(name)
		if !bytes.Contains(env, []byte(ours)) {
			continue
		}
		seen++
		args, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cmdline"))
		for _, secret := range [][]byte{l.Session[:], fmt.Appendf(nil, "%x", l.Session), []byte("link:")} {
			if bytes.Contains(env, secret) || bytes.Contains(args, secret) {
				t.Errorf("%s shows %q", name, secret)
			}
		}
		if want := "good\x00zccp\x00serve\x00--stdio\x00"; !bytes.HasSuffix(args, []byte(want)) {
			t.Errorf("arguments %q", args)
		}
	}
	if seen == 0 {
		t.Error("the far end's process was not found")
	}
}
