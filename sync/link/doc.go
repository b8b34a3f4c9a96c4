// Package link is how two ends meet: it ends with a control channel that goes
// both ways and, where they can be had, data streams beside it. What is said on
// them is not its business.
//
// Over ssh it goes like this:
//
//  1. The client runs the system's ssh with words that never change, "zccp serve
//     --stdio" ([DialSSH]); the far end is [ServeStdio]. Paths and secrets are
//     in no argument and no variable of either host.
//  2. The server greets, which ends whatever a login shell may print before.
//     There is no time limit up to the first byte, because ssh may be asking
//     for a password; from there to the end of step 4 there are 10 seconds.
//  3. The client says Hello (package wire): versions, features, whether plain
//     streams may be, the pin of a key it has made for this session, a token of
//     256 random bits, how many streams it wants and on which ports. What it has
//     to say first on the control channel follows without waiting for an answer, if
//     it is short.
//  4. The server opens one TCP listener, and says Hello with its own pin, the
//     listener's port and the address at which ssh has reached it. From here on
//     the control channel is the caller's.
//  5. Meanwhile the client connects: to the name that ssh has resolved and to
//     the addresses told, all at once, for a second and a half. On the first
//     that answers it opens all streams. If none does, that is a note, and
//     everything goes through ssh.
//  6. Each stream is a TLS 1.3 connection on which both show the key that was
//     pinned in step 3 or 4, and then prove to know the token: by HMAC-SHA256
//     over both Hellos, the stream's number, the client's nonce and the TLS
//     exporter. So a stream can't be opened by anybody else, moved to another
//     session or opened twice, and ends that were made to see different Hellos
//     don't get any. Plain streams do the same without TLS, and with a nonce of
//     the server in the exporter's place.
//  7. The listener closes when all streams are there, and after 30 seconds in
//     any case.
//
// A daemon ([Listen], [Daemon.Serve], [DialDaemon]) differs in this:
//
//  1. The client connects to its port by TLS 1.3 and shows a key that lasts
//     ([GenerateKey]); so does the daemon. Each knows the other's fingerprint
//     beforehand: from the daemon's configuration, and from the client's file of
//     known hosts or the URL. Whoever is not known gets no further.
//  2. The session's identifier comes from the TLS connection, so that the client
//     says Hello, with the export that it wants, without waiting for the greeting.
//  3. Data streams are further connections to the same port, told from control
//     connections by their protocol (ALPN) or, plain ones, by their first byte.
//     They are let in as in steps 6 and 7, and have to show the same key.
//
// Connections that have not got so far are few, also for each address, and short;
// when there are too many the oldest goes. They take nothing from sessions.
//
// Security=TLS hands sending to the kernel where it can be had (package ktls).
// Keys are not renewed within a connection: crypto/tls never asks for that, and
// kernels before 6.14 can't. So a stream is replaced by another one when it has
// carried 64 GiB ([Link.Renew]), far below the 360 GiB for which RFC 8446 (5.5)
// recommends AES-GCM; for this the listener of step 4 opens its port again, for as
// long as one connection takes, and 30 seconds at most.
//
// Security=Plain is had only if both ends allow it: then file contents can be
// read on the way, and have to be checked against sums that went over the
// control channel, which nobody can forge.
//
// Every limit and every time-out is this end's own. All text from the far end is
// escaped before it becomes part of an error or a note.
package link
