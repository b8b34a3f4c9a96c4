package wire

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
)

// The versions of the protocol that this package speaks.
const (
	MinVersion = 1
	MaxVersion = 1
)

// What ends may be able to do, named by kind and way. A list has them in order
// of preference.
const (
	FeatureXXH3   = "hash:xxh3-128"
	FeatureBLAKE3 = "hash:blake3"
	FeatureZstd   = "comp:zstd"
	FeatureFixed  = "delta:fixed2"
	FeatureRoll   = "delta:rolling"
	FeatureTLS    = "data:tls13"
	FeaturePlain  = "data:plain"
)

// Hello is what each end says first: the client after the greeting, the server
// after the client's.
type Hello struct {
	MinVersion, MaxVersion uint32
	// Session is the identifier from the greeting, at both ends.
	Session [16]byte
	// Pin is the SHA-256 of the certificate that the end will show, in DER.
	Pin [32]byte

	// Client tells the two ends apart, so that neither takes its own Hello for
	// that of the other.
	Client bool
	// Plain allows data streams that are not encrypted. Both have to.
	Plain bool
	// Token is the client's secret for the data streams of this session. It is
	// zero in a Hello that is not protected by ssh or TLS.
	Token [32]byte
	// Seed is that of the session's XXH3-128 sums, the server's.
	Seed     uint64
	Features []string // in order of preference
	Ports    []uint16 // where the end listens for data streams
	Addrs    []string // and at which addresses it thinks to be reached
	Program  string   // version of the program, for messages
}

// Every Hello of every version begins like this, for ever:
//
//	"ZHLO"	4 bytes
//	size	u32, of all of it
//	least, most	u32 each: versions of the protocol
//	session	16 bytes
//	pin	32 bytes
//
// Numbers are little endian. In version 1 these follow:
//
//	flags	byte: 1 client, 2 plain
//	token	32 bytes
//	seed	u64
//	features, ports, addresses	varint for the number, then each: strings
//		with a byte for their length, and ports as u16
//	program	string
//
// What stands after that is of later versions and is ignored.
const (
	helloMagic  = "ZHLO"
	frozenHello = 64
)

const (
	helloClient = 1 << iota
	helloPlain
)

// Append appends the encoding. It refuses what ReadHello would.
func (h *Hello) Append(b []byte) ([]byte, error) {
	if err := h.check(); err != nil {
		return b, err
	}
	le := binary.LittleEndian
	start := len(b)
	b = append(b, helloMagic...)
	b = append(b, 0, 0, 0, 0)
	b = le.AppendUint32(b, h.MinVersion)
	b = le.AppendUint32(b, h.MaxVersion)
	b = append(b, h.Session[:]...)
	b = append(b, h.Pin[:]...)
	b = append(b, bit(h.Client, helloClient)|bit(h.Plain, helloPlain))
	b = append(b, h.Token[:]...)
	b = le.AppendUint64(b, h.Seed)
	b = append(b, byte(len(h.Features)))
	for _, f := range h.Features {
		b = appendString(b, f)
	}
	b = append(b, byte(len(h.Ports)))
	for _, p := range h.Ports {
		b = le.AppendUint16(b, p)
	}
	b = append(b, byte(len(h.Addrs)))
	for _, a := range h.Addrs {
		b = appendString(b, a)
	}
	b = appendString(b, h.Program)
	if n := len(b) - start; n > MaxHello {
		return b[:start], violation("hello of %d bytes", n)
	}
	le.PutUint32(b[start+4:], uint32(len(b)-start))
	return b, nil
}

// ReadHello reads a Hello and no further. Raw is all that was read, for
// Transcript. The error is a *Violation, io.ErrUnexpectedEOF, or the Reader's.
func ReadHello(r io.Reader) (h *Hello, raw []byte, err error) {
	raw = make([]byte, frozenHello, MaxHello)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, nil, cut(err)
	}
	size := binary.LittleEndian.Uint32(raw[4:])
	if string(raw[:4]) != helloMagic || size < frozenHello || size > MaxHello {
		return nil, nil, violation("invalid hello")
	}
	raw = raw[:size]
	if _, err := io.ReadFull(r, raw[frozenHello:]); err != nil {
		return nil, nil, cut(err)
	}
	if h, err = parseHello(raw); err != nil {
		return nil, nil, err
	}
	return h, raw, nil
}

func parseHello(raw []byte) (*Hello, error) {
	c := cursor{b: raw[8:]}
	h := &Hello{MinVersion: c.fixed32(), MaxVersion: c.fixed32()}
	copy(h.Session[:], c.next(16))
	copy(h.Pin[:], c.next(32))
	if h.MinVersion > MaxVersion {
		return h, nil // the rest may be anything; Choose tells what is wrong
	}
	f := c.byte()
	h.Client, h.Plain = f&helloClient != 0, f&helloPlain != 0
	copy(h.Token[:], c.next(32))
	h.Seed = c.fixed64()
	h.Features = c.strings(MaxFeatures, MaxFeature)
	if n := c.count(MaxPorts, 2); n > 0 {
		h.Ports = make([]uint16, n)
		for i := range h.Ports {
			if p := c.next(2); p != nil {
				h.Ports[i] = binary.LittleEndian.Uint16(p)
			}
		}
	}
	h.Addrs = c.strings(MaxAddrs, MaxAddr)
	h.Program = string(c.bytes(MaxAddr))
	if c.err != nil {
		return nil, c.err
	}
	return h, h.check()
}

// strings takes a list of up to n strings of up to size bytes.
func (c *cursor) strings(n, size int) []string {
	n = c.count(n, 1)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = string(c.bytes(size))
	}
	return list
}

// check: what is shown to users or compared is short and of visible characters.
func (h *Hello) check() error {
	if h.MinVersion == 0 || h.MinVersion > h.MaxVersion {
		return violation("versions %d to %d", h.MinVersion, h.MaxVersion)
	}
	if len(h.Features) > MaxFeatures || len(h.Ports) > MaxPorts || len(h.Addrs) > MaxAddrs {
		return violation("hello is too long")
	}
	for _, f := range h.Features {
		if f == "" || len(f) > MaxFeature || !visible(f) {
			return violation("invalid feature %.40q", f)
		}
	}
	for _, a := range h.Addrs {
		if a == "" || len(a) > MaxAddr || !visible(a) {
			return violation("invalid address %.80q", a)
		}
	}
	if len(h.Program) > MaxAddr || !visible(h.Program) {
		return violation("invalid program version %.80q", h.Program)
	}
	return nil
}

// visible reports whether s is of ASCII characters that print, without spaces.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// Transcript is what both ends have to agree on before data is believed: a
// digest of the two Hellos as they were sent. Compared under TLS, it shows
// whether somebody between them made them choose less than they can.
func Transcript(client, server []byte) [32]byte {
	b := append([]byte("ZCCP hellos"), 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(client)))
	b = append(b, client...)
	b = append(b, server...)
	return sha256.Sum256(b)
}
