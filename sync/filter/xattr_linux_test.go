package filter_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/zccp/zccp/sync/filter"
)

var xattrNames = []string{
	"user.a", "user.ab", "user.b", "user.foo.o", "user.d/x", "user.d/a", "user.[z]", "user.e/f/x", "user.A",
}

// TestRsyncXattrChoice compares, for generated rules, which extended attributes the binary
// copies and deletes with what the rules of this package choose.
func TestRsyncXattrChoice(t *testing.T) {
	require(t, "rsync")
	work := t.TempDir()
	write(t, work, tree{"empty": ""})
	if err := syscall.Setxattr(filepath.Join(work, "empty"), "user.a", []byte("1"), 0); errors.Is(err, syscall.ENOTSUP) {
		t.Skipf("extended attributes on %s: %v", work, err)
	}
	decided := 0
	sets := min(count(t, 100), 600)
	for n := range sets {
		g := &generator{rand.New(rand.NewPCG(3, uint64(n))), "none"}
		options := g.xattrOptions()
		inDir := ""
		if g.often(30) {
			inDir = g.xattrRule() + "\n"
		}
		want, err := rsyncXattrs(t, filepath.Join(work, fmt.Sprint(n)), options, inDir)
		if err != nil {
			t.Fatalf("set %d: %q: %v", n, options, err)
		}
		got := chooseXattrs(t, options, inDir)
		if !slices.Equal(want, got) {
			t.Fatalf("set %d: %q, in the directory %q:\nrsync: %q\nhere:  %q", n, options, inDir, want, got)
		}
		if !slices.Equal(got, chooseXattrs(t, nil, "")) {
			decided++
		}
	}
	t.Logf("in %d of %d sets a rule had an effect", decided, sets)
	if decided < sets/4 {
		t.Error("the rules are too poor")
	}
}

func (g *generator) xattrRule() string {
	name := g.one(xattrNames)
	if g.often(60) {
		name = strings.Replace(name, "user.", g.one([]string{"user.*", "*", "user.?", "**", "/user.", "user.[!a]", "", "user.**"}), 1)
	}
	mods := g.mods("!srp/", 30)
	return g.one([]string{"-", "-", "+"}) + "x" + mods + " " + name + g.one([]string{"", "", "", "/", "*"})
}

// xattrOptions returns rules of which the first is for attributes: without one rsync has a
// default that depends on the user.
func (g *generator) xattrOptions() []string {
	list := []string{"--filter=" + g.xattrRule()}
	for range g.IntN(3) {
		list = append(list, g.one([]string{"--filter=" + g.xattrRule(), "--filter=- user.a", "--filter=: .filt", "--delete-excluded"}))
	}
	return list
}

// at tells whether the attribute number i stands at the source, and at the destination.
func at(i int) (src, dst bool) { return i%3 != 2, i%3 != 0 }

// rsyncXattrs returns the attributes with their values that the binary leaves at the
// destination: "s" for those it copied, "d" for those it left alone.
func rsyncXattrs(t *testing.T, work string, options []string, inDir string) ([]string, error) {
	write(t, work, tree{"src/file": "", "dst/file": "", "src/.filt": inDir, "dst/.filt": inDir})
	for i, name := range xattrNames {
		src, dst := at(i)
		for _, side := range []struct {
			has  bool
			file string
		}{{src, "src/file"}, {dst, "dst/file"}} {
			if !side.has {
				continue
			}
			if err := syscall.Setxattr(filepath.Join(work, side.file), name, []byte(side.file[:1]), 0); err != nil {
				return nil, err
			}
		}
	}
	cmd := exec.Command("rsync", append([]string{"-rX", "--size-only"}, append(options, "src/", "dst/")...)...)
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	buf := make([]byte, 4096)
	file := filepath.Join(work, "dst/file")
	n, err := syscall.Listxattr(file, buf)
	if err != nil {
		return nil, err
	}
	var list []string
	for name := range bytes.SplitSeq(bytes.TrimSuffix(buf[:n], []byte{0}), []byte{0}) {
		if !bytes.HasPrefix(name, []byte("user.")) {
			continue
		}
		value := make([]byte, 1)
		if _, err := syscall.Getxattr(file, string(name), value); err != nil {
			return nil, err
		}
		list = append(list, string(name)+"="+string(value))
	}
	slices.Sort(list)
	return list, os.RemoveAll(work)
}

func chooseXattrs(t *testing.T, options []string, inDir string) []string {
	l := filter.New(nil)
	for _, o := range options {
		if o == "--delete-excluded" {
			l.DeleteExcluded()
			continue
		}
		if err := l.Add(strings.TrimPrefix(o, "--filter=")); err != nil {
			t.Fatal(err)
		}
	}
	d, err := l.Root(filter.Sender, []byte("/none")).Enter([]byte("."), func(string) ([]byte, error) { return []byte(inDir), nil })
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for i, name := range xattrNames {
		src, dst := at(i)
		protected := l.MatchXattr(filter.Receiver, []byte(name)) == filter.Excluded
		switch {
		case dst && protected:
			list = append(list, name+"=d")
		case src && !protected && d.MatchXattr([]byte(name)) != filter.Excluded:
			list = append(list, name+"=s")
		}
	}
	slices.Sort(list)
	return list
}
