package platform

import (
	"encoding/binary"
	"errors"
	"syscall"
)

// TLSCalls is the table of the calls by which a TCP socket is given a key to
// encrypt with (kernel TLS, tls(4)). It is apart from Calls because it is about
// sockets and not files; what is said there of the functions holds here too.
type TLSCalls struct {
	// SetULP makes a connected socket one that keys can be installed in
	// (TCP_ULP). ENOENT: the module isn't loaded, and the caller may not load it.
	SetULP func(fd FD) error
	// SetTransmitKey installs the key of the direction that this end writes
	// (TLS_TX). info is a tls12_crypto_info_* of linux/tls.h, as one of the
	// TLSInfo functions lays it out. What is written to the socket from then
	// on is encrypted, by whatever call.
	SetTransmitKey func(fd FD, info []byte) error
	// SendRecord sends one record of a type other than application data.
	SendRecord func(fd FD, recordType byte, data []byte) error
}

// TLSCipher is a cipher that the kernel encrypts records with, by its number
// in linux/tls.h.
type TLSCipher uint16

// The ciphers of TLS 1.3.
const (
	TLSAES128GCM        TLSCipher = 51
	TLSAES256GCM        TLSCipher = 52
	TLSChaCha20Poly1305 TLSCipher = 54
)

// KeySize returns the length of the cipher's key in bytes.
func (c TLSCipher) KeySize() int {
	if c == TLSAES128GCM {
		return 16
	}
	return 32
}

// TLSNonceSize is the length of what RFC 8446 calls the IV, in bytes, for
// every cipher.
const TLSNonceSize = 12

// TLSInfo returns what SetTransmitKey is told of a TLS 1.3 connection: the
// cipher, its key of KeySize bytes, the write_iv of TLSNonceSize bytes (of
// which the kernel takes the first four as "salt" where the cipher is GCM) and
// the number of the next record. The result holds the key: the caller zeroes
// it.
func TLSInfo(cipher TLSCipher, key, iv []byte, sequence uint64) []byte {
	const version13 = 0x0304
	salt, explicit := iv[:4], iv[4:]
	if cipher == TLSChaCha20Poly1305 {
		salt, explicit = nil, iv
	}
	b := make([]byte, 0, 4+TLSNonceSize+32+8) // never grows, so no copy of the key is left behind
	b = binary.NativeEndian.AppendUint16(b, version13)
	b = binary.NativeEndian.AppendUint16(b, uint16(cipher))
	b = append(b, explicit...)
	b = append(b, key...)
	b = append(b, salt...)
	return binary.BigEndian.AppendUint64(b, sequence)
}

// TLSReason says in words why SetULP (installing false) or SetTransmitKey
// refused, and what would help, where that is known.
func TLSReason(err error, installing bool) string {
	switch {
	case errors.Is(err, syscall.ENOENT) && installing:
		return "the kernel lacks the cipher"
	case errors.Is(err, syscall.ENOENT):
		return "the kernel's tls module is not loaded (as root: modprobe tls)"
	case errors.Is(err, syscall.EOPNOTSUPP) && !installing:
		return "the connection is one of multipath TCP"
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.ENOPROTOOPT):
		return "this system has no kernel TLS"
	case installing:
		return "the kernel refuses the key"
	}
	return "the kernel refuses"
}
