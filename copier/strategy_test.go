package copier

import (
	"slices"
	"testing"
)

func TestCandidates(t *testing.T) {
	const big = 1 << 20
	all := []Method{Reflink, CopyFileRange, Sendfile, ReadWrite}
	refused := func(list ...Method) (bits uint16) {
		for _, m := range list {
			bits |= 1 << m
		}
		return bits
	}
	cases := []struct {
		name  string
		facts Facts
		opts  Options
		want  []Method
	}{
		{"default", Facts{Size: big, Regular: true}, Options{}, all},
		{"one byte", Facts{Size: 1, Regular: true}, Options{}, []Method{Reflink, CopyFileRange, ReadWrite}},
		{"just too small for sendfile", Facts{Size: sendfileMin - 1, Regular: true}, Options{}, []Method{Reflink, CopyFileRange, ReadWrite}},
		{"just large enough for it", Facts{Size: sendfileMin, Regular: true}, Options{}, all},
		{"empty, or procfs", Facts{Regular: true}, Options{}, []Method{ReadWrite}},
		{"no regular file", Facts{Size: big}, Options{}, []Method{ReadWrite}},
		{"holes don't matter", Facts{Size: big, Regular: true, Sparse: true}, Options{}, all},
		{"no clone", Facts{Size: big, Regular: true}, Options{Reflink: Never}, []Method{Sendfile, ReadWrite}},
		{"clone or nothing", Facts{Size: big, Regular: true}, Options{Reflink: Always}, []Method{Reflink}},
		{"nothing to clone", Facts{Regular: true}, Options{Reflink: Always}, []Method{ReadWrite}},
		{"zeros to be found", Facts{Size: big, Regular: true}, Options{Sparse: Always}, []Method{ReadWrite}},
		{"holes to be filled", Facts{Size: big, Regular: true}, Options{Sparse: Never}, []Method{ReadWrite}},
		{"a clone refused before", Facts{Size: big, Regular: true, Refused: refused(Reflink)}, Options{}, all[1:]},
		{"all refused before", Facts{Size: big, Regular: true, Refused: refused(all...)}, Options{}, []Method{ReadWrite}},
		{"cold and huge", Facts{Size: big, Regular: true, Neutral: true}, Options{}, []Method{Reflink, DontCache, Direct, CopyFileRange, Sendfile, ReadWrite}},
		{"cold, and dontcache refused before", Facts{Size: big, Regular: true, Neutral: true, Refused: refused(DontCache)}, Options{}, []Method{Reflink, Direct, CopyFileRange, Sendfile, ReadWrite}},
		{"cold, zeros to be found", Facts{Size: big, Regular: true, Neutral: true}, Options{Sparse: Always}, []Method{ReadWrite}},
		{"cold, holes to be filled", Facts{Size: big, Regular: true, Neutral: true}, Options{Sparse: Never}, []Method{DontCache, Direct, ReadWrite}},
		{"cold, no clone", Facts{Size: big, Regular: true, Neutral: true}, Options{Reflink: Never}, []Method{DontCache, Direct, Sendfile, ReadWrite}},
		{"cold, clone or nothing", Facts{Size: big, Regular: true, Neutral: true}, Options{Reflink: Always}, []Method{Reflink}},
		{"cold, no regular file", Facts{Size: big, Neutral: true}, Options{}, []Method{ReadWrite}},
		{"the only one refused before", Facts{Size: big, Regular: true, Refused: refused(Reflink)}, Options{Reflink: Always}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var list [maxMethods]*row
			var got []Method
			for _, r := range candidates(&c.facts, &c.opts, &list, new(Result)) {
				got = append(got, r.method)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestForcedCandidates: the order is that of the list, what can't be used is refused with
// the reason, and what such a pair refused before is asked again.
func TestForcedCandidates(t *testing.T) {
	const big = 1 << 20
	regular := Facts{Size: big, Regular: true}
	all := Methods()
	backward := slices.Clone(all)
	slices.Reverse(backward)
	reason := func(why error, methods ...Method) (list []Refusal) {
		for _, m := range methods {
			list = append(list, Refusal{m, why})
		}
		return list
	}
	movers := []Method{Mmap, Sendfile, Splice, CopyFileRange, Reflink, Direct, DontCache}
	onlyClone := append(reason(errOnlyClone, ReadWrite, Mmap, Sendfile, Splice, CopyFileRange), reason(errOnlyClone, Direct, DontCache)...)
	cases := []struct {
		name    string
		facts   Facts
		opts    Options
		want    []Method
		refused []Refusal
	}{
		{"all", regular, Options{Methods: all}, all, nil},
		{"all, backward", regular, Options{Methods: backward}, backward, nil},
		{"one", regular, Options{Methods: []Method{Splice}}, []Method{Splice}, nil},
		{"none", regular, Options{Methods: []Method{}}, nil, nil},
		{"refused before", Facts{Size: big, Regular: true, Refused: 1<<numMethods - 1}, Options{Methods: all}, all, nil},
		{"no regular file", Facts{Size: big}, Options{Methods: all}, []Method{ReadWrite}, reason(errNotRegular, movers...)},
		{"empty, or procfs", Facts{Regular: true}, Options{Methods: all}, []Method{ReadWrite}, reason(errNoSize, movers...)},
		{"zeros to be found", regular, Options{Methods: all, Sparse: Always}, []Method{ReadWrite}, reason(errFindsZeros, movers...)},
		{"holes to be filled", regular, Options{Methods: all, Sparse: Never}, []Method{ReadWrite, Mmap, Sendfile, Splice, Direct, DontCache}, reason(errKeepsHoles, CopyFileRange, Reflink)},
		{"no clone", regular, Options{Methods: all, Reflink: Never}, []Method{ReadWrite, Mmap, Sendfile, Splice, Direct, DontCache}, reason(errMayClone, CopyFileRange, Reflink)},
		{"clone or nothing", regular, Options{Methods: all, Reflink: Always}, []Method{Reflink}, onlyClone},
		{"nothing to clone", Facts{Regular: true}, Options{Methods: []Method{ReadWrite}, Reflink: Always}, []Method{ReadWrite}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var list [maxMethods]*row
			var got []Method
			var res Result
			for _, r := range candidates(&c.facts, &c.opts, &list, &res) {
				got = append(got, r.method)
			}
			if !slices.Equal(got, c.want) || !slices.Equal(res.Refusals(), c.refused) {
				t.Errorf("got %v, want %v; refused %v, want %v", got, c.want, res.Refusals(), c.refused)
			}
		})
	}
}

// TestStrategyRows: the last method is the authority on errors, and each stands once.
func TestStrategyRows(t *testing.T) {
	if len(strategy) > maxMethods {
		t.Errorf("%d rows don't fit a list of %d", len(strategy), maxMethods)
	}
	seen := map[Method]bool{}
	for _, m := range Methods() {
		if rowOf(m).method != m {
			t.Errorf("%v has the row of %v", m, rowOf(m).method)
		}
	}
	for i, r := range strategy {
		if seen[r.method] || r.method == None {
			t.Errorf("%v is row %d", r.method, i)
		}
		seen[r.method] = true
		if last := i == len(strategy)-1; last != (r.method == ReadWrite) {
			t.Errorf("%v is row %d of %d", r.method, i, len(strategy))
		}
		if r.move == nil && i != 0 {
			t.Errorf("%v works on whole files only and isn't the first", r.method)
		}
	}
}
