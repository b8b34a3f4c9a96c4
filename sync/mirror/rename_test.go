package mirror

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/filter"
)

// big returns content that is long enough to be looked for under another name.
func big(seed string) string { return strings.Repeat(seed, 2*minMove/len(seed)) }

func detecting() Options {
	o := archive()
	o.Delete, o.DetectRenames = DeleteDuring, true
	return o
}

// at gives what stands in dir a time of modification, links apart.
func at(t *testing.T, dir, date string) {
	t.Helper()
	cmd := exec.Command("find", dir, "-depth", "-exec", "touch", "-h", "-d", date, "{}", "+")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v", out, err)
	}
}

// mirrored returns src and dst with the same entries, in a new directory.
func mirrored(t *testing.T, entries ...string) (src, dst string) {
	t.Helper()
	dir := t.TempDir()
	src, dst = dir+"/src", dir+"/dst"
	makeTree(t, src, entries...)
	at(t, src, "2021-01-01 01:02:03.456789")
	if out, err := exec.Command("cp", "-a", src, dst).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	return src, dst
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// detect synchronises after a dry run, which must say the same and change
// nothing, and compares the trees. It returns the lines without those of
// directories that are there, and the bytes copied.
func detect(t *testing.T, opts Options, src, dst string) ([]string, Stats, *told) {
	t.Helper()
	before := listTree(t, dst)
	dry := opts
	dry.DryRun = true
	said, dryStats, _ := synchronise(t, dry, src, dst)
	if after := listTree(t, dst); after != before {
		t.Errorf("the dry run changed %s to %s", before, after)
	}
	real, stats, r := synchronise(t, opts, src, dst)
	if !slices.Equal(said, real) {
		t.Errorf("the dry run says\n%s\nthe run says\n%s", strings.Join(said, "\n"), strings.Join(real, "\n"))
	}
	if dryStats.Created != stats.Created || dryStats.Deleted != stats.Deleted || dryStats.Transferred != stats.Transferred {
		t.Errorf("dry run counts %+v, the run %+v", dryStats, stats)
	}
	return real, stats, r
}

func synchronise(t *testing.T, opts Options, src, dst string) ([]string, Stats, *told) {
	t.Helper()
	r := &told{times: true}
	m := New(platform.Native(), opts, r)
	if err := m.Run(t.Context(), []string{src + "/"}, dst); err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(slices.Clone(r.items), func(s string) bool { return strings.HasPrefix(s, ".d") })
	slices.Sort(lines)
	return lines, m.Stats(), r
}

// listTree describes a tree: names, contents, modes and times.
func listTree(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", `cd "$0" && find . -printf '%p %y %m %T@ %l\n' | sort && find . -type f -print0 | sort -z | xargs -0r sha1sum`, dir)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func sameTrees(t *testing.T, src, dst string) {
	t.Helper()
	if a, b := listTree(t, src), listTree(t, dst); a != b {
		t.Errorf("source\n%s\ndestination\n%s", a, b)
	}
}

func inodeAt(t *testing.T, path string) uint64 {
	t.Helper()
	var st platform.Stat
	if err := platform.Native().Statat(platform.CWD, platform.MustName(path), &st, false); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRenameFile(t *testing.T) {
	src, dst := mirrored(t, "a="+big("one"), "sub/b=2", "other/c=3")
	ino := inodeAt(t, dst+"/a")
	rename(t, src+"/a", src+"/sub/z")
	if err := os.Chmod(src+"/sub/z", 0o600); err != nil {
		t.Fatal(err)
	}
	got, stats, _ := detect(t, detecting(), src, dst)
	expect(t, got, "*deleting   a", "cf+++++++++ sub/z")
	if stats.Literal != 0 || stats.Transferred != 0 || stats.CreatedRegular != 1 || stats.DeletedRegular != 1 {
		t.Errorf("%+v", stats)
	}
	if inodeAt(t, dst+"/sub/z") != ino {
		t.Error("the file was copied")
	}
	sameTrees(t, src, dst)
}

func TestRenameDirectory(t *testing.T) {
	src, dst := mirrored(t, "d/a="+big("1"), "d/b="+big("2"), "d/e/c="+big("3"), "d/small=x", "keep=1")
	rename(t, src+"/d", src+"/x/new")
	got, stats, _ := detect(t, detecting(), src, dst)
	expect(t, got, "*deleting   d/", "*deleting   d/a", "*deleting   d/b", "*deleting   d/e/", "*deleting   d/e/c", "*deleting   d/small",
		"cd+++++++++ x/", "cd+++++++++ x/new/", "cd+++++++++ x/new/e/",
		"cf+++++++++ x/new/a", "cf+++++++++ x/new/b", "cf+++++++++ x/new/e/c", ">f+++++++++ x/new/small")
	if stats.Literal != 1 {
		t.Errorf("%d bytes copied", stats.Literal)
	}
	sameTrees(t, src, dst)
}

// TestRenameNot has files that look moved and are not, or must not be.
func TestRenameNot(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    func(o *Options)
		change func(t *testing.T, src, dst string)
		want   []string
		stays  bool // the old name
	}{
		{name: "edited", change: func(t *testing.T, src, dst string) {
			data, _ := os.ReadFile(src + "/new")
			data[len(data)-1]++
			os.WriteFile(src+"/new", data, 0o644)
			at(t, src+"/new", "2021-01-01 01:02:03.456789")
		}},
		{name: "touched", change: func(t *testing.T, src, dst string) { at(t, src+"/new", "2021-01-01 01:02:03.456788") }},
		{name: "has two names", change: func(t *testing.T, src, dst string) { os.Link(dst+"/old", dst+"/second") },
			want: []string{"*deleting   second"}},
		{name: "small", change: func(t *testing.T, src, dst string) {
			for _, f := range []string{src + "/new", dst + "/old"} {
				os.Truncate(f, minMove-1)
				at(t, f, "2021-01-01")
			}
		}},
		{name: "protected", set: func(o *Options) { o.Filter = filter.New(nil); o.Filter.Add("P old") }, stays: true},
		{name: "excluded", set: func(o *Options) { o.Filter = filter.New(nil); o.Filter.Add("- old") }, stays: true},
		{name: "over the limit", set: func(o *Options) { o.MaxDelete = 0 }, stays: true},
		{name: "not asked for", set: func(o *Options) { o.DetectRenames = false }},
		{name: "not deleting", set: func(o *Options) { o.Delete = DeleteNever }, stays: true},
		{name: "deleting before", set: func(o *Options) { o.Delete = DeleteBefore }},
		{name: "denied", set: func(o *Options) {
			o.Approve = func(path string, src, old *platform.Stat) (bool, string) { return path != "old", "" }
		}, stays: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, dst := mirrored(t, "old="+big("1"), "keep=1")
			rename(t, src+"/old", src+"/new")
			if c.change != nil {
				c.change(t, src, dst)
			}
			o := detecting()
			if c.set != nil {
				c.set(&o)
			}
			got, stats, _ := detect(t, o, src, dst)
			want := append(c.want, ">f+++++++++ new")
			if !c.stays {
				want = append(want, "*deleting   old")
			}
			expect(t, got, want...)
			if stats.Transferred != 1 {
				t.Errorf("was not copied: %+v", stats)
			}
			if _, err := os.Lstat(dst + "/old"); c.stays != (err == nil) {
				t.Errorf("old: %v", err)
			}
		})
	}
}

// TestRenameProtectedInDirectory: what the filter protects in a directory that
// goes stays there.
func TestRenameProtectedInDirectory(t *testing.T) {
	src, dst := mirrored(t, "d/kept="+big("1"), "d/moved="+big("22"), "keep=1")
	rename(t, src+"/d/kept", src+"/k")
	rename(t, src+"/d/moved", src+"/m")
	os.Remove(src + "/d")
	o := detecting()
	o.Filter = filter.New(nil)
	o.Filter.Add("P kept")
	got, _, _ := detect(t, o, src, dst)
	expect(t, got, "*deleting   d/moved", "cf+++++++++ m", ">f+++++++++ k")
	if _, err := os.Lstat(dst + "/d/kept"); err != nil {
		t.Error(err)
	}
}

// TestRenameChoice has several doomed files that a new one could be.
func TestRenameChoice(t *testing.T) {
	src, dst := mirrored(t, "a/x="+big("1"), "b/y="+big("1"), "c/z="+big("3"), "keep=1")
	y, z := inodeAt(t, dst+"/b/y"), inodeAt(t, dst+"/c/z")
	os.RemoveAll(src + "/a")
	rename(t, src+"/b", src+"/n")
	rename(t, src+"/c/z", src+"/n/x")
	os.RemoveAll(src + "/c")
	got, _, _ := detect(t, detecting(), src, dst)
	expect(t, got, "*deleting   a/", "*deleting   a/x", "*deleting   b/", "*deleting   b/y", "*deleting   c/", "*deleting   c/z",
		"cd+++++++++ n/", "cf+++++++++ n/x", "cf+++++++++ n/y")
	if inodeAt(t, dst+"/n/y") != y || inodeAt(t, dst+"/n/x") != z {
		t.Error("another file was moved")
	}
	sameTrees(t, src, dst)
}

// TestRenameOnce: one old file becomes one of two new ones, the other is
// copied.
func TestRenameOnce(t *testing.T) {
	src, dst := mirrored(t, "old="+big("1"), "keep=1")
	rename(t, src+"/old", src+"/n1")
	if out, err := exec.Command("cp", "-a", src+"/n1", src+"/n2").CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	got, stats, _ := detect(t, detecting(), src, dst)
	expect(t, got, "*deleting   old", "cf+++++++++ n1", ">f+++++++++ n2")
	if stats.Literal+stats.Matched != int64(len(big("1"))) {
		t.Errorf("%+v", stats)
	}
	sameTrees(t, src, dst)
}

// TestRenameGuard: where a guard or an error forbids deletions nothing is
// moved away.
func TestRenameGuard(t *testing.T) {
	t.Run("guard", func(t *testing.T) {
		entries := []string{"keep=1"}
		for i := range massDelete {
			entries = append(entries, fmt.Sprintf("d/%d=x", i))
		}
		src, dst := mirrored(t, append(entries, "d/old="+big("1"))...)
		rename(t, src+"/d", src+"/e")
		got, _, r := detect(t, detecting(), src, dst)
		if !slices.Contains(r.kinds, KindGuard) || !slices.Contains(got, ">f+++++++++ e/old") {
			t.Errorf("problems %q", r.problems)
		}
		if _, err := os.Lstat(dst + "/d/old"); err != nil {
			t.Error(err)
		}
	})
	t.Run("error", func(t *testing.T) {
		src, dst := mirrored(t, "old="+big("1"), "keep=1")
		rename(t, src+"/old", src+"/new")
		o := detecting()
		r := &told{times: true}
		New(platform.Native(), o, r).Run(t.Context(), []string{src + "/", src + "/gone/"}, dst)
		slices.Sort(r.items)
		if !slices.Contains(r.items, ">f+++++++++ new") || len(r.problems) == 0 {
			t.Errorf("%q %q", r.items, r.problems)
		}
		if _, err := os.Lstat(dst + "/old"); err != nil {
			t.Error(err)
		}
	})
}

// TestRenameBackup: the old name has its backup, and only files whose
// attributes stay are moved, since the backup shares them.
func TestRenameBackup(t *testing.T) {
	src, dst := mirrored(t, "old="+big("1"), "mode="+big("22"), "keep=1")
	rename(t, src+"/old", src+"/new")
	rename(t, src+"/mode", src+"/mode2")
	os.Chmod(src+"/mode2", 0o600)
	o := detecting()
	o.Backup = true
	o.Rules.OmitDirTimes = true
	got, _, _ := detect(t, o, src, dst)
	expect(t, got, "*deleting   mode", "*deleting   old", ">f+++++++++ mode2", "cf+++++++++ new")
	for _, name := range []string{"old~", "mode~"} {
		if st, err := os.Lstat(dst + "/" + name); err != nil || st.Mode() != 0o644 {
			t.Errorf("%s: %v %v", name, st, err)
		}
	}
	if inodeAt(t, dst+"/new") != inodeAt(t, dst+"/old~") {
		t.Error("the file was copied")
	}
}

// TestRenameChanged: a source that changed after it was looked at is copied as it
// is now.
func TestRenameChanged(t *testing.T) {
	src, dst := mirrored(t, "old="+big("1"), "keep=1")
	rename(t, src+"/old", src+"/new")
	o := detecting()
	o.Approve = func(path string, _, _ *platform.Stat) (bool, string) {
		if path == "new" {
			at(t, src+"/new", "2022-02-02")
		}
		return true, ""
	}
	got, _, _ := synchronise(t, o, src, dst)
	expect(t, got, "*deleting   old", ">f+++++++++ new")
	sameTrees(t, src, dst)
}

// TestRenameInTheWay: what stands in a directory that a file takes the place
// of is moved out of it.
func TestRenameInTheWay(t *testing.T) {
	src, dst := mirrored(t, "d/a="+big("1"), "keep=1")
	rename(t, src+"/d/a", src+"/b")
	os.Remove(src + "/d")
	makeTree(t, src, "d="+big("file"))
	got, stats, _ := detect(t, detecting(), src, dst)
	expect(t, got, "*deleting   d/a", "cf+++++++++ b", ">f+++++++++ d")
	if stats.Transferred != 1 {
		t.Errorf("%+v", stats)
	}
	sameTrees(t, src, dst)
}

// TestRenameDelayed: what is not found is renamed into place with the others.
func TestRenameDelayed(t *testing.T) {
	src, dst := mirrored(t, "old="+big("1"), "keep=1")
	rename(t, src+"/old", src+"/sub/new")
	makeTree(t, src, "sub/other="+big("2"))
	o := detecting()
	o.DelayUpdates = true
	got, _, r := detect(t, o, src, dst)
	expect(t, got, "*deleting   old", "cd+++++++++ sub/", "cf+++++++++ sub/new", ">f+++++++++ sub/other")
	if len(r.problems) > 0 {
		t.Error(r.problems)
	}
	sameTrees(t, src, dst)
}

// TestRenameKilled kills the process before each call that changes names or
// times: whatever was in the old tree and is in the new one is there under one of
// its names, and the next run makes it whole.
func TestRenameKilled(t *testing.T) {
	if n, err := strconv.Atoi(os.Getenv("ZCCP_TEST_DIES")); err == nil {
		renameAndDie(t, n)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	src, dst := mirrored(t, "d/a="+big("1"), "d/b="+big("22"), "c="+big("333"), "keep=1")
	rename(t, src+"/d", src+"/e")
	rename(t, src+"/c", src+"/e/c2")
	at(t, src, "2021-01-01 01:02:03.456789")
	for n, died := 1, true; died; n++ {
		work := filepath.Join(filepath.Dir(dst), fmt.Sprint("work", n))
		if out, err := exec.Command("cp", "-a", dst, work).CombinedOutput(); err != nil {
			t.Fatalf("%s", out)
		}
		cmd := exec.Command(self, "-test.run=^TestRenameKilled$")
		cmd.Env = append(os.Environ(), fmt.Sprint("ZCCP_TEST_DIES=", n), "ZCCP_TEST_FROM="+src, "ZCCP_TEST_TO="+work)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		died = errors.As(err, &exit) && exit.ExitCode() < 0 // by a signal
		if err != nil && !died {
			t.Fatalf("%v %s", err, out)
		}
		for _, name := range []string{"1", "22", "333"} {
			if !slices.ContainsFunc(contents(t, work), func(b []byte) bool { return string(b) == big(name) }) {
				t.Errorf("before call %d %s is lost", n, name)
			}
		}
		run(t, detecting(), work, src+"/")
		sameTrees(t, src, work)
		if !died && n < 8 {
			t.Errorf("only %d calls", n)
		}
	}
}

// renameAndDie synchronises and is killed before the nth call.
func renameAndDie(t *testing.T, n int) {
	var made atomic.Int64
	count := func() {
		if made.Add(1) == int64(n) {
			if self, err := os.FindProcess(os.Getpid()); err == nil {
				self.Kill()
			}
			select {}
		}
	}
	native := platform.Native()
	calls := *native
	calls.RenameNoReplace = func(a platform.FD, b platform.Name, c platform.FD, d platform.Name) error {
		count()
		return native.RenameNoReplace(a, b, c, d)
	}
	calls.Unlinkat = func(a platform.FD, b platform.Name) error { count(); return native.Unlinkat(a, b) }
	calls.Rmdirat = func(a platform.FD, b platform.Name) error { count(); return native.Rmdirat(a, b) }
	calls.Futimens = func(a platform.FD, x, y platform.Time) error { count(); return native.Futimens(a, x, y) }
	o := detecting()
	o.Jobs = 1
	if err := New(&calls, o, &told{}).Run(t.Context(), []string{os.Getenv("ZCCP_TEST_FROM") + "/"}, os.Getenv("ZCCP_TEST_TO")); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, dir string) (all [][]byte) {
	t.Helper()
	filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
		return nil
	})
	return all
}

// TestRenameMany moves files of random trees about: the trees are equal then, and
// nothing was copied but what is small.
func TestRenameMany(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	for round := range rounds {
		rng := rand.New(rand.NewPCG(uint64(round), 4))
		var entries, files []string
		dir := func() string { return strings.Repeat("d/", rng.IntN(3)) + fmt.Sprintf("e%d/", rng.IntN(4)) }
		for i := range 40 {
			name := fmt.Sprintf("%sf%d", dir(), i)
			size := rng.IntN(6 * minMove)
			entries = append(entries, name+"="+string(bytes.Repeat([]byte{byte('a' + i%7)}, size)))
			files = append(files, name)
		}
		src, dst := mirrored(t, append(entries, "keep=1")...)
		copied := int64(0)
		for _, f := range files {
			if rng.IntN(2) == 0 {
				continue
			}
			to := fmt.Sprintf("%sg%d", dir(), rng.IntN(1000))
			if _, err := os.Lstat(src + "/" + to); err == nil {
				continue
			}
			st, _ := os.Lstat(src + "/" + f)
			if st.Size() < minMove {
				copied += st.Size()
			}
			rename(t, src+"/"+f, src+"/"+to)
		}
		os.RemoveAll(src + "/d/d")
		at(t, src, "2021-01-01 01:02:03.456789")
		_, stats, r := detect(t, detecting(), src, dst)
		if stats.Literal+stats.Matched > copied {
			t.Errorf("round %d: %d bytes copied, at most %d are of small files", round, stats.Literal+stats.Matched, copied)
		}
		if len(r.problems) > 0 {
			t.Errorf("round %d: %q", round, r.problems)
		}
		sameTrees(t, src, dst)
	}
}
