package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zccp/zccp/copier"
)

// testEnv returns an env for a command line, and its stdout and stderr.
func testEnv(vars map[string]string, args ...string) (e *env, stdout, stderr *bytes.Buffer) {
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	e = newEnv(args, strings.NewReader(""), stdout, stderr, func(k string) string { return vars[k] })
	e.selinux = false
	return e, stdout, stderr
}

// configOf is parseCopy of "zccp LINE".
func configOf(t *testing.T, vars map[string]string, line string) (*copyConfig, error) {
	t.Helper()
	e, _, _ := testEnv(vars, append([]string{"zccp"}, words(line)...)...)
	return parseCopy(e, e.args[1:])
}

// plain is the configuration of "zccp a b".
func plain(change func(c *copyConfig)) *copyConfig {
	c := &copyConfig{
		Sources: []string{"a"}, Dest: "b", Dereference: dereferenceAlways, CopyContents: true, Suffix: "~",
	}
	if change != nil {
		change(c)
	}
	return c
}

// TestConfig holds the meaning of options against the manual of cp
// (coreutils 9.11, "cp invocation"), which is also what cp.c does.
func TestConfig(t *testing.T) {
	tree := func(c *copyConfig) { c.Recursive, c.CopyContents, c.Dereference = true, false, dereferenceNever }
	all := preserve{Mode: true, Ownership: true, Timestamps: true, Links: true, Xattr: true}
	archive := func(c *copyConfig) { tree(c); c.Sharing = copier.AutoSharing }
	some := preserve{Mode: true, Ownership: true, Timestamps: true}
	cases := []struct {
		line string
		vars map[string]string
		want *copyConfig
	}{
		{line: "a b", want: plain(nil)},
		{line: "a c b", want: plain(func(c *copyConfig) { c.Sources = []string{"a", "c"} })},

		// What is copied.
		{line: "-r a b", want: plain(tree)},
		{line: "-R a b", want: plain(tree)},
		{line: "-a a b", want: plain(func(c *copyConfig) { archive(c); c.Preserve = all })},
		{line: "-dR --preserve=all a b", want: plain(func(c *copyConfig) { tree(c); c.Preserve = all })},
		{line: "-d a b", want: plain(func(c *copyConfig) { c.Dereference = dereferenceNever; c.Preserve.Links = true })},
		{line: "-P a b", want: plain(func(c *copyConfig) { c.Dereference = dereferenceNever })},
		{line: "-PLH a b", want: plain(func(c *copyConfig) { c.Dereference = dereferenceCommandLine })},
		{line: "-HPL a b", want: plain(func(c *copyConfig) { c.Dereference = dereferenceAlways })},
		{line: "-LHP a b", want: plain(func(c *copyConfig) { c.Dereference = dereferenceNever })},
		{line: "-aL a b", want: plain(func(c *copyConfig) { archive(c); c.Preserve = all; c.Dereference = dereferenceAlways })},
		{line: "-La a b", want: plain(func(c *copyConfig) { archive(c); c.Preserve = all })},
		{line: "-rL a b", want: plain(func(c *copyConfig) { tree(c); c.Dereference = dereferenceAlways })},
		{line: "-rl a b", want: plain(func(c *copyConfig) { tree(c); c.HardLink = true; c.Dereference = dereferenceAlways })},
		{line: "-al a b", want: plain(func(c *copyConfig) { archive(c); c.HardLink = true; c.Preserve = all })},
		{line: "-r --copy-contents a b", want: plain(func(c *copyConfig) { tree(c); c.CopyContents = true })},
		{line: "-x --attributes-only -s a b", want: plain(func(c *copyConfig) {
			c.OneFileSystem, c.AttributesOnly, c.SymbolicLink = true, true, true
		})},
		{line: "--strip-trailing-slashes a// / // b", want: plain(func(c *copyConfig) { c.Sources = []string{"a", "/", "/"} })},
		{line: "a/ b/", want: plain(func(c *copyConfig) { c.Sources = []string{"a/"}; c.Dest = "b/" })},

		// Where to.
		{line: "-t b a", want: plain(func(c *copyConfig) { c.DestRule = destDirectory })},
		{line: "-t b a c", want: plain(func(c *copyConfig) { c.DestRule = destDirectory; c.Sources = []string{"a", "c"} })},
		{line: "-T a b", want: plain(func(c *copyConfig) { c.DestRule = destFile })},
		{line: "--parents a b", want: plain(func(c *copyConfig) { c.Parents = true })},
		{line: "--parents -t b a", want: plain(func(c *copyConfig) { c.Parents = true; c.DestRule = destDirectory })},

		// What stands there.
		{line: "-f a b", want: plain(func(c *copyConfig) { c.Force = true })},
		{line: "-i a b", want: plain(func(c *copyConfig) { c.Interactive = true })},
		{line: "-n a b", want: plain(func(c *copyConfig) { c.Update = updateNone })},
		{line: "-in a b", want: plain(func(c *copyConfig) { c.Update = updateNone })},
		{line: "-ni a b", want: plain(func(c *copyConfig) { c.Interactive = true })},
		{line: "-u a b", want: plain(func(c *copyConfig) { c.Update = updateOlder })},
		{line: "--update a b", want: plain(func(c *copyConfig) { c.Update = updateOlder })},
		{line: "--update=older a b", want: plain(func(c *copyConfig) { c.Update = updateOlder })},
		{line: "-u --update=all a b", want: plain(nil)},
		{line: "--update=none a b", want: plain(func(c *copyConfig) { c.Update = updateNone })},
		{line: "--update=none-fail a b", want: plain(func(c *copyConfig) { c.Update = updateNoneFail })},
		{line: "--update=o a b", want: plain(func(c *copyConfig) { c.Update = updateOlder })},
		{line: "-iu a b", want: plain(func(c *copyConfig) { c.Interactive, c.Update = true, updateOlder })},
		{line: "-nu a b", want: plain(func(c *copyConfig) { c.Update = updateNone })},
		{line: "--remove-destination --keep-directory-symlink a b", want: plain(func(c *copyConfig) {
			c.RemoveDestination, c.KeepDirectorySymlink = true, true
		})},

		// Backups.
		{line: "-b a b", want: plain(func(c *copyConfig) { c.Backup = backupExisting })},
		{line: "--backup a b", want: plain(func(c *copyConfig) { c.Backup = backupExisting })},
		{line: "--backup= a b", want: plain(func(c *copyConfig) { c.Backup = backupExisting })},
		{line: "--backup=nil a b", want: plain(func(c *copyConfig) { c.Backup = backupExisting })},
		{line: "--backup=t a b", want: plain(func(c *copyConfig) { c.Backup = backupNumbered })},
		{line: "--backup=nu a b", want: plain(func(c *copyConfig) { c.Backup = backupNumbered })},
		{line: "--backup=never a b", want: plain(func(c *copyConfig) { c.Backup = backupSimple })},
		{line: "--backup=s a b", want: plain(func(c *copyConfig) { c.Backup = backupSimple })},
		{line: "--backup=off a b", want: plain(nil)},
		{line: "--backup=t -b a b", want: plain(func(c *copyConfig) { c.Backup = backupNumbered })},
		{line: "-S .x a b", want: plain(func(c *copyConfig) { c.Backup = backupExisting; c.Suffix = ".x" })},
		{line: "-S x/y a b", want: plain(func(c *copyConfig) { c.Backup = backupExisting })},
		{line: "-b a b", vars: map[string]string{"VERSION_CONTROL": "numbered"},
			want: plain(func(c *copyConfig) { c.Backup = backupNumbered })},
		{line: "--backup=simple a b", vars: map[string]string{"VERSION_CONTROL": "numbered"},
			want: plain(func(c *copyConfig) { c.Backup = backupSimple })},
		{line: "a b", vars: map[string]string{"VERSION_CONTROL": "nonsense"}, want: plain(nil)},
		{line: "-b a b", vars: map[string]string{"SIMPLE_BACKUP_SUFFIX": ".old"},
			want: plain(func(c *copyConfig) { c.Backup = backupExisting; c.Suffix = ".old" })},
		{line: "-S .new a b", vars: map[string]string{"SIMPLE_BACKUP_SUFFIX": ".old"},
			want: plain(func(c *copyConfig) { c.Backup = backupExisting; c.Suffix = ".new" })},

		// What is kept.
		{line: "-p a b", want: plain(func(c *copyConfig) { c.Preserve = some })},
		{line: "--preserve a b", want: plain(func(c *copyConfig) { c.Preserve = some })},
		{line: "--preserve=links,timestamps a b", want: plain(func(c *copyConfig) {
			c.Preserve.Links, c.Preserve.Timestamps = true, true
		})},
		{line: "--preserve=m,o,t,l,x a b", want: plain(func(c *copyConfig) { c.Preserve = all; c.RequireXattr = true })},
		{line: "--preserve=mode --preserve=links a b", want: plain(func(c *copyConfig) {
			c.Preserve.Mode, c.Preserve.Links = true, true
		})},
		{line: "-a --preserve=xattr a b", want: plain(func(c *copyConfig) { archive(c); c.Preserve = all; c.RequireXattr = true })},
		{line: "-a --no-preserve=ownership a b", want: plain(func(c *copyConfig) {
			archive(c)
			c.Preserve = all
			c.Preserve.Ownership = false
		})},
		{line: "-a --no-preserve=xattr a b", want: plain(func(c *copyConfig) {
			archive(c)
			c.Preserve = all
			c.Preserve.Xattr = false
		})},
		{line: "-a --no-preserve=all a b", want: plain(func(c *copyConfig) { archive(c); c.NoPreserveMode = true })},
		{line: "--no-preserve=mode a b", want: plain(func(c *copyConfig) { c.NoPreserveMode = true })},
		{line: "--no-preserve=mode -p a b", want: plain(func(c *copyConfig) { c.Preserve = some })},
		{line: "--preserve=xattr --no-preserve=all a b", want: plain(func(c *copyConfig) { c.NoPreserveMode = true })},
		{line: "-Z a b", want: plain(nil)},
		{line: "--context a b", want: plain(nil)},
		{line: "--context=x a b", want: plain(func(c *copyConfig) {
			c.Warnings = []string{"ignoring --context; it requires an SELinux-enabled kernel"}
		})},

		// How data is stored.
		{line: "--reflink a b", want: plain(func(c *copyConfig) { c.Reflink = reflinkAlways })},
		{line: "--reflink=auto a b", want: plain(nil)},
		{line: "--reflink=n --sparse=al a b", want: plain(func(c *copyConfig) { c.Reflink, c.Sparse = reflinkNever, sparseAlways })},
		{line: "--reflink --sparse=auto a b", want: plain(func(c *copyConfig) { c.Reflink = reflinkAlways })},
		{line: "--sparse=never a b", want: plain(func(c *copyConfig) { c.Sparse = sparseNever })},

		// Output and zccp's own.
		{line: "-v a b", want: plain(func(c *copyConfig) { c.Verbose = true })},
		{line: "--debug a b", want: plain(func(c *copyConfig) { c.Debug, c.Verbose = true, true })},
		{line: "--explain --stats --json --dry-run a b", want: plain(func(c *copyConfig) {
			c.Explain, c.Stats, c.JSON, c.DryRun = true, true, true, true
		})},
		{line: "-j 7 a b", want: plain(func(c *copyConfig) { c.Jobs = 7 })},
		{line: "-g a b", want: plain(func(c *copyConfig) { c.Progress = progressBar })},
		{line: "--progress=plain a b", want: plain(func(c *copyConfig) { c.Progress = progressPlain })},
		{line: "-g --progress=none a b", want: plain(func(c *copyConfig) { c.Progress = progressNone })},
		{line: "-g --progress=auto a b", want: plain(nil)},
		{line: "--verify a b", want: plain(func(c *copyConfig) { c.Verify = verifyXXH3 })},
		{line: "--verify=b a b", want: plain(func(c *copyConfig) { c.Verify = verifyBLAKE3 })},
		{line: "--fsync a b", want: plain(func(c *copyConfig) { c.Fsync = fsyncFull })},
		{line: "--fsync=data a b", want: plain(func(c *copyConfig) { c.Fsync = fsyncData })},
		{line: "--fsync=batch a b", want: plain(func(c *copyConfig) { c.Fsync = fsyncBatch })},
		{line: "--fsync --fsync=none a b", want: plain(nil)},
		{line: "--inplace a b", want: plain(func(c *copyConfig) { c.Inplace = true })},
		{line: "-r --atomic=tree a b", want: plain(func(c *copyConfig) { tree(c); c.AtomicTree = true })},
		{line: "--method=splice a b", want: plain(func(c *copyConfig) { c.Methods = []copier.Method{copier.Splice} })},
		{line: "--method=mm,copy,readwrite a b", want: plain(func(c *copyConfig) {
			c.Methods = []copier.Method{copier.Mmap, copier.CopyFileRange, copier.ReadWrite}
		})},
		{line: "--method=splice --method=auto a b", want: plain(nil)},
		{line: "--reflink --method=direct,reflink a b", want: plain(func(c *copyConfig) {
			c.Reflink, c.Methods = reflinkAlways, []copier.Method{copier.Direct, copier.Reflink}
		})},
		{line: "--preserve-sharing a b", want: plain(func(c *copyConfig) { c.Sharing = copier.AlwaysSharing })},
		{line: "-a --preserve-sharing=never a b", want: plain(func(c *copyConfig) { tree(c); c.Preserve = all })},
		{line: "--preserve-sharing=never -a a b", want: plain(func(c *copyConfig) { tree(c); c.Preserve = all })},
		{line: "--preserve-sharing=always -a a b", want: plain(func(c *copyConfig) { tree(c); c.Preserve = all; c.Sharing = copier.AlwaysSharing })},
		{line: "--cache=drop a b", want: plain(func(c *copyConfig) { c.Cache = copier.CacheDrop })},
		{line: "--cache=keep a b", want: plain(func(c *copyConfig) { c.Cache = copier.CacheKeep })},
		{line: "--bwlimit=100 a b", want: plain(func(c *copyConfig) { c.BandwidthLimit = 100 << 10 })},
		{line: "--bwlimit=1.5m a b", want: plain(func(c *copyConfig) { c.BandwidthLimit = 3 << 19 })},
		{line: "--bwlimit=0 a b", want: plain(nil)},

		{line: "-v --help --nope -S", want: &copyConfig{Help: true}},
		{line: "a --version --help", want: &copyConfig{Version: true}},
	}
	for _, c := range cases {
		t.Run(c.line, func(t *testing.T) {
			got, err := configOf(t, c.vars, c.line)
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestConfigRefused is for what cp does not know or says in words of its own.
func TestConfigRefused(t *testing.T) {
	cases := []struct{ line, want string }{
		{"--backup --update=none a b", "options --backup and --update=none or none-fail are mutually exclusive"},
		{"-b --update=none-fail a b", "options --backup and --update=none or none-fail are mutually exclusive"},
		{"--update=x a b", "invalid argument 'x' for '--update'\nValid arguments are:\n  - 'all'\n  - 'none'\n  - 'none-fail'\n  - 'older'"},
		{"--update=non a b", "ambiguous argument 'non' for '--update'\nValid arguments are:\n  - 'all'\n  - 'none'\n  - 'none-fail'\n  - 'older'"},
		{"-j0 a b", "invalid number of jobs '0': not between 1 and 256"},
		{"-j -1 a b", "invalid number of jobs '-1': not between 1 and 256"},
		{"-j +1 a b", "invalid number of jobs '+1': not between 1 and 256"},
		{"-j 1e3 a b", "invalid number of jobs '1e3': not between 1 and 256"},
		{"-j '' a b", "invalid number of jobs '': not between 1 and 256"},
		{"-j=4 a b", "invalid number of jobs '=4'"},
		{"--jobs=99999999999999999999 a b", "invalid number of jobs '99999999999999999999': not between 1 and 256"},
		{"--progress=x a b", "invalid argument 'x' for '--progress'\nValid arguments are:\n  - 'auto'\n  - 'bar'\n  - 'plain'\n  - 'json'\n  - 'none'"},
		{"--verify=md5 a b", "invalid argument 'md5' for '--verify'\nValid arguments are:\n  - 'xxh3'\n  - 'blake3'"},
		{"--fsync=x a b", "invalid argument 'x' for '--fsync'\nValid arguments are:\n  - 'none'\n  - 'data'\n  - 'full'\n  - 'batch'"},
		{"--atomic=file a b", "invalid argument 'file' for '--atomic'\nValid arguments are:\n  - 'tree'"},
		{"--method= a b", "ambiguous argument '' for '--method'\nValid arguments are:\n  - 'auto'\n  - 'readwrite'\n  - 'mmap'\n  - 'sendfile'\n  - 'splice'\n  - 'copy_file_range'\n  - 'reflink'\n  - 'direct'\n  - 'dontcache'"},
		{"--method=re a b", "ambiguous argument 're' for '--method'\nValid arguments are:\n  - 'auto'\n  - 'readwrite'\n  - 'mmap'\n  - 'sendfile'\n  - 'splice'\n  - 'copy_file_range'\n  - 'reflink'\n  - 'direct'\n  - 'dontcache'"},
		{"--method=splice,auto a b", "--method=auto stands alone: it chooses among all methods"},
		{"--method=splice,spl a b", "--method names splice twice"},
		{"--method=splice --cache=drop a b", "options --method and --cache are mutually exclusive: what stays in memory is the method's doing"},
		{"--method=splice --reflink a b", "--reflink=always allows no method but reflink"},
		{"--preserve-sharing --reflink=never a b", "--preserve-sharing can be used only with --reflink=auto"},
		{"--preserve-sharing --sparse=always a b", "--preserve-sharing can be used only with --sparse=auto"},
		{"--preserve-sharing --method=splice,readwrite a b", "--preserve-sharing needs a --method list that names reflink"},
		{"--bwlimit=fast a b", "invalid --bwlimit 'fast': not a number"},
		{"--bwlimit=3X a b", "invalid --bwlimit '3X': unknown unit 'X'"},
		{"--atomic=tree --inplace a b", "options --atomic=tree and --inplace are mutually exclusive"},
		{"--atomic=tree -i a b", "options --atomic=tree and --interactive are mutually exclusive"},
		{"--atomic=tree -n a b", "options --atomic=tree and --update or --no-clobber are mutually exclusive"},
		{"--atomic=tree -b a b", "options --atomic=tree and --backup are mutually exclusive"},
		{"--atomic=tree --parents a b", "options --atomic=tree and --parents are mutually exclusive"},
	}
	for _, c := range cases {
		t.Run(c.line, func(t *testing.T) {
			_, err := configOf(t, nil, c.line)
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
		})
	}
}

// TestConfigSELinux: with a policy, what can't be done is refused.
func TestConfigSELinux(t *testing.T) {
	cases := []struct {
		line, err string
		context   bool
		require   bool
	}{
		{line: "-a a b", context: true},
		{line: "--preserve=context a b", context: true, require: true},
		{line: "-a --no-preserve=context a b"},
		{line: "-p a b"},
		{line: "-Z a b", err: "cannot set the target context: not in this version"},
		{line: "--context=x a b", err: "cannot set the target context: not in this version"},
		{line: "-Z --preserve=context a b", err: "cannot set target context and preserve it"},
	}
	for _, c := range cases {
		e, _, _ := testEnv(nil, "zccp")
		e.selinux = true
		got, err := parseCopy(e, words(c.line))
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s: error %v, want %s", c.line, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if got.Preserve.Context != c.context || got.RequireContext != c.require || len(got.Warnings) > 0 {
			t.Errorf("%s: %+v", c.line, got)
		}
	}
}

// TestMessagesMatchCp runs cp itself on wrong command lines and compares what
// it says, byte for byte.
func TestMessagesMatchCp(t *testing.T) {
	version, err := exec.Command("cp", "--version").Output()
	if err != nil || !strings.HasPrefix(string(version), "cp (GNU coreutils)") {
		t.Skip("needs cp of GNU coreutils")
	}
	lines := []string{
		"", "a", "-v", "-t d", "-T a", "--nope a b", "--nope=1", "-y a b", "-a5", "-S", "-t", "--suffix", "--no-preserve",
		"--verbose=3 a b", "--help=3", "--reflink=x a b", "--reflink= a b", "--reflink=a a b", "--sparse a b", "--sparse=",
		"--sparse", "--backup=foo a b", "--backup=n a b", "--preserve=foo a b", "--preserve= a b", "--preserve=mode,,links a b",
		"--no-preserve=foo a b", "-ls a b", "--backup -n a b", "-nb a b", "--reflink=always --sparse=always a b",
		"--reflink --sparse=never a b", "-t d -t d a", "-t d -T a", "-T a b d", "-T a b d e", "--parents -T a b",
		"--preserve=context a b", "-ls", "-b -n", "a --", "'' ''  -T x", "-t d -t e --nope", "--nope -t d -t e",
		"--reflink=x --nope", "-T -t d", "it's",
	}
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			args := words(line)
			cmd := exec.Command("cp", args...)
			cmd.Dir = t.TempDir()
			cmd.Env = []string{"LC_ALL=C"}
			var want bytes.Buffer
			cmd.Stderr = &want
			cmd.Run()
			if cmd.ProcessState.ExitCode() != 1 {
				t.Fatalf("cp exits with %d: not a wrong command line", cmd.ProcessState.ExitCode())
			}
			e, _, got := testEnv(nil, append([]string{"/usr/bin/cp"}, args...)...)
			code := run(e)
			if diff := cmp.Diff(want.String(), got.String()); diff != "" {
				t.Errorf("-cp +zccp:\n%s", diff)
			}
			if code != 1 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestEveryOptionHasMeaning: foldSetting panics on an option that is declared
// and not known to it.
func TestEveryOptionHasMeaning(t *testing.T) {
	for _, o := range newOptionTable(copyFlags()).options {
		f := new(folder)
		before := *f
		f.fold(setting{Option: o.name, Value: "tree,mode", Given: o.kind == requiredValue})
		if cmp.Equal(before, *f, cmp.AllowUnexported(folder{})) && o.kind == noValue {
			t.Errorf("option %s changes nothing", o.name)
		}
	}
}
