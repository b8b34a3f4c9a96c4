package platform

import (
	"net"
	"testing"
)

// TestDiscard: what was discarded is gone, what was not is still there.
func TestDiscard(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	out, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	in, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	f, err := in.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd := FD(f.Fd())
	if _, err := out.Write([]byte("gone, kept")); err != nil {
		t.Fatal(err)
	}
	if n, err := Discard(fd, 6); n != 6 || err != nil {
		t.Fatalf("discarded %d, %v; want 6", n, err)
	}
	buf := make([]byte, 10)
	if n, err := f.Read(buf); err != nil || string(buf[:n]) != "kept" {
		t.Errorf("left: %q, %v", buf[:n], err)
	}
	out.Close()
	if n, err := Discard(fd, 6); n != 0 || err != nil {
		t.Errorf("at the end: %d, %v; want 0", n, err)
	}
	if _, err := Discard(None, 1); err == nil {
		t.Error("no descriptor, and no error")
	}
}
