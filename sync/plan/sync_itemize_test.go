package plan

import (
	"testing"

	"github.com/zccp/zccp/platform"
)

func TestItemize(t *testing.T) {
	for _, c := range []struct {
		f     Flags
		mode  uint32
		times bool
		want  string
	}{
		{FlagTransfer | FlagNew, platform.ModeRegular, true, ">f+++++++++"},
		{FlagTransfer | FlagSize | FlagTime, platform.ModeRegular, true, ">f.st......"},
		{FlagTransfer | FlagChange | FlagTime, platform.ModeRegular, false, ">fc.T......"},
		{FlagLocalChange | FlagNew, platform.ModeDir, true, "cd+++++++++"},
		{FlagTime | FlagPerms, platform.ModeDir, true, ".d..tp....."},
		{FlagLocalChange | FlagChange | FlagSize | FlagTime, platform.ModeSymlink, true, "cLc.t......"},
		{FlagLocalChange | FlagHardLink, platform.ModeRegular, true, "hf         "},
		{0, platform.ModeFIFO, true, ".S         "},
		{FlagTransfer, platform.ModeRegular, true, ">f........."},
		{FlagOwner | FlagGroup | FlagAtime | FlagACL | FlagXattr, platform.ModeBlock, true, ".D....oguax"},
		{FlagDeleted, platform.ModeRegular, true, "*deleting  "},
	} {
		if got := c.f.Itemize(c.mode, c.times); got != c.want {
			t.Errorf("%b of %o: %q, want %q", c.f, c.mode, got, c.want)
		}
	}
}
