// Package mirror makes directories of one machine like others, by the rules of
// rsync: what differs is transferred, what is no longer at the source can be
// deleted. It holds both listings of a directory, where package local, which
// copies as cp does, goes by the source's names alone.
//
// It resolves no path below an operand: work goes on in held directories
// (tree.Dir), and nothing at the destination is reached through a symbolic
// link unless --keep-dirlinks asks for it.
//
// The unit of work is a pair: one directory of the destination and the
// directories of the sources that are merged into it.
//
//  1. The operands become origins of the root pair: a directory with the names
//     wanted of it, or with all of them.
//  2. list reads the names of all origins, leaves out what the filter hides,
//     reads the names of the destination, sorts both and joins them. Where a
//     name comes from several origins a directory wins, then the first.
//  3. Names are taken in portions, each a job. For each: look (the source; the
//     destination only if its listing has the name), decide (package plan),
//     do. Directories are entered one after the other.
//  4. Names that only the destination has, and that the filter does not
//     protect, are kept for later. So is what a directory is in the way of.
//  5. A directory that is new is made under a temporary name and renamed once
//     its small files are whole.
//  6. A directory is sealed (owner, mode, times) when all below it is done.
//  7. When the walk is over the guards look at how much would go, and then it
//     goes: by descriptor, never into another file system. Before that, with
//     DetectRenames, new files that were put off are sought in what goes, and
//     what is found is renamed.
//
// With DeleteBefore a walk that only lists and deletes comes first. With FakeSuper
// all calls that look at entries or change them are wrapped.
package mirror
