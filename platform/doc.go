// Package platform is the operating system and nothing else: the system calls
// that copying needs, each as a thin function, and what their errors mean.
//
// It is the only package with build constraints and the only one that imports
// golang.org/x/sys. It holds no policy: which call to try first is decided in
// package copier. It has no loops over calls, keeps no state and logs nothing.
//
// How a caller uses it:
//
//  1. Take a *Calls: Native() for the kernel, or a wrapped one in tests.
//  2. Make one call through it, relative to a directory descriptor it holds.
//  3. On an error ask Judge what it means for that call: repeat, try the next
//     method at the same confirmed offset, start the file again the plain way,
//     or give up. No other package compares errnos to choose a way on.
package platform
