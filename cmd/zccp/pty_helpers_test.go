//go:build linux

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminal is a pseudo-terminal with a program on it, as its session's first.
type terminal struct {
	t    *testing.T
	cmd  *exec.Cmd
	ptmx *os.File
	over chan struct{} // closed when nothing can come any more

	mu     sync.Mutex
	screen *screenModel
	raw    []byte
}

// onTerminal starts a program on a terminal of that width and 24 lines. vars come
// behind TERM=xterm and LANG=C.UTF-8.
func onTerminal(t *testing.T, cols int, dir string, vars []string, args ...string) *terminal {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append([]string{"TERM=xterm", "LANG=C.UTF-8", "PATH=" + os.Getenv("PATH"), "HOME=" + dir}, vars...)
	ptmx, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: uint16(cols)})
	must(t, err)
	p := &terminal{t: t, cmd: cmd, ptmx: ptmx, over: make(chan struct{}), screen: newScreenModel(cols, 24)}
	go p.read()
	t.Cleanup(func() {
		// Its session ends with the terminal.
		cmd.Process.Kill()
		ptmx.Close()
		<-p.over
	})
	return p
}

func (p *terminal) read() {
	defer close(p.over)
	buf := make([]byte, 4096)
	for {
		n, err := p.ptmx.Read(buf)
		p.mu.Lock()
		p.raw = append(p.raw, buf[:n]...)
		p.screen.Write(buf[:n])
		p.mu.Unlock()
		if err != nil {
			return // EIO: nobody has the other side open
		}
	}
}

// text returns what has come so far.
func (p *terminal) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.raw)
}

// await waits until what has come matches, and returns where the match ends.
func (p *terminal) await(pattern string) int {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if at := re.FindStringIndex(p.text()); at != nil {
			return at[1]
		}
	}
	text := p.text()
	p.t.Fatalf("the terminal never got %s, but %q", pattern, text[max(0, len(text)-500):])
	return 0
}

// keys types on the terminal.
func (p *terminal) keys(text string) {
	p.t.Helper()
	_, err := p.ptmx.WriteString(text)
	must(p.t, err)
}

// end waits for the program and for the last of what it wrote.
func (p *terminal) end() ended {
	p.t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("it did not end; the terminal got %q", p.text())
	}
	select {
	case <-p.over:
	case <-time.After(5 * time.Second):
		p.t.Fatal("somebody keeps the terminal open")
	}
	e := ended{code: p.cmd.ProcessState.ExitCode(), stdout: p.text()}
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.signal = status.Signal()
	}
	return e
}

// ptyFile makes a file that takes that many tenths of a second at slowly. Below
// 1 MiB nothing is told of what is within a file.
func ptyFile(t *testing.T, dir, name string, tenths int) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, name), make([]byte, tenths*200<<10), 0o644))
}

// slowly makes a copy take its time.
const slowly = "--bwlimit=2000K"

var (
	ptyPercent = regexp.MustCompile(`(\d+)%`)
	ptyTook    = regexp.MustCompile(` in (\d+\.\d) s`)
)

// percents returns the percentages of the lines that were drawn.
func percents(frames []string) (list []int) {
	for _, f := range frames {
		if m := ptyPercent.FindStringSubmatch(f); m != nil {
			n, _ := strconv.Atoi(m[1])
			list = append(list, n)
		}
	}
	return list
}

// checkFrames fails the test for lines that are too wide, or go back.
func (p *terminal) checkFrames(frames []string, cols, least int) {
	p.t.Helper()
	if len(frames) < least {
		p.t.Errorf("%d lines were drawn: %q", len(frames), frames)
	}
	for _, f := range frames {
		if n := len([]rune(f)); n >= cols {
			p.t.Errorf("%d cells on a terminal of %d: %q", n, cols, f)
		}
	}
	last := 0
	for _, n := range percents(frames) {
		if n < last || n > 99 {
			p.t.Errorf("%d%% after %d%%", n, last)
		}
		last = n
	}
}

// isSummary fails the test unless the screen shows one line: how it ended.
func (p *terminal) isSummary(begin string) {
	p.t.Helper()
	seen := strings.Join(p.screen.visible(), "")
	if !strings.HasPrefix(seen, begin) || strings.Count(seen, "zccp:") != 1 {
		p.t.Errorf("the screen shows %q, not just %q...", p.screen.visible(), begin)
	}
	if len(p.screen.strange) > 0 {
		p.t.Errorf("the terminal got %s", p.screen.strange)
	}
}
