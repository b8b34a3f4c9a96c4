package platform

import (
	"strings"

	"golang.org/x/sys/windows"
)

// FileSystemOf describes the file system that path is on
// (GetVolumeInformation, GetDiskFreeSpaceEx).
func FileSystemOf(path string) (FileSystem, error) {
	root, err := volumeOf(path)
	if err != nil {
		return FileSystem{}, errnoOf(err)
	}
	var fs FileSystem
	var serial, longest, flags uint32
	var name, label [windows.MAX_PATH + 1]uint16
	if err := windows.GetVolumeInformation(root, &label[0], uint32(len(label)), &serial, &longest, &flags, &name[0], uint32(len(name))); err != nil {
		return FileSystem{}, errnoOf(err)
	}
	fs.Name = strings.ToLower(windows.UTF16ToString(name[:]))
	fs.Source, fs.MountPoint = windows.UTF16ToString(label[:]), windows.UTF16PtrToString(root)
	fs.NameMax, fs.ReadOnly = int64(longest), flags&windows.FILE_READ_ONLY_VOLUME != 0
	var free, total uint64
	if err := windows.GetDiskFreeSpaceEx(root, &free, &total, nil); err != nil {
		return FileSystem{}, errnoOf(err)
	}
	fs.Free, fs.Size = int64(free), int64(total)
	return fs, nil
}

// FileSystemName returns the name of the file system that path is on, in lower
// case as of other systems ("ntfs", "refs"), or "" if it can't be told.
func FileSystemName(path string) string {
	fs, err := FileSystemOf(path)
	if err != nil {
		return ""
	}
	return fs.Name
}

// volumeOf returns the path that a volume is mounted at.
func volumeOf(path string) (*uint16, error) {
	full, err := absolute(path)
	if err != nil {
		return nil, err
	}
	wide, err := windows.UTF16PtrFromString(full)
	if err != nil {
		return nil, err
	}
	root := make([]uint16, len(full)+windows.MAX_PATH)
	if err := windows.GetVolumePathName(wide, &root[0], uint32(len(root))); err != nil {
		return nil, err
	}
	return &root[0], nil
}
