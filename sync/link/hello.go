package link

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zccp/zccp/sync/wire"
)

// What a client asks of the link, in its Hello. Features: askStreams with the
// number of data streams that it would like; the server's Hello has how many it
// lets in. Ports: the range that the server may listen on, as two. Addrs:
// askExport with the name of a daemon's export.
const (
	askStreams = "link:streams="
	askExport  = "export="
)

// channel is what the Hellos go over: a control channel whose ends can be given
// a deadline. Nothing is read beyond a Hello.
type channel struct {
	r    io.Reader
	w    io.WriteCloser
	link *Link
	// session is known beforehand where both ends take it from a TLS connection.
	// Then the client need not wait for the greeting, which saves a round trip.
	session [16]byte
	until   time.Time    // end of the handshake; zero for handshakeTime after it begins
	lost    func() error // why the channel ended, if more is known than io.EOF
}

type deadliner interface{ SetReadDeadline(time.Time) error }

// setDeadline bounds reading, where it can be: on what is neither a pipe nor a
// socket nothing waits.
func (c *channel) setDeadline(t time.Time) {
	if d, ok := c.r.(deadliner); ok {
		d.SetReadDeadline(t)
	}
}

// begin bounds the handshake.
func (c *channel) begin() {
	if c.until.IsZero() {
		c.until = time.Now().Add(handshakeTime)
	}
	c.setDeadline(c.until)
}

func (c *channel) Read(b []byte) (int, error) {
	idle := time.Duration(0)
	if c.link != nil {
		idle = time.Duration(c.link.idle.Load())
	}
	if idle > 0 {
		c.setDeadline(time.Now().Add(idle))
	} else if c.link != nil {
		c.setDeadline(time.Time{})
	}
	n, err := c.r.Read(b)
	switch {
	case err == nil || c.link == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = &Error{Code: CodeTimeout, Text: fmt.Sprintf("nothing came from %s for %v", c.link.Peer, idle), Err: err}
	case err == io.EOF && c.lost != nil:
		if why := c.lost(); why != nil {
			err = why
		}
	}
	return n, err
}

func (c *channel) Write(b []byte) (int, error) { return c.w.Write(b) }

func (c *channel) Close() error { return c.link.Close() }

// terms are what both ends agreed on.
type terms struct {
	agreed  wire.Agreed
	cred    credential
	seed    uint64
	theirs  *wire.Hello
	noise   []byte
	streams int  // that there will be at most
	begun   bool // Options.First went out
}

// helloBase is what the Hellos of both ends have.
func (o *Options) helloBase(id *identity) *wire.Hello {
	return &wire.Hello{MinVersion: wire.MinVersion, MaxVersion: wire.MaxVersion, Pin: id.pin, Features: slices.Clone(o.Features), Program: o.Program}
}

// sessionOf returns the identifier that a control connection's TLS gives its
// session. No other connection has it.
func (s *secured) sessionOf() (session [16]byte, err error) {
	b, err := s.state.ExportKeyingMaterial("EXPORTER-zccp-session", nil, len(session))
	copy(session[:], b)
	return session, err
}

// greetServer is the client's part: wait for the greeting, say Hello, hear
// Hello. There is time for ever until the first byte, since ssh may ask for a
// password, and handshakeTime from then on. The noise is there on errors too.
func greetServer(c *channel, o *Options, id *identity, direct bool, export string) (*terms, error) {
	t := &terms{}
	ours := o.helloBase(id)
	ours.Client, ours.Plain = true, o.Security == Plain
	if direct {
		rand.Read(ours.Token[:])
		ours.Features = append(ours.Features, askStreams+strconv.Itoa(o.asked()))
		if o.DataPorts != (PortRange{}) {
			ours.Ports = []uint16{o.DataPorts.Low, o.DataPorts.High}
		}
	}
	if export != "" {
		ours.Addrs = []string{askExport + export}
	}
	var said []byte
	say := func() (err error) {
		ours.Session = c.session
		if said, err = ours.Append(nil); err == nil {
			all := said
			if t.begun = len(o.First) > 0 && len(o.First) <= maxFirst; t.begun {
				all = slices.Concat(said, o.First)
			}
			_, err = c.Write(all)
		}
		return err
	}
	early := c.session != [16]byte{}
	if early {
		if err := say(); err != nil {
			return t, err
		}
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(c, first); err != nil {
		return t, err
	}
	c.begin()
	session, noise, err := wire.ReadGreeting(io.MultiReader(strings.NewReader(string(first)), c))
	if t.noise = noise; err != nil {
		return t, err
	}
	if !early {
		c.session = session
		if err := say(); err != nil {
			return t, err
		}
	} else if session != c.session {
		return t, errors.New("the greeting is of another session")
	}
	theirs, heard, err := wire.ReadHello(c)
	if err != nil {
		return t, err
	}
	t.theirs, t.seed = theirs, theirs.Seed
	if t.agreed, err = wire.Choose(ours, theirs); err != nil {
		if bad, ok := errors.AsType[*wire.Violation](err); ok && bad.Version {
			err = &Error{Code: CodeStart, Text: err.Error(), Hint: "both ends should have the same version of zccp", Err: err}
		}
		return t, err
	}
	if ours.Plain && !t.agreed.Plain {
		return t, &Error{Code: CodeRefused, Text: "the far end does not allow --security=plain", Hint: "leave it out: the default encrypts"}
	}
	if t.streams, err = streamsAsked(theirs); err != nil {
		return t, err
	}
	t.streams = min(t.streams, o.asked())
	t.cred = credential{session: c.session, token: ours.Token, transcript: wire.Transcript(said, heard)}
	return t, nil
}

// hosting is what a server does between the Hellos.
type hosting struct {
	// offer fills in where so many streams can be opened, on such ports. It
	// returns how many there may be, and its error ends the session once the
	// Hellos have been said.
	offer func(ours, theirs *wire.Hello, streams int, ports PortRange) (int, error)
	// agreed is called before the client learns that it may open streams.
	agreed func(t *terms)
}

// greetClient is the server's part.
func greetClient(c *channel, o *Options, id *identity, h hosting) (*terms, error) {
	c.begin()
	t := &terms{}
	ours := o.helloBase(id)
	if c.session == [16]byte{} {
		rand.Read(c.session[:])
	}
	ours.Session = c.session
	var seed [8]byte
	rand.Read(seed[:])
	ours.Seed = binary.LittleEndian.Uint64(seed[:])
	ours.Plain = o.AllowPlain
	if _, err := c.Write(wire.AppendGreeting(nil, ours.Session)); err != nil {
		return t, err
	}
	theirs, heard, err := wire.ReadHello(c)
	if err != nil {
		return t, err
	}
	t.theirs, t.seed = theirs, ours.Seed
	streams, ports, err := wishes(theirs)
	if err != nil {
		return t, err
	}
	var refused error
	if theirs.MinVersion <= ours.MaxVersion {
		t.streams, refused = h.offer(ours, theirs, min(streams, o.allowed()), ports)
	}
	if t.streams > 0 {
		ours.Features = append(ours.Features, askStreams+strconv.Itoa(t.streams))
	}
	said, err := ours.Append(nil)
	if err != nil {
		return t, err
	}
	agreed, err := wire.Choose(ours, theirs)
	if err == nil {
		t.agreed = agreed
		t.cred = credential{session: ours.Session, token: theirs.Token, transcript: wire.Transcript(heard, said)}
		if refused == nil {
			h.agreed(t)
		}
	}
	// A client that can't be served has to learn why.
	if _, werr := c.Write(said); err == nil {
		err = werr
	}
	if err == nil {
		err = refused
	}
	return t, err
}

// streamsAsked reads how many streams a Hello tells; 0 if it tells none.
func streamsAsked(h *wire.Hello) (n int, err error) {
	for _, f := range h.Features {
		if digits, ok := strings.CutPrefix(f, askStreams); ok {
			if n, err = strconv.Atoi(digits); err != nil || n < 1 || n > maxStreams {
				return 0, errors.New("the far end tells an invalid number of streams")
			}
		}
	}
	return n, nil
}

// wishes reads what a client's Hello asks of the link. No streams: 0.
func wishes(h *wire.Hello) (streams int, ports PortRange, err error) {
	if streams, err = streamsAsked(h); err != nil {
		return 0, ports, err
	}
	if h.Token == [32]byte{} {
		streams = 0
	}
	switch len(h.Ports) {
	case 0:
	case 2:
		ports = PortRange{h.Ports[0], h.Ports[1]}
		if ports.Low == 0 || ports.Low > ports.High {
			return 0, ports, errors.New("the client asks for an invalid range of ports")
		}
	default:
		return 0, ports, errors.New("the client asks for an invalid range of ports")
	}
	return streams, ports, nil
}

// exportAsked returns the export that a client's Hello names, or "".
func exportAsked(h *wire.Hello) string {
	for _, a := range h.Addrs {
		if name, ok := strings.CutPrefix(a, askExport); ok {
			return name
		}
	}
	return ""
}

// settle makes what was agreed a link's.
func (l *Link) settle(t *terms) {
	l.Session, l.Seed, l.Version, l.first = t.cred.session, t.seed, t.agreed.Version, t.streams
	l.Begun = t.begun
	for _, f := range t.agreed.Features {
		if !strings.HasPrefix(f, "link:") {
			l.Features = append(l.Features, f)
		}
	}
	if t.agreed.Plain {
		l.Security = Plain
	}
}

// watch makes a handshake end with ctx: stop is called if that comes first.
// The returned function ends the watching and reports whether it was stopped.
func watch(ctx context.Context, stop func()) (end func() bool) {
	unhook := context.AfterFunc(ctx, stop)
	return func() bool { return !unhook() }
}
