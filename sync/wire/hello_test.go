package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestGreeting: noise of any kind before it, and not a byte is read after it.
func TestGreeting(t *testing.T) {
	session := [16]byte{1, 2, 3, 0xfe}
	line := AppendGreeting(nil, session)
	for name, noise := range map[string]string{
		"none":            "",
		"a message":       "Welcome!\nHave a nice day.\n",
		"an open line":    "Last login: yesterday ",
		"half of it":      "ZCCP/1 0102030405060708",
		"all but the end": string(line[:len(line)-1]),
		"nested":          "ZCZCZCCP/ZCCP/1 ZCCP/1 01",
		"capitals":        "ZCCP/1 0102030405060708090A0B0C0D0E0F10\n",
		"another version": "ZCCP/2 0102030405060708090a0b0c0d0e0f10\n",
		"the most":        strings.Repeat("x", MaxNoise),
		"almost all":      strings.Repeat("x", MaxNoise-1) + "Z",
	} {
		const after = "and so on"
		r := iotest.HalfReader(strings.NewReader(noise + string(line) + after))
		got, before, err := ReadGreeting(r)
		rest, _ := io.ReadAll(r)
		if got != session || string(before) != noise || err != nil || string(rest) != after {
			t.Errorf("%s: session %x, %d bytes of noise, %q left: %v", name, got, len(before), rest, err)
		}
	}
}

func TestNoGreeting(t *testing.T) {
	const text = "sh: zccp: command not found\n"
	if _, noise, err := ReadGreeting(strings.NewReader(text)); string(noise) != text || err != io.ErrUnexpectedEOF {
		t.Errorf("%q: %v", noise, err)
	}
	endless := &counter{r: zeros{}}
	if _, noise, err := ReadGreeting(endless); !errors.Is(err, ErrNoGreeting) || len(noise) > MaxNoise+greetingSize {
		t.Errorf("%d bytes of noise: %v", len(noise), err)
	}
	if endless.n > MaxNoise+greetingSize {
		t.Errorf("read %d bytes", endless.n)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

func genHello() *rapid.Generator[*Hello] {
	return rapid.Custom(func(t *rapid.T) *Hello {
		fixed := func(what string, n int) []byte { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, what) }
		word := rapid.StringMatching(`[!-~]{1,32}`)
		h := &Hello{
			MinVersion: 1, MaxVersion: rapid.Uint32Min(1).Draw(t, "version"),
			Session: [16]byte(fixed("session", 16)), Pin: [32]byte(fixed("pin", 32)), Token: [32]byte(fixed("token", 32)),
			Client: rapid.Bool().Draw(t, "client"), Plain: rapid.Bool().Draw(t, "plain"), Seed: rapid.Uint64().Draw(t, "seed"),
			Features: rapid.SliceOfN(word, 0, 8).Draw(t, "features"),
			Ports:    rapid.SliceOfN(rapid.Uint16(), 0, 8).Draw(t, "ports"),
			Addrs:    rapid.SliceOfN(word, 0, 4).Draw(t, "addrs"),
			Program:  rapid.StringMatching(`[!-~]{0,20}`).Draw(t, "program"),
		}
		return h
	})
}

func TestHelloRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genHello().Draw(t, "hello")
		b, err := want.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		// A later version says more.
		more := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "more")
		b = append(b, more...)
		binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
		r := bytes.NewReader(append(b, "after"...))
		got, raw, err := ReadHello(r)
		if err != nil || !bytes.Equal(raw, b) || r.Len() != len("after") {
			t.Fatalf("%d of %d bytes, %d left: %v", len(raw), len(b), r.Len(), err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("differs (-sent +read):\n%s", d)
		}
	})
}

func TestHelloLimits(t *testing.T) {
	good := Hello{MinVersion: 1, MaxVersion: 1}
	many := func(n int, s string) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = s
		}
		return list
	}
	for name, spoil := range map[string]func(*Hello){
		"no version":        func(h *Hello) { h.MinVersion = 0 },
		"versions reversed": func(h *Hello) { h.MinVersion = 2 },
		"many features":     func(h *Hello) { h.Features = many(MaxFeatures+1, "f") },
		"a long feature":    func(h *Hello) { h.Features = []string{strings.Repeat("f", MaxFeature+1)} },
		"an empty feature":  func(h *Hello) { h.Features = []string{""} },
		"a feature's break": func(h *Hello) { h.Features = []string{"a\nb"} },
		"many ports":        func(h *Hello) { h.Ports = make([]uint16, MaxPorts+1) },
		"many addresses":    func(h *Hello) { h.Addrs = many(MaxAddrs+1, "a") },
		"a long address":    func(h *Hello) { h.Addrs = []string{strings.Repeat("a", MaxAddr+1)} },
		"an escape":         func(h *Hello) { h.Addrs = []string{"\x1b[2J"} },
		"a program's break": func(h *Hello) { h.Program = "1.0\r\n" },
		"a long program":    func(h *Hello) { h.Program = strings.Repeat("1", MaxAddr+1) },
	} {
		h := good
		spoil(&h)
		if b, err := h.Append(nil); err == nil || len(b) != 0 {
			t.Errorf("%s: %d bytes: %v", name, len(b), err)
		}
	}
	full := good
	full.Features, full.Addrs = many(MaxFeatures, strings.Repeat("f", MaxFeature)), many(MaxAddrs, strings.Repeat("a", MaxAddr))
	full.Ports, full.Program = make([]uint16, MaxPorts), strings.Repeat("1", MaxAddr)
	b, err := full.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func([]byte){
		"magic":      func(b []byte) { b[0]++ },
		"no size":    func(b []byte) { binary.LittleEndian.PutUint32(b[4:], 0) },
		"short size": func(b []byte) { binary.LittleEndian.PutUint32(b[4:], frozenHello-1) },
		"cut size":   func(b []byte) { binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-1)) },
		"large size": func(b []byte) { binary.LittleEndian.PutUint32(b[4:], MaxHello+1) },
		"all bits":   func(b []byte) { binary.LittleEndian.PutUint32(b[4:], 1<<32-1) },
		"features":   func(b []byte) { b[frozenHello+1+32+8] = MaxFeatures + 1 },
	} {
		bad := bytes.Clone(b)
		spoil(bad)
		var v *Violation
		if h, _, err := ReadHello(bytes.NewReader(bad)); !errors.As(err, &v) {
			t.Errorf("%s: %v: %v", name, h, err)
		}
	}
	for n := range b {
		if _, _, err := ReadHello(bytes.NewReader(b[:n])); err != io.ErrUnexpectedEOF {
			t.Fatalf("cut after %d of %d bytes: %v", n, len(b), err)
		}
	}
}

// TestFrozenHello: what every version has in common stays where it is.
func TestFrozenHello(t *testing.T) {
	h := Hello{MinVersion: 0x01020304, MaxVersion: 0x05060708}
	for i := range h.Session {
		h.Session[i] = 0x10 + byte(i)
	}
	for i := range h.Pin {
		h.Pin[i] = 0x20 + byte(i)
	}
	b, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []byte("ZHLO\x00\x00\x00\x00\x04\x03\x02\x01\x08\x07\x06\x05" +
		"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f" +
		"\x20\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d\x2e\x2f" +
		"\x30\x31\x32\x33\x34\x35\x36\x37\x38\x39\x3a\x3b\x3c\x3d\x3e\x3f")
	binary.LittleEndian.PutUint32(want[4:], uint32(len(b)))
	if !bytes.Equal(b[:64], want) {
		t.Errorf("hello begins\n%x, not\n%x", b[:64], want)
	}
	// A version that this one can't read says so, whatever comes after.
	got, _, err := ReadHello(bytes.NewReader(append(b[:64:64], bytes.Repeat([]byte{0xff}, len(b)-64)...)))
	if err != nil || got.MinVersion != h.MinVersion || got.Session != h.Session || got.Pin != h.Pin {
		t.Fatalf("%+v: %v", got, err)
	}
	if _, err := Choose(&Hello{MinVersion: 1, MaxVersion: 1}, got); err == nil || !strings.Contains(err.Error(), "versions") {
		t.Errorf("choice with a later version: %v", err)
	}
}

func TestChoose(t *testing.T) {
	client := &Hello{MinVersion: 1, MaxVersion: 3, Client: true, Plain: true, Features: []string{"hash:b", "hash:a", "comp:z", "hash:b"}}
	server := &Hello{MinVersion: 2, MaxVersion: 5, Plain: true, Features: []string{"comp:z", "hash:a", "hash:b", "data:x"}}
	want := Agreed{Version: 3, Features: []string{"hash:b", "hash:a", "comp:z"}, Plain: true}
	for _, pair := range [][2]*Hello{{client, server}, {server, client}} {
		got, err := Choose(pair[0], pair[1])
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, d)
		}
	}
	if want.First("hash:") != "hash:b" || want.First("data:") != "" || !want.Has("comp:z") || want.Has("data:x") {
		t.Error("features are not found as they were agreed on")
	}
	for name, spoil := range map[string]func(h *Hello){
		"too old":         func(h *Hello) { h.MaxVersion = 1; h.MinVersion = 1 },
		"too new":         func(h *Hello) { h.MinVersion, h.MaxVersion = 6, 7 },
		"the same part":   func(h *Hello) { h.Client = false },
		"another session": func(h *Hello) { h.Session[3] = 1 },
	} {
		h := *client
		spoil(&h)
		if a, err := Choose(server, &h); err == nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
	server.Plain = false
	if a, err := Choose(client, server); a.Plain || err != nil {
		t.Errorf("plain streams that one end does not allow: %v", err)
	}
}

// TestTranscript: no change to either Hello, nor of where one ends and the other
// begins, leaves it as it was.
func TestTranscript(t *testing.T) {
	a, b := []byte("one hello"), []byte("and another")
	sum := Transcript(a, b)
	if sum != Transcript(a, b) {
		t.Error("differs from itself")
	}
	for i := range a {
		c := bytes.Clone(a)
		c[i] ^= 1
		if Transcript(c, b) == sum {
			t.Errorf("client's byte %d does not count", i)
		}
	}
	if Transcript(b, a) == sum || Transcript(a, b[1:]) == sum || Transcript([]byte("one hello "), b) == sum ||
		Transcript([]byte("one helloa"), []byte("nd another")) == sum {
		t.Error("parts do not count, or where they end does not")
	}
}
