package remote

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/plan"
	"github.com/zccp/zccp/sync/wire"
)

// forward is the Reporter of the end that serves: it tells the client. A job
// that reports faster than the client takes it waits; the reader of the control
// channel never reports.
type forward struct{ s *session }

func (f forward) tell(msg any) {
	b, err := wire.Append(nil, msg)
	if err != nil {
		f.s.fail(err)
		return
	}
	if f.s.reports.take(int64(len(b))) {
		f.s.ctl.sendBytes(b)
	}
}

// Problem forwards a failure.
func (f forward) Problem(kind mirror.Kind, err error, hint string) {
	f.tell(&wire.Problem{Kind: uint8(kind), Text: err.Error(), Hint: hint})
}

// Note forwards what is no failure.
func (f forward) Note(level int, text string) {
	f.tell(&wire.Note{Level: uint8(level), Text: text})
}

// Item forwards a line of -i.
func (f forward) Item(ev *mirror.Event) {
	m := &wire.Item{
		Name: []byte(ev.Name), Mode: ev.Mode, Flags: uint64(ev.Flags), Link: []byte(ev.Link), Size: ev.Size,
		Mtime: timeToWire(ev.Mtime), UID: ev.UID, GID: ev.GID,
	}
	if res := ev.Result; res != nil {
		m.HasRes, m.Method, m.Moved, m.Shared = true, uint8(res.Method), res.Moved, res.Cloned+res.Matched
	}
	f.tell(m)
}

// farError is what a far end reports.
type farError string

func (e farError) Error() string { return string(e) }

// reports passes on to the user what the far end says, as fast as the user
// takes it.
type reports struct {
	s     *session
	to    mirror.Reporter
	inbox *inbox[listed]
	owed  owed
	ended chan struct{}
}

func newReports(to mirror.Reporter) *reports {
	return &reports{to: to, inbox: newInbox[listed](inboxLimit), owed: owed{step: reportWindow / kept}, ended: make(chan struct{})}
}

// start begins to pass on, and goes on until finish, whatever becomes of the
// session.
func (r *reports) start(s *session) {
	r.s = s
	go func() {
		defer close(r.ended)
		for {
			items, ok := r.inbox.take(context.Background())
			if !ok {
				return
			}
			for _, l := range items {
				r.pass(l)
			}
		}
	}()
}

// finish returns when everything is said.
func (r *reports) finish() {
	r.inbox.end()
	<-r.ended
}

func (r *reports) pass(l listed) {
	switch m := l.msg.(type) {
	case *wire.Problem:
		r.to.Problem(mirror.Kind(m.Kind), farError(clean(m.Text)), clean(m.Hint))
	case *wire.Note:
		r.to.Note(int(m.Level), clean(m.Text))
	case *wire.Item:
		ev := &mirror.Event{
			Name: string(m.Name), Mode: m.Mode, Flags: plan.Flags(m.Flags), Link: string(m.Link), Size: m.Size,
			Mtime: platform.Time{Sec: m.Mtime.Sec, Nsec: int64(m.Mtime.Nsec)}, UID: m.UID, GID: m.GID,
		}
		if m.HasRes {
			ev.Result = &copier.Result{Method: copier.Method(m.Method), Moved: m.Moved, Cloned: m.Shared, Bytes: m.Size, Attempts: 1}
		}
		r.to.Item(ev)
	}
	if n := r.owed.add(l.size); n > 0 {
		r.s.ctl.send(&wire.Credit{Flow: wire.FlowReports, Bytes: n})
	}
}

// clean makes a peer's text safe for a terminal.
func clean(text string) string {
	bad := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	if strings.IndexFunc(text, bad) < 0 {
		return text
	}
	var b strings.Builder
	const octal = "01234567"
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if bad(r) {
			for _, c := range []byte(text[i : i+n]) {
				b.Write([]byte{'\\', octal[c>>6], octal[c>>3&7], octal[c&7]})
			}
		} else {
			b.WriteString(text[i : i+n])
		}
		i += n
	}
	return b.String()
}

// OnPanic returns what is to be mirror.Options.OnPanic of a Mirror that reports
// to rep, which Serve has given: a panic ends this session and no other. nil for
// any other Reporter.
func OnPanic(rep mirror.Reporter) func(value any) {
	f, ok := rep.(forward)
	if !ok {
		return nil
	}
	return f.s.panicked
}
