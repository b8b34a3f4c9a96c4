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
type pauses struct {
	wanted chan os.Signal // SIGTSTP: the program is to stop
	goesOn chan os.Signal // SIGCONT
	last   time.Time
}

// watchPauses begins. With draws the program does not stop at once when a
// terminal asks for it: wanted says so, for the caller to take off the screen
// what it has drawn and to call stop. end gives the signals back.
func watchPauses(draws bool) *pauses {
	p := &pauses{wanted: make(chan os.Signal, 1), goesOn: make(chan os.Signal, 1), last: time.Now()}
	suspend, goOn := platform.SuspendSignals()
	if goOn == 0 {
		return p
	}
	signal.Notify(p.goesOn, goOn)
	if draws && !signal.Ignored(suspend) {
		signal.Notify(p.wanted, suspend)
	}
	return p
}

func (p *pauses) end() {
	signal.Stop(p.wanted)
	signal.Stop(p.goesOn)
}

// pauseMin is the shortest time that counts as a pause.
const pauseMin = 500 * time.Millisecond

// stop suspends the program as the signal would have done, and returns when it
// goes on. In an orphaned process group, where nobody could continue it, the
// kernel refuses, and stop returns at once.
func (p *pauses) stop() {
	suspend, _ := platform.SuspendSignals()
	signal.Stop(p.wanted) // gives it back its default action
	if platform.Raise(suspend) == nil {
		time.Sleep(tickInterval / 2) // another thread may be the one that takes it
	}
	signal.Notify(p.wanted, suspend)
}

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
