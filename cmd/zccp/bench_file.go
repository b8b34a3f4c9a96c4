package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
)

// fileLoad is one big file without holes.
type fileLoad struct {
	src    string
	length int64 // bytes
}

func (l *fileLoad) source() string                       { return l.src }
func (l *fileLoad) measure() error                       { return nil }
func (l *fileLoad) size() (files, dirs int, bytes int64) { return 1, 0, l.length }
func (l *fileLoad) String() string {
	return "one file of " + formatSize(l.length)
}

// make makes the file at path, of bytes that don't compress.
func (l *fileLoad) make(ctx context.Context, path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	random := rand.NewChaCha8([32]byte{})
	chunk := make([]byte, 1<<20)
	for left := l.length; left > 0; left -= int64(len(chunk)) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		chunk = chunk[:min(left, int64(len(chunk)))]
		random.Read(chunk)
		if _, err := f.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// check compares dst with the source byte by byte.
func (l *fileLoad) check(dst string) error {
	a, err := os.Open(l.src)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := os.Open(dst)
	if err != nil {
		return err
	}
	defer b.Close()
	return sameBytes(a, b)
}

// sameBytes returns nil if a and b hold the same bytes from where they stand.
func sameBytes(a, b io.Reader) error {
	const chunk = 256 << 10
	x, y := make([]byte, chunk), make([]byte, chunk)
	for at := int64(0); ; at += chunk {
		n, errA := io.ReadFull(a, x)
		m, errB := io.ReadFull(b, y)
		ended := func(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }
		switch {
		case errA != nil && !ended(errA):
			return errA
		case errB != nil && !ended(errB):
			return errB
		case n != m || !bytes.Equal(x[:n], y[:m]):
			return fmt.Errorf("it differs from the source after byte %d", at)
		case errA != nil:
			return nil
		}
	}
}

// clear removes dst: one inode freed costs the next run nothing, and there is
// seldom room for many.
func (l *fileLoad) clear(dst, dir string) error { return os.Remove(dst) }
