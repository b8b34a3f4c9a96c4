package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/zccp/zccp/sync/wire"
)

// Limits of a daemon that peers could use up before they have shown a key: all
// connections, and those from one address.
const (
	maxStrangers           = 64
	maxStrangersPerAddress = 16
)

// Daemon lets clients with known keys in, each on a control connection of its
// own, with data streams on further connections to the same port.
type Daemon struct {
	// Log is told in one line what happens; it may be called from several
	// goroutines at once. Set it before Serve.
	Log func(string)

	opts  Options
	cfg   *Config
	ln    *net.TCPListener
	note  string // of its confinement
	in    *entrance
	serve func(context.Context, *Link, *Export)
	ctx   context.Context
	wait  sync.WaitGroup

	mu       sync.Mutex
	doors    map[[16]byte]*door
	sessions int
	perKey   map[Pin]int // of these
	ended    bool
}

// Listen takes what systemd hands over (sd_listen_fds(3)), or opens the port
// that cfg names; then it becomes the user that cfg names and gives up what it
// does not need, for the whole process and for good. It needs a key, at least
// one export and a client for each.
func Listen(ctx context.Context, opts Options, cfg *Config) (*Daemon, error) {
	if cfg.Key == "" || len(cfg.Exports) == 0 {
		return nil, &Error{Code: CodeUsage, Text: "a daemon needs a key and an export"}
	}
	for _, e := range cfg.Exports {
		if len(e.Allow) == 0 {
			return nil, &Error{Code: CodeUsage, Text: "nobody may use the export " + e.Name}
		}
	}
	opts.Security = TLS // what a client asks for; here the export's Plain counts
	if err := opts.prepare(); err != nil {
		return nil, err
	}
	key, err := loadKey(cfg.Key)
	if err != nil {
		return nil, fail(CodeUsage, err, "cannot use the daemon's key")
	}
	id, err := identify(key)
	if err != nil {
		return nil, fail(CodeUsage, err, "cannot use the daemon's key")
	}
	d := &Daemon{opts: opts, cfg: cfg, doors: make(map[[16]byte]*door), perKey: make(map[Pin]int), Log: func(string) {}}
	d.in = &entrance{
		opts: &d.opts, id: id, gate: &gate{limit: maxStrangers, perAddress: maxStrangersPerAddress},
		known: d.knows, find: d.door, control: d.control, protocols: []string{protoControl, protoData},
	}
	if d.ln, err = inherited(); err == nil && d.ln == nil {
		var at netip.AddrPort
		if at, err = listenAddress(cfg.Listen); err == nil {
			host := ""
			if at.Addr().IsValid() {
				host = at.Addr().String()
			}
			d.ln, err = listenTCP(ctx, host, PortRange{at.Port(), at.Port()})
		}
	}
	if err != nil {
		return nil, fail(CodeSocket, err, "cannot listen on %s", cfg.Listen)
	}
	if cfg.User != "" {
		err = Become(cfg.User)
	}
	if err == nil {
		d.note, err = confine(cfg.Confine, cfg.Exports, false)
	}
	if err != nil {
		d.ln.Close()
		return nil, fail(CodeStart, err, "cannot serve safely")
	}
	return d, nil
}

// Addr is where clients connect to.
func (d *Daemon) Addr() net.Addr { return d.ln.Addr() }

// Serve lets clients in until ctx ends, and calls handle for each in a goroutine
// of its own, with a context that ends with the connection or with ctx. The
// Link is closed when handle returns. A panic in handle ends its connection
// only. Serve returns after all of them, with nil if ctx has ended.
func (d *Daemon) Serve(ctx context.Context, handle func(context.Context, *Link, *Export)) error {
	ctx, cancel := context.WithCancel(ctx)
	d.ctx, d.serve = ctx, handle
	defer d.end()
	defer cancel()
	unhook := context.AfterFunc(ctx, func() { d.ln.Close() })
	defer unhook()
	if d.note != "" {
		d.Log(d.note)
	}
	err := d.in.serve(ctx, d.ln)
	if ctx.Err() != nil {
		return nil
	}
	return fail(CodeSocket, err, "cannot accept connections")
}

// end lets no session begin any more and waits for those there are.
func (d *Daemon) end() {
	d.mu.Lock()
	d.ended = true
	d.mu.Unlock()
	d.wait.Wait()
}

// knows reports whether any export may be used with a key.
func (d *Daemon) knows(client Pin) bool {
	found := false
	for _, e := range d.cfg.Exports {
		found = e.allows(client) || found
	}
	return found
}

func (d *Daemon) door(session [16]byte) *door {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.doors[session]
}

// enter counts a session, unless there are too many, of all clients or of those
// with this key: one of them can hold as many as it likes for as long as it
// pretends to be at work.
func (d *Daemon) enter(client Pin) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended || d.sessions >= max(d.cfg.MaxSessions, 1) {
		return &Error{Code: CodeConnect, Text: "the daemon has as many sessions as it may have", Hint: "try again later"}
	}
	if d.cfg.PerKey > 0 && d.perKey[client] >= d.cfg.PerKey {
		return &Error{Code: CodeConnect, Text: "the daemon has as many sessions as it may have with this key", Hint: "try again when one of them has ended"}
	}
	d.sessions++
	d.perKey[client]++
	d.wait.Add(1)
	return nil
}

func (d *Daemon) leave(client Pin) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions--
	if d.perKey[client]--; d.perKey[client] == 0 {
		delete(d.perKey, client)
	}
	d.wait.Done()
}

// control sees a connection with a known key through its session.
func (d *Daemon) control(raw *net.TCPConn, until time.Time, s *secured) {
	client := peerPin(s.state)
	peer := fmt.Sprintf("%s (%s)", raw.RemoteAddr(), client)
	defer raw.Close()
	defer func() {
		if r := recover(); r != nil {
			d.Log(fmt.Sprintf("%s: defect: %v\n%s", peer, r, debug.Stack()))
		}
	}()
	busy := d.enter(client)
	if busy == nil {
		defer d.leave(client)
	}
	l := newLink(false, peer, "the control connection", d.opts.idle())
	l.Patience, l.MaxNames = d.cfg.Idle, d.cfg.MaxNames
	session, err := s.sessionOf()
	if err != nil {
		d.Log(peer + ": " + err.Error())
		return
	}
	ch := &channel{r: s.conn, w: s.conn, until: until, session: session}
	l.Control = ch
	l.onClose(raw.Close)
	defer l.Close()

	opts := d.opts
	var export *Export
	t, err := greetClient(ch, &opts, d.in.id, hosting{
		offer: func(ours, theirs *wire.Hello, streams int, _ PortRange) (int, error) {
			if busy != nil {
				return 0, busy
			}
			if export = d.export(exportAsked(theirs), client); export == nil {
				return 0, &Error{Code: CodeUsage, Text: "there is no such export for this key"}
			}
			ours.Plain = export.Plain
			if streams = min(streams, export.MaxStreams); streams > 0 {
				ours.Ports = []uint16{uint16(raw.LocalAddr().(*net.TCPAddr).Port)}
			}
			return streams, nil
		},
		agreed: func(t *terms) {
			l.settle(t)
			if t.streams == 0 {
				l.end()
				return
			}
			door := newDoor(l, t.cred, client, t.streams)
			open := func() error {
				l.guard(door, func() { d.forget(t.cred.session) })
				d.mu.Lock()
				d.doors[t.cred.session] = door
				d.mu.Unlock()
				return nil
			}
			l.renewBy(door, open)
			open()
		},
	})
	if err != nil {
		d.Log(peer + ": " + printable(err.Error(), maxPeerText))
		var told *Error
		if t.agreed.Version != 0 && errors.As(err, &told) {
			refuse(s.conn, told)
		}
		drain(s.conn)
		return
	}
	raw.SetDeadline(time.Time{})
	ch.link = l
	d.Log(peer + ": uses " + export.Name)
	ctx, cancel := context.WithCancel(d.ctx)
	defer cancel()
	l.onClose(func() error { cancel(); return nil })
	d.serve(ctx, l, export)
}

// export returns the export that a client asks for, nil if there is none that
// it may use.
func (d *Daemon) export(name string, client Pin) *Export {
	for _, e := range d.cfg.Exports {
		if e.Name == name && e.allows(client) {
			return e
		}
	}
	return nil
}

func (d *Daemon) forget(session [16]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.doors, session)
}

// refuse answers whatever a client asks for.
func refuse(conn net.Conn, why *Error) {
	conn.SetDeadline(time.Now().Add(time.Second))
	if text, err := wire.Append(nil, &wire.Fatal{Code: uint8(why.Code), Text: why.Text, Hint: why.Hint}); err == nil {
		conn.Write(text)
	}
}

// drain reads for a moment what the client has sent, because closing before would
// take back what it was answered.
func drain(conn net.Conn) {
	conn.SetDeadline(time.Now().Add(time.Second))
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
	io.Copy(io.Discard, io.LimitReader(conn, 1<<20))
}

// inherited returns the listener that systemd has opened, nil for none.
func inherited() (*net.TCPListener, error) {
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	if pid != strconv.Itoa(os.Getpid()) || count == "" {
		return nil, nil
	}
	os.Unsetenv("LISTEN_PID")
	os.Unsetenv("LISTEN_FDS")
	os.Unsetenv("LISTEN_FDNAMES")
	if count != "1" {
		return nil, fmt.Errorf("systemd hands over %s sockets instead of one", printable(count, 16))
	}
	f := os.NewFile(3, "socket") // SD_LISTEN_FDS_START
	defer f.Close()
	ln, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		ln.Close()
		return nil, errors.New("systemd's socket does not listen for TCP")
	}
	return tcp, nil
}

// listenAddress reads an address to listen on: a port after a colon, with an
// IP address before it or none.
func listenAddress(s string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return netip.AddrPort{}, errors.New("an address like :7453 or 192.0.2.1:7453 is wanted")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, errors.New("the port is a number up to 65535")
	}
	var a netip.Addr
	if host != "" {
		if a, err = netip.ParseAddr(host); err != nil {
			return netip.AddrPort{}, errors.New("names can't be listened on, only addresses")
		}
	}
	return netip.AddrPortFrom(a, uint16(n)), nil
}
