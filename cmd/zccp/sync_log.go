package main

import (
	"bufio"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/plan"
)

// syncLog is the file of --log-file: each line with the time and the process.
type syncLog struct {
	format *itemFormat // nil if entries are not told
	escape escaper
	hasOp  bool
	dryRun bool

	mu   sync.Mutex
	file *os.File
	w    *bufio.Writer
	err  error
}

// openSyncLog opens a log to add to it.
func openSyncLog(path string, cfg *syncConfig, escape escaper) (*syncLog, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	l := &syncLog{escape: escape, file: file, w: bufio.NewWriter(file), dryRun: cfg.Mirror.DryRun}
	if format := cfg.Output.LogFormat; format != "" {
		l.format = newItemFormat(cfg, format)
		l.hasOp = hasEscape(format, 'i') || hasEscape(format, 'o')
	}
	return l, nil
}

// item writes the line of an entry. As in rsync a dry run leaves none.
func (l *syncLog) item(ev *mirror.Event) {
	switch {
	case l.format == nil || l.dryRun:
	case ev.Flags&plan.FlagDeleted != 0 && !l.hasOp:
		l.line("deleting " + l.escape.escape(nameOf(ev)))
	default:
		l.line(l.escape.escape(l.format.line(ev)))
	}
}

func (l *syncLog) line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := fmt.Fprintf(l.w, "%s [%d] %s\n", time.Now().Format("2006/01/02 15:04:05"), os.Getpid(), text); err != nil && l.err == nil {
		l.err = err
	}
}

// flush makes what was logged readable.
func (l *syncLog) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.w.Flush(); err != nil && l.err == nil {
		l.err = err
	}
}

// close returns the first error of all writes.
func (l *syncLog) close() error {
	l.flush()
	if err := l.file.Close(); err != nil && l.err == nil {
		l.err = err
	}
	return l.err
}
