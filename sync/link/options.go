package link

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/ktls"
)

// Security is how the bytes of a data stream are protected.
type Security uint8

// The ways. KTLS is TLS whose sending half the kernel encrypts; the wire is
// the same. Plain streams are authenticated when they open and can be read by
// everybody on the way; what arrives has to be checked against sums that came
// over the control channel.
const (
	TLS Security = iota
	KTLS
	Plain
)

func (s Security) String() string {
	return [...]string{"tls", "ktls", "plain"}[s]
}

// ParseSecurity reads the value of --security.
func ParseSecurity(s string) (Security, error) {
	switch s {
	case "tls":
		return TLS, nil
	case "plain":
		return Plain, nil
	}
	return TLS, fmt.Errorf("%q is not tls or plain", s)
}

// Path is the way that file contents take.
type Path uint8

// The ways. Auto: directly by TCP where that can be had, else through ssh.
const (
	Auto Path = iota
	Direct
	SSH
)

func (p Path) String() string {
	return [...]string{"auto", "direct", "ssh"}[p]
}

// ParsePath reads the value of --path.
func ParsePath(s string) (Path, error) {
	for p := Auto; p <= SSH; p++ {
		if s == p.String() {
			return p, nil
		}
	}
	return Auto, fmt.Errorf("%q is not auto, direct or ssh", s)
}

// PortRange is a range of TCP ports, both ends included. The zero value stands
// for any port.
type PortRange struct{ Low, High uint16 }

// ParsePortRange reads the value of --data-ports: "A-B" or one port.
func ParsePortRange(s string) (PortRange, error) {
	low, high, ranged := strings.Cut(s, "-")
	if !ranged {
		high = low
	}
	a, err := strconv.ParseUint(low, 10, 16)
	b, err2 := strconv.ParseUint(high, 10, 16)
	if err != nil || err2 != nil || a == 0 || a > b {
		return PortRange{}, fmt.Errorf("%q is not a range of ports such as 50000-50010", s)
	}
	return PortRange{uint16(a), uint16(b)}, nil
}

// Options are the local choices; the far end can change none of them. The zero
// value is a good one.
type Options struct {
	Shell      []string // words of the ssh command; nil for DefaultShell
	RemoteZCCP string   // the far end's zccp; "" for zccp on its PATH
	Path       Path
	Security   Security // that a client asks for: TLS or Plain
	AllowPlain bool     // a server lets clients have Plain
	KTLS       ktls.Mode
	DataPorts  PortRange // that a client asks the far end to listen on
	Streams    int       // a client opens so many, a server allows at most so many; 0 for 2 and 16
	Program    string    // version of the program, for messages of the far end
	Features   []string  // what this end can do beyond the protocol's version

	// First is what a client has to say first on Control. It goes out with the
	// Hello, which saves a round trip, unless it is long: Link.Begun tells.
	First []byte

	KeyFile    string // of a client of a daemon; "" for DefaultKeyFile
	KnownHosts string // daemons and their keys; "" for DefaultKnownHosts

	// Stderr gets what ssh and the far end's zccp print on standard error. What
	// ssh prints in the instant before it fails becomes part of the error
	// instead. nil drops it.
	Stderr io.Writer
	// Idle is how long the control channel may be silent before reading from it
	// fails; 0 for 60 s, negative for ever.
	Idle time.Duration

	kernel *ktls.Kernel // nil if nothing is to be tried
}

// DefaultShell is the ssh command if none is given: no terminal, no X11, no
// agent, and none of the forwardings of ssh's configuration, which would be in
// the way of a second session.
const DefaultShell = "ssh -T -x -a -oClearAllForwardings=yes"

// The time-outs and limits. None of them can be changed by a peer.
const (
	handshakeTime = 10 * time.Second // from the first byte to the end of the Hellos, and for a stream to open
	connectTime   = 1500 * time.Millisecond
	doorTime      = 30 * time.Second // data streams are let in for so long
	userTimeout   = 60 * time.Second // for sent bytes to be acknowledged
	streamTimeout = 5 * time.Minute  // the same, on data streams
	defaultIdle   = 60 * time.Second

	// maxFirst is what goes out with a Hello: on a slow line more could take longer
	// than handshakeTime.
	maxFirst = 16 << 10

	defaultStreams = 2
	maxStreams     = 16 // that one session may have
	maxOpening     = 32 // connections to a session's port that have not authenticated
	maxAddresses   = 4
)

// prepare completes the choices of a session, and refuses those that can't be
// had before anything is connected.
func (o *Options) prepare() error {
	if o.Security == Plain {
		if o.KTLS == ktls.Require {
			return &Error{Code: CodeUsage, Text: "plain streams are not encrypted, by the kernel or otherwise: --ktls=require contradicts --security=plain"}
		}
		return nil
	}
	if o.kernel == nil && o.KTLS != ktls.Off {
		o.kernel = ktls.New(platform.NativeTLS())
	}
	if o.kernel != nil {
		if err := o.kernel.Demand(o.KTLS); err != nil {
			return &Error{Code: CodeStart, Text: err.Error(), Err: err, Hint: "--ktls=auto sends without the kernel's help where it has none"}
		}
	}
	return nil
}

func (o *Options) idle() time.Duration {
	switch {
	case o.Idle == 0:
		return defaultIdle
	case o.Idle < 0:
		return 0
	}
	return o.Idle
}

// asked is how many streams a client opens, allowed how many a server lets in.
func (o *Options) asked() int {
	if o.Streams <= 0 {
		return defaultStreams
	}
	return min(o.Streams, maxStreams)
}

func (o *Options) allowed() int {
	if o.Streams <= 0 {
		return maxStreams
	}
	return min(o.Streams, maxStreams)
}
