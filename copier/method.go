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
)

var methodNames = [...]string{
	None:          "none",
	Reflink:       "reflink",
	CopyFileRange: "copy_file_range",
	Sendfile:      "sendfile",
	ReadWrite:     "readwrite",
}

// String returns the method's name as reports print it.
func (m Method) String() string {
	if int(m) < len(methodNames) {
		return methodNames[m]
	}
	return fmt.Sprintf("method(%d)", m)
}
