package link

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/zccp/zccp/sync/wire"
)

// DialSSH starts zccp on host, "[user@]name", by the system's ssh and returns
// when both ends have greeted. Data streams are connected meanwhile, unless
// opts.Path is SSH; with Direct it returns when the first one is there, and
// fails if there is none. Waiting ends with ctx, whose end after that means
// nothing to the Link. All errors are *Error. On failure nothing is left
// running.
func DialSSH(ctx context.Context, opts Options, host string) (*Link, error) {
	if err := CheckHost(host); err != nil {
		return nil, fail(CodeUsage, err, "invalid host %s", printable(host, 200))
	}
	if err := opts.prepare(); err != nil {
		return nil, err
	}
	if opts.Shell == nil {
		opts.Shell = strings.Fields(DefaultShell)
	}
	if len(opts.Shell) == 0 || opts.Shell[0] == "" {
		return nil, &Error{Code: CodeUsage, Text: "the ssh command is empty"}
	}
	remote, err := remoteCommand(opts.RemoteZCCP)
	if err != nil {
		return nil, &Error{Code: CodeUsage, Text: err.Error()}
	}
	id, err := newIdentity()
	if err != nil {
		return nil, fail(CodeStart, err, "cannot make a key")
	}
	resolved := make(chan string, 1)
	if opts.Path == SSH {
		resolved <- ""
	} else {
		go func() { resolved <- resolve(opts.Shell, host) }()
	}
	p, err := startShell(opts.Shell, host, remote, opts.Stderr)
	if err != nil {
		return nil, fail(CodeStart, err, "cannot run %s", opts.Shell[0])
	}
	l := newLink(true, host, "ssh", opts.idle())
	l.onClose(p.end)
	ch := &channel{r: p.out, w: p.in, lost: p.lost}
	l.Control = ch

	unwatch := watch(ctx, func() { p.kill() })
	t, err := greetServer(ch, &opts, id, opts.Path != SSH, "")
	stopped := unwatch()
	if err != nil || stopped {
		e := p.explain(err, t.noise, opts.RemoteZCCP)
		l.Close()
		if ctx.Err() != nil {
			return nil, &Error{Code: CodeSignal, Text: "connecting to " + host + " was given up", Err: context.Cause(ctx)}
		}
		return nil, e
	}
	p.stderr.release()
	if noise := printable(string(t.noise), maxNoiseShown); noise != "" {
		l.note("the shell of %s printed before zccp started: %s", host, noise)
	}
	l.settle(t)
	ch.link = l
	return l.connect(ctx, &opts, id, t, func() []string {
		return candidates(<-resolved, t.theirs.Addrs, t.theirs.Ports, opts.DataPorts)
	})
}

// shell is a running ssh.
type shell struct {
	cmd     *exec.Cmd
	leads   bool // its process group
	in      *os.File
	out     *os.File
	stderr  *holder
	drained chan struct{} // standard error has ended
	exited  chan struct{}
	state   *os.ProcessState // valid once exited
}

// startShell starts ssh with pipes to its three streams. Its standard error is
// read here and not by package exec, which would wait for everybody who holds
// it: a master that ssh leaves behind for later sessions does.
func startShell(words []string, host string, remote []string, stderr io.Writer) (*shell, error) {
	args := append([]string(nil), words[1:]...)
	if isOpenSSH(words[0]) {
		args = append(args, "--")
	}
	args = append(append(args, sshHost(host)), remote...)
	p := &shell{cmd: exec.Command(words[0], args...), stderr: &holder{w: stderr}, drained: make(chan struct{}), exited: make(chan struct{})}
	var files [3][2]*os.File // read, write
	closeAll := func() {
		for _, f := range files {
			for _, f := range f {
				if f != nil {
					f.Close()
				}
			}
		}
	}
	for i := range files {
		var err error
		if files[i][0], files[i][1], err = os.Pipe(); err != nil {
			closeAll()
			return nil, err
		}
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = files[0][0], files[1][1], files[2][1]
	p.cmd.SysProcAttr, p.leads = newGroup()
	if err := p.cmd.Start(); err != nil {
		closeAll()
		return nil, err
	}
	for _, f := range []*os.File{files[0][0], files[1][1], files[2][1]} {
		f.Close()
	}
	p.in, p.out = files[0][1], files[1][0]
	go func() {
		p.stderr.copy(files[2][0])
		close(p.drained)
	}()
	go func() {
		p.cmd.Wait()
		p.state = p.cmd.ProcessState
		close(p.exited)
		select {
		case <-p.drained:
		case <-time.After(time.Second):
		}
		files[2][0].Close()
	}()
	return p, nil
}

// within reports whether ssh has ended, and its standard error with it, waiting
// so long at most.
func (p *shell) within(d time.Duration) bool {
	timeout := time.After(d)
	select {
	case <-p.exited:
	case <-timeout:
		return false
	}
	select {
	case <-p.drained:
	case <-time.After(100 * time.Millisecond):
	}
	return true
}

func (p *shell) kill() {
	select {
	case <-p.exited:
	default:
		signalProcess(p.cmd.Process, p.leads, os.Kill)
	}
}

// end closes the channel and waits for ssh, which ends when the far end does;
// it is made to if that takes longer than half a second.
func (p *shell) end() error {
	p.in.Close()
	if !p.within(500 * time.Millisecond) {
		signalProcess(p.cmd.Process, p.leads, os.Interrupt)
		if !p.within(500 * time.Millisecond) {
			p.kill()
			<-p.exited
		}
	}
	p.stderr.release()
	return p.out.Close()
}

// lost tells why the channel has ended, nil if ssh ended well.
func (p *shell) lost() error {
	if !p.within(time.Second) || p.state.Success() {
		return nil
	}
	why := p.stderr.lastLine()
	if why == "" {
		why = p.state.String()
	}
	return &Error{Code: CodeProtocol, Text: "the connection was lost: " + why, Err: io.ErrUnexpectedEOF}
}

// explain says why there was no greeting.
func (p *shell) explain(err error, noise []byte, path string) *Error {
	var already *Error
	if errors.As(err, &already) && already.Err != io.ErrUnexpectedEOF {
		if already.Code == CodeStart && p.within(time.Second) {
			p.stderr.drop() // the far end says it too
		}
		return already
	}
	ended := p.within(2 * time.Second)
	said := p.stderr.lastLine()
	p.stderr.drop()
	if said == "" {
		said = printable(string(noise), maxNoiseShown)
	}
	name := "zccp"
	if path != "" {
		name = path
	}
	if ended {
		switch code := p.state.ExitCode(); {
		case code == 126 || code == 127 || code != 0 && code != 255 && absent(said):
			return &Error{Code: CodeStart, Err: err, Text: "the far end has no " + name + with(said),
				Hint: "install zccp there; say --remote-zccp PATH if it is not on the PATH of non-interactive shells (ssh HOST 'echo $PATH' shows that), or put it there"}
		case code == 255:
			return &Error{Code: CodeSocket, Err: err, Text: "ssh failed" + with(said)}
		case code != 0:
			return &Error{Code: CodeStart, Err: err, Text: "the far end's " + name + " did not start: " + p.state.String() + with(said)}
		}
	}
	var bad *wire.Violation
	switch {
	case errors.As(err, &bad):
		return &Error{Code: CodeProtocol, Err: err, Text: "the two ends don't understand each other: " + printable(err.Error(), maxPeerText)}
	case isTimeout(err):
		return &Error{Code: CodeTimeout, Err: err, Text: "the far end did not greet within " + handshakeTime.String() + with(said)}
	}
	return &Error{Code: CodeProtocol, Err: err, Text: "the far end is no zccp that serves" + with(said),
		Hint: "is an old zccp there, or does its shell start something else?"}
}

func with(said string) string {
	if said == "" {
		return ""
	}
	return " (" + said + ")"
}

// absent recognises what shells say of a command that isn't there.
func absent(said string) bool {
	s := strings.ToLower(said)
	return strings.Contains(s, "not found") || strings.Contains(s, "no such file") || strings.Contains(s, "not recognized")
}

func isOpenSSH(command string) bool {
	return strings.TrimSuffix(strings.ToLower(filepath.Base(command)), ".exe") == "ssh"
}

// resolve returns the name that ssh would connect to, "" if it would go through
// another host. Only ssh itself can tell (-G, which connects to nothing); of any
// other command the host is taken as it was given.
func resolve(words []string, host string) string {
	if !isOpenSSH(words[0]) {
		return bareHost(host)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second) // not the caller's, who may be done before
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], append(append([]string(nil), words[1:]...), "-G", "--", sshHost(host))...)
	cmd.WaitDelay = time.Second
	text, err := cmd.Output()
	if err != nil {
		return bareHost(host)
	}
	name := bareHost(host)
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), " ")
		switch strings.ToLower(key) {
		case "hostname":
			name = value
		case "proxyjump", "proxycommand":
			if value != "" && value != "none" {
				return ""
			}
		}
	}
	if CheckHost(name) != nil && net.ParseIP(name) == nil {
		return ""
	}
	return name
}
