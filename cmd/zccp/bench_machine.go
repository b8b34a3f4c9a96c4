package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/zccp/zccp/sync/apply"
)

// benchMachine is what figures depend on besides the program.
type benchMachine struct {
	Kernel    string `json:"kernel"`
	Processor string `json:"processor"` // the model, or the architecture if the system doesn't tell
	Cores     int    `json:"cores"`
	Memory    int64  `json:"memory_bytes,omitempty"`
}

// thisMachine describes the machine that the program runs on.
func thisMachine() benchMachine {
	m := benchMachine{Kernel: kernelName(), Processor: runtime.GOARCH, Cores: runtime.NumCPU()}
	// proc_cpuinfo(5): x86 names its model so; arm64 has numbers only.
	if model := procField("/proc/cpuinfo", "model name"); model != "" {
		m.Processor = model
	}
	var kib int64
	if n, _ := fmt.Sscanf(procField("/proc/meminfo", "MemTotal"), "%d kB", &kib); n == 1 {
		m.Memory = kib << 10
	}
	return m
}

// procField returns what follows "name:" in a file of procfs, "" if nothing
// does.
func procField(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	return ""
}

// String puts the machine in one line.
func (m benchMachine) String() string {
	s := fmt.Sprintf("%s, %d x %s", m.Kernel, m.Cores, m.Processor)
	if m.Memory > 0 {
		s += ", " + formatSize(m.Memory) + " of memory"
	}
	return s
}

// shellLine writes an argument vector as a shell would take it.
func shellLine(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		words[i] = a
		if a == "" || strings.ContainsFunc(a, func(r rune) bool {
			return !strings.ContainsRune("+-./:=@_,%", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		}) {
			words[i] = apply.Quote(a)
		}
	}
	return strings.Join(words, " ")
}
