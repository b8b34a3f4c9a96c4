//go:build linux

package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	main "github.com/zccp/zccp/cmd/zccp"
	"github.com/zccp/zccp/copier/copiertest"
)

// docsNotRun are the reasons for which a block of commands may be left out:
// norun="REASON" behind its ```sh.
var docsNotRun = []string{
	"run by .ci/run",
	"run by .ci/package",
	"needs the source",
	"needs systemd",
	"changes the system",
	"waits for clients",
}

// docsInstead are the words of the documentation that are replaced where its
// commands are run: places of a machine that is not there, and loads that take
// longer than a test may. The first that fits counts at each place.
var docsInstead = []struct{ text, instead string }{
	{"'zccp://host/backup/?pin=sha256:5c92578c...'", "'{URL}?pin={PIN}'"},
	{"zccp://host/backup/", "{URL}"},
	{"tool=tool -a {src} {dst}", "tool=cp -a {src} {dst}"},
	{"--files=20000", "--files=100"},
	{"zccp bench tree", "zccp bench tree --files=100"},
	{"zccp bench sync", "zccp bench sync --files=200"},
	{"zccp bench methods DIR", "zccp bench methods --size=1M --transfers=2 DIR"},
	{"zccp bench file --size=4G", "zccp bench file --size=4M"},
	{"zccp bench send DIR", "zccp bench send --size=1M --transfers=2 DIR"},
	{"/srv/", "{BOX}/srv/"},
	{"/etc/zccp/", "{BOX}/etc/"},
	{"/var/lib/", "{BOX}/var/"},
	{"/var/log/", "{BOX}/var/"},
	{"/mnt/disk", "{BOX}/mnt"},
	{"/home/", "{BOX}/home/"},
}

// docsPaths are what a command may name outside of its sandbox.
var docsPaths = regexp.MustCompile(`^/(dev/null|bin/sh|usr/share/|proc/)`)

// TestDocs runs every block of commands of the documentation, each in a sandbox
// of its own: lines that are alternatives (each) one by one. Hosts are this
// machine, by its own sshd, and so are daemons.
func TestDocs(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the program")
	}
	copiertest.Require(t, "sshd")
	copiertest.Require(t, "rsync")
	h := newDocsHost(t)
	ran, left := 0, map[string]int{}
	for _, b := range main.DocBlocks(t) {
		reason, out := b.Attrs["norun"]
		switch {
		case b.Lang == "" && hiddenCommand.MatchString(b.Text):
			t.Errorf("%s: commands in a block that is not marked as such (```sh)", b)
		case b.Lang != "sh":
		case out && !slices.Contains(docsNotRun, reason):
			t.Errorf("%s: not run because of %q, which is no known reason", b, reason)
		case out:
			left[reason]++
		default:
			ran++
			for _, script := range docsScripts(b) {
				h.boxes++
				box := filepath.Join(h.dir, fmt.Sprint(h.boxes))
				t.Run(b.String(), func(t *testing.T) {
					t.Parallel()
					h.run(t, b, script, box)
				})
			}
		}
	}
	t.Logf("%d blocks are run, as %d scripts; blocks that are not: %v", ran, h.boxes, left)
	if ran < 20 {
		t.Error("the documentation's blocks were not found")
	}
}

// TestDocsIntended: the tables of docs/cp.md have the differences from cp that are meant,
// all of those that the differential test accepts, and call no others so.
func TestDocsIntended(t *testing.T) {
	text, err := os.ReadFile("../../docs/cp.md")
	must(t, err)
	compared, _, found := strings.Cut(string(text), "\n## Not met by these trees\n")
	if !found {
		t.Fatal("docs/cp.md has no heading where the differences end that are compared")
	}
	told := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\S.*?) \|`).FindAllStringSubmatch(compared, -1) {
		if m[1] != "difference" {
			told[m[1]] = true
		}
	}
	for _, d := range intended {
		if !told[d.reason] {
			t.Errorf("docs/cp.md has no row %q", d.reason)
		}
		delete(told, d.reason)
	}
	for reason := range told {
		t.Errorf("docs/cp.md calls %q a difference, which is not meant", reason)
	}
}

// TestDocsUnits: systemd takes the units of the documentation, and of docs/systemd, without
// a word. Programs that they start are taken for granted.
func TestDocsUnits(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip(err)
	}
	units := map[string]string{}
	for _, b := range main.DocBlocks(t) {
		if name, ok := strings.CutPrefix(strings.SplitN(b.Text, "\n", 2)[0], "# /etc/systemd/system/"); ok {
			units[name] = b.Text
		}
	}
	if len(units) < 2 {
		t.Errorf("the documentation's units were not found: %d", len(units))
	}
	shipped, err := filepath.Glob("../../docs/systemd/*.s[eo][rc]*")
	must(t, err)
	for _, path := range shipped {
		text, err := os.ReadFile(path)
		must(t, err)
		units[filepath.Base(path)] = string(text)
	}
	dir := t.TempDir()
	program := regexp.MustCompile(`(?m)^(ExecStart=)/\S+`)
	args := []string{"systemd-analyze", "verify", "--man=no"}
	for name, text := range units {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, program.ReplaceAll([]byte(text), []byte("${1}/bin/true")), 0o644))
		args = append(args, path)
	}
	e := command{args: args, dir: dir}.run(t)
	if said := e.stdout + e.stderr; e.code != 0 || said != "" {
		t.Errorf("exit code %d of %d units:\n%s", e.code, len(units), said)
	}
	t.Logf("%d units", len(units))
}

// hiddenCommand finds commands in blocks that are said to be none.
var hiddenCommand = regexp.MustCompile(`(?m)^(\$ |zccp [-a-z])`)

// docsScripts returns what of a block is run by itself.
func docsScripts(b main.DocBlock) []string {
	if _, each := b.Attrs["each"]; !each {
		return []string{b.Text}
	}
	var scripts []string
	for line := range strings.SplitSeq(strings.ReplaceAll(b.Text, "\\\n", " "), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			scripts = append(scripts, line)
		}
	}
	return scripts
}

// docsHost is where the documentation's commands are run.
type docsHost struct {
	path   string // PATH
	dir    string
	daemon *daemon
	keys   *daemonKeys
	boxes  int
}

func newDocsHost(t *testing.T) *docsHost {
	binary := buildBinary(t)
	h := &docsHost{dir: farDir(t)}
	bin := filepath.Join(h.dir, "bin")
	must(t, os.Mkdir(bin, 0o755))
	must(t, os.Symlink(binary, filepath.Join(bin, "zccp")))
	server := startSSHD(t, bin)
	writeScript(t, filepath.Join(bin, "ssh"), fmt.Sprintf(docsSSH, strings.Join(server.Words(), " ")))
	h.path = bin + ":/usr/sbin:/usr/bin:/sbin:/bin"
	h.keys = newDaemonKeys(t, binary)
	h.daemon = startDaemon(t, binary, h.keys, daemonOptions{root: h.dir})
	return h
}

// docsSSH stands for ssh(1) with what a user has in ~/.ssh/config: every host is the
// test's server, every user this one, whose home directory there is that of the sandbox.
const docsSSH = `n=$# host= ask=
while [ $n -gt 0 ]; do
	word=$1; shift; n=$((n-1))
	case $host$word in
	-G) ask=1 ;;
	-*) ;;
	*)	if [ -z "$host" ]; then
			host=${word#*@}; word=$host
			[ "$ask$n" = 0 ] || [ "$ask" ] || word="$host cd $HOME/../far &&"
			set -- "$@" $word
			continue
		fi ;;
	esac
	set -- "$@" "$word"
done
exec /usr/bin/%s "$@"`

// docsFixture is the tree that the documentation copies.
const docsFixture = `mkdir -p SRC/sub home etc srv/backup srv/data var mnt mirror far
echo one > SRC/a.txt; echo one > a; echo two > SRC/sub/b.txt; ln -s a.txt SRC/link; ln SRC/a.txt SRC/sub/hard
touch -d 2020-01-01 SRC/*.txt SRC/sub/*
for name in src dir DIR photos srv/data/tree home/anna; do cp -a SRC $name; done
cp -a SRC dst; mkdir srv/backup/snapshots; cp -a SRC srv/backup/snapshots/2020-01-01
cp -a SRC src dir DIR photos dst far`

// run runs a script of a block in a new sandbox, the directory box.
func (h *docsHost) run(t *testing.T, b main.DocBlock, script, box string) {
	must(t, os.Mkdir(box, 0o755))
	if e := (command{args: []string{"sh", "-euc", docsFixture}, dir: box}).run(t); e.code != 0 {
		t.Fatalf("the fixture: %s", e.stderr)
	}
	if strings.Contains(script, "zccp://") {
		config := filepath.Join(box, "home", ".config", "zccp")
		must(t, os.MkdirAll(config, 0o700))
		key, err := os.ReadFile(filepath.Join(h.keys.dir, "client"))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(config, "key"), key, 0o600))
		known := fmt.Sprintf("%s 127.0.0.1:%d\n", h.daemon.pin, h.daemon.port)
		must(t, os.WriteFile(filepath.Join(config, "known_hosts"), []byte(known), 0o644))
	}
	text := docsReplace(script, map[string]string{
		"{BOX}": box, "{URL}": h.daemon.url + filepath.Base(box) + "/far/", "{PIN}": h.daemon.pin,
	})
	for _, word := range regexp.MustCompile(`(^|[\s='":])(/[^/\s'";)][^\s'";)]*)`).FindAllStringSubmatch(text, -1) {
		if path := word[2]; !strings.HasPrefix(path, h.dir) && !docsPaths.MatchString(path) {
			t.Fatalf("%s is not in the sandbox; docsInstead should know it", path)
		}
	}
	env := fmt.Sprintf("PATH=%s HOME=%s/home", h.path, box)
	start := time.Now()
	e := command{args: []string{"sh", "-c", "export " + env + `; exec sh -euc "$1"`, "sh", text}, dir: box}.run(t)
	want := 0
	if _, err := fmt.Sscan(b.Attrs["exit"], &want); err != nil && b.Attrs["exit"] != "" {
		t.Errorf("exit=%s: %v", b.Attrs["exit"], err)
	}
	if e.code != want {
		t.Errorf("exit code %d, want %d, of\n%s\nstdout %.2000s\nstderr %.2000s", e.code, want, text, e.stdout, e.stderr)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Logf("%.1f s: %.60q", took.Seconds(), script)
	}
	must(t, os.RemoveAll(box))
}

// docsReplace makes of a script of the documentation one that is run.
func docsReplace(script string, names map[string]string) string {
	var pairs []string
	for _, r := range docsInstead {
		pairs = append(pairs, r.text, r.instead)
	}
	script = strings.NewReplacer(pairs...).Replace(script)
	for name, value := range names {
		script = strings.ReplaceAll(script, name, value)
	}
	return script
}
