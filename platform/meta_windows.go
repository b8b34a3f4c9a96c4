package platform

import (
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// fchmod keeps of a mode what Windows has for it: whether its owner may write.
// Directories have nothing of the kind; the attribute means something else to
// the Explorer there.
func fchmod(fd FD, mode uint32) error {
	var info tagInfo
	if err := query(fd, classAttributeTag, &info); err != nil {
		return errnoOf(err)
	}
	if info.attributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0 {
		return nil
	}
	want := info.attributes &^ windows.FILE_ATTRIBUTE_READONLY
	if mode&0o200 == 0 {
		want |= windows.FILE_ATTRIBUTE_READONLY
	}
	if want == info.attributes {
		return nil
	}
	if want == 0 {
		want = windows.FILE_ATTRIBUTE_NORMAL
	}
	return setBasic(fd, 0, 0, want)
}

func fchmodat(dir FD, name Name, mode uint32) error {
	fd, err := openEntry(dir, name, windows.FILE_READ_ATTRIBUTES|windows.FILE_WRITE_ATTRIBUTES, 0)
	if err != nil {
		return err
	}
	defer closeFD(fd)
	var info tagInfo
	if query(fd, classAttributeTag, &info) == nil && info.attributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0 && isLink(info.tag) {
		return syscall.EOPNOTSUPP
	}
	return fchmod(fd, mode)
}

func futimens(fd FD, atime, mtime Time) error {
	var times [2]int64
	for i, t := range [2]Time{atime, mtime} {
		switch t.Nsec {
		case TimeOmit:
			continue
		case TimeNow:
			now := time.Now()
			t = Time{now.Unix(), int64(now.Nanosecond())}
		}
		var err error
		if times[i], err = toFiletime(t); err != nil {
			return err
		}
	}
	if times == [2]int64{} {
		return nil
	}
	return setBasic(fd, times[0], times[1], 0)
}

func utimensat(dir FD, name Name, atime, mtime Time) error {
	fd, err := openEntry(dir, name, windows.FILE_WRITE_ATTRIBUTES, 0)
	if err != nil {
		return err
	}
	defer closeFD(fd)
	return futimens(fd, atime, mtime)
}
