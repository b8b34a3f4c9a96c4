// Package local copies between directories of one machine. It works on held
// directory descriptors: below an operand no path is resolved, so a directory
// that is renamed or replaced by a link meanwhile leads nowhere else. Two
// places resolve more than one component, both beneath the destination's root
// or from an operand that the user named: writing through a symbolic link, as
// cp does, and coming back to a directory whose descriptor was given up.
//
// The unit of work is a pair of directories (node):
//
//  1. An operand becomes a root pair. A directory that is new at the
//     destination is created under a temporary name.
//  2. list reads the source directory in portions of some 256 names, each a
//     job, so that one flat directory feeds all workers. Directories found are
//     pushed as one job that opens them one after the other, which keeps
//     memory at the size of their names.
//  3. For every name: look (the source; the destination only where the
//     directory existed before), decide (plan.Rules.Copy), do. Small files are
//     copied on the spot, big ones are queued apart.
//  4. A new directory is renamed to its final name once its small files are
//     whole; what is below it is not waited for, since work goes by
//     descriptor. If the name was taken meanwhile its entries are moved over
//     one by one.
//  5. A directory is sealed (owner, mode, ACLs, times) once everything below
//     it is, deepest first, and only then its descriptors are closed for good.
//
// Hard links are kept by a map of the inodes with more than one name: who
// comes first copies, who comes while that runs leaves a note, who comes later
// links.
//
// A killed run leaves temporary names behind, recognisable by name
// (copier.IsTemp) and unlocked; the next run removes those that it meets in
// the directories it copies into.
package local
