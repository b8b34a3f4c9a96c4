package main

import "strings"

// foldLinks is fold for symbolic links and special files.
func (f *syncFolder) foldLinks(s setting) (known bool, err error) {
	m, r := &f.cfg.Mirror, f.rules
	switch s.Option {
	case "links":
		r.Links = true
	case "copy-links":
		f.copyLinks = true
	case "copy-unsafe-links":
		f.copyUnsafe = true
	case "safe-links":
		m.SafeLinks = true
	case "munge-links":
		m.MungeLinks = true
	case "copy-dirlinks":
		m.CopyDirLinks = true
	case "keep-dirlinks":
		m.KeepDirLinks = true
	case "D":
		r.Devices, r.Specials = true, true
	case "devices":
		r.Devices = true
	case "specials":
		r.Specials = true
	case "drop-D":
		f.dropD = true
	case "copy-devices":
		m.CopyDevices = true
	case "write-devices":
		m.WriteDevices = true
	default:
		return false, nil
	}
	return true, nil
}

// foldKeep is fold for attributes.
func (f *syncFolder) foldKeep(s setting) (known bool, err error) {
	m, r := &f.cfg.Mirror, f.rules
	switch s.Option {
	case "perms":
		r.Perms = true
	case "executability":
		r.Executability = true
	case "chmod":
		f.chmod = append(f.chmod, s.Value)
	case "acls":
		r.ACLs, r.Perms = true, true
	case "xattrs":
		r.Xattrs = true
	case "owner":
		r.Owner = true
	case "group":
		r.Group = true
	case "numeric-ids":
		f.numericIDs = true
	case "usermap":
		err = f.mapOwner(0, s.Option, s.Value)
	case "groupmap":
		err = f.mapOwner(1, s.Option, s.Value)
	case "chown":
		user, group, _ := strings.Cut(s.Value, ":")
		if user != "" {
			err = f.mapOwner(0, s.Option, "*:"+user)
		}
		if group != "" && err == nil {
			err = f.mapOwner(1, s.Option, "*:"+group)
		}
	case "hard-links":
		m.HardLinks = true
	case "times":
		r.Times = true
	case "omit-dir-times":
		r.OmitDirTimes = true
	case "omit-link-times":
		r.OmitLinkTimes = true
	case "atimes":
		r.Atimes = true
	case "open-noatime":
		m.OpenNoatime = true
	case "super":
		f.super, m.FakeSuper = on, false
	case "fake-super":
		m.FakeSuper = true
	default:
		return false, nil
	}
	return true, err
}

// mapOwner notes a mapping of users (0) or groups (1), which implies -o or -g.
func (f *syncFolder) mapOwner(which int, option, value string) error {
	names := [2]string{"usermap", "groupmap"}
	if before := f.ownerOption[which]; before != "" {
		if before != option {
			return usagef("--%s conflicts with prior --%s.", names[which], before)
		}
		return usagef("You can only specify --%s once.", option)
	}
	f.ownerOption[which], f.ownerMap[which] = option, value
	if which == 0 {
		f.rules.Owner = true
	} else {
		f.rules.Group = true
	}
	return nil
}
