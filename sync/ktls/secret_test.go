package ktls

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/zccp/zccp/platform"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKeysOfRFC8448 derives the application traffic keys of the simple 1-RTT
// handshake, section 3.
func TestKeysOfRFC8448(t *testing.T) {
	for _, tt := range []struct{ name, secret, key, iv string }{
		{"server", "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
			"9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984"},
		{"client", "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
			"17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &suites[0]
			key, err := s.expandLabel(unhex(t, tt.secret), "key", 16)
			if err != nil || !bytes.Equal(key, unhex(t, tt.key)) {
				t.Errorf("key %x, %v, want %s", key, err, tt.key)
			}
			iv, err := s.expandLabel(unhex(t, tt.secret), "iv", 12)
			if err != nil || !bytes.Equal(iv, unhex(t, tt.iv)) {
				t.Errorf("iv %x, %v, want %s", iv, err, tt.iv)
			}
			info, err := s.keyInfo(unhex(t, tt.secret))
			want := platform.TLSInfo(platform.TLSAES128GCM, unhex(t, tt.key), unhex(t, tt.iv), 0)
			if err != nil || !bytes.Equal(info, want) {
				t.Errorf("keyInfo %x, %v, want %x", info, err, want)
			}
		})
	}
}

// TestKeysOpenRecords reads from the wire what crypto/tls wrote, with keys
// derived of the secret that it told.
func TestKeysOpenRecords(t *testing.T) {
	for _, id := range []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384} {
		for _, role := range roles {
			t.Run(tls.CipherSuiteName(id)+"/"+role, func(t *testing.T) {
				onlySuite(t, id)
				near, far := newPair(t)
				sender, _ := shake(t, role, near, far)
				info, err := keyInfo(id, sender.sink.take())
				if err != nil {
					t.Fatal(err)
				}
				r := newRecords(t, info)
				for _, text := range []string{"first", "second"} {
					if _, err := sender.TLS().Write([]byte(text)); err != nil {
						t.Fatal(err)
					}
					if kind, got := r.open(t, far); kind != 23 || string(got) != text {
						t.Errorf("record of type %d: %q, want %q", kind, got, text)
					}
				}
			})
		}
	}
}

// TestSinkKeepsOneSecret: only the line of its label is kept.
func TestSinkKeepsOneSecret(t *testing.T) {
	s := &secretSink{label: clientLabel}
	for _, line := range []string{
		"CLIENT_HANDSHAKE_TRAFFIC_SECRET aa 01\n", clientLabel + " aa 0203\n", serverLabel + " aa 04\n", "\n",
	} {
		if n, err := s.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", line, n, err)
		}
	}
	if got := s.take(); !bytes.Equal(got, []byte{2, 3}) {
		t.Errorf("kept %x", got)
	}
	if got := s.take(); got != nil {
		t.Errorf("kept %x after it was taken", got)
	}
	if _, err := s.Write([]byte(clientLabel + " aa zz\n")); err == nil {
		t.Error("took what is not hexadecimal")
	}
}

// TestSuites: each of them has the numbers of linux/tls.h and starts at record 0.
func TestSuites(t *testing.T) {
	want := map[uint16]struct{ cipher, size int }{
		tls.TLS_AES_128_GCM_SHA256:       {51, 40},
		tls.TLS_AES_256_GCM_SHA384:       {52, 56},
		tls.TLS_CHACHA20_POLY1305_SHA256: {54, 56},
	}
	for i := range suites {
		s := &suites[i]
		info, err := s.keyInfo(make([]byte, s.hash().Size()))
		if err != nil {
			t.Fatal(err)
		}
		w := want[s.id]
		if len(info) != w.size || int(binary.NativeEndian.Uint16(info[2:])) != w.cipher || binary.BigEndian.Uint64(info[len(info)-8:]) != 0 {
			t.Errorf("%s: %x", tls.CipherSuiteName(s.id), info)
		}
	}
}
