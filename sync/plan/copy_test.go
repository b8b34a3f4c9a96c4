package plan

import (
	"testing"

	"github.com/zccp/zccp/platform"
)

func file(ino uint64, mtime int64) *platform.Stat {
	return &platform.Stat{Dev: 1, Ino: ino, Mode: platform.ModeRegular | 0o644, Nlink: 1, Mtime: platform.Time{Sec: mtime}}
}

func node(ino uint64, kind uint32) *platform.Stat {
	return &platform.Stat{Dev: 1, Ino: ino, Mode: kind | 0o755, Nlink: 1}
}

func linked(st *platform.Stat) *platform.Stat {
	st.Nlink = 2
	return st
}

func TestCopy(t *testing.T) {
	dir := func(ino uint64) *platform.Stat { return node(ino, platform.ModeDir) }
	link := func(ino uint64) *platform.Stat { return node(ino, platform.ModeSymlink) }
	fifo := func(ino uint64) *platform.Stat { return node(ino, platform.ModeFIFO) }
	r := Rules{Recursive: true, NoDereference: true}
	tests := []struct {
		name  string
		rules Rules
		pair  Pair
		want  Action
	}{
		{"file, nothing there", r, Pair{Src: file(1, 0)}, Action{Do: Create, Reason: New}},
		{"directory without -r", Rules{}, Pair{Src: dir(1)}, Action{Do: Refuse, Reason: NoRecursion}},
		{"directory, nothing there", r, Pair{Src: dir(1)}, Action{Do: Create, Reason: New}},
		{"directory over directory", r, Pair{Src: dir(1), Dst: dir(2)}, Action{Do: Enter, Reason: Exists}},
		{"directory over file", r, Pair{Src: dir(1), Dst: file(2, 0)}, Action{Do: Refuse, Reason: DirOverNonDir}},
		{"directory over link to directory", r, Pair{Src: dir(1), Dst: link(2), Target: dir(3)}, Action{Do: Refuse, Reason: DirOverNonDir}},
		{"the same with --keep-directory-symlink", Rules{Recursive: true, KeepDirSymlink: true}, Pair{Src: dir(1), Dst: link(2), Target: dir(3)}, Action{Do: Enter, Reason: Exists}},
		{"directory onto itself", r, Pair{Src: dir(1), Dst: dir(1)}, Action{Do: Refuse, Reason: SameFile}},
		{"file over directory", r, Pair{Src: file(1, 0), Dst: dir(2)}, Action{Do: Refuse, Reason: NonDirOverDir}},
		{"file through link to directory", r, Pair{Src: file(1, 0), Dst: link(2), Target: dir(3)}, Action{Do: Refuse, Reason: NonDirOverDir}},
		{"link over directory", r, Pair{Src: link(1), Dst: dir(2)}, Action{Do: Refuse, Reason: NonDirOverDir}},
		{"file over file", r, Pair{Src: file(1, 0), Dst: file(2, 0)}, Action{Do: Overwrite, Reason: Exists}},
		{"link over file", r, Pair{Src: link(1), Dst: file(2, 0)}, Action{Do: Replace, Reason: NotRegular}},
		{"FIFO over file", r, Pair{Src: fifo(1), Dst: file(2, 0)}, Action{Do: Replace, Reason: NotRegular}},
		{"FIFO over file, links followed", Rules{Recursive: true}, Pair{Src: fifo(1), Dst: file(2, 0)}, Action{Do: Create, Reason: Exists}},
		{"-l over file", Rules{HardLink: true}, Pair{Src: file(1, 0), Dst: file(2, 0)}, Action{Do: Create, Reason: Exists}},
		{"-lf over file", Rules{HardLink: true, Force: true}, Pair{Src: file(1, 0), Dst: file(2, 0)}, Action{Do: Replace, Reason: Exists}},
		{"--attributes-only of a link over a file", Rules{AttributesOnly: true, NoDereference: true}, Pair{Src: link(1), Dst: file(2, 0)}, Action{Do: Create, Reason: Exists}},
		{"FIFO read as a file", Rules{CopyContents: true}, Pair{Src: fifo(1), Dst: file(2, 0)}, Action{Do: Overwrite, Reason: Exists}},
		{"file over file with other names", r, Pair{Src: file(1, 0), Dst: linked(file(2, 0))}, Action{Do: Overwrite, Reason: Exists}},
		{"the same keeping links", Rules{PreserveLinks: true}, Pair{Src: file(1, 0), Dst: linked(file(2, 0))}, Action{Do: Replace, Reason: HasLinks}},
		{"-u, older there", Rules{Update: UpdateOlder}, Pair{Src: file(1, 5), Dst: file(2, 4)}, Action{Do: Overwrite, Reason: Newer}},
		{"-u, as old there", Rules{Update: UpdateOlder}, Pair{Src: file(1, 5), Dst: file(2, 5)}, Action{Do: Skip, Reason: NotNewer}},
		{"-u, newer there", Rules{Update: UpdateOlder}, Pair{Src: file(1, 5), Dst: file(2, 6)}, Action{Do: Skip, Reason: NotNewer}},
		{"-n", Rules{Update: UpdateNone}, Pair{Src: file(1, 0), Dst: file(2, 0)}, Action{Do: Skip, Reason: Exists}},
		{"-n does not hold for directories", Rules{Recursive: true, Update: UpdateNone}, Pair{Src: dir(1), Dst: dir(2)}, Action{Do: Enter, Reason: Exists}},
		{"--update=none-fail", Rules{Update: UpdateNoneFail}, Pair{Src: file(1, 0), Dst: file(2, 0)}, Action{Do: Refuse, Reason: Exists}},
		{"-i", Rules{Ask: true}, Pair{Src: file(1, 0), Dst: file(2, 0)}, Action{Do: Overwrite, Reason: Exists, Ask: true}},
		{"-i, directory there", Rules{Ask: true}, Pair{Src: file(1, 0), Dst: dir(2)}, Action{Do: Refuse, Reason: NonDirOverDir, Ask: true}},
		{"-i, nothing there", Rules{Ask: true}, Pair{Src: file(1, 0)}, Action{Do: Create, Reason: New}},
		{"-b", Rules{Backup: true}, Pair{Src: file(1, 0), Dst: file(2, 0)}, Action{Do: Replace, Reason: Backed}},
		{"--remove-destination", Rules{RemoveDestination: true}, Pair{Src: file(1, 0), Dst: file(2, 0)}, Action{Do: Replace, Reason: Removed}},
		{"file onto itself", r, Pair{Src: file(1, 0), Dst: file(1, 0), SameName: true}, Action{Do: Refuse, Reason: SameFile}},
		{"file onto its hard link", r, Pair{Src: linked(file(1, 0)), Dst: linked(file(1, 0))}, Action{Do: Refuse, Reason: SameFile}},
		{"the same with --remove-destination", Rules{RemoveDestination: true}, Pair{Src: linked(file(1, 0)), Dst: linked(file(1, 0))}, Action{Do: Replace, Reason: Removed}},
		{"the same with -l", Rules{HardLink: true}, Pair{Src: linked(file(1, 0)), Dst: linked(file(1, 0))}, Action{Do: Skip, Reason: SameFile}},
		{"file through a link to itself", r, Pair{Src: file(1, 0), Dst: link(2), Target: file(1, 0)}, Action{Do: Refuse, Reason: SameFile}},
		{"the same with --remove-destination, through a link", Rules{RemoveDestination: true}, Pair{Src: file(1, 0), Dst: link(2), Target: file(1, 0)}, Action{Do: Replace, Reason: Removed}},
		{"link onto itself", r, Pair{Src: link(1), Dst: link(1), SameName: true}, Action{Do: Refuse, Reason: SameFile}},
		{"link onto its hard link", r, Pair{Src: link(1), Dst: link(1)}, Action{Do: Skip, Reason: SameFile}},
		{"dangling link there with -n", Rules{Update: UpdateNone}, Pair{Src: file(1, 0), Dst: link(2)}, Action{Do: Overwrite, Reason: Exists}},
		{"dangling link there with -ub", Rules{Update: UpdateOlder, Backup: true}, Pair{Src: file(1, 0), Dst: link(2)}, Action{Do: Skip, Reason: NotNewer}},
		{"dangling link there", r, Pair{Src: file(1, 0), Dst: link(2)}, Action{Do: Overwrite, Reason: Exists}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.rules.Copy(&tt.pair); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
