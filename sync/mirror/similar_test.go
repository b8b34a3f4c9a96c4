package mirror

import "testing"

// TestNameDistance: what is likely to be the same thing is near, by the names that it
// gets.
func TestNameDistance(t *testing.T) {
	for _, c := range []struct {
		name          string
		near, farther string
	}{
		{"app-1.1.tar", "app-1.0.tar", "app-1.1.txt"},
		{"messages.1", "messages", "messages.gz"},
		{"messages.2.gz", "messages.1.gz", "messages.2"},
		{"report.doc", "report.doc.bak", "report.dot"},
		{"report.doc", "report.doc~", "resort.dox"},
		{".profile", ".profil", "profile.d"},
		{"libfoo.so.1.2", "libfoo.so.1.1", "libfoo.sh"},
	} {
		near, far := nameDistance([]byte(c.near), []byte(c.name), maxDistance), nameDistance([]byte(c.farther), []byte(c.name), maxDistance)
		if near >= far || near >= maxDistance {
			t.Errorf("%s is %d from %s and %d from %s", c.name, near, c.near, far, c.farther)
		}
		if back := nameDistance([]byte(c.name), []byte(c.near), maxDistance); back != near {
			t.Errorf("%s is %d from %s, and back %d", c.near, near, c.name, back)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"abcdefghijk", "abcdefghijk", 0}, {"abcdefghij", "0123456789", 10}} {
		if got := editDistance([]byte(c.a), []byte(c.b), 100); got != c.want {
			t.Errorf("%q and %q: %d, want %d", c.a, c.b, got, c.want)
		}
		if got := editDistance([]byte(c.a), []byte(c.b), 2); got < 2 && got != c.want || got >= 2 && c.want < 2 {
			t.Errorf("%q and %q: %d below a limit of 2", c.a, c.b, got)
		}
	}
}
