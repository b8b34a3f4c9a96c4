package local

import (
	"context"
	"sync"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/sync/apply"
)

// writeLock lets one worker at a time write into an existing file. Several
// sources may lead to it, by its other names or by symbolic links at the
// destination: each is to be there whole until the next one is.
type writeLock struct {
	mu   sync.Mutex
	held map[inode]chan struct{} // closed when it is released
}

func (l *writeLock) lock(file inode) {
	for {
		l.mu.Lock()
		released, held := l.held[file]
		if !held {
			if l.held == nil {
				l.held = map[inode]chan struct{}{}
			}
			l.held[file] = make(chan struct{})
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		<-released
	}
}

func (l *writeLock) unlock(file inode) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.held[file])
	delete(l.held, file)
}

// writeInto copies into the file that put.OldFD is open on.
func (c *Copy) writeInto(ctx context.Context, w *apply.Worker, put *copier.Put) error {
	file := inodeOf(put.Old)
	c.writing.lock(file)
	defer c.writing.unlock(file)
	put.Stage = copier.InPlace
	return w.Copy.Put(ctx, put)
}
