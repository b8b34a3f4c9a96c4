package link

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
)

// credential is what both ends of a session share and a data stream proves to
// know. The token crosses the control channel once and never a stream.
type credential struct {
	session    [16]byte
	token      [32]byte
	transcript [32]byte // SHA-256 of both Hellos as they were sent
}

// opening is what a client begins a stream with:
//
//	8 bytes  "ZCCPDATA"
//	16       session
//	4        number of the stream, little endian
//	32       client's nonce
//
// On a plain connection the server answers with a nonce of 32 bytes, the client with
// its proof of 32 bytes, and the server, once it has let the stream in, with its own.
// Over TLS the proof follows at once: the exporter it covers is of this handshake
// only, to which both ends have given random bytes, so that a nonce would add a round
// trip and nothing else.
type opening struct {
	session [16]byte
	number  uint32
	nonce   [32]byte
}

const (
	openingMagic = "ZCCPDATA"
	openingSize  = 8 + 16 + 4 + 32
)

var errNoStream = errors.New("this is no data stream of zccp")

func (p *opening) bytes() []byte {
	b := append(make([]byte, 0, openingSize), openingMagic...)
	b = append(b, p.session[:]...)
	b = binary.LittleEndian.AppendUint32(b, p.number)
	return append(b, p.nonce[:]...)
}

func readOpening(r io.Reader) (*opening, error) {
	var b [openingSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return nil, err
	}
	if string(b[:8]) != openingMagic {
		return nil, errNoStream
	}
	p := &opening{number: binary.LittleEndian.Uint32(b[24:])}
	copy(p.session[:], b[8:])
	copy(p.nonce[:], b[28:])
	return p, nil
}

// prove computes what role ("client" or "server") shows for a stream; nonce is of zero
// bytes over TLS, and exporter on a plain connection. It covers
// the Hellos, so that a stream between ends that did not see the same ones does
// not open, and the TLS connection, so that no proof is good on another one.
func (c *credential) prove(role string, p *opening, nonce, exporter []byte) []byte {
	m := hmac.New(sha256.New, c.token[:])
	io.WriteString(m, "zccp/1 data stream, "+role+"\x00")
	m.Write(c.transcript[:])
	m.Write(p.bytes())
	m.Write(nonce)
	m.Write(exporter)
	return m.Sum(nil)
}

// open makes a connection the stream number of the session, as the client.
func (c *credential) open(s *secured, number uint32) error {
	conn := s.conn
	p := &opening{session: c.session, number: number}
	rand.Read(p.nonce[:])
	exporter, err := s.exporter()
	if err != nil {
		return err
	}
	said := p.bytes()
	var nonce, proof [32]byte
	if s.security == Plain {
		if _, err := conn.Write(said); err != nil {
			return err
		}
		if _, err := io.ReadFull(conn, nonce[:]); err != nil {
			return err
		}
		said = nil
	}
	if _, err := conn.Write(append(said, c.prove("client", p, nonce[:], exporter)...)); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, proof[:]); err != nil {
		return err
	}
	if !hmac.Equal(proof[:], c.prove("server", p, nonce[:], exporter)) {
		return errors.New("the far end does not know the session's token")
	}
	return nil
}

// check is the server's part up to the client's proof. The answer that lets the
// stream in is returned for the caller to send.
func (c *credential) check(s *secured, p *opening) (answer []byte, err error) {
	conn := s.conn
	exporter, err := s.exporter()
	if err != nil {
		return nil, err
	}
	var nonce, proof [32]byte
	if s.security == Plain {
		rand.Read(nonce[:])
		if _, err := conn.Write(nonce[:]); err != nil {
			return nil, err
		}
	}
	if _, err := io.ReadFull(conn, proof[:]); err != nil {
		return nil, err
	}
	if !hmac.Equal(proof[:], c.prove("client", p, nonce[:], exporter)) {
		return nil, errors.New("the stream's proof is wrong")
	}
	return c.prove("server", p, nonce[:], exporter), nil
}
