package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// plainInterval is the time between lines of --progress=plain.
const plainInterval = 10 * time.Second

// summary is the one line that progress ends in.
func (r *report) summary(s sample, ctx context.Context) string {
	c := r.counters
	verb := "copied"
	var sig signalError
	switch {
	case r.cfg.DryRun:
		verb = "would copy"
	case errors.As(context.Cause(ctx), &sig):
		verb = fmt.Sprintf("stopped by signal (%v) after", sig)
	}
	parts := []string{
		fmt.Sprintf("%s %s, %s in %s", verb, countNoun(s.files, "file"), formatSize(s.bytes), formatElapsed(s.elapsed)),
	}
	if s.bytes > 0 && !r.cfg.DryRun {
		parts = append(parts, formatRate(s.average))
	}
	for _, m := range []struct {
		name  string
		bytes int64
	}{
		{"reflinked", c.Cloned.Load()},
		{"in-kernel", c.InKernel.Load()},
		{"read/write", c.Buffered.Load()},
		{"holes", c.Holes.Load()},
	} {
		if m.bytes > 0 {
			parts = append(parts, m.name+" "+formatSize(m.bytes))
		}
	}
	for _, m := range []struct {
		name  string
		count int64
	}{
		{"skipped", c.Skipped.Load()},
		{"failed", c.Failed.Load()},
		{"not all kept of", c.LostMeta.Load()},
	} {
		if m.count > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", m.name, m.count))
		}
	}
	return strings.Join(parts, r.screen.sep)
}

// plannedTotals ends a dry run.
func (r *report) plannedTotals() string {
	c := r.counters
	return fmt.Sprintf("%s, %s, %s, %s, %s; %s; %d skipped (dry run)",
		countNoun(c.Files.Load(), "file"), countNoun(c.Dirs.Load(), "directory"),
		countNoun(c.Symlinks.Load(), "symlink"), countNoun(c.Links.Load(), "hard link"),
		countNoun(c.Specials.Load(), "special file"), formatSize(c.Bytes.Load()), c.Skipped.Load())
}

// stats is what --stats prints. Sizes are in bytes, for scripts, and for
// people beside it.
func (r *report) stats(s sample) string {
	c := r.counters
	var b strings.Builder
	count := func(label string, n int64) { fmt.Fprintf(&b, "%-26s %d\n", label+":", n) }
	size := func(label string, n int64) {
		fmt.Fprintf(&b, "%-26s %d (%s)\n", label+":", n, formatSize(n))
	}
	count("Entries found", c.Found.Load())
	count("Files copied", c.Files.Load())
	count("Directories made", c.Dirs.Load())
	count("Symbolic links made", c.Symlinks.Load())
	count("Hard links made", c.Links.Load())
	count("Special files made", c.Specials.Load())
	count("Skipped", c.Skipped.Load())
	count("Failed", c.Failed.Load())
	count("Metadata not all kept", c.LostMeta.Load())
	size("Bytes of files found", c.FoundBytes.Load())
	size("Bytes of files copied", c.Bytes.Load())
	size("  shared by reflink", c.Cloned.Load())
	size("  moved in the kernel", c.InKernel.Load())
	size("  read and written", c.Buffered.Load())
	size("  holes", c.Holes.Load())
	fmt.Fprintf(&b, "%-26s %.3f s\n", "Time:", s.elapsed.Seconds())
	fmt.Fprintf(&b, "%-26s %s", "Rate:", formatRate(s.average))
	if r.cfg.DryRun {
		b.WriteString("\n(dry run)")
	}
	return b.String()
}

// countNoun writes a number and its noun: 1 file, 2 directories.
func countNoun(n int64, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "y"):
		noun = noun[:len(noun)-1] + "ies"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// formatElapsed writes a duration to the tenth of a second while that is
// worth something: 0.8 s, 12.3 s, 2:05.
func formatElapsed(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return formatClock(d)
}
