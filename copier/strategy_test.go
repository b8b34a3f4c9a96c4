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

// TestStrategyRows: the last method is the authority on errors, and each stands once.
func TestStrategyRows(t *testing.T) {
	if len(strategy) > maxMethods {
		t.Errorf("%d rows don't fit a list of %d", len(strategy), maxMethods)
	}
	seen := map[Method]bool{}
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
