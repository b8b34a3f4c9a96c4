package wire

import (
	"fmt"
	"slices"
	"strings"
)

// Agreed is what two ends have in common. It is the same at both.
type Agreed struct {
	Version  uint32
	Features []string // in the client's order of preference
	Plain    bool     // both allow streams that are not encrypted
}

// Choose compares the Hellos of the two ends. The version is the highest that
// both speak; there is no falling back below what either says is its lowest.
func Choose(ours, theirs *Hello) (Agreed, error) {
	version := min(ours.MaxVersion, theirs.MaxVersion)
	if version < max(ours.MinVersion, theirs.MinVersion) {
		return Agreed{}, &Violation{Version: true, Text: fmt.Sprintf("the far end speaks versions %d to %d of the protocol, and this one %d to %d",
			theirs.MinVersion, theirs.MaxVersion, ours.MinVersion, ours.MaxVersion)}
	}
	if ours.Client == theirs.Client {
		return Agreed{}, violation("both ends play the same part")
	}
	if ours.Session != theirs.Session {
		return Agreed{}, violation("the far end is of another session")
	}
	client, server := ours, theirs
	if theirs.Client {
		client, server = theirs, ours
	}
	a := Agreed{Version: version, Plain: client.Plain && server.Plain}
	for _, f := range client.Features {
		if slices.Contains(server.Features, f) && !slices.Contains(a.Features, f) {
			a.Features = append(a.Features, f)
		}
	}
	return a, nil
}

// Has reports whether both ends have a feature.
func (a *Agreed) Has(feature string) bool { return slices.Contains(a.Features, feature) }

// First is the feature of a kind ("hash:") that the client likes best, "" for
// none.
func (a *Agreed) First(kind string) string {
	for _, f := range a.Features {
		if strings.HasPrefix(f, kind) {
			return f
		}
	}
	return ""
}
