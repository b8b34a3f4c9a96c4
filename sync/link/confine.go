package link

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"

	"github.com/zccp/zccp/platform"
)

// Confine makes the process reach nothing but the exports from now on, and what
// names of users and times are looked up in; nor can it connect anywhere, execute
// anything or get rights back. It can still open the port of ServeStdio. It is
// for good, and for the whole process. The note says what the kernel could not
// do; with ConfineRequire that is an error.
func Confine(how Confinement, exports []*Export) (note string, err error) {
	return confine(how, exports, true)
}

// confine also takes the right to listen, unless listen is set.
func confine(how Confinement, exports []*Export, listen bool) (note string, err error) {
	if how == ConfineOff {
		return "", nil
	}
	paths := []platform.Beneath{
		{Path: "/etc/passwd"}, {Path: "/etc/group"}, {Path: "/etc/nsswitch.conf"}, {Path: "/etc/localtime"},
		{Path: "/usr/share/zoneinfo"}, {Path: fmt.Sprintf("/proc/%d", os.Getpid())}, {Path: os.DevNull, Write: true},
	}
	all := false
	for _, e := range exports {
		if _, err := os.Stat(e.Path); err != nil {
			return "", fmt.Errorf("the export %s can't be served: %w", e.Name, err)
		}
		paths = append(paths, platform.Beneath{Path: e.Path, Write: e.Mode != ReadOnly})
		all = all || e.Path == "/"
	}
	_, err = platform.Confine(paths, listen)
	if err == nil && !all {
		// What has not been seen to hold is not believed.
		var f *os.File
		if f, err = os.Open("/"); err == nil {
			f.Close()
			return "", errors.New("the process is not confined although the kernel has confirmed it")
		}
		err = nil
	}
	switch {
	case err == nil:
		return "", nil
	case how == ConfineRequire:
		return "", fmt.Errorf("the process can't be confined to its exports: %w", err)
	}
	return fmt.Sprintf("the kernel does not confine the process to its exports: %v", err), nil
}

// Become makes the process one of the user called name, with that user's groups,
// for good. After an error the process has to end.
func Become(name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	ids, err := u.GroupIds()
	if err != nil {
		return err
	}
	groups := make([]int, 0, len(ids))
	for _, id := range ids {
		n, err := strconv.Atoi(id)
		if err != nil {
			return err
		}
		groups = append(groups, n)
	}
	if err := platform.Become(uid, gid, groups); err != nil {
		return fmt.Errorf("cannot become %s: %w", name, err)
	}
	return nil
}
