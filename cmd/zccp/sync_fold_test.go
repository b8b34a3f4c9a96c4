package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zccp/zccp/sync/mirror"
)

func parseSyncArgs(t *testing.T, args ...string) *syncConfig {
	t.Helper()
	e, _, _ := testEnv(map[string]string{"RSYNC_PARTIAL_DIR": ".env-partial"}, "zccp")
	e.stdin = strings.NewReader("one\n#no\n;no\n\n/two/../three/\n./a/./b\n../../up\r\nlast")
	cfg, err := parseSync(e, args)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return cfg
}

func TestSyncFold(t *testing.T) {
	type check = func(c *syncConfig) bool
	for _, c := range []struct {
		args string
		ok   check
	}{
		{"-a a b", func(c *syncConfig) bool {
			m, r := &c.Mirror, &c.Mirror.Rules
			return m.Recursive && !m.Dirs && r.Links && m.Links == mirror.LinksKeep && r.Perms && r.Times && r.Group && r.Owner &&
				r.Devices && r.Specials && !r.ACLs && !r.Xattrs && !m.HardLinks && m.WholeFile && m.MaxDelete == -1 &&
				r.MaxSize == -1 && c.Sources[0] == "a" && c.Dest == "b" && !m.Itemize
		}},
		{"-a --no-p --no-D a b", func(c *syncConfig) bool {
			r := &c.Mirror.Rules
			return !r.Perms && !r.Devices && !r.Specials && r.Times
		}},
		{"--no-p -a a b", func(c *syncConfig) bool { return c.Mirror.Rules.Perms }},
		{"-A a b", func(c *syncConfig) bool { return c.Mirror.Rules.ACLs && c.Mirror.Rules.Perms }},
		{"-xx a b", func(c *syncConfig) bool { return c.Mirror.OneFileSystem == 2 }},
		{"-a --files-from=- a b", func(c *syncConfig) bool {
			m := &c.Mirror
			names := ""
			for _, n := range m.FilesFrom {
				names += string(n) + " "
			}
			return !m.Recursive && m.Dirs && m.Relative && m.FromSet && names == "one three/ ./a/./b up last "
		}},
		{"-ar --files-from=- --no-R a b", func(c *syncConfig) bool { return c.Mirror.Recursive && !c.Mirror.Relative }},
		{"--fake-super a b", func(c *syncConfig) bool { return c.Mirror.FakeSuper && c.Mirror.Rules.Root }},
		{"--fake-super --no-super a b", func(c *syncConfig) bool { return !c.Mirror.FakeSuper && !c.Mirror.Rules.Root }},
		{"--fake-super --super a b", func(c *syncConfig) bool { return !c.Mirror.FakeSuper && c.Mirror.Rules.Root }},
		{"-r --delete a b", func(c *syncConfig) bool { return c.Mirror.Delete == mirror.DeleteDuring }},
		{"-r --del --delete-delay a b", func(c *syncConfig) bool { return c.Mirror.Delete == mirror.DeleteDelay }},
		{"-d --delete-excluded a b", func(c *syncConfig) bool { return c.Mirror.Delete == mirror.DeleteDuring }},
		{"-r --delete-after --max-delete=-1 a b", func(c *syncConfig) bool {
			return c.Mirror.Delete == mirror.DeleteAfter && c.Mirror.MaxDelete == 0
		}},
		{"-P a b", func(c *syncConfig) bool {
			return c.Mirror.Partial && c.Mirror.PartialDir == ".env-partial" && c.Output.Info[infoProgress] == 1 && c.Output.Info[infoName] == 1
		}},
		{"--delay-updates a b", func(c *syncConfig) bool { return c.Mirror.PartialDir == ".~tmp~" && c.Mirror.Filter != nil }},
		{"--partial-dir=. a b", func(c *syncConfig) bool { return c.Mirror.Partial && c.Mirror.PartialDir == "" }},
		{"--append a b", func(c *syncConfig) bool { return c.Mirror.Append && c.Mirror.InPlace && !c.Mirror.AppendVerify }},
		{"-bt a b", func(c *syncConfig) bool {
			return c.Mirror.Backup && c.Mirror.Suffix == "~" && c.Mirror.Rules.OmitDirTimes
		}},
		{"--backup-dir=/x a b", func(c *syncConfig) bool {
			return c.Mirror.Backup && c.Mirror.Suffix == "" && !c.Mirror.Rules.OmitDirTimes
		}},
		{"-T=/tmp a b", func(c *syncConfig) bool { return c.Mirror.TempDir == "/tmp" }},
		{"--max-size=1.5m-1 a b", func(c *syncConfig) bool { return c.Mirror.Rules.MaxSize == 1572863 }},
		{"--min-size=10KB a b", func(c *syncConfig) bool { return c.Mirror.Rules.MinSize == 10000 }},
		{"--bwlimit=100 a b", func(c *syncConfig) bool { return c.Bandwidth == 102400 }},
		{"--modify-window -1 a b", func(c *syncConfig) bool { return c.Mirror.Rules.ModifyWindow == -1 }},
		{"-hh -ii a b", func(c *syncConfig) bool {
			return c.Output.Human == humanBinary && c.Output.Items == 2 && c.Mirror.ItemizeAll
		}},
		{"--no-h -h a b", func(c *syncConfig) bool { return c.Output.Human == humanSeparated }},
		{"-vv --info=name0,stats2 a b", func(c *syncConfig) bool {
			i := c.Output.Info
			return i[infoName] == 0 && i[infoStats] == 2 && i[infoDel] == 1 && i[infoSkip] == 1 && c.Output.Format == ""
		}},
		{"--info=all4 a b", func(c *syncConfig) bool { return c.Output.Info[infoName] == 2 && c.Output.Info[infoStats] == 3 }},
		{"--info=none -v a b", func(c *syncConfig) bool { return c.Output.Info == infoLevels{} }},
		{"-v a b", func(c *syncConfig) bool { return c.Output.Format == "%n%L" && c.Output.Items == 0 && c.Mirror.Itemize }},
		{"-i --out-format=%n a b", func(c *syncConfig) bool { return c.Output.Format == "%n" && c.Output.Items == 0 }},
		{"a", func(c *syncConfig) bool { return c.Mirror.ListOnly && c.Dest == "" && c.Mirror.Dirs }},
		{"-r --list-only a b c", func(c *syncConfig) bool { return c.Mirror.ListOnly && len(c.Sources) == 2 && !c.Mirror.Dirs }},
		{"--chown=7:8 a b", func(c *syncConfig) bool {
			return c.Mirror.Rules.Owner && c.Mirror.Rules.Group && c.Mirror.ChownUID(1) == 7 && c.Mirror.ChownGID(1) == 8
		}},
		{"-VV", func(c *syncConfig) bool { return c.Version == 2 }},
		{"a b -- -c", func(c *syncConfig) bool { return c.Dest == "-c" && !c.Mirror.Rules.Checksum }},
	} {
		if cfg := parseSyncArgs(t, strings.Fields(c.args)...); !c.ok(cfg) {
			t.Errorf("%s: %+v", c.args, cfg)
		}
	}
}

// TestSyncRefusalsMatchRsync gives wrong command lines to both programs, which
// are to end with the same code; where rsync takes one and zccp does not, the
// code is written down.
func TestSyncRefusalsMatchRsync(t *testing.T) {
	_, noRsync := exec.LookPath("rsync")
	dir := t.TempDir()
	t.Chdir(dir)
	for _, d := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args string
		code int
		own  bool // rsync does otherwise
	}{
		{"--archiv a b", 1, false},
		{"-Z a b", 1, false},
		{"--archive=x a b", 1, false},
		{"a b --suffix", 1, false},
		{"--delete a b", 1, false},
		{"-r --delete-before --delete-after a b", 1, false},
		{"-r --no-r --delete a b", 1, false},
		{"-A --fake-super a b", 4, true},
		{"-r --delete-before --detect-renames a b", 1, true},
		{"--inplace --partial-dir=x a b", 1, false},
		{"--inplace --delay-updates a b", 1, false},
		{"--append -W a b", 1, false},
		{"--append --partial-dir=x a b", 1, false},
		{"--write-devices --partial-dir=x a b", 1, false},
		{"--max-size=x a b", 1, false},
		{"--min-size=-1 a b", 1, false},
		{"--bwlimit=1b a b", 1, false},
		{"--block-size=200000 a b", 1, false},
		{"--chmod=x a b", 1, false},
		{"-r --usermap=foo a b", 1, false},
		{"-r --usermap=1-:2 a b", 1, false},
		{"--chown=1:2 --usermap=1:2 a b", 1, false},
		{"--usermap=1:2 --usermap=2:3 a b", 1, false},
		{"--info=foo a b", 1, false},
		{"--debug=foo a b", 1, false},
		{"--stop-at=foo a b", 1, false},
		{"--stop-at=2001-01-01 a b", 1, false},
		{"--stop-after=0 a b", 1, false},
		{"--timeout=x a b", 1, false},
		{"--modify-window=x a b", 1, false},
		{"--max-delete=x a b", 1, false},
		{"--outbuf=x a b", 1, false},
		{"--stderr=x a b", 1, false},
		{"--compare-dest=x --link-dest=y a b", 1, false},
		{"-b --suffix= a b", 1, false},
		{"-b --suffix=a/b a b", 1, false},
		{"-b --backup-dir= a b", 1, false},
		{"--files-from=nonexistent a b", 1, false},
		{"--exclude-from=nonexistent a b", 11, false},
		{"--filter=foo a b", 1, false},
		{"--checksum-choice=foo a b", 4, false},
		{"--iconv=nonsense a b", 4, false},
		{"-N a b", 4, true},
		{"--chown=no-such-user-here a b", 1, true},
		{"--write-batch=x a b", 4, true},
		{"-M--fake-super a b", 4, true},
		{"--debug=all a b", 4, true},
		{"--no-W -B700 a b", 4, true},
		{"rsync://host/a b", 4, true},
		{"host::a b", 4, true},
		{"host:a host:b", 1, true},
		{"--compress-level=3 host:a b", 4, true},
		{"--reflink=always host:a b", 4, true},
		{"--method=mmap host:a b", 4, true},
		{"--list-only a host:b", 1, true},
		{"--path=ssh --security=plain a host:b", 1, true},
		{"--streams=2 a b", 4, true},
	} {
		args := strings.Fields(c.args)
		if code := syncCode(t, args...); code != c.code {
			t.Errorf("%s: code %d, want %d", c.args, code, c.code)
		}
		if c.own || noRsync != nil {
			continue
		}
		cmd := exec.Command("rsync", args...)
		if cmd.Run(); cmd.ProcessState.ExitCode() != c.code {
			t.Errorf("%s: rsync ends with %d, the table says %d", c.args, cmd.ProcessState.ExitCode(), c.code)
		}
	}
}
