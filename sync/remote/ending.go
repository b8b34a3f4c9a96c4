package remote

import (
	"context"
	"errors"
	"time"

	"github.com/zccp/zccp/sync/wire"
)

// errOver ends the goroutines of a session that was successful.
var errOver = errors.New("session is over")

// interrupt ends the session because the caller wants it.
func (s *session) interrupt() {
	s.mu.Lock()
	told := s.told || s.failed != nil
	s.told = true
	s.mu.Unlock()
	if !told {
		s.ctl.send(&wire.Stop{})
	}
	s.fail(failf(CodeSignal, "interrupted"))
}

// ended ends the session because the peer says so.
func (s *session) ended(err *Error) {
	s.mu.Lock()
	s.told = true
	s.mu.Unlock()
	s.fail(err)
}

// fail ends the session; the first failure counts, and the peer is told of it.
func (s *session) fail(err error) {
	if err == nil || errors.Is(err, errOver) {
		return
	}
	s.mu.Lock()
	if s.failed != nil || s.over {
		s.mu.Unlock()
		return
	}
	if s.ctx.Err() == nil {
		s.failed = asError(err)
	} else if cause := context.Cause(s.ctx); !errors.Is(cause, errOver) {
		s.failed = asError(cause)
	}
	told, tell := s.told, s.tell
	s.told = true
	failed := s.failed
	s.mu.Unlock()
	if failed == nil {
		return
	}
	if !told {
		text, hint := failed.Text, failed.Hint
		if failed.Code == CodeBug {
			text = "internal error at the other end"
		}
		if tell != nil {
			text, hint = tell(text), tell(hint)
		}
		s.ctl.send(&wire.Fatal{Code: uint8(failed.Code), Text: text, Hint: hint})
	}
	s.cancel(failed)
}

// failSoon ends the session unless the peer says within half a second why a
// connection broke.
func (s *session) failSoon(err error) {
	select {
	case <-s.ctx.Done():
	case <-time.After(s.times.linger / 2):
		s.fail(err)
	}
}

// track makes the end of the session end what waits on a stream. It is closed by
// whoever uses it, afterwards: a descriptor that the kernel is writing to must not
// become another file's.
func (s *session) track(st *stream) {
	s.mu.Lock()
	s.open = append(s.open, st)
	s.mu.Unlock()
	if s.ctx.Err() != nil {
		s.stopStreams()
	}
}

func (s *session) stopStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.open {
		st.SetDeadline(time.Unix(1, 0))
	}
}

// broken is the end of a goroutine that uses a stream: why the connection
// failed is often told on the control channel.
func (s *session) broken(st *stream, err error) error {
	st.Close()
	if err == nil || s.ctx.Err() != nil {
		return nil
	}
	if e := asError(err); !e.lost {
		return e
	}
	s.failSoon(err)
	return nil
}

// orCause returns what ended the session, if it has ended, instead of what
// came of that.
func (s *session) orCause(err error) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	return err
}

// inOrder says that everything is done: a connection that breaks from now on,
// since the peer has nothing to wait for any more, is no failure.
func (s *session) inOrder() {
	s.mu.Lock()
	s.over = s.failed == nil
	s.mu.Unlock()
}

// finish ends the session, in which everything is done.
func (s *session) finish() {
	s.inOrder()
	s.cancel(errOver)
}

// err returns what ended the session, nil if nothing did.
func (s *session) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		return nil
	}
	return s.failed
}

// close ends the session: what is queued is written, the peer's last words are
// heard, and everything is closed. Nothing of it lasts longer than the linger
// time. wait tells that the peer closes first.
func (s *session) close(wait bool) {
	s.cancel(errOver)
	s.ctl.end()
	timer := time.NewTimer(s.times.linger)
	defer timer.Stop()
	select {
	case <-s.writing:
	case <-timer.C:
	}
	if wait {
		select {
		case <-s.reading:
		case <-timer.C:
		}
	}
	s.data.Wait()
	s.ends.control.Close()
	s.work.Wait()
	select {
	case <-s.reading:
		<-s.writing
	case <-time.After(s.times.linger):
		// A descriptor that can't be waited for, as a terminal: the process
		// ends.
	}
}
