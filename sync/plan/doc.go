// Package plan decides what is to be done with an entry: a pure function of
// what stands at the source, what stands at the destination, and the rules.
// It makes no system call and keeps no state, so that a dry run and a real one
// decide alike and every rule can be tested by a table.
//
// For each pair (Copy, the rules of cp):
//
//  1. A source that is skipped by rule (a directory without -r) is refused
//     before the destination is looked at.
//  2. Nothing at the destination: make it.
//  3. Something at the destination: refuse what would destroy the source or
//     change the type between directory and other; then -u, -n and -i; then
//     backup or removal; then how it is replaced.
//
// For a synchronisation (SyncRules, the rules of rsync), where whoever asks holds
// both listings:
//
//  1. QuickCheck, Newer and OutOfSize say whether a regular file is transferred.
//  2. Mode says which permissions an entry is to have.
//  3. Compare says which attributes differ from what they are to be, as Flags,
//     which Itemize writes as the letters of rsync's -i.
package plan
