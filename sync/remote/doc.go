// Package remote runs a synchronisation between two machines: one half of a
// mirror.Mirror at each end, and between them the messages and data streams of
// package wire on a link.Link.
//
// A session is two roles, whoever of the two is the client: the sender has the
// sources, the receiver the destination.
//
//  1. The client sends its job along with the first words of the link, and the
//     server makes a Mirror for it (roles.go). From then on both play their roles,
//     and the server's Mirror reports to the client (report.go). A client that
//     sends begins to walk before it is connected.
//  2. The sender's walk goes into a sink, which encodes listings, names owners and
//     waits for the window (sink.go, window.go, names.go).
//  3. The receiver gives listings to its engine in the order in which they came,
//     and passes on what that needs, put together into runs (receiver.go).
//  4. The sender keeps what is asked for as a queue of runs (needs.go). Each data
//     stream has a pump that takes from it (pump.go): small files are read into
//     batches; a large one goes out in ranges, that other pumps help with when
//     they have nothing else to do (sending.go, ranges.go, compress.go). Of a file
//     that the receiver has in another version, only what differs goes out
//     (delta.go).
//  5. At the receiver each stream has a lane (intake.go), which gives batches to the
//     engine and stores pieces of files (incoming.go). A file is the engine's
//     again once its size has come, the sums are right and, if the kernel sent it,
//     the sender has looked at it once more. What can't be stored is not sent any
//     further.
//  6. When the engine is done, the receiver says so; the sender then does what is
//     left to do there and has the last word.
//
// The control channel has one goroutine that reads and one that writes
// (control.go, session.go). The reader never waits: not for the writer, not for a
// disk, not for the user's terminal. What it takes in is bounded by windows that
// the other end keeps, and by the files outstanding; what breaks these bounds
// breaks the protocol. As long as there is no data stream, frames go through the
// control channel, in a window of their own (pipe.go).
//
// A stream whose key has been used for long is replaced (renew.go). A session in
// which nothing goes on is ended by a daemon (progress.go), which also bounds what it
// keeps for one.
//
// The first failure ends both ends, within a second (ending.go). Nothing is published
// then that was not whole.
package remote
