//go:build !unix

package platform

const errInvalidName = Errno(22)

// Open flags of Calls.Openat. Without an implementation of Openat their values
// only have to differ.
const (
	ReadOnly  = 0
	WriteOnly = 1 << iota
	ReadWrite
	Create
	Exclusive
	Truncate
	NoFollow
	NonBlock
	Directory
	NoAtime
	PathOnly
	Unnamed
	NoCTTY
)

// Native returns a table in which every ability refuses: this system has no
// implementation of descriptor-relative copying here.
func Native() *Calls { return Refusing() }
