package copier

import "github.com/zccp/zccp/platform"

// Facts are what is known of a pair of files before a method is chosen.
type Facts struct {
	Size    int64  // of the source in bytes; 0 may be a lie (procfs)
	Regular bool   // both are regular files
	Sparse  bool   // fewer blocks than the size needs: there are holes
	Neutral bool   // neither file is to be left in the page cache
	Refused uint16 // bit set of methods that refused this pair of file systems before
}

func factsOf(src, dst *platform.Stat, refused uint16) Facts {
	return Facts{
		Size:    src.Size,
		Regular: src.IsRegular() && dst.IsRegular(),
		Sparse:  src.Blocks < src.Size/512,
		Refused: refused,
	}
}

// What --cache=auto takes for huge. Below neutralMin a file is not worth the
// look at the cache; above the share of memory it would push out what others
// use, by itself or together with the files copied before it.
const (
	neutralMin   = 16 << 20 // bytes
	memoryShare  = 8        // one part in
	coldResident = 8        // cold: less than one part in this many is in memory
)

// neutral decides whether a copy leaves the page cache as it was. What was in
// memory before is in use and may stay; what was not is left out once it is
// more than a share of the memory, counted over all files of the run. A server
// may copy by itself, without a page on this side, so only file systems of
// this machine are judged.
func (w *Worker) neutral(dst, src platform.FD, st *platform.Stat) bool {
	switch w.c.opts.Cache {
	case CacheKeep:
		return false
	case CacheDrop:
		return true
	}
	if st.Size < neutralMin || !st.IsRegular() {
		return false
	}
	limit := w.c.memory() / memoryShare
	if limit <= 0 {
		return false
	}
	var cache platform.CacheState
	if w.calls.CacheState(src, 0, st.Size, &cache) != nil || cache.Resident > st.Size/coldResident {
		return false
	}
	return w.c.cold.Add(st.Size) > limit && platform.IsLocal(src) && platform.IsLocal(dst)
}
