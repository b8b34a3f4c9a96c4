package copiertest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Options says what [Generate] and [GenerateOver] make. The zero value is useful.
type Options struct {
	// Entries is about how many names a tree has; 0 means 40.
	Entries int
	// Owners are the users and groups to choose from. None leaves everything to the
	// caller when Unprivileged is set, and is a list with root and strangers when not.
	Owners []uint32
	// Unprivileged leaves out what only root can make: devices, extended attributes
	// trusted.* and security.*, and owners that aren't in Owners.
	Unprivileged bool
	// NoDirLinks leaves out symlinks that lead to directories. A copy that follows them
	// multiplies the tree.
	NoDirLinks bool
	// NoLarge leaves out sparse files of 1 GiB, which a copy may fill.
	NoLarge bool
}

func (o Options) withDefaults() Options {
	if o.Entries == 0 {
		o.Entries = 40
	}
	if os.Geteuid() != 0 {
		o.Unprivileged = true
	}
	if len(o.Owners) == 0 && !o.Unprivileged {
		// Twice root; a daemon, a user, nobody, and one that 31 bits can't hold.
		o.Owners = []uint32{0, 0, 1, 1000, 65534, 4_000_000_000}
	}
	return o
}

// EnvSeed is the environment variable with the seed of generated trees.
const EnvSeed = "ZCCP_TEST_SEED"

// Seed returns the seed in [EnvSeed], else 1: a run of the tests is to be the same
// everywhere unless other trees are asked for. A test that fails says which it was.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(1)
	if s := os.Getenv(EnvSeed); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 0, 64); err != nil {
			t.Fatalf("%s: %v", EnvSeed, err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s=%d", EnvSeed, seed)
		}
	})
	return seed
}

// nameMax is NAME_MAX of all Linux file systems here.
const nameMax = 255

// pathMax leaves room below PATH_MAX for where the tree is and what a test appends.
const pathMax = 3000

// awkward are names that a program could take for something else. None ends in "~": a
// backup of one name could be another one, and what stands in the end would hang on the
// order.
var awkward = [...]string{
	" ", " leading", "trailing ", "two  spaces", "new\nline", "\n", "tab\there",
	"-", "--", "-rf", "--help", "-a",
	"*", "?", "[a-z]", "{a,b}", "$HOME", "`id`", "$(id)", "!", "#c", "%s%n", "&", ";", "|", "<", ">",
	"'", "\"", "it's", "\\", "\\n", "a\\", ".hidden", "...", "..a", "~root", "a~b", "a:b", "host:", "@", "=", ",",
	"\x01", "\x1b[31mred", "\x7f", "\r", "bell\a",
	"\xff", "\xfe\xff", "a\x80b", "\xc3\x28", "\xed\xa0\x80", "\xc0\xaf", "latin\xe9",
	"日本語", "é", "e\u0301", "\u202egnp.txt", "🗂",
	"CON", "a.b.c.", "lost+found", "core", "Makefile", ".zccp", ".x.tmp",
}

// names gives names that are new in their directory.
type names struct {
	rng  *rand.Rand
	used map[string]bool
}

func (n *names) in(dir string) string {
	for {
		name := n.any()
		if rel := under(dir, name); !n.used[rel] && len(rel) <= pathMax {
			n.used[rel] = true
			return rel
		}
	}
}

func (n *names) any() string {
	switch k := n.rng.IntN(20); {
	case k < 8:
		return fmt.Sprintf("%c%d", 'a'+n.rng.IntN(26), n.rng.IntN(100))
	case k < 9:
		return strings.Repeat(string(rune('a'+n.rng.IntN(26))), nameMax)
	case k < 10:
		return n.bytes(nameMax)
	case k < 12:
		return n.bytes(1 + n.rng.IntN(20))
	default:
		return awkward[n.rng.IntN(len(awkward))]
	}
}

// bytes returns a name of any legal bytes. The "x" in front keeps "." and ".." away, and
// that at the end a "~".
func (n *names) bytes(length int) string {
	b := make([]byte, length)
	for i := range b {
		for b[i] == 0 || b[i] == '/' {
			b[i] = byte(n.rng.Uint32())
		}
	}
	b[0], b[length-1] = 'x', 'x'
	return string(b)
}

func under(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}
