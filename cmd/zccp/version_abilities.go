package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

// versionAbilities says what of the kernel's abilities are there, by trying them:
// nothing is made, changed or loaded by that, and no program is run. What file
// systems can do is for probe to say.
func (e *env) versionAbilities() string {
	calls := e.calls
	if calls == nil {
		calls = platform.Native()
	}
	var has, lacks []string
	add := func(name string, err error) {
		if err != nil {
			lacks = append(lacks, name+" ("+reason(err)+")")
		} else {
			has = append(has, name)
		}
	}
	if name, err := platform.MakeName("."); err == nil {
		if dir, err := calls.Openat(platform.CWD, name, platform.PathOnly|platform.Directory, 0); err == nil {
			for _, a := range copier.KernelAbilities(calls, dir) {
				add(a.Name, a.Err)
			}
			calls.Close(dir)
		}
	}
	err := calls.Clone(platform.None, platform.None)
	if platform.Present(err) {
		err = nil
	}
	add("reflink", err)
	landlock := "Landlock"
	abi, err := platform.ConfineVersion()
	if err == nil {
		landlock = fmt.Sprintf("Landlock %d", abi)
	}
	add(landlock, err)
	add("kernel TLS", kernelTLS())
	var b strings.Builder
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		fmt.Fprintf(&b, "kernel:   %s\n", bytes.TrimSpace(release))
	}
	for _, row := range []struct {
		title string
		words []string
	}{{"has:      ", has}, {"lacks:    ", lacks}} {
		if row.words != nil {
			b.WriteString(row.title + strings.Join(wrap(strings.Join(row.words, ", "), helpWidth-10), "\n          ") + "\n")
		}
	}
	return b.String() + "What a file system can do is said by " + e.prog + " probe PATH.\n"
}

// kernelTLS says why the kernel can't encrypt TLS now. Asking a socket for it would
// load the module.
func kernelTLS() error {
	protocols, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_ulp")
	switch {
	case err != nil:
		return errors.ErrUnsupported
	case !slices.Contains(strings.Fields(string(protocols)), "tls"):
		return errors.New("its module is not loaded")
	}
	return nil
}
