//go:build unix

package platform

import "path/filepath"

// SlashPath returns a path that a user typed as the program takes paths: with
// slashes, and with one in front if it is absolute.
func SlashPath(path string) string { return path }

// ShownPath returns a path as users of the system write it, if it is one that
// SlashPath returned.
func ShownPath(path string) string { return path }

// AbsPath returns the absolute path of one that SlashPath returned, without "."
// and "..".
func AbsPath(path string) (string, error) { return filepath.Abs(path) }
