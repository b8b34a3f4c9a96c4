package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/link"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/remote"
	"github.com/zccp/zccp/sync/wire"
)

// runServe is the far end of a connection. args are those behind the word serve.
func runServe(e *env, args []string) int {
	cfg, err := parseServe(args)
	if err != nil {
		return e.refuse(err)
	}
	if cfg.help {
		return e.print(e.printServeHelp)
	}
	if !platform.Serves {
		return e.refuseSync(unsupported("serve on this system", "what keeps a client to its export was not tried there"))
	}
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := withSignals(context.Background())
	defer stop()
	defer context.AfterFunc(ctx, func() { dieLate(ctx, &copyConfig{}) })()
	if cfg.stdio {
		return serveStdio(ctx, e, cfg)
	}
	return serveDaemon(ctx, e, cfg)
}

// serveFailed prints what keeps this end from serving, and returns the code.
func (e *env) serveFailed(err error) int {
	var coded *link.Error
	e.errorf("%s", printableText(err.Error()))
	if errors.As(err, &coded) {
		if coded.Hint != "" {
			e.hintf("%s", printableText(coded.Hint))
		}
		return coded.Code
	}
	return exitFailure
}

func (cfg *serveConfig) linkOptions() link.Options {
	version, _ := buildVersion()
	return link.Options{AllowPlain: cfg.policy.Root == "" && cfg.policy.Mode == exportReadWrite || cfg.plain, Program: version}
}

// serveStdio serves the one client that started this process by ssh. What can't
// be told to the client goes to stderr, which ssh carries to its user.
func serveStdio(ctx context.Context, e *env, cfg *serveConfig) int {
	if cfg.policy.Root != "" {
		_, err := link.Confine(link.ConfineAuto, []*link.Export{{
			Name: "root", Path: cfg.policy.Root, Mode: cfg.policy.linkMode(),
		}})
		if err != nil {
			return e.serveFailed(err)
		}
		cfg.policy.Confined = confined(cfg.policy.Root)
	}
	in, inOK := e.stdin.(io.ReadCloser)
	out, outOK := e.stdout.(io.WriteCloser)
	if !inOK || !outOK {
		return e.serveFailed(errors.New("standard input and output can't be served"))
	}
	l, err := link.ServeStdio(ctx, cfg.linkOptions(), in, out)
	if err != nil {
		return e.serveFailed(err)
	}
	defer l.Close()
	if err := serveLink(ctx, e, l, &cfg.policy); err != nil {
		return err.Code // it has been told to the client
	}
	return exitOK
}

// confined reports whether the process can no longer read what is above a root.
func confined(root string) bool {
	f, err := os.Open("/")
	if err == nil {
		f.Close()
		return root == "/"
	}
	return true
}

// maxLogged bounds a line of a daemon's log, bytes: clients choose part of it.
const maxLogged = 1000

// serveDaemon serves every client that comes.
func serveDaemon(ctx context.Context, e *env, cfg *serveConfig) int {
	config, err := link.LoadConfig(cfg.config)
	if err != nil {
		return e.serveFailed(err)
	}
	if cfg.listen != "" {
		config.Listen = cfg.listen
	}
	d, err := link.Listen(ctx, cfg.linkOptions(), config)
	if err != nil {
		return e.serveFailed(err)
	}
	d.Log = func(text string) { e.errorf("%s", printableText(text[:min(len(text), maxLogged)])) }
	// The kernel's bounds hold for all exports together: with several a link
	// could lead from one into another.
	alone := len(config.Exports) == 1 && confined(config.Exports[0].Path)
	e.errorf("listening on %s", d.Addr())
	err = d.Serve(ctx, func(ctx context.Context, l *link.Link, x *link.Export) {
		policy := exportPolicy(x)
		policy.Confined = alone
		if err := serveLink(ctx, e, l, &policy); err != nil {
			d.Log(l.Peer + ": " + x.Name + ": " + err.Text)
		}
	})
	if err != nil {
		return e.serveFailed(err)
	}
	return exitOK
}

// exportPolicy is what clients of an export may do.
func exportPolicy(x *link.Export) peerPolicy {
	p := peerPolicy{Root: x.Path}
	switch x.Mode {
	case link.ReadOnly:
		p.Mode = exportReadOnly
	case link.AppendOnly:
		p.Mode = exportAppendOnly
	}
	return p
}

func (p *peerPolicy) linkMode() link.Mode {
	return [...]link.Mode{exportReadWrite: link.ReadWrite, exportReadOnly: link.ReadOnly, exportAppendOnly: link.AppendOnly}[p.Mode]
}

// serveLink carries out the job of one client.
func serveLink(ctx context.Context, e *env, l *link.Link, policy *peerPolicy) *remote.Error {
	root := platform.None
	defer func() {
		if root != platform.None {
			platform.Native().Close(root)
		}
	}()
	err := remote.Serve(ctx, l, func(job *wire.Job, rep mirror.Reporter) (*mirror.Mirror, error) {
		cfg, err := policy.peerJob(job)
		if err != nil {
			code, hint, _ := sessionFailure(asCoded(err))
			return nil, &remote.Error{Code: code, Text: err.Error(), Hint: hint}
		}
		if job.Push && job.CopyRules && isDirectory(string(job.Dest)) {
			rep.Note(noteInto, "")
		}
		cfg.Mirror.OnPanic = remote.OnPanic(rep)
		if cfg.Bandwidth > 0 && !job.Push {
			cfg.Mirror.Copier.Limit = copier.NewLimiter(cfg.Bandwidth)
		}
		calls := platform.Native()
		if e.calls != nil {
			calls = e.calls
		} else if cfg.Mirror.Recursive {
			calls, cfg.Mirror.NotLocal = platform.Prompt()
		}
		if policy.roots(&cfg.Mirror) {
			if root, err = policy.open(); err != nil {
				return nil, &remote.Error{Code: exitSelection, Text: "cannot open the root: " + reason(err)}
			}
			calls = platform.Rooted(calls, root, platform.MustName(policy.Root))
		}
		far := &farReporter{rep, cfg.noteLevel, policy.Root}
		cfg.Mirror.Tell = far.below
		return mirror.New(remote.WorkOf(rep).Counted(platform.Restarting(calls)), cfg.Mirror, far), nil
	})
	var coded *remote.Error
	if err != nil && !errors.As(err, &coded) {
		coded = &remote.Error{Code: exitSocket, Text: err.Error()}
	}
	return coded
}

// asCoded gives an error of a command line its exit code.
func asCoded(err error) error {
	if errors.As(err, new(*syncError)) {
		return err
	}
	return &syncError{exitFailure, err.Error(), ""}
}

// farReporter keeps from being sent what is not to be seen at the other end:
// notes that nobody asked for, and where the root is.
type farReporter struct {
	mirror.Reporter
	level int
	root  string
}

func (r *farReporter) Note(level int, text string) {
	if level <= r.level {
		r.Reporter.Note(level, r.below(text))
	}
}

func (r *farReporter) Problem(kind mirror.Kind, err error, hint string) {
	if r.root != "" {
		err = errors.New(r.below(err.Error()))
	}
	r.Reporter.Problem(kind, err, hint)
}

// below takes the root off the paths of a message.
func (r *farReporter) below(text string) string {
	if r.root == "" || r.root == "/" {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, r.root+"/", "/"), r.root, "/")
}
