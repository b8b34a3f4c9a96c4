package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/sync/mirror"
)

// syncTotals are the lines behind the entries: the block of --stats and the two
// lines of -v, with rsync's labels, since programs read them. Between two local
// trees nothing is sent: what is called so are the bytes that were copied.
func syncTotals(s mirror.Stats, cfg *syncConfig, elapsed time.Duration) (lines []string) {
	o := &cfg.Output
	if o.Info[infoStats] == 0 {
		return nil
	}
	level := o.Human
	human := func(n int64) string { return humanNumber(n, level) }
	plain := func(n int64) string { return humanNumber(n, min(level, humanSeparated)) }
	sent, received := throughput(s, cfg)
	kinds := func(total int64, counts ...int64) string {
		var parts []string
		for i, name := range []string{"reg", "dir", "link", "dev", "special"} {
			if counts[i] > 0 {
				parts = append(parts, name+": "+plain(counts[i]))
			}
		}
		if len(parts) == 0 {
			return plain(total)
		}
		return plain(total) + " (" + strings.Join(parts, ", ") + ")"
	}
	if o.Info[infoStats] > 1 {
		lines = append(lines, "",
			"Number of files: "+kinds(s.Files, s.Regular, s.Dirs, s.Links, s.Devices, s.Specials),
			"Number of created files: "+kinds(s.Created, s.CreatedRegular, s.CreatedDirs, s.CreatedLinks, s.CreatedDev, s.CreatedSpec),
			"Number of deleted files: "+kinds(s.Deleted, s.DeletedRegular, s.DeletedDirs, s.DeletedLinks, s.DeletedDev, s.DeletedSpec),
			"Number of regular files transferred: "+plain(s.Transferred),
			"Total file size: "+human(s.TotalSize)+" bytes",
			"Total transferred file size: "+human(s.TransferredSize)+" bytes",
			"Literal data: "+human(s.Literal)+" bytes",
			"Matched data: "+human(s.Matched)+" bytes",
			"File list size: 0",
			// There is no such phase: directories are listed as they are reached.
			"File list generation time: 0.000 seconds",
			"File list transfer time: 0.000 seconds",
			"Total bytes sent: "+human(sent),
			"Total bytes received: "+human(received))
	}
	dryRun := ""
	if cfg.Mirror.DryRun && !cfg.Mirror.ListOnly {
		dryRun = " (DRY RUN)"
	}
	return append(lines, "",
		fmt.Sprintf("sent %s bytes  received %s bytes  %s bytes/sec",
			human(sent), human(received), humanFraction(rate(s, elapsed), level)),
		fmt.Sprintf("total size is %s  speedup is %s%s",
			human(s.TotalSize), humanFraction(speedup(s), min(level, humanSeparated)), dryRun))
}

// logTotals are the last lines of a log: those of stdout without the empty ones,
// or one whose numbers are digits alone, even with -h.
func logTotals(s mirror.Stats, cfg *syncConfig, elapsed time.Duration) []string {
	if cfg.Output.Info[infoStats] > 0 {
		return slices.DeleteFunc(syncTotals(s, cfg, elapsed), func(line string) bool { return line == "" })
	}
	sent, received := throughput(s, cfg)
	return []string{fmt.Sprintf("sent %d bytes  received %d bytes  total size %d", sent, received, s.TotalSize)}
}

// throughput is the content that left this machine or came to it: with both
// ends here it is called sent. What the protocol adds is not counted.
func throughput(s mirror.Stats, cfg *syncConfig) (sent, received int64) {
	if cfg.Route.pulls() {
		return 0, s.Literal
	}
	return s.Literal, 0
}

func rate(s mirror.Stats, elapsed time.Duration) float64 {
	return float64(s.Literal) / (0.5 + elapsed.Seconds())
}

// speedup is the size of all files by the bytes copied; with none copied there
// is no number for it, and it is 0.
func speedup(s mirror.Stats) float64 {
	if s.Literal == 0 {
		return 0
	}
	return float64(s.TotalSize) / float64(s.Literal)
}

// explainItem is a line of --explain: what moved the bytes of a file, and what
// was tried before in vain.
func explainItem(name string, res *copier.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", name, res.Method)
	for _, part := range []struct {
		what string
		n    int64
	}{{"moved", res.Moved}, {"shared", res.Cloned}, {"holes", res.Holes}} {
		if part.n > 0 {
			fmt.Fprintf(&b, ", %s %s", part.what, formatSize(part.n))
		}
	}
	if res.Attempts > 1 {
		fmt.Fprintf(&b, ", %d attempts", res.Attempts)
	}
	if res.Verified {
		b.WriteString(", verified")
	}
	for _, x := range res.Refusals() {
		fmt.Fprintf(&b, "; not %s: %s", x.Method, reason(x.Err))
	}
	return b.String()
}
