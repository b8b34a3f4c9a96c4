package copier

import (
	"bytes"
	"testing"

	"github.com/zccp/zccp/platform"
)

func TestTempName(t *testing.T) {
	seen := map[string]bool{}
	var buf [TempSize]byte
	for range 1000 {
		n := TempName(buf[:0], 77)
		if len(n) != TempSize || &n[0] != &buf[0] || n[len(n)-1] != 0 {
			t.Fatalf("%q in %d bytes, not in the buffer of %d", n, len(n), TempSize)
		}
		if bytes.ContainsAny(n.Bytes(), "/\x00\n") || !bytes.HasPrefix(n, []byte(".zccp-")) {
			t.Fatalf("%q", n)
		}
		if !IsTemp(n.Bytes(), 77) {
			t.Fatalf("%q isn't known again", n)
		}
		if IsTemp(n.Bytes(), 78) {
			t.Fatalf("%q is taken for another directory's", n)
		}
		if seen[n.String()] {
			t.Fatalf("%q came twice", n)
		}
		seen[n.String()] = true
	}
}

func TestIsTemp(t *testing.T) {
	name := func() []byte { return TempName(make([]byte, TempSize), 5).Bytes() }
	changed := func(at int, c byte) []byte {
		n := bytes.Clone(name())
		if n[at] == c {
			c++
		}
		n[at] = c
		return n
	}
	for what, n := range map[string][]byte{
		"nothing":            nil,
		"the prefix":         []byte(".zccp-"),
		"a user's":           []byte(".zccp-aaaaaaaaaaaaaaaaaaaa"),
		"too long":           append(bytes.Clone(name()), 'a'),
		"cut":                name()[:TempSize-2],
		"with its NUL":       append(bytes.Clone(name()), 0),
		"no dot":             changed(0, '_'),
		"another character":  changed(10, 'q'),
		"another checksum":   changed(TempSize-2, 'q'),
		"not of base32":      changed(9, '1'),
		"of another program": bytes.Replace(name(), []byte("zccp"), []byte("zzcp"), 1),
	} {
		if IsTemp(n, 5) {
			t.Errorf("%s: %q is taken for a temporary name", what, n)
		}
	}
	if !IsTemp(name(), 5) {
		t.Error("a temporary name isn't")
	}
	var _ platform.Name = TempName(nil, 0) // a nil buffer is as good
}
