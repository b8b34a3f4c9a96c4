package wire

import (
	"bytes"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestRoundTrip: what is appended is read again, several messages one after
// another, and the sizes add up.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.SliceOfN(genMessage(), 1, 6).Draw(t, "messages")
		var b []byte
		for _, m := range sent {
			var err error
			if b, err = Append(b, m); err != nil {
				t.Fatalf("append %T: %v", m, err)
			}
		}
		r := NewReader(bytes.NewReader(b), 0)
		total := 0
		for _, want := range sent {
			got, size, err := r.Next()
			if err != nil {
				t.Fatalf("read %T: %v", want, err)
			}
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("differs (-sent +read):\n%s", d)
			}
			total += size
		}
		if _, _, err := r.Next(); err != io.EOF || total != len(b) {
			t.Fatalf("%d of %d bytes read, then: %v", total, len(b), err)
		}
	})
}
