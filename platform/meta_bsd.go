//go:build darwin || freebsd

package platform

import "golang.org/x/sys/unix"

const errNoAttribute = unix.ENOATTR

func timespec(t Time) unix.Timespec {
	switch t.Nsec {
	case TimeOmit:
		t.Nsec = timeOmit
	case TimeNow:
		t.Nsec = timeNow
	}
	return unix.Timespec{Sec: t.Sec, Nsec: t.Nsec}
}
