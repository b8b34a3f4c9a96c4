package wire

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write the golden file and the seeds of the fuzz targets")

const golden = "../../testdata/wire/version1.txt"

// encoded returns the bytes of every sample on the wire.
func encoded(t testing.TB) (names []string, bytes map[string][]byte) {
	t.Helper()
	bytes = make(map[string][]byte)
	add := func(name string, b []byte, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		names, bytes[name] = append(names, name), b
	}
	add("greeting", AppendGreeting(nil, [16]byte([]byte("0123456789abcdef"))), nil)
	hello, err := sampleHello().Append(nil)
	add("hello", hello, err)
	for _, s := range samples() {
		b, err := Append(nil, s.msg)
		add(s.name, b, err)
	}
	for _, h := range sampleHeaders() {
		var b [HeaderSize]byte
		h.Put(&b)
		add(fmt.Sprintf("frame of type %d, flags %d", h.Type, h.Flags), b[:], nil)
	}
	add("batch", sampleBatch(), nil)
	return names, bytes
}

// TestGolden: the bytes on the wire stay what they are within a version. Where
// they have to change, there is a new feature or a new version, and a file
// beside this one.
func TestGolden(t *testing.T) {
	names, bytes := encoded(t)
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "%s\n%s\n", name, hex.Dump(bytes[name]))
	}
	if *update {
		if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text.String(), "\n")); d != "" {
		t.Errorf("bytes on the wire have changed (-golden +now):\n%s", d)
	}
}

// TestSamples: those bytes are read as what they were made of, and no type is
// without a sample.
func TestSamples(t *testing.T) {
	seen := make(map[uint8]bool)
	for _, s := range samples() {
		b, err := Append(nil, s.msg)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		got, size, err := NewReader(strings.NewReader(string(b)), 0).Next()
		if err != nil || size != len(b) {
			t.Errorf("%s: %d of %d bytes: %v", s.name, size, len(b), err)
			continue
		}
		if d := cmp.Diff(s.msg, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s differs (-sent +read):\n%s", s.name, d)
		}
		seen[kind(s.msg)] = true
	}
	for k := uint8(1); k <= typeCount; k++ {
		if !seen[k] || newMessage(k) == nil || kind(newMessage(k)) != k {
			t.Errorf("type %d has no sample, or is not what it makes", k)
		}
	}
}

// TestSeeds: the seeds of the fuzz targets are there, each target's and no
// empty ones; with -update they are written.
func TestSeeds(t *testing.T) {
	for target, seeds := range fuzzSeeds(t) {
		dir := filepath.Join("testdata", "fuzz", target)
		if *update {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if len(seeds) == 0 {
			t.Errorf("%s has no seeds", target)
		}
		for name, b := range seeds {
			file := filepath.Join(dir, strings.NewReplacer(" ", "-", ",", "").Replace(name))
			text := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", b)
			if *update {
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := os.ReadFile(file); string(got) != text {
				t.Errorf("%s is not the seed it should be: %v", file, err)
			}
		}
	}
}
