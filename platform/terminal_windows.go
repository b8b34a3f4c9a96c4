package platform

import "golang.org/x/sys/windows"

// Foreground reports whether the calling process may draw on the terminal fd.
// There is no job control, so every process may whose console takes escape
// sequences, which it is told to (Windows 10, version 1511).
func Foreground(fd FD) bool {
	var mode uint32
	if err := windows.GetConsoleMode(windows.Handle(fd), &mode); err != nil {
		return false
	}
	if mode&windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING != 0 {
		return true
	}
	return windows.SetConsoleMode(windows.Handle(fd), mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
