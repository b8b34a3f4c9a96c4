package main

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"testing"
)

// TestSyncVersion: what scripts read from rsync's first line is there.
func TestSyncVersion(t *testing.T) {
	for _, args := range [][]string{{"zccp", "sync", "-V"}, {"zccp", "sync", "--version"}, {"rsync", "--version"}} {
		text := helpText(t, args...)
		if !regexp.MustCompile(`^rsync  version \d+\.\d+\.\d+  protocol version \d+  compatible: zccp \S+\n`).MatchString(text) {
			t.Errorf("%q begins with %.80q", args, text)
		}
	}
}

// TestSyncVersionJSON: -VV has every key that rsync's has.
func TestSyncVersionJSON(t *testing.T) {
	requireRsync(t)
	out, err := exec.Command("rsync", "-VV").Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs, ours map[string]any
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(helpText(t, "zccp", "sync", "-VV")), &ours); err != nil {
		t.Fatal(err)
	}
	var compare func(path string, theirs, ours map[string]any)
	compare = func(path string, theirs, ours map[string]any) {
		for key, value := range theirs {
			mine, ok := ours[key]
			if !ok {
				t.Errorf("-VV lacks %s%s", path, key)
				continue
			}
			if inner, ok := value.(map[string]any); ok {
				compare(path+key+".", inner, mine.(map[string]any))
			}
		}
	}
	compare("", theirs, ours)
	// Scripts skip what is not supported only if it is not claimed.
	capabilities := ours["capabilities"].(map[string]any)
	for key, want := range map[string]any{"crtimes": false, "batchfiles": false, "iconv": false, "IPv6": false, "hardlinks": true, "stop_at": true} {
		if capabilities[key] != want {
			t.Errorf("capability %s is %v", key, capabilities[key])
		}
	}
}
