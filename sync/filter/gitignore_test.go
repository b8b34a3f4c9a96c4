package filter_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/zccp/zccp/sync/filter"
)

// gitRules returns the contents of a .gitignore file.
func (g *generator) gitRules(string) string {
	var b strings.Builder
	if g.often(3) {
		b.WriteString("\xef\xbb\xbf")
	}
	for range 1 + g.IntN(5) {
		switch g.IntN(14) {
		case 0:
			b.WriteString(g.one([]string{"#y", `\#y`, "", " ", `\!`, "!", "/", "!/", `\`, "**", "/**", "**/", "*/", "a/**/b", `t\ `, "t ", "a**/b", "!*/"}))
		case 1:
			b.WriteString("**/" + g.pattern())
		case 2, 3, 4:
			b.WriteString("!" + g.pattern())
		default:
			b.WriteString(g.pattern())
		}
		b.WriteString(g.one([]string{"\n", "\n", "\n", "\n", " \n", "\\ \n", "\r\n", "\t\n", "  \n"}))
	}
	if g.often(10) {
		b.WriteString(g.one(fileNames))
	}
	return b.String()
}

// TestGitChoice compares, for generated .gitignore files in generated trees, what
// git check-ignore says of each path with what the rules of this package choose.
func TestGitChoice(t *testing.T) {
	require(t, "git")
	sets := count(t, 200)
	var wait sync.WaitGroup
	var lock sync.Mutex
	ignored, paths := 0, 0
	work := make(chan int)
	for range 2 {
		wait.Go(func() {
			base := t.TempDir()
			for n := range work {
				i, p := compareGit(t, filepath.Join(base, strconv.Itoa(n)), n)
				lock.Lock()
				ignored += i
				paths += p
				lock.Unlock()
			}
		})
	}
	for n := 0; n < sets && !t.Failed(); n++ {
		work <- n
	}
	close(work)
	wait.Wait()
	t.Logf("%d sets of .gitignore files: %d of %d paths ignored", sets, ignored, paths)
	if ignored < paths/20 || ignored > paths*19/20 {
		t.Error("the rules are too poor")
	}
}

func compareGit(t *testing.T, work string, n int) (ignored, paths int) {
	g := &generator{rand.New(rand.NewPCG(2, uint64(n))), "none"}
	defer os.RemoveAll(work)
	world := g.tree(func(string) string { return "" })
	for _, p := range world.paths() {
		if strings.HasPrefix(p, ".git/") || strings.Contains(p, "/.git/") {
			delete(world, p) // a repository in the repository
			continue
		}
		if strings.HasSuffix(p, "/") && g.often(40) {
			world[p+".gitignore"] = g.gitRules("")
		}
	}
	world[".gitignore"] = g.gitRules("")
	exclude, global := g.gitRules(""), g.gitRules("")
	write(t, work, world)
	if out, err := exec.Command("git", "init", "-q", "--template=", work).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
		return 0, 0
	}
	write(t, work, tree{".git/info/exclude": exclude, ".git/global": global})
	want, err := checkIgnore(work, world.paths())
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	l := filter.New(nil)
	l.Gitignore([]byte(exclude), []byte(global))
	got := map[string]bool{}
	var walk func(d *filter.Dir, rel string, all bool) error
	walk = func(d *filter.Dir, rel string, all bool) error {
		return each(filepath.Join(work, rel), func(name string, isDir bool) error {
			if name == ".git" {
				return nil
			}
			excluded := d.Match([]byte(name), isDir) == filter.Excluded
			if all && !excluded {
				return fmt.Errorf("%s%s is not ignored, but its directory is", rel, name)
			}
			got[rel+name] = excluded
			if !isDir {
				return nil
			}
			sub, err := d.Enter([]byte(name), reader(filepath.Join(work, rel, name)))
			if err != nil {
				return err
			}
			return walk(sub, rel+name+"/", excluded)
		})
	}
	d, err := l.Root(filter.Sender, []byte(work)).Enter([]byte("."), reader(work))
	if err == nil {
		err = walk(d, "", false)
	}
	if err != nil {
		t.Errorf("set %d: %v", n, err)
		return 0, 0
	}
	var diff []string
	for p, pattern := range want {
		is := pattern != "" && !strings.HasPrefix(pattern, "!")
		if is != got[p] {
			diff = append(diff, fmt.Sprintf("%q: git: %v by %q; here: %v", p, is, pattern, got[p]))
		}
		if is {
			ignored++
		}
	}
	if diff != nil {
		t.Errorf("set %d:\n%s\ninfo/exclude: %q\nexcludesFile: %q\n%s", n, strings.Join(diff, "\n"), exclude, global, show(world))
	}
	return ignored, len(want)
}

// checkIgnore returns the pattern that decides for each path, "" for none.
func checkIgnore(work string, paths []string) (map[string]string, error) {
	var in bytes.Buffer
	for _, p := range paths {
		in.WriteString(strings.TrimSuffix(p, "/") + "\x00")
	}
	cmd := exec.Command("git", "-c", "core.excludesFile=.git/global", "check-ignore", "--no-index", "--stdin", "-z", "-v", "-n")
	cmd.Dir = work
	cmd.Stdin = &in
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.Output()
	var exit *exec.ExitError
	// 1: no path is ignored.
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		return nil, fmt.Errorf("git check-ignore: %w", err)
	}
	fields := strings.Split(string(out), "\x00")
	found := map[string]string{}
	for ; len(fields) >= 4; fields = fields[4:] {
		found[fields[3]] = fields[2]
	}
	if len(found) != len(paths) {
		return nil, fmt.Errorf("git check-ignore told of %d paths, not %d", len(found), len(paths))
	}
	return found, nil
}
