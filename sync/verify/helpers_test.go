//go:build linux

package verify

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// heard is what a comparison reported.
type heard struct {
	mu       sync.Mutex
	found    []Difference
	digests  map[string]int64 // sizes by path
	problems []string
	counters *apply.Counters
	verify   *Verify
}

func (h *heard) Differences(list []Difference) {
	h.mu.Lock()
	h.found = append(h.found, list...)
	h.mu.Unlock()
}

func (h *heard) Digest(path string, size int64, sum []byte) {
	h.mu.Lock()
	h.digests[path] = size
	h.mu.Unlock()
}

func (h *heard) Problem(err error, _ string) {
	h.mu.Lock()
	h.problems = append(h.problems, err.Error())
	h.mu.Unlock()
}

func (h *heard) Done(*apply.Event) {}
func (h *heard) Note(string)       {}
func (h *heard) Ask(string) bool   { return false }

// keys returns what was found as kind, path and attribute, sorted.
func (h *heard) keys() (list []string) {
	for _, d := range h.found {
		list = append(list, key(d.Kind, d.Path, d.Attr))
	}
	slices.Sort(list)
	return list
}

func key(k Kind, path, attr string) string { return fmt.Sprintf("%s %q %q", k, path, attr) }

// compare runs a comparison. tune, if not nil, is called before it begins.
func compare(t testing.TB, calls *platform.Calls, a, b string, jobs int, opts Options, tune func(*Verify)) *heard {
	t.Helper()
	return compareUntil(t.Context(), calls, a, b, jobs, opts, tune)
}

func compareUntil(ctx context.Context, calls *platform.Calls, a, b string, jobs int, opts Options, tune func(*Verify)) *heard {
	h := &heard{digests: map[string]int64{}}
	r := apply.NewRunner(apply.Options{Jobs: jobs, BigJobs: 2, Report: h, Copier: copier.New(calls, copier.Options{}, 0)})
	opts.Report = h
	opts.NotLocal = func() {}
	h.counters = &r.Counters
	h.verify = New(platform.Restarting(calls), r, a, b, opts)
	if tune != nil {
		tune(h.verify)
	}
	h.verify.Run(ctx)
	return h
}

// write makes a file and the directories above it.
func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
