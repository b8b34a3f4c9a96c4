//go:build !unix

package platform

// NextEntry cuts the first entry from what Getdents stored. Getdents stores
// nothing on this system.
func NextEntry(buf []byte) (name Name, mode uint32, ino uint64, rest []byte) { return nil, 0, 0, nil }
