package main

import (
	"slices"

	"github.com/zccp/zccp/copier"
)

// parseSharing reads the value of --preserve-sharing.
func parseSharing(s setting) (copier.Sharing, error) {
	if !s.Given {
		return copier.AlwaysSharing, nil
	}
	return findKeyword("--preserve-sharing", s.Value, sharingWords())
}

// checkSharing refuses what would leave no file that could share.
func checkSharing(o copier.Options) error {
	if o.PreserveSharing != copier.AlwaysSharing {
		return nil
	}
	switch {
	case o.Reflink != copier.Auto:
		return usagef("--preserve-sharing can be used only with --reflink=auto")
	case o.Sparse != copier.Auto:
		return usagef("--preserve-sharing can be used only with --sparse=auto")
	case o.Methods != nil && !slices.Contains(o.Methods, copier.Reflink):
		return usagef("--preserve-sharing needs a --method list that names reflink")
	}
	return nil
}
