package main

import "github.com/zccp/zccp/platform"

// reason returns the cause of an error in the words of strerror(3), which are
// those that people search for: Go's own begin in lower case.
func reason(err error) string {
	text := platform.Message(err)
	if text != "" && text[0] >= 'a' && text[0] <= 'z' {
		text = string(text[0]-'a'+'A') + text[1:]
	}
	return text
}
