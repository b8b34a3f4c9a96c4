package main

import (
	"os"
	"os/signal"
	"time"

	"github.com/zccp/zccp/platform"
)

// pauses tells for how long the program did not run because a terminal, or
// somebody else, had suspended it (^Z, SIGSTOP): that time belongs to no rate
// and to no timeout. It is for one goroutine, which calls away at each tick.
//
// Nothing catches SIGTSTP, to take the bar off the terminal first: Go does not
// give a signal like that its default action back, and where nobody could
// continue the program only the kernel knows not to suspend it.
type pauses struct {
	goesOn chan os.Signal // SIGCONT
	last   time.Time
}

// watchPauses begins; end gives the signal back.
func watchPauses() *pauses {
	p := &pauses{goesOn: make(chan os.Signal, 1), last: time.Now()}
	if sig, ok := platform.ContinueSignal(); ok {
		signal.Notify(p.goesOn, sig)
	}
	return p
}

func (p *pauses) end() { signal.Stop(p.goesOn) }

// pauseMin is the shortest time that counts as a pause.
const pauseMin = 500 * time.Millisecond

// away returns for how long the program was suspended since the call before, 0
// if it was not. That the caller comes late is not enough: a terminal may hold
// up who writes on it.
func (p *pauses) away() time.Duration {
	now := time.Now()
	gap := now.Sub(p.last) - tickInterval
	p.last = now
	if gap < pauseMin {
		select {
		case <-p.goesOn:
		default:
		}
		return 0
	}
	select {
	case <-p.goesOn:
		return gap
	case <-time.After(tickInterval): // the signal may be on its way to the channel
		return 0
	}
}
