package platform

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// nativeDirent is struct dirent of FreeBSD 12 and later (getdirentries(2)).
var nativeDirent = direntLayout{
	reclen: int(unsafe.Offsetof(unix.Dirent{}.Reclen)), kind: int(unsafe.Offsetof(unix.Dirent{}.Type)),
	name: int(unsafe.Offsetof(unix.Dirent{}.Name)), vacant: true,
}

func getdents(fd FD, buf []byte) (int, error) { return unix.Getdirentries(int(fd), buf, nil) }
