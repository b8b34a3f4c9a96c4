// Package copier copies one file: it chooses a method, moves the bytes, stages
// the result, carries the metadata and verifies what was stored. It works on
// open descriptors and names below an open directory; it walks nothing, starts
// no goroutine and prints nothing.
//
// The life of a regular file (Worker.Put):
//
//  1. Stage: create the destination where nobody can mistake it for the whole
//     file: plainly inside a directory that is itself unpublished, as an
//     unnamed file (O_TMPFILE), under a temporary name, or, where asked for,
//     in place. It may begin with what an earlier run left of it (Partial,
//     Resume): under a lock, and compared with the source before it counts.
//  2. Data: of a file that resembles a basis (Delta) clone the basis and store
//     the blocks that differ; in place compare with what is there, or append.
//     Otherwise clone it whole, or copy its data segments between the holes with
//     the first method of the strategy table that fits; on a refusal go on
//     with the next method at the confirmed offset. A call that moved nothing
//     proves nothing: one byte is read at the offset before end of file is
//     believed.
//     Between file systems, what others that were copied have in common with it
//     at the source is cloned from their copies (PreserveSharing).
//  3. Size: the stored size must be the number of bytes confirmed.
//  4. Metadata, in the order that loses nothing: owner, mode, ACLs and other
//     extended attributes, times.
//  5. Source: look at it again. If it changed, or somebody was in the middle
//     of a write to it and its content reads otherwise now, empty the copy and
//     repeat from 2; after a few rounds give up with ErrChanged.
//  6. Verify, if asked: read the stored bytes back past the cache and compare
//     hashes of both sides.
//  7. Durability, if asked: fsync before the name is given.
//  8. Commit: give the file its name, across file systems by way of a second
//     staged file, or leave it to wait (Hold). On any failure before, Discard
//     removes what was staged and an existing destination is as it was; what
//     is good of the file may be kept for the next run.
package copier
