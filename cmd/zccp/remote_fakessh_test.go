package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
)

// fakeSSH stands for ssh(1): what runs at the far end is what answers a connection to the
// address that is the first argument, so that a test has its hands on the bytes. A connection
// that ends in order ends it with 0, whatever the far end thought of it.
func fakeSSH(args []string) int {
	if slices.Contains(args, "-G") { // asked for the configuration
		fmt.Print("hostname 127.0.0.1\nport 22\n")
		return 0
	}
	// As with ssh: 255 is its own failure.
	const failed = 255
	conn, err := net.Dial("tcp4", args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, "fakessh:", err)
		return failed
	}
	go func() {
		io.Copy(conn, os.Stdin)
		conn.(*net.TCPConn).CloseWrite()
	}()
	if _, err := io.Copy(os.Stdout, conn); err != nil {
		fmt.Fprintln(os.Stderr, "fakessh:", err)
		return failed
	}
	return 0
}
