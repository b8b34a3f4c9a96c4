//go:build unix

package platform

import "golang.org/x/sys/unix"

// fromStat leaves out what Stat has no place for: when the inode was made, and
// the file flags of the BSDs.
func fromStat(st *Stat, u *unix.Stat_t) {
	st.Dev, st.Ino = uint64(u.Dev), u.Ino
	st.Mode, st.UID, st.GID = uint32(u.Mode), u.Uid, u.Gid
	st.Nlink, st.Rdev = uint64(u.Nlink), rdevOf(u)
	st.Size, st.Blocks, st.BlockSize = u.Size, blocksOf(u), int64(u.Blksize)
	st.Atime = Time{int64(u.Atim.Sec), int64(u.Atim.Nsec)}
	st.Mtime = Time{int64(u.Mtim.Sec), int64(u.Mtim.Nsec)}
	st.Ctime = Time{int64(u.Ctim.Sec), int64(u.Ctim.Nsec)}
}
