package wire

import (
	"bytes"
	"fmt"
	"testing"
)

// portion is a listing like that of a directory of sources.
func portion(n int) *Entries {
	m := &Entries{Dir: 12, First: 256}
	for i := range n {
		m.Items = append(m.Items, Entry{
			Name: fmt.Appendf(nil, "component_%07d_test.go", i*37),
			Attr: Attr{
				Mode: modeRegular | 0o644, UID: 1000, GID: 1000, Nlink: 1, Size: int64(i * 131 % 9000),
				Mtime: Time{Sec: 1700000000 + int64(i%100), Nsec: uint32(i*7919) % 1e9},
			},
		})
	}
	return m
}

// The figures are for one entry, of 256 in a message.

func BenchmarkAppendEntries(b *testing.B) {
	m := portion(256)
	var buf []byte
	b.ReportAllocs()
	for i := 0; i < b.N; i += len(m.Items) {
		var err error
		if buf, err = Append(buf[:0], m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(buf))/float64(len(m.Items)), "B/entry")
}

func BenchmarkReadEntries(b *testing.B) {
	m := portion(256)
	frame, err := Append(nil, m)
	if err != nil {
		b.Fatal(err)
	}
	endless := bytes.Repeat(frame, b.N/len(m.Items)+1)
	r := NewReader(bytes.NewReader(endless), 0)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += len(m.Items) {
		if _, _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
}
