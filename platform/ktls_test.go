package platform

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"syscall"
	"testing"
)

// TestTLSInfo holds the layout to that of linux/tls.h: version, cipher type,
// iv, key, salt, rec_seq.
func TestTLSInfo(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the bytes are those of a little-endian machine")
	}
	iv := []byte{0xa0, 0xa1, 0xa2, 0xa3, 0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7}
	key := bytes.Repeat([]byte{0xcc}, 32)
	for _, tt := range []struct {
		name   string
		cipher TLSCipher
		want   string
	}{
		{"AES-128-GCM", TLSAES128GCM, "04033300 b0b1b2b3b4b5b6b7 " + strings.Repeat("cc", 16) + " a0a1a2a3 0102030405060708"},
		{"AES-256-GCM", TLSAES256GCM, "04033400 b0b1b2b3b4b5b6b7 " + strings.Repeat("cc", 32) + " a0a1a2a3 0102030405060708"},
		{"ChaCha20-Poly1305", TLSChaCha20Poly1305, "04033600 a0a1a2a3b0b1b2b3b4b5b6b7 " + strings.Repeat("cc", 32) + " 0102030405060708"},
	} {
		got := hex.EncodeToString(TLSInfo(tt.cipher, key[:tt.cipher.KeySize()], iv, 0x0102030405060708))
		if got != strings.ReplaceAll(tt.want, " ", "") {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestTLSReason(t *testing.T) {
	for _, tt := range []struct {
		err        error
		installing bool
		want       string
	}{
		{syscall.ENOENT, false, "the kernel's tls module is not loaded (as root: modprobe tls)"},
		{syscall.ENOENT, true, "the kernel lacks the cipher"},
		{syscall.EOPNOTSUPP, false, "the connection is one of multipath TCP"},
		{syscall.ENOPROTOOPT, false, "this system has no kernel TLS"},
		{errors.ErrUnsupported, false, "this system has no kernel TLS"},
		{syscall.EINVAL, true, "the kernel refuses the key"},
		{syscall.ENOTCONN, false, "the kernel refuses"},
	} {
		if got := TLSReason(tt.err, tt.installing); got != tt.want {
			t.Errorf("TLSReason(%v, %v) = %q, want %q", tt.err, tt.installing, got, tt.want)
		}
	}
}
