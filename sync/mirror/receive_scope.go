package mirror

import (
	"github.com/zccp/zccp/sync/wire"
)

// scope is what a run that asked another machine for sources takes from there.
// The other end tells names, and one that answers with others than it was asked
// for could put them anywhere at the destination (CVE-2019-6111), change the
// attributes of the destination itself (CVE-2018-20685), or have what stands
// there deleted as what the source lacks.
type scope struct {
	want  *want // nil: every name
	given *want // the names themselves
	seals bool  // the destination gets the attributes of a source
}

// Expect says which sources the Receiver of m is to be told of, by the operands
// that the other end was given. It comes before Receive; without it any name is
// taken. An error is a *Failure.
func (m *Mirror) Expect(sources []string) error {
	var reqs []request
	if m.opts.FromSet {
		var err error
		if reqs, err = m.listed(sources); err != nil {
			return err
		}
	} else {
		for _, s := range sources {
			r, err := m.parse(s)
			if err != nil {
				return err
			}
			reqs = append(reqs, r)
		}
	}
	given := &want{}
	m.scope = &scope{want: given, given: given}
	for i := range reqs {
		r := &reqs[i]
		m.scope.seals = m.scope.seals || r.dot
		if len(r.parts) == 0 {
			m.scope.seals = true
			if !(r.dot && m.opts.FromSet && m.depth(r) == 0) {
				m.scope.want = nil
			}
			continue
		}
		w := given
		for _, part := range r.parts {
			w = w.child(part)
		}
		w.named = true
	}
	return nil
}

// allows reports whether a Root is within the scope; nil is any.
func (s *scope) allows(root *wire.Root) bool {
	return s == nil || s.want == nil || !root.Lists && (s.seals || !root.Seals)
}

// of returns what was given of a directory below one, or nil.
func (w *want) of(name []byte) *want {
	if w == nil {
		return nil
	}
	return w.names[string(name)]
}

// below returns what is wanted of a directory; ok is false for nothing.
func (w *want) below(name []byte) (child *want, ok bool) {
	if w == nil {
		return nil, true
	}
	child = w.names[string(name)]
	if child != nil && child.named {
		return nil, true
	}
	return child, child != nil
}
