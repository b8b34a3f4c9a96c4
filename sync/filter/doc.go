// Package filter is rsync's language of filter rules, and git's of .gitignore files. It
// decides which names of a tree are transferred and which are protected from deletion. It
// does no I/O: contents of files come from the caller, through functions.
//
//  1. Rules are added to a [List] in the order of the command line. Merge files are read in
//     place.
//  2. [List.Root] takes the rules of one [Side]: others never match.
//  3. [Dir.Enter] follows the walk down the tree. For each dir-merge rule the file of that
//     name is read; its rules are put in front of those of the directories above, in the
//     place of the dir-merge rule. Siblings share what they inherit.
//  4. [Dir.Match] tries the rules in order: the first that matches decides, no match is
//     [None]. A pattern without a slash and without ** is matched with the name, another
//     one with the path from the root of the transfer; a rule with the modifier / and an
//     anchored one of a directory's file with the absolute path.
//  5. What is excluded is not entered: the caller leaves it out with all that is in it.
//
// All matching is on bytes. Where the manual is vague the rsync 3.5 binary decides: tests
// compare with it.
package filter
