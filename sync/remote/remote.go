package remote

import (
	"context"
	"errors"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/link"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// Meet connects to the other end, with the job, encoded, as link.Options.First. It is
// called once. Closing the Link remains the caller's, after Push or Pull.
type Meet func(ctx context.Context, job []byte) (*link.Link, error)

// Push sends what the sources hold to the other end, which is asked for it with
// job.Push. They are walked while meet is under way. m is made for this machine's
// files: its Offer is called here, and its counters take over the other end's totals.
// rep hears what the other end reports; what this end has to report, m's own Reporter
// does.
//
// It returns when the other end has finished, or nothing goes on any more at
// this one: when ctx is done that takes a second at most. An error is an *Error:
// the run ended early, and what stands at the other end are whole files only. If
// meet fails its error is returned as it is. work counts what m does: its calls are
// of work.Counted.
func Push(ctx context.Context, meet Meet, m *mirror.Mirror, work *Work, job *wire.Job, sources []string, rep mirror.Reporter) (mirror.Stats, error) {
	return push(ctx, meet.by(work), usualTiming(), m, m.Calls(), m.Copier(), m.Counters(), job, sources, rep)
}

// Pull brings dst in line with what the other end has of job.Sources, and
// takes nothing that these do not name. What is said of Push holds here too, with the
// parts exchanged, but for the walk.
func Pull(ctx context.Context, meet Meet, m *mirror.Mirror, work *Work, job *wire.Job, dst string, rep mirror.Reporter) (mirror.Stats, error) {
	sources := make([]string, len(job.Sources))
	for i, s := range job.Sources {
		sources[i] = string(s)
	}
	if err := m.Expect(sources); err != nil {
		return mirror.Stats{}, asError(err)
	}
	return pull(ctx, meet.by(work), usualTiming(), startMirror(m), m.Stats, job, dst, rep)
}

// Serve is the far end of a Push or Pull. open makes the Mirror for the job
// that the client asks for, within what it may, with calls that WorkOf counts; its error refuses the job, with
// the exit code of an *Error. What is reported to rep, the client's user sees.
//
// It returns when the session is over; the error is an *Error and has been told
// to the client, if that is still there.
func Serve(ctx context.Context, l *link.Link, open func(job *wire.Job, rep mirror.Reporter) (*mirror.Mirror, error)) error {
	return serve(ctx, endsOf(l, new(Work)), usualTiming(), func(job *wire.Job, rep mirror.Reporter) (*served, error) {
		m, err := open(job, rep)
		if err != nil {
			return nil, err
		}
		return &served{m, m.Calls(), m.Copier(), m.Counters(), startMirror(m), m.Stats, m.Walked, m.Told}, nil
	})
}

func (meet Meet) by(work *Work) meeting {
	return func(ctx context.Context, job []byte) (ends, error) {
		l, err := meet(ctx, job)
		if err != nil {
			return ends{}, err
		}
		e := endsOf(l, work)
		e.jobless = !l.Begun
		return e, nil
	}
}

// endsOf takes what a session needs of a Link.
func endsOf(l *link.Link, work *Work) ends {
	each := func(open func(context.Context) (*link.Stream, error)) func(context.Context) (*stream, error) {
		return func(ctx context.Context) (*stream, error) {
			s, err := open(ctx)
			if err != nil {
				return nil, err
			}
			sock, ok := s.Sock()
			if !ok {
				sock = platform.None
			}
			return &stream{conn: s, number: s.Number, private: s.Protected(), sock: sock, told: s.Sent}, nil
		}
	}
	return ends{
		control: l.Control, seed: l.Seed, own: work, patience: l.Patience, maxNames: l.MaxNames,
		next: each(l.NextStream), renew: each(l.Renew), life: link.KeyLife, end: link.KeyEnd,
	}
}

// linkError takes over what a connection says of its end, nil if err is none of
// it.
func linkError(err error) *Error {
	if e, ok := errors.AsType[*link.Error](err); ok {
		return &Error{Code: e.Code, Text: e.Text, Hint: e.Hint}
	}
	return nil
}
