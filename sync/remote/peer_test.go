package remote

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// say encodes messages.
func say(t *testing.T, msgs ...any) []byte {
	t.Helper()
	var b []byte
	for _, m := range msgs {
		var err error
		if b, err = wire.Append(b, m); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// against gives a served session what a client says, and returns what ended it. With cut the
// client goes then; else it stays, so that what it said is what ends the session, however slow the
// machine is.
func against(t *testing.T, root string, said []byte, cut bool) error {
	t.Helper()
	a, b := pipePair(t)
	defer a.Close()
	go io.Copy(io.Discard, a)
	go func() {
		// The job first: what is asked for has to have been offered.
		n := 6 + int(le.Uint32(said))
		if n > len(said) {
			n = len(said)
		}
		a.Write(said[:n])
		time.Sleep(100 * time.Millisecond)
		a.Write(said[n:])
		if cut {
			time.Sleep(300 * time.Millisecond)
			a.Close()
		}
	}()
	e := ends{control: b, seed: 1, next: func(context.Context) (*stream, error) { return nil, io.EOF }}
	times := testTiming()
	times.linger = 50 * time.Millisecond
	done := make(chan error, 1)
	go func() { done <- serve(context.Background(), e, times, wires{}.far(archive())) }()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("the session does not end")
		return nil
	}
}

// chunk puts frames into the control channel.
func chunk(frames ...[]byte) *wire.Chunk {
	return &wire.Chunk{Stream: pipeStream, Data: bytes.Join(frames, nil)}
}

func frame(h wire.FrameHeader, payload []byte) []byte {
	var b [wire.HeaderSize]byte
	h.Len = uint32(len(payload))
	h.Put(&b)
	return append(b[:], payload...)
}

// TestHostilePeer: what a peer may not say ends the session at once, with the
// code of a broken protocol, and nothing outside the destination is touched.
func TestHostilePeer(t *testing.T) {
	dir := t.TempDir()
	dst := filepath.Join(dir, "dst")
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(dir, "src")
	os.MkdirAll(src, 0o755)
	os.WriteFile(filepath.Join(src, "a"), make([]byte, 100), 0o644)

	push := &wire.Job{Push: true, Dest: []byte(dst)}
	pull := &wire.Job{Sources: [][]byte{[]byte(src + "/")}}
	root := &wire.Root{IsDir: true, Lists: true, Content: true, Path: []byte("x")}
	dirMode := uint32(platform.ModeDir | 0o755)
	file := wire.Entry{Name: []byte("a"), Attr: wire.Attr{Mode: platform.ModeRegular | 0o644, Nlink: 1, Size: 3}}
	entries := &wire.Entries{Dir: 0, Items: []wire.Entry{file}}
	sub := &wire.Dir{ID: 1, Parent: 0, Name: []byte("d"), Attr: wire.Attr{Mode: dirMode, Nlink: 1}}
	id := wire.FileID{Dir: 0, Index: 0}
	var batch wire.BatchWriter
	room, _ := batch.Add(wire.FileID{Dir: 0, Index: 7}, 1, wire.Time{})
	room[0] = 1
	unasked := bytes.Clone(batch.Frame(0))
	batch.Reset()
	batch.Add(id, 0, wire.Time{})
	late := bytes.Clone(batch.Frame(3))

	cases := []struct {
		name string
		said []byte
	}{
		{"no job", say(t, root)},
		{"two jobs", say(t, push, push)},
		{"two roots", say(t, push, root, root)},
		{"entries of nothing", say(t, push, root, &wire.Entries{Dir: 9, Items: []wire.Entry{file}})},
		{"directory in nothing", say(t, push, root, &wire.Dir{ID: 2, Parent: 5, Name: []byte("d"), Attr: sub.Attr})},
		{"directory twice", say(t, push, root, sub, sub)},
		{"message of the other role", say(t, push, &wire.Need{Dir: 0, Runs: []wire.Run{{From: 0, To: 1, Action: wire.Whole}}})},
		{"sent unasked", say(t, push, root, &wire.Sent{ID: wire.FileID{Dir: 3, Index: 1}, Status: wire.Good})},
		{"verdict unasked", say(t, push, root, &wire.Verdict{ID: id, Status: wire.Good})},
		{"frame of nobody's file", say(t, push, root, chunk(frame(wire.FrameHeader{Type: wire.FrameRange, ID: wire.FileID{Dir: 4}, Raw: 3}, []byte("abc"))))},
		{"batch of nobody's files", say(t, push, root, chunk(unasked))},
		{"batch out of turn", say(t, push, root, entries, chunk(late))},
		{"damaged frame", say(t, push, root, chunk(make([]byte, 100)))},
		{"chunk on another stream", say(t, push, root, &wire.Chunk{Stream: 5, Data: []byte("x")})},
		{"end too early", say(t, push, root, &wire.WalkEnd{Dirs: 1}, &wire.Done{})},
		{"credit for nothing", say(t, push, &wire.Credit{Flow: wire.FlowReports, Bytes: 1 << 29})},
		{"cut after the root", say(t, push, root)},
		{"need of what was not offered", say(t, pull, &wire.Need{Dir: 77, Runs: []wire.Run{{From: 0, To: 1, Action: wire.Whole}}})},
		{"need of too much", say(t, pull, &wire.Need{Dir: 0, Runs: []wire.Run{{From: 0, To: 1 << 30, Action: wire.Whole}}})},
		{"need twice", say(t, pull, &wire.Need{Dir: 0, Runs: []wire.Run{{From: 0, To: 1, Action: wire.Whole}}}, &wire.Need{Dir: 0, Runs: []wire.Run{{From: 0, To: 1, Action: wire.Whole}}})},
		{"received unsent", say(t, pull, &wire.Received{IDs: []wire.FileID{id}})},
		{"remove unasked", say(t, pull, &wire.Remove{ID: id})},
		{"garbage", []byte(strings.Repeat("garbage", 1000))},
	}
	before := runtime.NumGoroutine()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := against(t, dst, c.said, strings.HasPrefix(c.name, "cut"))
			e, ok := err.(*Error)
			if !ok || e.Code != CodeProtocol && e.Code != CodeSecurity || strings.HasPrefix(e.Text, "protocol error") == strings.HasPrefix(c.name, "cut") {
				t.Errorf("ended by %v", err)
			}
		})
	}
	// A name that leads elsewhere can't be encoded, so it is put into the bytes.
	said := bytes.Replace(say(t, push, root, &wire.Entries{Dir: 0, Items: []wire.Entry{{Name: []byte("XXXsecret"), Attr: file.Attr}}}), []byte("XXXsecret"), []byte("../secret"), 1)
	if e, ok := against(t, dst, said, false).(*Error); !ok || e.Code != CodeSecurity {
		t.Errorf("name that leads elsewhere: %v", e)
	}
	if data, err := os.ReadFile(secret); err != nil || string(data) != "secret" {
		t.Errorf("secret: %q %v", data, err)
	}
	noneLeft(t, before)
}

// TestManyReports: a client that takes reports slowly holds up the far end's
// jobs, and loses none.
func TestManyReports(t *testing.T) {
	a, b := pipePair(t)
	const count = 20_000
	next := func(context.Context) (*stream, error) { return nil, io.EOF }
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(context.Background(), ends{control: b, next: next}, testTiming(), func(_ *wire.Job, rep mirror.Reporter) (*served, error) {
			for i := range count {
				rep.Note(0, strings.Repeat("x", 100+i%10))
			}
			return nil, &Error{Code: 4, Text: "enough"}
		})
	}()
	rep := &slowReporter{}
	m := mirror.New(platform.Native(), archive(), &told{})
	_, err := push(context.Background(), met(ends{control: a, next: next}), testTiming(), m, m.Calls(), m.Copier(), m.Counters(), &wire.Job{Push: true}, []string{t.TempDir()}, rep)
	await(t, done)
	if e, ok := err.(*Error); !ok || e.Code != 4 {
		t.Errorf("ended by %v", err)
	}
	if rep.count != count {
		t.Errorf("%d notes, want %d", rep.count, count)
	}
}

type slowReporter struct {
	told
	count int
}

func (r *slowReporter) Note(level int, text string) {
	if r.count++; r.count%1000 == 0 {
		time.Sleep(5 * time.Millisecond)
	}
}

// TestNoRoom: who tells more than the window holds breaks the protocol.
func TestNoRoom(t *testing.T) {
	dst := filepath.Join(t.TempDir(), "dst")
	said := say(t, &wire.Job{Push: true, Dest: []byte(dst)}, &wire.Root{IsDir: true, Lists: true, Content: true, Path: []byte("x")})
	attr := wire.Attr{Mode: platform.ModeDir | 0o755, Nlink: 1}
	// Directories in one whose own turn never comes, since its parent is not
	// told about.
	name := bytes.Repeat([]byte("n"), 255)
	for i := range uint32(40_000) {
		name = append(name[:250], []byte(strings.Repeat(string(rune('a'+i%26)), 5))...)
		said = append(said, say(t, &wire.Dir{ID: i + 1, Parent: i, Name: name, Attr: attr, Path: bytes.Repeat([]byte("p"), 1000)})...)
	}
	if err, ok := against(t, dst, said, false).(*Error); !ok || err.Code != CodeProtocol || !strings.Contains(err.Text, "no room") {
		t.Errorf("ended by %v", err)
	}
}
