package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/zccp/zccp/platform"
)

// signalError is the cause of a context that a signal cancelled.
type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string { return e.signal.String() }

// withSignals returns a context that the first SIGINT, SIGTERM or SIGHUP
// cancels with a signalError as its cause. From then on these signals have
// their default action, so that a second one ends the program at once. One
// that is ignored when the program starts stays ignored: nohup ignores SIGHUP,
// a shell without job control ignores SIGINT in what it starts with &.
//
// stop gives the signals back and waits for the goroutine; call it when the
// run is over.
func withSignals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	caught := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(caught, s)
		}
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		select {
		case s := <-caught:
			signal.Stop(caught)
			if sig, ok := s.(syscall.Signal); ok {
				cancel(signalError{sig})
			}
		case <-done:
		}
	})
	return ctx, sync.OnceFunc(func() {
		signal.Stop(caught)
		close(done)
		wg.Wait()
		cancel(nil)
	})
}

// dieBySignal ends the program by the signal that code stands for. It returns
// if code is no such code or where a program cannot signal itself.
func dieBySignal(code int) {
	sig, ok := endingSignal(code)
	if !ok {
		return
	}
	signal.Reset(sig)
	if platform.Raise(sig) == nil {
		// Delivery may take a moment; exiting meanwhile would hide the signal.
		time.Sleep(time.Second)
	}
}
