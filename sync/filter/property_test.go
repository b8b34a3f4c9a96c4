package filter_test

import (
	"math/rand/v2"
	"testing"

	"github.com/zccp/zccp/sync/filter"
	"pgregory.net/rapid"
)

// draw returns a generator of patterns that rapid can repeat, and a path to match.
func draw(t *rapid.T) (g *generator, name string) {
	g = &generator{rand.New(rand.NewPCG(4, rapid.Uint64().Draw(t, "seed"))), "top"}
	for range g.IntN(3) {
		name += g.one(dirNames) + "/"
	}
	if name == "" || g.often(70) {
		name += g.one(fileNames)
	}
	return g, name
}

// one returns what a list of one rule says.
func one(t *testing.T, rule, name string) filter.Verdict {
	return verdict(t, list(t, nil, rule), filter.Sender, nil, name)
}

// TestFirstMatchProperty checks that a list says what the first of its rules says that
// says anything.
func TestFirstMatchProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g, name := draw(rt)
		var rules []string
		want := filter.None
		for range 1 + g.IntN(6) {
			rule := g.one([]string{"-", "+", "H", "P", "-!", "+/", "-p"}) + " " + g.anyPattern()
			rules = append(rules, rule)
			if want == filter.None {
				want = one(t, rule, name)
			}
		}
		if got := verdict(t, list(t, nil, rules...), filter.Sender, nil, name); got != want {
			rt.Fatalf("%q: %q: %v, not %v", rules, name, got, want)
		}
	})
}

// TestNegationProperty checks that of a rule and its negation exactly one takes effect.
func TestNegationProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g, name := draw(rt)
		p := g.anyPattern()
		if one(t, "- "+p, name) == one(t, "-! "+p, name) {
			rt.Fatalf("%q and its negation say the same of %q", p, name)
		}
	})
}

// TestAnchorProperty checks that a rule anchored in a directory's file is the one with the
// path of the directory at the root, and is without effect elsewhere.
func TestAnchorProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g, name := draw(rt)
		p := "/" + g.wild(g.one(fileNames))
		f := files{"/top/here/.filt": "- " + p}
		l := list(t, f, ": .filt")
		got := verdict(t, l, filter.Sender, f, "here/"+name)
		// The directory's path is part of a pattern that has the modifier / then.
		if want := one(t, "-/ /top/here"+p, "here/"+name); got != want {
			rt.Fatalf("%q: %q: %v, not %v", p, name, got, want)
		}
		if got := verdict(t, l, filter.Sender, f, "there/"+name); got != filter.None {
			rt.Fatalf("%q: %q elsewhere: %v", p, name, got)
		}
	})
}
