package platform

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// nobody is the owner and group of every file: Windows has none that a number
// stands for. Being everybody's alike they never differ, so nothing is changed.
const nobody = ^uint32(0)

// modeOf makes a mode of what Windows has: the kind, and whether the file is
// read-only. Whether it can be executed is the extension's to say.
func modeOf(attributes, tag uint32) uint32 {
	if attributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0 {
		// Those of WSL ("Reparse Tags", Microsoft).
		switch {
		case isLink(tag):
			return ModeSymlink | 0o777
		case tag == 0x80000023:
			return ModeSocket | 0o666
		case tag == 0x80000024:
			return ModeFIFO | 0o666
		case tag == 0x80000025:
			return ModeChar | 0o666
		case tag == 0x80000026:
			return ModeBlock | 0o666
		}
	}
	switch {
	case attributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0:
		return ModeDir | 0o755
	case attributes&windows.FILE_ATTRIBUTE_READONLY != 0:
		return ModeRegular | 0o444
	}
	return ModeRegular | 0o644
}

func fstat(fd FD, st *Stat) error {
	var all allInfo
	if err := query(fd, classAll, &all); err != nil {
		return statDevice(fd, st, err)
	}
	var tag tagInfo
	if all.attributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0 {
		if err := query(fd, classAttributeTag, &tag); err != nil {
			return errnoOf(err)
		}
	}
	*st = Stat{
		Mode: modeOf(all.attributes, tag.tag), UID: nobody, GID: nobody, Nlink: uint64(all.links),
		BlockSize: 4096, Atime: fromFiletime(all.access), Mtime: fromFiletime(all.write), Ctime: fromFiletime(all.change),
	}
	if all.change == 0 {
		st.Ctime = st.Mtime // FAT keeps none
	}
	if st.IsRegular() {
		st.Size = all.end
		// Space is told of only where it says something of holes: what is
		// compressed or small enough for its record has less than its size too.
		st.Blocks = (max(all.allocation, all.end) + 511) / 512
		if all.attributes&windows.FILE_ATTRIBUTE_SPARSE_FILE != 0 {
			st.Blocks = (all.allocation + 511) / 512
		}
	}
	return identify(fd, st, all.index)
}

// identify fills in Dev and Ino. ReFS has numbers of 128 bits, of which the
// upper half is 0 for all but very large volumes.
func identify(fd FD, st *Stat, index int64) error {
	var id idInfo
	if query(fd, classID, &id) == nil && (id.low != 0 || id.high != 0) {
		st.Dev, st.Ino = id.volume, id.low^id.high*0x9e3779b97f4a7c15
		return nil
	}
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(windows.Handle(fd), &info); err != nil {
		return errnoOf(err)
	}
	st.Dev, st.Ino = uint64(info.VolumeSerialNumber), uint64(index)
	return nil
}

// statDevice tells of what is no file: a console, a pipe, NUL.
func statDevice(fd FD, st *Stat, err error) error {
	kind, e := windows.GetFileType(windows.Handle(fd))
	if e != nil {
		return errnoOf(err)
	}
	*st = Stat{UID: nobody, GID: nobody, Nlink: 1, BlockSize: 4096}
	switch kind {
	case windows.FILE_TYPE_CHAR:
		st.Mode = ModeChar | 0o666
	case windows.FILE_TYPE_PIPE:
		st.Mode = ModeFIFO | 0o666
	default:
		return errnoOf(err)
	}
	return nil
}

func statName(dir FD, name Name, st *Stat, follow bool) error {
	var o object
	if err := o.set(dir, name, false); err != nil {
		return err
	}
	options := uint32(0)
	if o.slash {
		options |= windows.FILE_DIRECTORY_FILE
	} else if !follow {
		options |= windows.FILE_OPEN_REPARSE_POINT
	}
	fd, err := ntOpen(&o, windows.FILE_READ_ATTRIBUTES, 0, windows.FILE_OPEN, options)
	if err != nil {
		return errnoOf(err)
	}
	defer closeFD(fd)
	return fstat(fd, st)
}

// A FILETIME counts 100 ns since 1601.
const (
	filetimeSecond = 10_000_000
	filetimeEpoch  = 11_644_473_600 // seconds from 1601 to 1970
)

func fromFiletime(t int64) Time {
	sec, rest := t/filetimeSecond, t%filetimeSecond
	return Time{sec - filetimeEpoch, rest * 100}
}

// toFiletime refuses what a FILETIME can't hold, and -1, which means something
// else to the call. 0 is what a file system says of a time that it doesn't keep,
// and to the call that it is to be left: so it is.
func toFiletime(t Time) (int64, error) {
	const last = (1<<63-1)/filetimeSecond - filetimeEpoch
	if t.Sec < -filetimeEpoch || t.Sec >= last {
		return 0, syscall.EINVAL
	}
	return (t.Sec+filetimeEpoch)*filetimeSecond + t.Nsec/100, nil
}

// setBasic sets times and attributes; 0 leaves what is there. A handle that was
// opened for reading lacks the right, which its file may have all the same.
func setBasic(fd FD, access, write int64, attributes uint32) error {
	info := struct {
		creation, access, write, change int64
		attributes, _                   uint32
	}{access: access, write: write, attributes: attributes}
	set := func(fd FD) error {
		return windows.SetFileInformationByHandle(windows.Handle(fd), windows.FileBasicInfo, (*byte)(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	}
	err := set(fd)
	if err == windows.ERROR_ACCESS_DENIED {
		again, e := openAgain(fd, windows.FILE_WRITE_ATTRIBUTES)
		if e != nil {
			return e
		}
		defer closeFD(again)
		err = set(again)
	}
	return errnoOf(err)
}
