package mirror

import (
	"errors"
	"fmt"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

// OpenOffered opens a file for reading; with Good the descriptor is the
// caller's. With any other status the problem has been reported. An error is
// ErrNotOffered: the peer breaks the protocol. It is safe for concurrent use.
func (m *Mirror) OpenOffered(id wire.FileID) (platform.FD, platform.Stat, wire.Status, error) {
	var st platform.Stat
	e, _, err := m.offeredEntry(id)
	if errors.Is(err, ErrNotOffered) {
		return platform.None, st, wire.Failed, err
	}
	if err != nil {
		m.ioError.Store(true)
		m.problem("access", fmt.Sprintf("directory %d", id.Dir), err)
		return platform.None, st, wire.Failed, nil
	}
	defer e.p.release()
	fd, err := m.openSource(e)
	if err == nil {
		err = m.calls.Fstat(fd, &st)
	}
	was := e.p.out.files[id.Index]
	if err == nil && !e.device && (!st.IsRegular() || st.Ino != was.ino && !m.standsIn(was.attrs, fd, &st)) {
		m.calls.Close(fd)
		m.OfferedChanged(id)
		return platform.None, st, wire.Changed, nil
	}
	if err != nil {
		if fd != platform.None {
			m.calls.Close(fd)
		}
		m.readProblem(e, err)
		if platform.NotExist(platform.Cause(err)) {
			return platform.None, st, wire.Vanished, nil
		}
		return platform.None, st, wire.Failed, nil
	}
	if !e.device {
		e.p.out.opened(id.Index, &st)
	}
	return fd, st, wire.Good, nil
}

// opened keeps what a file is that is sent, if it is to be removed afterwards.
func (o *offered) opened(index uint32, st *platform.Stat) {
	if o.was == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.was[index] = *st
}
