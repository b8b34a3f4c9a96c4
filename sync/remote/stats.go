package remote

import "github.com/zccp/zccp/sync/mirror"

// statsFields lists the totals in the order in which they travel.
func statsFields(s *mirror.Stats) []*int64 {
	return []*int64{
		&s.Files, &s.Regular, &s.Dirs, &s.Links, &s.Devices, &s.Specials,
		&s.Created, &s.CreatedRegular, &s.CreatedDirs, &s.CreatedLinks, &s.CreatedDev, &s.CreatedSpec,
		&s.Deleted, &s.DeletedRegular, &s.DeletedDirs, &s.DeletedLinks, &s.DeletedDev, &s.DeletedSpec,
		&s.Transferred, &s.TotalSize, &s.TransferredSize, &s.Literal, &s.Matched,
	}
}

func statsToWire(s mirror.Stats) (to [32]int64) {
	for i, v := range statsFields(&s) {
		to[i] = *v
	}
	return to
}

func statsFromWire(from [32]int64) (s mirror.Stats) {
	for i, v := range statsFields(&s) {
		*v = from[i]
	}
	return s
}
