// Package tree counts what a tree holds: how many files and how many bytes, so
// that progress can be told as a share of the whole while the copy is already
// under way. It reads names and sizes only and decides nothing; the walk that
// copies is package local's.
//
//  1. A directory is listed and its files are looked at by descriptor.
//  2. Its subdirectories are kept as names and entered one after the other,
//     depth first, with one descriptor for each level.
//  3. What can't be read counts as nothing: whoever copies it reports it.
package tree
