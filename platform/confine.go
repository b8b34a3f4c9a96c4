package platform

// Beneath names what Confine leaves reachable: a file, or a directory and all
// that is below it, for reading or for writing too.
type Beneath struct {
	Path  string
	Write bool
}
