package mirror

import (
	"sync/atomic"

	"github.com/zccp/zccp/platform"
)

// byType counts entries by type.
type byType struct{ regular, dirs, links, devices, specials atomic.Int64 }

func (b *byType) add(mode uint32) {
	switch mode & platform.ModeType {
	case platform.ModeRegular:
		b.regular.Add(1)
	case platform.ModeDir:
		b.dirs.Add(1)
	case platform.ModeSymlink:
		b.links.Add(1)
	case platform.ModeChar, platform.ModeBlock:
		b.devices.Add(1)
	default:
		b.specials.Add(1)
	}
}

func (b *byType) sum() int64 {
	return b.regular.Load() + b.dirs.Load() + b.links.Load() + b.devices.Load() + b.specials.Load()
}

type counters struct {
	files, created, deleted byType
	transferred             atomic.Int64
	totalSize, transferSize atomic.Int64
	literal, matched        atomic.Int64
	targetFiles             atomic.Int64 // entries that stood at the destination, directories not counted
}

// Stats returns the totals; they are final after Run.
func (m *Mirror) Stats() Stats {
	c := &m.stats
	return Stats{
		Files: c.files.sum(), Regular: c.files.regular.Load(), Dirs: c.files.dirs.Load(), Links: c.files.links.Load(),
		Devices: c.files.devices.Load(), Specials: c.files.specials.Load(),
		Created: c.created.sum(), CreatedRegular: c.created.regular.Load(), CreatedDirs: c.created.dirs.Load(),
		CreatedLinks: c.created.links.Load(), CreatedDev: c.created.devices.Load(), CreatedSpec: c.created.specials.Load(),
		Deleted: c.deleted.sum(), DeletedRegular: c.deleted.regular.Load(), DeletedDirs: c.deleted.dirs.Load(),
		DeletedLinks: c.deleted.links.Load(), DeletedDev: c.deleted.devices.Load(), DeletedSpec: c.deleted.specials.Load(),
		Transferred: c.transferred.Load(), TotalSize: c.totalSize.Load(), TransferredSize: c.transferSize.Load(),
		Literal: c.literal.Load(), Matched: c.matched.Load(),
	}
}

// addDeleted adds what an earlier walk of the same run deleted.
func (c *counters) addDeleted(o *counters) {
	for _, n := range [...]struct{ to, from *atomic.Int64 }{
		{&c.deleted.regular, &o.deleted.regular}, {&c.deleted.dirs, &o.deleted.dirs}, {&c.deleted.links, &o.deleted.links},
		{&c.deleted.devices, &o.deleted.devices}, {&c.deleted.specials, &o.deleted.specials},
	} {
		n.to.Add(n.from.Load())
	}
}
