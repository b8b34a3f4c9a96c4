package copier

import "fmt"

// Method is a way to move bytes. The zero value means that no data moved
// (an empty file, a hole).
type Method uint8

// The methods, named after the system call that moves the bytes.
const (
	None Method = iota
	Reflink
	CopyFileRange
	Sendfile
	ReadWrite
	Splice
	Mmap
	Direct
	DontCache
	numMethods
)

var methodNames = [...]string{
	None:          "none",
	Reflink:       "reflink",
	CopyFileRange: "copy_file_range",
	Sendfile:      "sendfile",
	ReadWrite:     "readwrite",
	Splice:        "splice",
	Mmap:          "mmap",
	Direct:        "direct",
	DontCache:     "dontcache",
}

// String returns the method's name as reports print it.
func (m Method) String() string {
	if int(m) < len(methodNames) {
		return methodNames[m]
	}
	return fmt.Sprintf("method(%d)", m)
}

// Methods returns every method, the traditional one first.
func Methods() []Method {
	return []Method{ReadWrite, Mmap, Sendfile, Splice, CopyFileRange, Reflink, Direct, DontCache}
}

// ParseMethod returns the method of a name that String gives.
func ParseMethod(name string) (Method, bool) {
	for _, m := range Methods() {
		if m.String() == name {
			return m, true
		}
	}
	return None, false
}
