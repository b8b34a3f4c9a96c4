package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version is set by the linker for releases (-X main.version=1.2.3).
var version string

// buildVersion returns the program's version without a leading v and the
// commit it was built from, "" if that is not known.
func buildVersion() (v, commit string) {
	v = version
	info, ok := debug.ReadBuildInfo()
	if ok {
		if v == "" && info.Main.Version != "" {
			v = info.Main.Version
		}
		modified := false
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				commit = s.Value
			case "vcs.modified":
				modified = s.Value == "true"
			}
		}
		if commit != "" && modified {
			commit += " (modified)"
		}
	}
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	if len(v) > 1 && v[0] == 'v' && v[1] >= '0' && v[1] <= '9' {
		v = v[1:]
	}
	return v, commit
}

// printVersion writes "zccp VERSION" alone on the first line, for scripts,
// and below it what a bug report needs: the build, and what the kernel can do.
func (e *env) printVersion(w io.Writer) error {
	v, commit := buildVersion()
	if commit == "" {
		commit = "unknown"
	}
	_, err := fmt.Fprintf(w, "zccp %s\ncommit:   %s\ngo:       %s\nplatform: %s/%s\n%s",
		v, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH, e.versionAbilities())
	return err
}
