package link

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"time"
)

// DialDaemon connects to the daemon that a zccp URL names, shows the client's
// key and asks for the export. The daemon has to have a key that the URL or the
// file of known hosts tells. Data streams are opened as DialSSH does it, to the
// same port; with opts.Path SSH there are none. All errors are *Error. That there
// is no such export for the key is the daemon's first answer on Control.
func DialDaemon(ctx context.Context, opts Options, url string) (*Link, error) {
	target, err := ParseURL(url)
	if err != nil {
		return nil, fail(CodeUsage, err, "%s", printable(url, 200))
	}
	if err := opts.prepare(); err != nil {
		return nil, err
	}
	id, err := opts.clientKey()
	if err != nil {
		return nil, err
	}
	pins, err := opts.trusted(target)
	if err != nil {
		return nil, err
	}
	address := target.Address()
	raw, err := dialTCP(ctx, address, handshakeTime)
	if err != nil {
		code := CodeSocket
		if isTimeout(err) {
			code = CodeConnect
		}
		return nil, &Error{Code: code, Text: "cannot connect to " + address + ": " + reason(err), Err: err, Hint: "is zccp serve --listen running there, and its port open?"}
	}
	until := time.Now().Add(handshakeTime)
	raw.SetDeadline(until)
	unwatch := watch(ctx, func() { raw.Close() })
	l, t, err := opts.enterDaemon(ctx, raw, until, id, pins, target)
	if unwatch() || err != nil {
		raw.Close()
		if ctx.Err() != nil {
			return nil, &Error{Code: CodeSignal, Text: "connecting to " + address + " was given up", Err: context.Cause(ctx)}
		}
		return nil, explainDaemon(err, address, id)
	}
	raw.SetDeadline(time.Time{})
	if t.streams == 0 || len(t.theirs.Ports) == 0 {
		// None were asked for, or it has refused and says why on Control.
		l.end()
		return l, nil
	}
	return l.connect(ctx, &opts, id, t, func() []string { return []string{raw.RemoteAddr().String()} })
}

// enterDaemon makes the handshake and says Hello.
func (o *Options) enterDaemon(ctx context.Context, raw *net.TCPConn, until time.Time, id *identity, trusted []Pin, target *Target) (*Link, *terms, error) {
	s, err := o.secure(ctx, raw, id.config(func(p Pin) bool { return among(p, trusted) }, protoControl), true)
	if err != nil {
		var stranger *errStranger
		if errors.As(err, &stranger) {
			stranger.known = len(trusted) > 0
		}
		return nil, nil, err
	}
	session, err := s.sessionOf()
	if err != nil {
		return nil, nil, err
	}
	l := newLink(true, target.Address(), "the control connection", o.idle())
	l.onClose(raw.Close)
	ch := &channel{r: s.conn, w: s.conn, until: until, session: session}
	l.Control = ch
	t, err := greetServer(ch, o, id, o.Path != SSH, target.Export)
	if err != nil {
		return nil, nil, err
	}
	t.theirs.Pin = peerPin(s.state)
	l.settle(t)
	ch.link = l
	return l, t, nil
}

// explainDaemon says why a daemon was not entered.
func explainDaemon(err error, address string, id *identity) *Error {
	var already *Error
	var stranger *errStranger
	var remote *net.OpError
	switch {
	case errors.As(err, &already):
		return already
	case errors.As(err, &stranger):
		if stranger.known {
			return &Error{Code: CodeRefused, Err: err, Text: "the key of " + address + " is not the one that is known, but " + stranger.pin.String(),
				Hint: "somebody may be in between; if the daemon has a new key, put its line in place of the old one"}
		}
		return &Error{Code: CodeRefused, Err: err, Text: "the key of " + address + " is not known: " + stranger.pin.String(),
			Hint: "compare it with what the daemon's host says its key is; then add the line \"" + stranger.pin.String() + " " + address + "\" to the known hosts, or ?pin=" + stranger.pin.String() + " to the URL"}
	case errors.As(err, &remote) && remote.Op == "remote error": // a TLS alert
		return &Error{Code: CodeRefused, Err: err, Text: "the daemon at " + address + " does not let this key in: " + id.pin.String(),
			Hint: "it has to be among the daemon's clients"}
	case isTimeout(err):
		return &Error{Code: CodeConnect, Err: err, Text: "the daemon at " + address + " did not answer within " + handshakeTime.String()}
	}
	return fail(CodeProtocol, err, "no session with the daemon at %s", address)
}

func (o *Options) clientKey() (*identity, error) {
	path, err := o.KeyFile, error(nil)
	if path == "" {
		if path, err = DefaultKeyFile(); err != nil {
			return nil, fail(CodeUsage, err, "cannot find the key")
		}
	}
	key, err := loadKey(path)
	if err != nil {
		e := fail(CodeUsage, err, "cannot use the key")
		if errors.Is(err, fs.ErrNotExist) {
			e.Hint = "zccp keygen makes one, whose fingerprint the daemon has to be told"
		}
		return nil, e
	}
	id, err := identify(key)
	if err != nil {
		return nil, fail(CodeUsage, err, "cannot use the key %s", path)
	}
	return id, nil
}

// trusted returns the keys that the daemon may have.
func (o *Options) trusted(target *Target) ([]Pin, error) {
	if target.Pinned {
		return []Pin{target.Pin}, nil
	}
	path, err := o.KnownHosts, error(nil)
	if path == "" {
		if path, err = DefaultKnownHosts(); err != nil {
			return nil, fail(CodeUsage, err, "cannot find the known hosts")
		}
	}
	list, err := ReadKnown(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fail(CodeUsage, err, "cannot read the known hosts")
	}
	var pins []Pin
	for _, k := range list {
		if k.Name == target.Address() {
			pins = append(pins, k.Pin)
		}
	}
	return pins, nil
}

// reason is why a connection failed, without the address.
func reason(err error) string {
	if isTimeout(err) {
		return "timed out"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return printable(err.Error(), 200)
}
