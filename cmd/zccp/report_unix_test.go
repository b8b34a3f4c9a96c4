//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// onTerminal lets use drive the report of a command line whose stdout and
// stderr are a terminal of that many columns, and returns what reached it.
func onTerminal(t *testing.T, columns uint16, line string, use func(r *report, c *apply.Counters, terminal *os.File)) string {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		// Reading ends with EIO once the other side is closed.
		b, _ := io.ReadAll(master)
		got <- string(b)
	}()
	vars := map[string]string{"TERM": "xterm", "LANG": "C.UTF-8"}
	e, _, _ := testEnv(vars, words(line)...)
	e.stdout, e.stderr = slave, slave
	cfg, err := parseCopy(e, e.args[1:])
	if err != nil {
		t.Fatal(err)
	}
	c := new(apply.Counters)
	r := newReport(e, cfg, c)
	r.Start()
	use(r, c, slave)
	r.Finish(context.Background(), nil)
	slave.Close()
	text := <-got
	master.Close()
	return text
}

var percentage = regexp.MustCompile(`^(\d+)%`)

// frames returns the lines that were drawn over each other, and the lines that
// stay.
func frames(t *testing.T, text string) (drawn, stay []string) {
	t.Helper()
	for piece := range strings.SplitSeq(text, "\r") {
		switch {
		case piece == "":
		case strings.HasSuffix(piece, eraseLine) && piece != eraseLine:
			drawn = append(drawn, strings.TrimSuffix(piece, eraseLine))
		default:
			piece = strings.TrimPrefix(strings.TrimPrefix(piece, "\n"), eraseLine)
			if piece != "" {
				stay = append(stay, piece)
			}
		}
	}
	return drawn, stay
}

// TestBarOnTerminal: the bar appears after half a second, keeps within the
// terminal, never goes back and vanishes into one line; nothing that a file's
// name holds reaches the terminal.
func TestBarOnTerminal(t *testing.T) {
	for _, columns := range []uint16{100, 60, 24} {
		t.Run(strconv.Itoa(int(columns)), func(t *testing.T) {
			t.Parallel()
			text := onTerminal(t, columns, "zccp -v a b", func(r *report, c *apply.Counters, _ *os.File) {
				for i := range 24 {
					time.Sleep(50 * time.Millisecond)
					c.Found.Add(1)
					c.FoundBytes.Add(1 << 20)
					if i == 14 {
						r.SetTotal(24, 24<<20)
					}
					c.Files.Add(1)
					c.Bytes.Add(1 << 20)
					c.InKernel.Add(1 << 20)
					if i == 18 {
						r.Problem(errors.New("cannot open 'x\x1b[31m\x07': x"), "")
						r.Done(&apply.Event{Op: apply.OpMkdir, Src: "\x1b]0;title\x07", Dst: "\r\u009b"})
					}
				}
			})
			drawn, stay := frames(t, text)
			if len(drawn) < 4 || len(drawn) > 10 {
				t.Errorf("%d frames in 1.2 s", len(drawn))
			}
			last, scans := -1, 0
			for _, f := range drawn {
				if n := utf8.RuneCountInString(f); n >= int(columns) {
					t.Errorf("%d cells: %q", n, f)
				}
				m := percentage.FindStringSubmatch(f)
				if m == nil {
					scans++
					continue
				}
				n, err := strconv.Atoi(m[1])
				if err != nil || n < last {
					t.Errorf("%d%% after %d%%", n, last)
				}
				last = n
			}
			if scans == 0 || last < 50 {
				t.Errorf("%d frames before the total was known, %d%% in the end", scans, last)
			}
			rest := strings.NewReplacer(eraseLine, "", "\r", "", "\n", "").Replace(text)
			if strings.ContainsFunc(rest, func(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 }) {
				t.Errorf("control characters on the terminal: %q", rest)
			}
			want := []string{
				`zccp: cannot open 'x\#033[31m\#007': x`,
				`''$'\033'']0;title'$'\a' -> ''$'\r\302\233'`,
				`zccp: copied 24 files, 24.0 MiB in 1.`,
			}
			if len(stay) != len(want) {
				t.Fatalf("lines that stay: %q", stay)
			}
			for i := range want {
				if !strings.HasPrefix(stay[i], want[i]) {
					t.Errorf("line %q, want %q", stay[i], want[i])
				}
			}
			if !strings.HasSuffix(text, " · in-kernel 24.0 MiB\r\n") {
				t.Errorf("ends in %q", text[max(0, len(text)-80):])
			}
		})
	}
}

// TestBarFollowsWidth: a terminal that gets narrower gets narrower lines.
func TestBarFollowsWidth(t *testing.T) {
	t.Parallel()
	text := onTerminal(t, 120, "zccp a b", func(r *report, c *apply.Counters, terminal *os.File) {
		r.SetTotal(10, 10<<20)
		c.Bytes.Add(5 << 20)
		time.Sleep(barDelay + 3*tickInterval)
		if err := pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: 40}); err != nil {
			t.Error(err)
		}
		time.Sleep(4 * tickInterval)
	})
	drawn, _ := frames(t, text)
	if len(drawn) < 4 {
		t.Fatalf("frames %q", drawn)
	}
	if n := utf8.RuneCountInString(drawn[0]); n <= 40 {
		t.Errorf("first frame has %d cells of 120", n)
	}
	if n := utf8.RuneCountInString(drawn[len(drawn)-1]); n >= 40 {
		t.Errorf("last frame has %d cells of 40", n)
	}
}

// TestBarQuiet: no bar, and no line at the end, for a copy that is done before
// anybody waits, with --progress=none, for a program called cp, on a dumb
// terminal.
func TestBarQuiet(t *testing.T) {
	t.Parallel()
	work := func(d time.Duration) func(*report, *apply.Counters, *os.File) {
		return func(r *report, c *apply.Counters, _ *os.File) {
			c.Files.Add(1)
			time.Sleep(d)
		}
	}
	long := barDelay + 3*tickInterval
	if text := onTerminal(t, 80, "zccp a b", work(barDelay/4)); text != "" {
		t.Errorf("short copy: %q", text)
	}
	if text := onTerminal(t, 80, "zccp --progress=none a b", work(long)); text != "" {
		t.Errorf("--progress=none: %q", text)
	}
	if text := onTerminal(t, 80, "cp a b", work(long)); text != "" {
		t.Errorf("called cp: %q", text)
	}
	if text := onTerminal(t, 80, "cp -g a b", work(long)); !strings.Contains(text, "\rscanning: ") {
		t.Errorf("called cp, with -g: %q", text)
	}
	for term, want := range map[string]bool{"xterm": true, "dumb": false, "": false} {
		_, slave, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		e, _, _ := testEnv(map[string]string{"TERM": term}, "zccp")
		e.stderr = slave
		if newScreen(e).canDraw() != want {
			t.Errorf("TERM=%s: canDraw is %v", term, !want)
		}
	}
}

// TestBarWaitsForAnswer: nothing is drawn over a question.
func TestBarWaitsForAnswer(t *testing.T) {
	t.Parallel()
	text := onTerminal(t, 80, "zccp -i a b", func(r *report, c *apply.Counters, _ *os.File) {
		time.Sleep(barDelay + 2*tickInterval)
		answer, tell := io.Pipe()
		r.stdin.Reset(answer)
		go func() {
			time.Sleep(5 * tickInterval)
			fmt.Fprintln(tell, "y")
		}()
		if !r.Ask("overwrite 'b'? ") {
			t.Error("answer is no")
		}
		time.Sleep(3 * tickInterval)
	})
	before, after, ok := strings.Cut(text, "zccp: overwrite 'b'? ")
	if !ok || !strings.HasSuffix(before, "\r"+eraseLine) || !strings.HasPrefix(after, "\rscanning: ") {
		t.Errorf("terminal got %q", text)
	}
	if n := strings.Count(after, eraseLine); n > 6 {
		t.Errorf("%d frames after the question", n)
	}
}

// lockedBuffer is a buffer for a writer and a reader at once.
type lockedBuffer struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestStatusSignal: SIGUSR1 prints one line in any mode, and does not kill
// even before Start.
func TestStatusSignal(t *testing.T) {
	for _, line := range []string{"a b", "--json a b", "--progress=none a b", "--dry-run a b"} {
		e, _, _ := testEnv(nil, append([]string{"zccp"}, words(line)...)...)
		stderr := new(lockedBuffer)
		e.stderr = stderr
		cfg, err := parseCopy(e, e.args[1:])
		if err != nil {
			t.Fatal(err)
		}
		r := newReport(e, cfg, new(apply.Counters))
		if err := platform.Raise(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		r.Start()
		for deadline := time.Now().Add(5 * time.Second); stderr.String() == "" && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		r.Finish(context.Background(), nil)
		if got := stderr.String(); !strings.HasPrefix(got, "zccp: scanning: 0 files, 0 B, ") || strings.Count(got, "\n") != 1 {
			t.Errorf("%s: stderr %q", line, got)
		}
	}
}

// TestSignalCancels: the first signal cancels with itself as the cause.
func TestSignalCancels(t *testing.T) {
	ctx, stop := withSignals(context.Background())
	defer stop()
	if code := exitCode(ctx, false); code != exitOK {
		t.Errorf("exit code %d before any signal", code)
	}
	if err := platform.Raise(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("not cancelled")
	}
	if cause := context.Cause(ctx); cause != error(signalError{syscall.SIGTERM}) {
		t.Errorf("cause %v", cause)
	}
	if code := exitCode(ctx, true); code != exitSignal+int(syscall.SIGTERM) {
		t.Errorf("exit code %d", code)
	}
	stop()
	if code := exitCode(ctx, true); code != exitSignal+int(syscall.SIGTERM) {
		t.Errorf("exit code %d after stop", code)
	}
}

func TestSignalsStopped(t *testing.T) {
	ctx, stop := withSignals(context.Background())
	stop()
	stop()
	if code := exitCode(ctx, false); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if code := exitCode(ctx, true); code != exitFailure {
		t.Errorf("exit code %d of a failure", code)
	}
}
