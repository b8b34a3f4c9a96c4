package link

import (
	"context"
	"errors"
	"net"
	"time"
)

// renewAttempts is how many numbers of streams one call of Renew may use: a
// number that an attempt failed with is not good for another.
const renewAttempts = 64

// errNoRenewal is of a link without direct streams, or one that is made for a
// test.
var errNoRenewal = errors.New("there is no way to open another stream")

// Renew opens a stream in place of one whose key has been used for KeyLife; that
// one goes on until its sender ends it. Both ends call it, each when it has seen
// so much of the stream, so at nearly the same time: the client connects to where
// the others led, again and again, and the server lets one more stream in, for
// 30 s. The number is not one that any stream has had, and what is proven is what
// the first ones proved. The error is that of the last attempt, ctx's, or
// net.ErrClosed.
func (l *Link) Renew(ctx context.Context) (*Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, l.doorTime)
	defer cancel()
	if l.Client {
		return l.dialAgain(ctx)
	}
	l.mu.Lock()
	reopen := l.reopen
	l.mu.Unlock()
	if reopen == nil {
		return nil, errNoRenewal
	}
	if err := reopen(); err != nil {
		return nil, err
	}
	select {
	case s := <-l.fresh:
		return s, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// dialAgain is the client's part of Renew. The server may not have come so far
// yet.
func (l *Link) dialAgain(ctx context.Context) (*Stream, error) {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		l.mu.Lock()
		l.attempts++
		dial, number := l.dial, uint32(l.first+l.attempts)
		l.mu.Unlock()
		if dial == nil {
			return nil, errNoRenewal
		}
		s, err := dial(ctx, number)
		if err == nil {
			if !l.add(s) {
				return nil, net.ErrClosed
			}
			return <-l.fresh, nil
		}
		select {
		case <-l.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}

// more lets one more stream in than a door has let in or lets in now. It reports
// whether the door was shut, so that it has to be guarded anew.
func (d *door) more() (shut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.closing {
		d.over.Wait()
	}
	shut = d.shut
	if shut {
		d.left = 0 // who did not come in time does not come any more
	}
	d.taken = append(d.taken, make([]bool, renewAttempts)...)
	d.left++
	d.shut = false
	return shut
}
