//go:build linux

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestRemoteZeroCopy looks at the calls of a sender in plain mode: what is in files above
// 64 KiB goes to the socket by sendfile only. It is also read, once, for the sums that keep it
// from being forged, and not written anywhere.
func TestRemoteZeroCopy(t *testing.T) {
	copiertest.Require(t, "strace")
	binary := buildBinary(t)
	keys := newDaemonKeys(t, binary)
	dir := t.TempDir()
	for _, name := range []string{"src", "dst"} {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	big := int64(0)
	for i, size := range []int64{64<<10 + 1, 100_000, 1 << 20, 1<<20 + 1, 5_000_000, 40 << 20} {
		makeData(t, filepath.Join(dir, "src", fmt.Sprintf("big%d", i)), size)
		big += size
	}
	for i := range 300 {
		must(t, os.WriteFile(filepath.Join(dir, "src", fmt.Sprintf("small%d", i)), fmt.Appendf(nil, "%d", i), 0o644))
	}
	d := startDaemon(t, binary, keys, daemonOptions{root: dir, plain: true})
	log := filepath.Join(dir, "log")
	args := slices.Concat([]string{"strace", "-f", "-qq", "-y", "-o", log, "-e", "trace=read,pread64,readv,preadv,mmap,sendfile,splice,copy_file_range,write,writev,sendto,sendmsg",
		binary, "sync", "-a", "--security=plain"}, keys.options, []string{filepath.Join(dir, "src") + "/", d.url + "dst/?pin=" + d.pin})
	if e := (command{args: args, dir: dir}).run(t); e.code != 0 {
		t.Fatalf("exit code %d: %s", e.code, e.stderr)
	}
	report(t, "dst", copiertest.Diff(filepath.Join(dir, "src"), filepath.Join(dir, "dst"), copiertest.CompareOptions{Ignore: copiertest.Atime}))
	text, err := os.ReadFile(log)
	must(t, err)
	calls, moved := map[string]int{}, map[string]int64{}
	call := regexp.MustCompile(`^\d+ +(\w+)\(`)
	result := regexp.MustCompile(` = (\d+)$`)
	read := int64(0)
	unfinished := map[string]string{} // by thread
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		thread, _, _ := strings.Cut(line, " ")
		if begin, ok := strings.CutSuffix(line, " <unfinished ...>"); ok {
			unfinished[thread] = begin
			continue
		}
		if _, end, ok := strings.Cut(line, " resumed>"); ok {
			line = unfinished[thread] + end
		}
		m := call.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		n := int64(0)
		if r := result.FindStringSubmatch(line); r != nil {
			n, _ = strconv.ParseInt(r[1], 10, 64)
		}
		ofBig := strings.Contains(line, "/src/big")
		calls[m[1]]++
		moved[m[1]] += n
		if m[1] == "sendfile" && !ofBig {
			t.Errorf("sendfile of something small: %s", line)
		}
		if ofBig && m[1] == "pread64" {
			read += n
		} else if ofBig && m[1] != "sendfile" && n > 0 {
			t.Errorf("not by sendfile: %s", line)
		}
	}
	t.Logf("calls %v, bytes %v", calls, moved)
	if moved["sendfile"] != big {
		t.Errorf("sendfile moved %d bytes of %d", moved["sendfile"], big)
	}
	if read > big {
		t.Errorf("%d bytes were read for the sums of %d", read, big)
	}
	if sent := moved["write"] + moved["writev"] + moved["sendto"] + moved["sendmsg"] + moved["splice"]; sent > 200_000 {
		t.Errorf("%d bytes were written", sent)
	}
}
