package ktls

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
	_ "unsafe" // for linkname

	"github.com/zccp/zccp/platform"
)

// crypto/tls offers no choice of a cipher suite of TLS 1.3. These are the lists
// it chooses from, which it promises to keep for those who set them.
//
//go:linkname defaultCipherSuitesTLS13 crypto/tls.defaultCipherSuitesTLS13
var defaultCipherSuitesTLS13 []uint16

//go:linkname defaultCipherSuitesTLS13NoAES crypto/tls.defaultCipherSuitesTLS13NoAES
var defaultCipherSuitesTLS13NoAES []uint16

// onlySuite has handshakes of this process agree on one cipher suite until the
// test ends.
func onlySuite(t *testing.T, id uint16) {
	t.Helper()
	a, b := defaultCipherSuitesTLS13, defaultCipherSuitesTLS13NoAES
	defaultCipherSuitesTLS13, defaultCipherSuitesTLS13NoAES = []uint16{id}, []uint16{id}
	t.Cleanup(func() { defaultCipherSuitesTLS13, defaultCipherSuitesTLS13NoAES = a, b })
}

// fakeKernel takes keys as the kernel does, and encrypts nothing.
type fakeKernel struct {
	ulpErr, keyErr error

	mu     sync.Mutex
	ulps   int
	infos  [][]byte // copies of what SetTransmitKey was given
	given  [][]byte // the same memory
	alerts []byte   // record type and content of every SendRecord
}

func (f *fakeKernel) calls() *platform.TLSCalls {
	return &platform.TLSCalls{
		SetULP: func(platform.FD) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.ulps++
			return f.ulpErr
		},
		SetTransmitKey: func(_ platform.FD, info []byte) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.infos = append(f.infos, append([]byte(nil), info...))
			f.given = append(f.given, info)
			return f.keyErr
		},
		SendRecord: func(_ platform.FD, recordType byte, data []byte) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.alerts = append(append(f.alerts, recordType), data...)
			return nil
		},
	}
}

// forget makes it a kernel that was given no key.
func (f *fakeKernel) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.infos, f.given = nil, nil
}

// records encrypts as the kernel would with what SetTransmitKey was given last.
type records struct {
	aead cipher.AEAD
	iv   []byte
	next uint64
}

func newRecords(t *testing.T, info []byte) *records {
	t.Helper()
	if v := binary.NativeEndian.Uint16(info); v != 0x0304 {
		t.Fatalf("version %#x", v)
	}
	keySize := map[uint16]int{51: 16, 52: 32}[binary.NativeEndian.Uint16(info[2:])]
	if len(info) != 4+8+keySize+4+8 {
		t.Fatalf("%d bytes of key for cipher %d", len(info), binary.NativeEndian.Uint16(info[2:]))
	}
	iv, key, salt := info[4:12], info[12:12+keySize], info[12+keySize:16+keySize]
	return &records{
		aead: gcm(t, key),
		iv:   append(append([]byte(nil), salt...), iv...),
		next: binary.BigEndian.Uint64(info[len(info)-8:]),
	}
}

func gcm(t *testing.T, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

func (r *records) nonce() []byte {
	nonce := append([]byte(nil), r.iv...)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^r.next)
	r.next++
	return nonce
}

// seal returns one record with content of the type (RFC 8446, 5.2).
func (r *records) seal(recordType byte, content []byte) []byte {
	inner := append(append([]byte(nil), content...), recordType)
	header := []byte{23, 3, 3}
	header = binary.BigEndian.AppendUint16(header, uint16(len(inner)+r.aead.Overhead()))
	return r.aead.Seal(header, r.nonce(), inner, header)
}

// open returns type and content of the record that comes next on the wire.
func (r *records) open(t *testing.T, wire io.Reader) (byte, []byte) {
	t.Helper()
	header := make([]byte, 5)
	if _, err := io.ReadFull(wire, header); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(header[3:]))
	if _, err := io.ReadFull(wire, body); err != nil {
		t.Fatal(err)
	}
	inner, err := r.aead.Open(nil, r.nonce(), body, header)
	if err != nil {
		t.Fatalf("record %d: %v", r.next-1, err)
	}
	return inner[len(inner)-1], inner[:len(inner)-1]
}

// newConfig returns a configuration for both ends, with a certificate. Nothing
// in it makes things easy for this package.
func newConfig(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Certificates:       []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		ClientAuth:         tls.RequireAnyClientCert,
		InsecureSkipVerify: true,
		ClientSessionCache: tls.NewLRUClientSessionCache(1), // asks for tickets, which would be record 0
	}
}

// newPair is pair for tests.
func newPair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	near, far, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// roles names who is the client.
var roles = []string{"sender is client", "sender is server"}

// shake runs the handshake of two ends over sockets that reach each other.
func shake(t *testing.T, role string, sendTCP, recvTCP *net.TCPConn) (sender, receiver *Handshake) {
	t.Helper()
	config := newConfig(t)
	if role == roles[0] {
		sender, receiver = Client(sendTCP, config), Server(recvTCP, config)
	} else {
		sender, receiver = Server(sendTCP, config), Client(recvTCP, config)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	failed := make(chan error, 1)
	go func() { failed <- receiver.HandshakeContext(ctx) }()
	if err := sender.HandshakeContext(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	return sender, receiver
}
