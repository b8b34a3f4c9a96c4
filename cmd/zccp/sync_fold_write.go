package main

import (
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/sync/mirror"
)

// foldDelete is fold for deletions.
func (f *syncFolder) foldDelete(s setting) (known bool, err error) {
	m := &f.cfg.Mirror
	when := mirror.DeleteNever
	switch s.Option {
	case "delete":
		f.delete = true
	case "delete-before":
		when = mirror.DeleteBefore
	case "delete-during":
		when = mirror.DeleteDuring
	case "delete-delay":
		when = mirror.DeleteDelay
	case "delete-after":
		when = mirror.DeleteAfter
	case "delete-excluded":
		m.DeleteExcluded = true
	case "delete-missing-args":
		m.DeleteMissingArgs = true
	case "ignore-missing-args":
		m.IgnoreMissingArgs = true
	case "ignore-errors":
		m.IgnoreErrors = true
	case "force":
		m.Force = true
	case "max-delete":
		m.MaxDelete, err = parseSyncInt(s.Option, s.Value)
		m.MaxDelete = max(0, m.MaxDelete) // what is below 0 means 0, too
	case "remove-source-files":
		m.RemoveSource = true
	case "allow-mass-delete":
		m.AllowMassDelete = true
	case "detect-renames":
		m.DetectRenames = true
	default:
		return false, nil
	}
	if when != mirror.DeleteNever {
		f.addDelete(when)
	}
	return true, err
}

func (f *syncFolder) addDelete(when mirror.DeleteWhen) {
	// During and delay are one choice to rsync, of which the later counts.
	late := func(w mirror.DeleteWhen) bool { return w == mirror.DeleteDuring || w == mirror.DeleteDelay }
	for i, w := range f.deleteWhen {
		if w == when || late(w) && late(when) {
			f.deleteWhen[i] = when
			return
		}
	}
	f.deleteWhen = append(f.deleteWhen, when)
}

// foldWrite is fold for how files are written.
func (f *syncFolder) foldWrite(s setting) (known bool, err error) {
	c, m := &f.cfg, &f.cfg.Mirror
	switch s.Option {
	case "backup":
		m.Backup = true
	case "backup-dir":
		m.Backup, m.BackupDir, f.backupDirSet = true, s.Value, true
	case "suffix":
		m.Suffix, f.suffixSet = s.Value, true
	case "inplace":
		f.inplace = true
	case "fuzzy":
		m.Fuzzy = true
	case "append":
		m.Append = true
	case "append-verify":
		m.Append, m.AppendVerify = true, true
	case "whole-file":
		f.wholeFile = on
	case "block-size":
		var n int64
		if n, err = parseSyncSize(s.Option, s.Value, 1); err == nil && n > 128<<10 {
			err = usagef("--block-size=%s is too large (max: 128.00K)", printableText(s.Value))
		}
		f.blockSize = n > 0
	case "sparse":
		m.Copier.Sparse = copier.Always
	case "preallocate":
		m.Preallocate = true
	case "partial":
		m.Partial = true
	case "partial-dir":
		m.Partial, m.PartialDir = true, s.Value
	case "delay-updates":
		m.DelayUpdates = true
	case "temp-dir":
		m.TempDir = s.Value
	case "fsync":
		m.Copier.Fsync = copier.SyncFull
	case "bwlimit":
		c.Bandwidth, err = parseSyncSize(s.Option, s.Value, 1024)
		if err == nil && c.Bandwidth > 0 && c.Bandwidth < 512 {
			err = usagef("--bwlimit=%s is too small (min: 512 or 0 for unlimited)", printableText(s.Value))
		}
	case "timeout":
		var n int
		n, err = parseSyncInt(s.Option, s.Value)
		c.Timeout = time.Duration(max(0, n)) * time.Second
	case "stop-after":
		var n int
		if n, err = parseSyncInt(s.Option, s.Value); err == nil && n <= 0 {
			err = usagef("invalid --stop-after value: %s", printableText(s.Value))
		}
		m.StopAt = time.Now().Add(time.Duration(n) * time.Minute)
	case "stop-at":
		var ok bool
		if m.StopAt, ok = parseStopAt(s.Value, time.Now()); !ok {
			err = usagef("invalid --stop-at time, or not in the future: %s", printableText(s.Value))
		}
	case "dry-run":
		m.DryRun = true
	case "resume":
		m.Resume = true
	default:
		return false, nil
	}
	return true, err
}
