package ktls

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"hash"

	"github.com/zccp/zccp/platform"
)

// suite is a cipher suite of TLS 1.3 that the kernel may have.
type suite struct {
	id     uint16 // of tls.CipherSuite
	cipher platform.TLSCipher
	hash   func() hash.Hash // of the key schedule
}

// suites are all that crypto/tls negotiates, in its order.
var suites = [...]suite{
	{tls.TLS_AES_128_GCM_SHA256, platform.TLSAES128GCM, sha256.New},
	{tls.TLS_AES_256_GCM_SHA384, platform.TLSAES256GCM, sha512.New384},
	{tls.TLS_CHACHA20_POLY1305_SHA256, platform.TLSChaCha20Poly1305, sha256.New},
}

// keyInfo derives key and IV of a traffic secret (RFC 8446, 7.3) and returns
// them as the kernel takes them, for record 0. The caller zeroes the result.
func (s *suite) keyInfo(secret []byte) ([]byte, error) {
	key, err := s.expandLabel(secret, "key", s.cipher.KeySize())
	if err != nil {
		return nil, err
	}
	defer clear(key)
	iv, err := s.expandLabel(secret, "iv", platform.TLSNonceSize)
	if err != nil {
		return nil, err
	}
	defer clear(iv)
	return platform.TLSInfo(s.cipher, key, iv, 0), nil
}

// expandLabel is HKDF-Expand-Label with an empty context (RFC 8446, 7.1).
func (s *suite) expandLabel(secret []byte, label string, n int) ([]byte, error) {
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(info, byte(len("tls13 ")+len(label)))
	info = append(info, "tls13 "+label...)
	info = append(info, 0)
	return hkdf.Expand(s.hash, secret, string(info), n)
}

// Labels of the application traffic secrets, as crypto/tls gives them to a
// Config.KeyLogWriter.
const (
	clientLabel = "CLIENT_TRAFFIC_SECRET_0"
	serverLabel = "SERVER_TRAFFIC_SECRET_0"
)

// secretSink is the Config.KeyLogWriter of one connection. It keeps the secret
// with its label and lets everything else go. crypto/tls writes to it in the
// goroutine that runs the handshake.
type secretSink struct {
	label  string
	secret []byte
}

// Write takes one line: label, client random and secret in hexadecimal.
func (s *secretSink) Write(line []byte) (int, error) {
	fields := bytes.Fields(line)
	if len(fields) != 3 || string(fields[0]) != s.label {
		return len(line), nil
	}
	secret := make([]byte, hex.DecodedLen(len(fields[2])))
	if _, err := hex.Decode(secret, fields[2]); err != nil {
		return 0, err
	}
	clear(s.secret)
	s.secret = secret
	return len(line), nil
}

// take hands over the secret, or nil if there is none. The caller zeroes it.
func (s *secretSink) take() []byte {
	secret := s.secret
	s.secret = nil
	return secret
}
