package main

import (
	"os"
	"os/signal"
	"sync"

	"github.com/zccp/zccp/platform"
)

// keepStatusSignals makes the signals that ask how far the program is not end
// it, also in a mode that has no answer, and before there is one.
func keepStatusSignals() {
	if signals := platform.StatusSignals(); len(signals) > 0 {
		signal.Notify(make(chan os.Signal, 1), signals...)
	}
}

// onStatus calls answer for each signal that asks how far the program is, on a
// goroutine of its own, until stop is called, which waits for it.
func onStatus(answer func()) (stop func()) {
	asked, done := make(chan os.Signal, 1), make(chan struct{})
	if signals := platform.StatusSignals(); len(signals) > 0 {
		signal.Notify(asked, signals...)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-asked:
				answer()
			case <-done:
				return
			}
		}
	})
	return func() {
		signal.Stop(asked)
		close(done)
		wg.Wait()
	}
}
