// Package tree holds what walks have in common. It decides nothing.
//
// Dir is a directory that work goes on in: open while it is used, given up when
// too many are open, and found again by name from its parent, or from a child
// by "..", as the same inode.
//
// Counter tells how many files and bytes a tree holds, so that progress can be
// told as a share of the whole while the copy is already under way:
//
//  1. A directory is listed and its files are looked at by descriptor.
//  2. Its subdirectories are kept as names and entered one after the other,
//     depth first, with one descriptor for each level.
//  3. What can't be read counts as nothing: whoever copies it reports it.
package tree
