package local

import (
	"cmp"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

// syncDir flushes a directory's names to the device where that was asked for.
// It comes after everything in it, and the directory above comes after it.
func (c *Copy) syncDir(fd platform.FD, path func() string) {
	if c.put.Fsync != copier.SyncFull || c.opts.DryRun {
		return
	}
	if err := c.calls.Fsync(fd); err != nil {
		c.problem("flush", path(), err)
	}
}

// syncBase flushes the directory that operands were published in: its names
// with --fsync=full, the whole file system with --fsync=batch.
func (c *Copy) syncBase(b *node) {
	path := func() string { return cmp.Or(b.prefix[1], ".") }
	c.syncDir(b.dfd, path)
	if c.put.Fsync == copier.SyncBatch && !c.opts.DryRun {
		if err := c.calls.Syncfs(b.dfd); err != nil {
			c.problem("flush", path(), err)
		}
	}
}
