package plan

import "github.com/zccp/zccp/platform"

// Update says which existing destinations are replaced (--update).
type Update uint8

// The modes of cp.
const (
	UpdateAll Update = iota
	UpdateNone
	UpdateNoneFail
	UpdateOlder
)

// Rules are the choices of a copy that bear on single entries.
type Rules struct {
	Recursive         bool
	NoDereference     bool // -P, and -H below an operand: no link at the source is followed
	CopyContents      bool // read special files as if they were regular
	HardLink          bool // -l
	SymbolicLink      bool // -s
	AttributesOnly    bool
	Force             bool // -f
	RemoveDestination bool
	Ask               bool // -i
	Update            Update
	KeepDirSymlink    bool
	Backup            bool
	PreserveLinks     bool
	InPlace           bool
}

// Do is what is to be done with an entry.
type Do uint8

// The deeds.
const (
	// Skip the entry; not a failure.
	Skip Do = iota
	// Refuse it: a failure, Action.Reason says why.
	Refuse
	// Create what the source is under a name that is free.
	Create
	// Enter a directory that exists and merge into it.
	Enter
	// Overwrite an existing non-directory so that the result is what cp
	// writing into it would leave: its owner, mode and attributes unless the
	// source's are preserved.
	Overwrite
	// Replace an existing non-directory by a new inode.
	Replace
)

// Reason says why, for reports and messages.
type Reason uint8

// The reasons.
const (
	New Reason = iota
	Exists
	Newer
	NotNewer
	SameFile
	NoRecursion
	DirOverNonDir
	NonDirOverDir
	SpecialDestination
	HasLinks
	NotRegular
	Backed
	Removed
	AskFirst
)

var reasonText = [...]string{
	New: "new", Exists: "exists", Newer: "newer", NotNewer: "not newer", SameFile: "same file",
	NoRecursion: "directory without -r", DirOverNonDir: "directory over non-directory",
	NonDirOverDir: "non-directory over directory", SpecialDestination: "not a regular file",
	HasLinks: "has other hard links", NotRegular: "not written into", Backed: "backup first", Removed: "removed first", AskFirst: "asked",
}

func (r Reason) String() string { return reasonText[r] }

// Action is a decision.
type Action struct {
	Do     Do
	Reason Reason
	Ask    bool // only if the user says yes, which is asked before a refusal too
}

// Pair is an entry at both sides.
type Pair struct {
	Src *platform.Stat // the target's, if links are followed
	// Dst is what stands at the name, links not followed; nil if nothing does.
	Dst *platform.Stat
	// Target is what Dst leads to if it is a symbolic link, nil if that is
	// nothing or if Dst is no link.
	Target *platform.Stat
	// SameName tells that both are literally one directory entry.
	SameName bool
	// SrcLink is the source itself if it is a link that is followed.
	SrcLink *platform.Stat
	// SrcTarget is what Src leads to if it is a symbolic link that is to take
	// the place of something else, nil if that is nothing.
	SrcTarget *platform.Stat
}

// AsFile reports whether the content of a source of this mode is copied.
func (r *Rules) AsFile(mode uint32) bool {
	switch mode & platform.ModeType {
	case platform.ModeRegular:
		return true
	case platform.ModeDir, platform.ModeSymlink:
		return false
	}
	return r.CopyContents
}

// Writes reports whether existing files are written into, so that links to
// them are followed.
func (r *Rules) Writes() bool {
	return !r.SymbolicLink && !r.HardLink && !r.Backup && !r.RemoveDestination
}

// ReplacesUnasked reports whether an existing file is replaced whatever it is.
func (r *Rules) ReplacesUnasked() bool {
	return r.Update == UpdateAll && !r.Ask && !r.Backup && !r.HardLink && !r.SymbolicLink
}

// followsDst: cp looks through a link at the destination only when it is going
// to write into a file.
func (r *Rules) followsDst(src *platform.Stat) bool {
	return r.AsFile(src.Mode) && r.Writes()
}

// Through returns what the destination counts as: the link's target where cp
// writes through it, else the entry itself.
func (r *Rules) Through(p *Pair) *platform.Stat {
	if p.Dst != nil && p.Dst.IsSymlink() && p.Target != nil {
		if r.followsDst(p.Src) || p.Src.IsDir() && r.KeepDirSymlink && p.Target.IsDir() {
			return p.Target
		}
	}
	return p.Dst
}

// Copy decides by the rules of cp (coreutils 9.1 copy.c, copy_internal).
func (r *Rules) Copy(p *Pair) Action {
	if p.Src.IsDir() && !r.Recursive {
		return Action{Do: Refuse, Reason: NoRecursion}
	}
	if p.Dst == nil {
		return Action{Do: Create, Reason: New}
	}
	dst := r.Through(p)
	if dst.IsSymlink() && p.Target == nil && r.followsDst(p.Src) {
		// To cp, which looks at what a link leads to, there is nothing: no
		// rule for what exists holds.
		return Action{Do: Overwrite, Reason: Exists}
	}
	srcDir, dstDir := p.Src.IsDir(), dst.IsDir()
	if a, decided := r.sameFile(p, dst); decided && (srcDir || r.Update != UpdateNone) {
		return a
	}
	if !srcDir {
		switch r.Update {
		case UpdateNone:
			return Action{Do: Skip, Reason: Exists}
		case UpdateNoneFail:
			return Action{Do: Refuse, Reason: Exists}
		case UpdateOlder:
			if !dst.Mtime.Before(p.Src.Mtime) {
				return Action{Do: Skip, Reason: NotNewer}
			}
		}
	}
	switch {
	case srcDir && dstDir:
		return Action{Do: Enter, Reason: Exists}
	case srcDir:
		return Action{Do: Refuse, Reason: DirOverNonDir}
	case dstDir:
		return Action{Do: Refuse, Reason: NonDirOverDir, Ask: r.Ask}
	}
	a := r.replace(p, dst)
	a.Ask = r.Ask
	return a
}

// taken is an attempt to create what is there already, whose error tells the
// user: cp removes a destination only for stated reasons.
var taken = Action{Do: Create, Reason: Exists}

func (r *Rules) replace(p *Pair, dst *platform.Stat) Action {
	switch {
	case r.Backup:
		return Action{Do: Replace, Reason: Backed}
	case r.RemoveDestination:
		return Action{Do: Replace, Reason: Removed}
	case !r.AttributesOnly && r.PreserveLinks && dst.Nlink > 1:
		return Action{Do: Replace, Reason: HasLinks}
	case !r.AttributesOnly && r.NoDereference && !p.Src.IsRegular():
		return Action{Do: Replace, Reason: NotRegular}
	case r.HardLink || r.SymbolicLink:
		if r.Force || r.Ask {
			return Action{Do: Replace, Reason: Exists}
		}
		return taken
	case !r.AsFile(p.Src.Mode):
		if r.Force && p.Src.IsSymlink() {
			return Action{Do: Replace, Reason: Exists}
		}
		return taken
	case r.Update == UpdateOlder:
		return Action{Do: Overwrite, Reason: Newer}
	}
	return Action{Do: Overwrite, Reason: Exists}
}

// sameFile keeps a file from being copied onto itself, and from giving way to a
// link that leads to it (copy.c, same_file_ok). dst is what Through returned.
func (r *Rules) sameFile(p *Pair, dst *platform.Stat) (Action, bool) {
	no := Action{}
	refuse := Action{Do: Refuse, Reason: SameFile}
	done := Action{Do: Skip, Reason: SameFile}
	same := p.Src.SameInode(dst)
	if same && r.HardLink {
		return done, true
	}
	if p.Src.IsDir() {
		return refuse, same
	}
	srcEntry, dstEntry := p.Src, dst
	if r.NoDereference {
		if p.Src.IsSymlink() && dst.IsSymlink() {
			switch {
			case p.SameName:
				return refuse, true
			case same && !r.Backup:
				return done, true
			}
			return no, false
		}
	} else {
		if !same {
			return no, false
		}
		if p.SrcLink != nil {
			srcEntry = p.SrcLink
		}
		dstEntry = p.Dst
	}
	sameEntry := srcEntry.SameInode(dstEntry)
	switch {
	case r.Backup:
		if !sameEntry {
			// Followed, the link would then lead to the backup.
			return refuse, !r.NoDereference && srcEntry.IsSymlink() && !dstEntry.IsSymlink()
		}
		return refuse, p.SameName
	case r.RemoveDestination && (dstEntry.IsSymlink() || sameEntry && dstEntry.Nlink > 1 && !p.SameName):
		return no, false
	case !srcEntry.IsSymlink() && !dstEntry.IsSymlink() && !sameEntry:
		return no, false
	case r.SymbolicLink && dstEntry.IsSymlink():
		return no, false
	case !r.NoDereference:
		return refuse, true
	}
	if srcEntry.IsSymlink() {
		srcEntry = p.SrcTarget
	}
	isLink := dstEntry.IsSymlink()
	if isLink {
		dstEntry = p.Target
	}
	switch {
	case srcEntry == nil || dstEntry == nil || !srcEntry.SameInode(dstEntry):
		return no, false
	case r.HardLink:
		return done, !isLink
	}
	return refuse, true
}
