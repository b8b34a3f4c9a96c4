package copier

import "github.com/zccp/zccp/platform"

// Facts are what is known of a pair of files before a method is chosen.
type Facts struct {
	Size    int64  // of the source in bytes; 0 may be a lie (procfs)
	Regular bool   // both are regular files
	Sparse  bool   // fewer blocks than the size needs: there are holes
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
