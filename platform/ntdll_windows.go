package platform

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// What golang.org/x/sys/windows lacks of ntdll.
var (
	ntdll                        = windows.NewLazySystemDLL("ntdll.dll")
	ntQueryDirectoryFile         = ntdll.NewProc("NtQueryDirectoryFile")
	ntQueryVolumeInformationFile = ntdll.NewProc("NtQueryVolumeInformationFile")
)

// FILE_INFORMATION_CLASS and FS_INFORMATION_CLASS (ntifs.h).
const (
	classStandard        = 5
	classRename          = 10
	classLink            = 11
	classDisposition     = 13
	classAll             = 18
	classAttributeTag    = 35
	classIDBothDirectory = 37
	classID              = 59
	classDispositionEx   = 64
	classRenameEx        = 65

	volumeSize = 3
)

const statusBufferOverflow = windows.NTStatus(0x80000005)

// allInfo is FILE_ALL_INFORMATION up to the name, of which there is one
// character.
type allInfo struct {
	creation, access, write, change int64
	attributes, _                   uint32
	allocation, end                 int64
	links                           uint32
	deletePending, directory        byte
	_                               [2]byte
	index                           int64
	ea, accessFlags                 uint32
	position                        int64
	mode, alignment                 uint32
	nameLength                      uint32
	name                            [2]uint16
}

// idInfo is FILE_ID_INFORMATION.
type idInfo struct {
	volume    uint64
	low, high uint64
}

// tagInfo is FILE_ATTRIBUTE_TAG_INFORMATION.
type tagInfo struct{ attributes, tag uint32 }

// standardInfo is FILE_STANDARD_INFORMATION.
type standardInfo struct {
	allocation, end int64
	links           uint32
	flags           [4]byte
}

// volumeSizeInfo is FILE_FS_SIZE_INFORMATION.
type volumeSizeInfo struct {
	total, free                    int64
	sectorsPerUnit, bytesPerSector uint32
}

func query[T any](fd FD, class uint32, info *T) error {
	var iosb windows.IO_STATUS_BLOCK
	err := windows.NtQueryInformationFile(windows.Handle(fd), &iosb, (*byte)(unsafe.Pointer(info)), uint32(unsafe.Sizeof(*info)), class)
	if err == statusBufferOverflow {
		return nil // of the name in allInfo, which nobody asks for
	}
	return err
}

func queryVolume[T any](fd FD, class uintptr, info *T) error {
	var iosb windows.IO_STATUS_BLOCK
	r, _, _ := ntQueryVolumeInformationFile.Call(uintptr(fd), uintptr(unsafe.Pointer(&iosb)), uintptr(unsafe.Pointer(info)), unsafe.Sizeof(*info), class)
	if status := windows.NTStatus(r); status != 0 {
		return status
	}
	return nil
}

// setInfo passes the bytes of a structure.
func setInfo(fd FD, class uint32, info unsafe.Pointer, size uintptr) error {
	var iosb windows.IO_STATUS_BLOCK
	return windows.NtSetInformationFile(windows.Handle(fd), &iosb, (*byte)(info), uint32(size), class)
}

// control is DeviceIoControl for requests that take and give structures; n is
// how much was given.
func control(fd FD, request uint32, in unsafe.Pointer, inSize uintptr, out unsafe.Pointer, outSize uintptr) (n int, err error) {
	var got uint32
	err = windows.DeviceIoControl(windows.Handle(fd), request, (*byte)(in), uint32(inSize), (*byte)(out), uint32(outSize), &got, nil)
	return int(got), err
}

// lacks reports that a call is refused for what it asks, by a version of
// Windows or by a file system that doesn't know it, so that an older request
// may do.
func lacks(err error) bool {
	switch err {
	case windows.STATUS_INVALID_INFO_CLASS, windows.STATUS_INVALID_PARAMETER, windows.STATUS_NOT_SUPPORTED, windows.STATUS_NOT_IMPLEMENTED:
		return true
	}
	return false
}
