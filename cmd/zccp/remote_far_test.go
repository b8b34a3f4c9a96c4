//go:build linux

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	main "github.com/zccp/zccp/cmd/zccp"
)

// farWays are the ways to a far end, which is this machine.
var farWays = []string{"ssh", "tls", "plain"}

// farHost is what the far ends of a test have in common.
type farHost struct {
	t      *testing.T
	binary string
	ssh    *main.SSHServer
	keys   map[int]*daemonKeys // by user
}

func newFarHost(t *testing.T, binary string) *farHost {
	t.Helper()
	return &farHost{t: t, binary: binary, ssh: startSSHD(t, filepath.Dir(binary)), keys: map[int]*daemonKeys{0: newDaemonKeys(t, binary), nobody: newUserKeys(t, binary, nobody)}}
}

// startSSHD starts an ssh server whose sessions find programs in bin.
func startSSHD(t testing.TB, bin string) *main.SSHServer {
	t.Helper()
	return main.StartSSHD(t, farDir(t), bin)
}

// farDir makes a directory that every user may read, which goes with the test.
func farDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "zccp-far-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

// farEnd is one far end, whose working directory is root.
type farEnd struct {
	options []string // of the client
	root    string
	// What stands before and behind a path below root; of a daemon there is a suffix.
	prefix, suffix string
	stop           func()
}

// end makes a far end that runs as a user with a umask. Its own files are in dir.
func (h *farHost) end(t testing.TB, way, dir, root string, uid int, umask string) *farEnd {
	t.Helper()
	if way != "ssh" {
		keys := h.keys[uid]
		d := startDaemon(t, h.binary, keys, daemonOptions{root: root, uid: uid, umask: umask, plain: way == "plain"})
		return &farEnd{options: append(slices.Clone(keys.options), "--security="+way), root: root, prefix: d.url, suffix: "?pin=" + d.pin, stop: d.stop}
	}
	f := &farEnd{root: root, prefix: main.SSHHostName + ":", stop: func() {}}
	program := writeScript(t, filepath.Join(dir, "far-zccp"), fmt.Sprintf("umask %s\ncd %s && exec %s \"$@\"", umask, root, h.binary))
	f.options = []string{"--ssh=" + strings.Join(h.ssh.Words(), " "), "--remote-zccp=" + program}
	if uid != 0 {
		// sshd lets root log in as somebody who has a shell.
		f.options[0] = "--ssh=" + writeScript(t, filepath.Join(dir, "far-ssh"), fakeShell)
	}
	return f
}

// fakeShell stands for ssh(1): it runs what is to be run at the far end, as sshd does by a
// shell.
const fakeShell = `for word; do
	[ "$word" = -G ] && { echo hostname 127.0.0.1; exit 0; }
done
while [ "$1" != ` + main.SSHHostName + ` ]; do shift; done
shift
export SSH_CONNECTION='127.0.0.1 1 127.0.0.1 22'
exec sh -c "$*"`

// writeScript writes a script that everybody may run and returns its path.
func writeScript(t testing.TB, name, text string) string {
	t.Helper()
	must(t, os.WriteFile(name, []byte("#!/bin/sh\n"+text+"\n"), 0o755))
	must(t, os.Chmod(name, 0o755))
	return name
}

// place names a path of the far end, as a local run in its root would be given it.
func (f *farEnd) place(word string) string {
	if f.suffix == "" {
		return f.prefix + word
	}
	if rest, ok := strings.CutPrefix(word, f.root); ok {
		// What -R cuts at the root is nothing to cut there, and no "./".
		word = strings.TrimPrefix(strings.TrimPrefix(rest, "/"), "./")
	}
	return f.prefix + word + f.suffix // paths stand as they are in an address
}
