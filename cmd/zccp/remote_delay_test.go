//go:build linux

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestRemoteRoundTrips sends 10 000 small files over a line on which every byte is 25 ms under
// way: that takes less than five times there and back more than over one without delay, so
// nothing waits file by file.
func TestRemoteRoundTrips(t *testing.T) {
	if os.Getenv("ZCCP_TEST_ROUNDTRIPS") == "" {
		t.Skip("it measures time, which a busy machine doesn't keep: ZCCP_TEST_ROUNDTRIPS asks for it")
	}
	binary := buildBinary(t)
	keys := newDaemonKeys(t, binary)
	dir := t.TempDir()
	for _, name := range []string{"dst", "src"} {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	for i := range 10_000 {
		sub := filepath.Join(dir, "src", strconv.Itoa(i/100))
		if i%100 == 0 {
			must(t, os.Mkdir(sub, 0o755))
		}
		must(t, os.WriteFile(filepath.Join(sub, strconv.Itoa(i)), fmt.Appendf(nil, "file %d", i), 0o644))
	}
	const oneWay = 25 * time.Millisecond
	for _, way := range []string{"plain", "tls"} {
		d := startDaemon(t, binary, keys, daemonOptions{root: dir, plain: true})
		near, late := startProxy(t, &proxy{to: d.port}), startProxy(t, &proxy{to: d.port, delay: oneWay})
		for _, pull := range []bool{false, true} {
			run := func(p *proxy, again bool) time.Duration {
				dst := filepath.Join(dir, "dst")
				if !again {
					must(t, os.RemoveAll(dst))
					must(t, os.Mkdir(dst, 0o755))
				}
				at := d.urlAt(p.port())
				operands := []string{filepath.Join(dir, "src") + "/", at + "dst/?pin=" + d.pin}
				if pull {
					operands = []string{at + "src/?pin=" + d.pin, dst + "/"}
				}
				e := succeed(t, dir, slices.Concat([]string{binary, "sync", "-a", "--security=" + way}, keys.options, operands)...)
				return e.took
			}
			for _, again := range []bool{false, true} {
				// The least of several is what the program takes; more is what else the
				// machine does.
				least := [2]time.Duration{time.Hour, time.Hour}
				for range 5 {
					for i, p := range []*proxy{near, late} {
						if again {
							run(near, false)
						}
						least[i] = min(least[i], run(p, again))
					}
				}
				trips := float64(least[1]-least[0]) / float64(2*oneWay)
				t.Logf("%s, pull %v, nothing to do %v: %v without delay, %v with it: %.1f round trips more", way, pull, again, least[0], least[1], trips)
				if trips >= 5 {
					t.Errorf("%s, pull %v, nothing to do %v: %.1f round trips more", way, pull, again, trips)
				}
				if trips < 1 {
					t.Errorf("the line has no delay")
				}
			}
		}
		report(t, way, copiertest.Diff(filepath.Join(dir, "src"), filepath.Join(dir, "dst"), copiertest.CompareOptions{Ignore: copiertest.Atime}))
	}
}
