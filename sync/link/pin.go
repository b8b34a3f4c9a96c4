package link

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"time"
)

// Pin is the SHA-256 of a public key in its DER form (SubjectPublicKeyInfo,
// RFC 5280). Whoever shows a certificate with that key in a TLS 1.3 handshake
// has proved to hold the private one, so nothing else of a certificate counts.
type Pin [sha256.Size]byte

const pinPrefix = "sha256:"

// String returns the pin as it stands in files: "sha256:" and hexadecimal.
func (p Pin) String() string { return pinPrefix + hex.EncodeToString(p[:]) }

// ParsePin reads what String writes, and nothing else.
func ParsePin(s string) (Pin, error) {
	var p Pin
	digits, ok := strings.CutPrefix(s, pinPrefix)
	if !ok || len(digits) != 2*len(p) || digits != strings.ToLower(digits) {
		return p, errors.New("not a fingerprint of the form sha256: and 64 hexadecimal digits")
	}
	if _, err := hex.Decode(p[:], []byte(digits)); err != nil {
		return Pin{}, errors.New("not a fingerprint of the form sha256: and 64 hexadecimal digits")
	}
	return p, nil
}

// equal compares in constant time.
func (p Pin) equal(q Pin) bool { return subtle.ConstantTimeCompare(p[:], q[:]) == 1 }

// among reports whether p is one of list, in the same time whichever it is.
func among(p Pin, list []Pin) bool {
	found := false
	for _, q := range list {
		found = p.equal(q) || found
	}
	return found
}

// identity is a key that an end shows.
type identity struct {
	cert tls.Certificate
	pin  Pin
}

// newIdentity makes a P-256 key that lives as long as the process.
func newIdentity() (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return identify(key)
}

// identify wraps a key in a certificate signed by itself, which is what TLS
// wants to carry it in.
func identify(key crypto.Signer) (*identity, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "zccp"},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // none, RFC 5280 4.1.2.5
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &identity{
		cert: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		pin:  sha256.Sum256(leaf.RawSubjectPublicKeyInfo),
	}, nil
}

// Protocols of the TLS handshake (ALPN): what a connection is for.
const (
	protoControl = "zccp/1"
	protoData    = "zccp-data/1"
)

// errStranger is that of a handshake with somebody else than expected.
type errStranger struct {
	pin   Pin
	known bool // another one was known
}

func (e *errStranger) Error() string { return "the far end's key is " + e.pin.String() }

// config returns the TLS configuration of both ends: 1.3 only, both show a key,
// and accept decides on the peer's. There are no tickets, because a resumed
// session would show no key, and because nothing may follow the handshake on
// the wire for kernel TLS to begin at record 0.
func (id *identity) config(accept func(Pin) bool, protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{id.cert},
		ClientAuth:             tls.RequireAnyClientCert,
		InsecureSkipVerify:     true, // there is no authority: VerifyConnection compares pins
		SessionTicketsDisabled: true,
		NextProtos:             protocols,
		// The kernel's records are full ones, so are these.
		DynamicRecordSizingDisabled: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			if len(cs.PeerCertificates) == 0 || cs.NegotiatedProtocol == "" {
				return errors.New("no key or no protocol of zccp")
			}
			if pin := peerPin(cs); !accept(pin) {
				return &errStranger{pin: pin}
			}
			return nil
		},
	}
}

// peerPin returns the pin of the key that the far end showed.
func peerPin(cs tls.ConnectionState) Pin {
	return sha256.Sum256(cs.PeerCertificates[0].RawSubjectPublicKeyInfo)
}
