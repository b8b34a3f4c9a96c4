package local

import (
	"fmt"
	"strings"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// foldedName reports, and says so, that name leads to an entry of the
// destination that another name of the same source directory led to before:
// where case tells no names apart one copy would take the place of the other
// and nobody would know. In a directory that this run creates the second is
// refused as it is. n is in use.
func (c *Copy) foldedName(n *node, name platform.Name) bool {
	if !c.folds || n.fresh || n.dfd == platform.None {
		return false
	}
	text := name.String()
	folded := strings.ToUpper(text)
	n.mu.Lock()
	first, met := n.names[folded]
	if !met {
		if n.names == nil {
			n.names = map[string]string{}
		}
		n.names[folded] = text
	}
	n.mu.Unlock()
	if !met || first == text {
		return false // a listing that begins anew tells names twice
	}
	// A file system may tell them apart all the same.
	var a, b platform.Stat
	other, err := platform.MakeName(first)
	if err != nil || c.calls.Statat(n.dfd, other, &a, false) != nil || c.calls.Statat(n.dfd, name, &b, false) != nil || !a.SameInode(&b) {
		return false
	}
	c.fail(errJustCreated, fmt.Sprintf("will not overwrite just-created %s with %s", apply.Quote(n.dstPath(other)), apply.Quote(n.srcPath(name))))
	return true
}
