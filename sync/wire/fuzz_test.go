package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"reflect"
	"slices"
	"testing"
)

// fuzzSeeds are the seeds of each target, by name.
func fuzzSeeds(t testing.TB) map[string]map[string][]byte {
	_, all := encoded(t)
	seeds := map[string]map[string][]byte{
		"FuzzGreeting": {
			"plain": all["greeting"],
			"noise": append([]byte("Last login: now\r\nZCCP/1 00"), all["greeting"]...),
		},
		"FuzzHello": {"hello": all["hello"], "later": append(bytes.Clone(all["hello"]), "more"...)},
		"FuzzControl": {
			"unknown": {1, 0, 0, 0, 0xf0, flagSkip, 'x'},
			"parts":   {1, 0, 0, 0, typeDirEnd, flagMore, 7, 3, 0, 0, 0, typeDirEnd, 0, 0, 0, 0},
		},
		"FuzzListing": {},
		"FuzzNeed":    {"need": all["Need"][headerSize:]},
		"FuzzFrame":   {},
		"FuzzBatch":   {"batch": all["batch"][HeaderSize:]},
	}
	for _, s := range samples() {
		seeds["FuzzControl"][s.name] = all[s.name]
		switch k := kind(s.msg); k {
		case typeDir, typeEntries, typeDirEnd:
			seeds["FuzzListing"][s.name] = append([]byte{k}, all[s.name][headerSize:]...)
		}
	}
	for _, h := range sampleHeaders() {
		var b [HeaderSize]byte
		h.Put(&b)
		seeds["FuzzFrame"]["type-"+string('0'+rune(h.Type))+"-"+string('0'+rune(h.Flags))] = b[:]
	}
	seeds["FuzzHello"]["later"][4] += 4
	return seeds
}

// checkError: whatever is wrong, the reader says so in one of the ways that it
// promises.
func checkError(t *testing.T, err error) {
	t.Helper()
	var v *Violation
	if err != io.EOF && err != io.ErrUnexpectedEOF && !errors.As(err, &v) {
		t.Errorf("unexpected kind of error: %v", err)
	}
}

// checkAgain: what was read can be sent, and is read as the same.
func checkAgain(t *testing.T, msg any) {
	t.Helper()
	b, err := Append(nil, msg)
	if err != nil {
		t.Fatalf("can't be sent: %v\n%#v", err, msg)
	}
	again, size, err := NewReader(bytes.NewReader(b), 0).Next()
	if err != nil || size != len(b) || !reflect.DeepEqual(msg, again) {
		t.Fatalf("read %#v,\nthen %#v: %v", msg, again, err)
	}
}

// checkBody reads a body as a message of a type.
func checkBody(t *testing.T, k uint8, body []byte) {
	t.Helper()
	if len(body) > MaxBody {
		return
	}
	frame := binary.LittleEndian.AppendUint32(nil, uint32(len(body)))
	frame = append(append(frame, k, 0), body...)
	msg, size, err := NewReader(bytes.NewReader(frame), 0).Next()
	if err != nil {
		checkError(t, err)
		return
	}
	if size != len(frame) {
		t.Errorf("took %d of %d bytes", size, len(frame))
	}
	checkNames(t, msg)
	checkAgain(t, msg)
}

// checkNames: no name gets past that leads elsewhere, and no list that is out of
// order.
func checkNames(t *testing.T, msg any) {
	t.Helper()
	var names [][]byte
	switch m := msg.(type) {
	case *Dir:
		if m.ID == 0 {
			return
		}
		names = [][]byte{m.Name}
	case *DirEnd:
		names = slices.Concat(m.Subdirs, m.Others, m.Missing)
	case *Entries:
		for i := range m.Items {
			names = append(names, m.Items[i].Name)
			if i > 0 && bytes.Compare(m.Items[i-1].Name, m.Items[i].Name) >= 0 {
				t.Errorf("%q and %q are out of order", m.Items[i-1].Name, m.Items[i].Name)
			}
		}
	}
	for _, n := range names {
		if len(n) == 0 || len(n) > 255 || bytes.ContainsAny(n, "/\x00") || string(n) == "." || string(n) == ".." {
			t.Errorf("name %q", n)
		}
	}
}

// FuzzGreeting looks for greetings that are missed, or invented, or read past.
func FuzzGreeting(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		session, noise, err := ReadGreeting(r)
		line := AppendGreeting(nil, session)
		at := bytes.Index(b, line)
		taken := b[:len(b)-r.Len()]
		if err == nil {
			if at != len(noise) || !bytes.Equal(taken, append(noise, line...)) {
				t.Errorf("session %x after %q in %q", session, noise, b)
			}
			return
		}
		if !bytes.Equal(noise, taken) {
			t.Errorf("%q was read, %q returned", taken, noise)
		}
		if err != io.ErrUnexpectedEOF && (err != ErrNoGreeting || len(b) < MaxNoise) {
			t.Errorf("unexpected error: %v", err)
		}
	})
}

// FuzzHello looks for Hellos that are read otherwise than they are written.
func FuzzHello(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		h, raw, err := ReadHello(bytes.NewReader(b))
		if err != nil {
			checkError(t, err)
			return
		}
		if !bytes.HasPrefix(b, raw) {
			t.Error("raw is not what was read")
		}
		if h.MinVersion > MaxVersion {
			return
		}
		again, err := h.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		h2, _, err := ReadHello(bytes.NewReader(again))
		if err != nil || !reflect.DeepEqual(h, h2) {
			t.Errorf("%+v, then %+v: %v", h, h2, err)
		}
	})
}

// FuzzControl reads anything as a control channel.
func FuzzControl(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b), 0)
		order := FromClient()
		for total := 0; ; {
			msg, size, err := r.Next()
			if err != nil {
				checkError(t, err)
				return
			}
			if total += size; total > len(b) {
				t.Fatalf("%d of %d bytes taken", total, len(b))
			}
			if order != nil && order.Check(msg) != nil {
				order = nil
			}
			checkNames(t, msg)
			checkAgain(t, msg)
		}
	})
}

// FuzzListing reads anything as Dir, Entries and DirEnd: the first byte is the
// type.
func FuzzListing(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 || b[0] < typeDir || b[0] > typeDirEnd {
			return
		}
		checkBody(t, b[0], b[1:])
	})
}

// FuzzNeed reads anything as Need.
func FuzzNeed(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) { checkBody(t, typeNeed, b) })
}

// FuzzFrame reads anything as a header, with the right sum and without.
func FuzzFrame(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		var b, again [HeaderSize]byte
		copy(b[:], raw)
		if h, err := ParseHeader(&b); err == nil {
			if h.Put(&again); again != b {
				t.Errorf("%x is read as %+v, which is %x", b, h, again)
			}
		}
		binary.LittleEndian.PutUint32(b[32:], crc32.Checksum(b[:32], castagnoli))
		h, err := ParseHeader(&b)
		if err != nil {
			checkError(t, err)
			return
		}
		if h.Put(&again); again != b {
			t.Errorf("%x is read as %+v, which is %x", b, h, again)
		}
		if h.Off < 0 || h.Raw < 0 || h.Off+h.Raw < 0 || h.Len > MaxRange {
			t.Errorf("out of range: %+v", h)
		}
	})
}

// FuzzBatch reads anything as the payload of a batch.
func FuzzBatch(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		files, err := ParseBatch(b)
		if err != nil {
			checkError(t, err)
			return
		}
		if len(b) > 1<<20 {
			return
		}
		var w BatchWriter
		for i := range files {
			p := &files[i]
			size := p.Size
			if p.Status != Good {
				size = 0
			}
			room, ok := w.Add(p.ID, size, p.Mtime)
			if !ok {
				t.Fatalf("no room for file %d", i)
			}
			copy(room, p.Data)
			if p.Status != Good {
				w.last.Size = p.Size
				w.Fail(p.Status)
			}
		}
		if !bytes.Equal(w.Payload(), b) {
			t.Errorf("packed again, it is not the same")
		}
	})
}
