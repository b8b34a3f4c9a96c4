package mirror

import (
	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

// Copier returns what files are copied with, for who sends those that
// OpenOffered opened.
func (m *Mirror) Copier() *copier.Copier { return m.cp }

// Calls returns what the Mirror makes its calls through.
func (m *Mirror) Calls() *platform.Calls { return m.calls }
