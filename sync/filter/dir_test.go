package filter_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/zccp/zccp/sync/filter"
)

func TestPerishable(t *testing.T) {
	l := list(t, nil, "-p foo", "+ bar", "-C")
	d, _, _ := enter(t, l, filter.Receiver, nil, "foo")
	v, r := d.Decide([]byte("foo"), false, false)
	if v != out || !r.Perishable() || r.String() != "-p foo" {
		t.Errorf("%v by %v", v, r)
	}
	if v := d.MatchDoomed([]byte("foo"), false); v != none {
		t.Errorf("doomed: %v", v)
	}
	if v := d.MatchDoomed([]byte("bar"), false); v != in {
		t.Errorf("doomed, a rule that is not perishable: %v", v)
	}
	// The list of -C is perishable, $CVSIGNORE is not.
	own := filter.New(nil)
	own.CVSIgnore(func() (filter.CVSIgnored, error) { return filter.CVSIgnored{File: []byte("home"), Words: "words"}, nil })
	if err := own.CVS(); err != nil {
		t.Fatal(err)
	}
	d, _, _ = enter(t, own, filter.Receiver, nil, "x")
	for name, want := range map[string]filter.Verdict{"core": none, "home": out, "words": out} {
		if v := d.MatchDoomed([]byte(name), false); v != want {
			t.Errorf("doomed %s: %v", name, v)
		}
	}
}

// TestLater checks that files of directories above are read for the first operand only.
func TestLater(t *testing.T) {
	f := files{"/.filt": "- above\n", "/top/.filt": "- here\n"}
	first := list(t, f, ": /.filt").Root(filter.Sender, []byte("/top"))
	for _, test := range []struct {
		root  *filter.Dir
		above filter.Verdict
	}{{first, out}, {first.Later(), none}} {
		d, err := test.root.Enter([]byte("."), f.in("/top/"))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Match([]byte("above"), false); got != test.above {
			t.Errorf("above: %v, not %v", got, test.above)
		}
		if got := d.Match([]byte("here"), false); got != out {
			t.Errorf("here: %v", got)
		}
	}
}

// mixed is a list with rules of every kind, deep in a tree.
func mixed(t testing.TB) *filter.Dir {
	f := files{"/top/.filt": "- /x/y\n-! *\n", "/top/a/.gitignore": "*.tmp\n/b/**/z\n", "/top/a/.filt": "- never\n"}
	l := list(t, f, "- *.o", "- *~", "+ /a/b/", "- cache/", "- /a/**/nowhere", "- lib/*/doc", "-/ /top/q/r", "-C", "- [0-9]*x", ": .filt")
	l.Gitignore()
	for _, rule := range []string{"- **/target/***", "P keep", "-p *.tmp?"} {
		if err := l.Add(rule); err != nil {
			t.Fatal(err)
		}
	}
	d, _, _ := enter(t, l, filter.Sender, f, "a/b/c/x")
	return d
}

func TestMatchAllocatesNothing(t *testing.T) {
	d := mixed(t)
	names := [][]byte{[]byte("plain.txt"), []byte("x.o"), []byte("17x"), []byte(strings.Repeat("long", 60))}
	if n := testing.AllocsPerRun(100, func() {
		for _, name := range names {
			d.Match(name, false)
			d.Match(name, true)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestEnterIsCheap checks that a list that looks at names only, and has no files in
// directories, has one Dir for the whole tree.
func TestEnterIsCheap(t *testing.T) {
	root := list(t, nil, "- *.o", "+ foo").Root(filter.Sender, []byte("/top"))
	d, err := root.Enter([]byte("a"), nil)
	if err != nil || d != root {
		t.Errorf("%p, not %p: %v", d, root, err)
	}
}

// TestConcurrent is for the race detector: directories and lists are shared.
func TestConcurrent(t *testing.T) {
	f := files{"/top/.filt": "-C\n: .more\n- a\n", "/top/x/.more": "- b\n", "/top/y/.filt": "!\n: .other\n-C\n", "/.filt": "- c\n"}
	l := list(t, f, ": /.filt")
	if err := l.CVS(); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for _, side := range []filter.Side{filter.Sender, filter.Receiver, filter.Sender} {
		wait.Go(func() {
			top, err := l.Root(side, []byte("/top")).Enter([]byte("."), f.in("/top/"))
			if err != nil {
				t.Error(err)
				return
			}
			var inner sync.WaitGroup
			for _, name := range []string{"x", "y", "z", "x", "y"} {
				inner.Go(func() {
					d, err := top.Enter([]byte(name), f.in("/top/"+name+"/"))
					if err != nil {
						t.Error(err)
						return
					}
					wantA, wantB := out, none
					switch name {
					case "x":
						wantB = out
					case "y":
						wantA = none
					}
					if a, b := d.Match([]byte("a"), false), d.Match([]byte("b"), false); a != wantA || b != wantB {
						t.Errorf("%s: %v and %v", name, a, b)
					}
				})
			}
			inner.Wait()
		})
	}
	wait.Wait()
}

func BenchmarkMatch(b *testing.B) {
	d := mixed(b)
	names := [][]byte{[]byte("main.go"), []byte("README.md"), []byte("a-rather-long-name-of-a-picture-0001.jpeg"), []byte("x")}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		d.Match(names[i&3], false)
		i++
	}
}

func BenchmarkEnter(b *testing.B) {
	d := mixed(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Enter([]byte("sub"), func(string) ([]byte, error) { return nil, nil }); err != nil {
			b.Fatal(err)
		}
	}
}
