package platform

// FileSystem is what is known of the file system that a path is on, and of the
// mount it is reached through. Sizes are bytes. A string that can't be told is
// empty.
type FileSystem struct {
	Name       string // as FileSystemName has it, or as mount(8) has it where that is only a number
	Device     string // major:minor of the inode
	Source     string // what is mounted: a device, a server's directory, or a name
	MountPoint string
	Options    string // of the mount, then of the file system, separated by commas
	BlockSize  int64
	Size       int64
	Free       int64 // to be had by the caller
	ReadOnly   bool  // the mount or the file system
	NameMax    int64 // bytes of the longest name
}
