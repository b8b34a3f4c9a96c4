// Package verify compares two trees on this machine and changes neither.
//
//  1. The roots are opened by their paths; everything below them by held
//     descriptors of its directory, and no symbolic link is followed there.
//  2. A pair of directories is listed on both sides, the listings are sorted and
//     merged, and the names are compared in portions, each a job of
//     [apply.Runner]. Directories that stand on both sides are entered one at a
//     time, depth first.
//  3. Of a pair of files the attributes and the content are compared. What a
//     file is, is looked at before and after: one that changes meanwhile is a
//     problem and never counts as the same.
//  4. Names of one inode are remembered until all of them were met, so that
//     hard links can be compared.
//
// Memory is that of the listings under way, of the branch that they are in, and
// of names of inodes that have several. Descriptors are bounded at any depth: a
// pair of directories that nobody uses is given up when there are too many, and
// opened again, to be seen to be the same inodes (see pool).
//
// A difference is reported to [Reporter]; what could not be compared is a
// problem, which goes to the reporter of the runner. Nothing that could not be
// compared counts as the same, and nothing is done twice to make it so.
package verify
