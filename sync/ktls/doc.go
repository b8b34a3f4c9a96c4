// Package ktls lets the kernel encrypt what one end of a TLS 1.3 connection
// writes, so that file bytes can go from the page cache to the socket by
// sendfile(2) although the connection is encrypted. The bytes on the wire are
// those of any TLS 1.3 connection: the peer needs nothing and notices nothing.
// Where the kernel can't do it, the connection goes on in crypto/tls.
//
// The direction that this end reads stays with crypto/tls. The kernel's
// receiving side has shown no gain in published measurements.
//
// How a sender uses it, at either end of a connection:
//
//  1. Make one [Kernel] for the process: New(platform.NativeTLS()). With
//     --ktls=require ask [Kernel.Demand] before anything is connected.
//  2. Turn the TCP connection into a [Handshake] with [Client] or [Server] and
//     call its HandshakeContext. A listener has to be made with
//     net.ListenConfig.SetMultipathTCP(false): kernel TLS refuses multipath TCP.
//  3. Call [Kernel.Settle] before anything is written. Outcome.Conn is the
//     connection from then on. Outcome.Kernel is the same connection if the
//     kernel encrypts, and nil if crypto/tls does; Outcome.Reason is then why.
//  4. Where Outcome.Kernel is there, write small things by its Write and files
//     by sendfile to its Sock, telling [Conn.Sent] how much. When BytesLeft
//     runs out, open a fresh connection and close this one at a boundary of the
//     own framing.
//  5. Close Outcome.Conn, never the tls.Conn below it.
//
// An end that only receives does the same without step 3, with
// Handshake.TLS as its connection, and calls Handshake.Forget.
//
// # Keys
//
// crypto/tls tells its traffic secrets to nobody but Config.KeyLogWriter. Each
// connection gets a writer of its own that keeps one secret, that of the
// direction this end writes, in memory, and it is zeroed once the kernel has
// the key or the connection goes on without (crypto/tls keeps its own copy as
// long as the tls.Conn lives). Nothing is written to a file, and
// SSLKEYLOGFILE is not looked at. A KeyLogWriter of the caller's configuration
// is not used.
//
// The kernel starts at record 0 of the application traffic key, which is right
// because session tickets are turned off and because Upgrade refuses a
// connection on which something was written since the handshake. From then on
// crypto/tls can write no more: it would encrypt a second time, with numbers
// the kernel has used. So no alerts are sent, and a peer that asks for a
// KeyUpdate ends the connection; crypto/tls as a peer never asks.
package ktls
