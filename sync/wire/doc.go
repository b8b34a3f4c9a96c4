// Package wire is the protocol of remote copies: what two ends say to each
// other, how it is encoded, and what neither may say. It is pure: it turns
// messages into bytes and back, and leaves connections to package link, what to
// do to packages mirror and remote.
//
// # Parts
//
// There are two ends, and each plays two parts. The client was started by the
// user, the server by it (through ssh) or before it (as a daemon). The sender has
// the sources, the receiver has the destination and decides. A client that pushes
// is the sender, one that pulls is the receiver.
//
// # Channels
//
// One control channel goes both ways: standard input and output of the server
// under ssh, a TLS connection to a daemon. It carries, in this order, the greeting
// (the server's), one Hello of each end, and then messages in control frames.
//
// Data streams go from the sender to the receiver and carry data frames. As many
// as can be had are opened beside the control channel, and none has to be: the
// same frames go through the control channel, cut into Chunks, until there is
// one. One that is protected is replaced when it has carried 64 GiB, headers
// counted: both ends see that, the client opens another one, and the sender ends
// the old one (FrameEnd) once it has the new one. Frames of one file may go over
// several streams, in any order. Nothing is ever asked on one: there are no round
// trips but those of the control channel, and none of those for each file.
//
// # Encoding
//
// Numbers are little endian; "varint" is that of encoding/binary, in its shortest
// form, zig-zag where the number may be negative.
//
//	greeting	"ZCCP/1 ", 32 hexadecimal digits, newline; up to 64 KiB of what
//		login shells print may come before it
//	Hello	64 bytes that stay the same for ever, and the rest; see Hello
//	control frame	length of the body (u32), type (u8), flags (u8), body
//	data frame	36 bytes of header with a CRC-32C, and exactly as many bytes of
//		payload as it says, with nothing in between or behind, so that
//		the kernel can move them; see HeaderSize
//
// A control frame of unknown type ends the session, unless flag 1 says that it may
// be skipped. Flag 2 says that the body goes on in the next frame, which is of the
// same type; only Job and DirEnd do so. Every other flag, every number out
// of range, bytes left over at the end of a body, names that are no single
// component of a path: all are violations and end the session. Limits stand in
// limits.go, are constants, and are checked before memory is taken for what they
// limit. No message of the peer changes any.
//
// Names in a listing are sorted by their bytes and told as what they share with
// the one before and how they go on; times as the difference to the one before;
// mode and owner only where they change. An entry of a source tree takes
// some 22 bytes.
//
// # Versions
//
// A Hello has the lowest and the highest version that an end speaks, and a list
// of features in order of preference. Both ends take the highest version that
// they have in common (Choose), and use those features which both have. Whoever
// sits between them could make them choose less; so the digest of both Hellos
// (Transcript) is part of what opens each data stream, and compared under TLS.
// Within a version nothing changes but by a feature. A later version may
// add to the end of a Hello, and nowhere else.
//
// # A session
//
//  1. The client says what it wants (Job). The server answers Ready, or Fatal.
//  2. The sender tells what the receiver has to know before it looks at the
//     destination (Root), walks its sources and tells directories (Dir), in any
//     order but each after its parent, what is in them in portions (Entries), and
//     each one's end (DirEnd). Before the first message with the number of a user
//     or group, it tells the name (Names). At the end of the walk it says so
//     (WalkEnd). It waits for nothing in this but its window.
//  3. Meanwhile the receiver looks at its side, compares, and asks for what it
//     needs (Need), in runs of indices: a file is called by its directory's number
//     and its place in the listing, and never by a path again. For a file of which
//     it has much, it adds the sums of its blocks (Signature); the sender may
//     ask for those of smaller blocks (Refine, Fine).
//  4. Meanwhile the sender sends what is asked for: small files whole, many in one
//     FrameBatch, others in FrameRange, FrameHole and FrameCopy. When all of a file
//     is on its way it says so on the control channel (Sent), with what became of
//     it. Files in a batch have their status there; where the stream doesn't
//     protect it, the batch counts for nothing before its BatchSum.
//  5. If the kernel moved the bytes from the page cache, they could still change
//     after the call. So the receiver tells when it has all of them (Received), the
//     sender looks at the file once more, and says whether it may be published
//     (Verdict).
//  6. The receiver publishes. It tells when it wants no more files of a directory
//     (DirDone), so that the sender can forget it, and which files are to be removed
//     at the source (Remove). What it can't store of a file that is on its way it says
//     too (Drop), so that not all of it comes.
//  7. When all the destination is as it should be, the receiver says so (Finished);
//     it asks for nothing after that. The sender ends its streams (FrameEnd), says
//     so (Done), and both close.
//
// The server says at any time what the user is to know: Problem, Note, Item, Totals.
//
// # Who says what when
//
// What a peer said last of these is the step it is at: 0 nothing yet, 1 Job or Ready,
// 2 Root, 3 WalkEnd, 4 Done or Finished. A message from anybody else or at another
// step is a violation. Order holds to this table.
//
//	Job	client	0, leads to 1
//	Ready	server	0, leads to 1
//	Names	sender	1 to 3
//	Root	sender	1, leads to 2
//	Dir, Entries, DirEnd	sender	2
//	WalkEnd	sender	2, leads to 3
//	Refine, Sent, Verdict, BatchSum	sender	2 and 3
//	Chunk	sender	1 to 4
//	Done	sender	3, leads to 4
//	Need, Signature, Fine, Received	receiver	1
//	DirDone, Remove, Drop	receiver	1
//	Finished	receiver	1, leads to 4
//	Problem, Note	server	0 to 4
//	Item, Totals	server	1 to 4
//	Credit	both	1 to 4
//	Fatal, Ping, Stop	both	0 to 4
//
// # Flow control
//
// What one end may send on the control channel before the other has worked it off
// is bounded by a window for each flow: listings, chunks, and reports. Credit gives
// room back. So whoever reads the control channel never has to wait for
// anything else, and neither end can be made to hold more than the windows. What
// is asked for is bounded by the receiver, which works off no listings while too
// many files have not arrived; data streams have the windows of TCP.
//
// # What ends a session
//
// It ends in order with Finished and Done. Otherwise with Fatal, which tells why and
// with which exit code; with Stop, when the user wants no more; with the end of
// the control channel at any other point; with a violation, which is answered by
// Fatal; and with silence: each end says Ping every few seconds if it has nothing
// else to say. The end of one data stream before its FrameEnd ends the session, too.
// A daemon ends one in which nothing moves and nothing is worked at for long; what a
// Ping says of work it believes for a while.
// However it ends, what was not complete is not published: no file appears without all
// its bytes having arrived, its status being Good, and the sums being right where
// there are any.
package wire
