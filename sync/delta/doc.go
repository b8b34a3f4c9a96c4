// Package delta finds what a file shares with another one that is elsewhere, by
// sums of its blocks, so that only the rest has to be sent.
//
// Who has the old file, the basis, tells a Signature: of every block of [Block]
// bytes a weak sum, which can be rolled over content byte by byte, and a strong
// one. [Match] compares them with the new file: first every block with the one
// at the same offset, on all cores; then, where that found too little or the
// sizes differ, it rolls over what is unmatched to find what was moved. What
// still differs of blocks at their own places can be looked at more closely:
// [Fine] tells a short sum of every 4 KiB, and [Refine] leaves only those that
// differ. What is not a [Copy] has to be sent.
//
// The sums depend on the seed of the session, so that nobody can prepare
// content that is confused by them. A match by chance is possible all the same,
// and so is a basis that changes meanwhile: the [Digest] of the rebuilt file has
// to be that of the new one, which Match computes on the way, or the file has to
// be sent whole.
//
// Nothing here does I/O but through the given io.ReaderAt, which must be safe
// for concurrent use. A read that ends early is an error that wraps
// io.ErrUnexpectedEOF: the file has been cut.
package delta
