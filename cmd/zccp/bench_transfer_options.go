package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/zccp/zccp/copier"
)

// The benches of methods.
const (
	benchMethods = "methods"
	benchSend    = "send"
)

// Where a transfer ends.
const (
	toFile = "file"
	toNull = "null"
)

// transferConfig is the command line of a bench of methods, checked.
type transferConfig struct {
	benchSettings
	Kind      string // benchMethods or benchSend
	Dir2      string // of the destination
	Methods   []copier.Method
	Targets   []string // toNull, toFile
	Transfers int      // of each method to each target, counted
	Size      int64    // bytes
	Fsync     bool
}

// benchableMethods are the methods that a kind of bench compares, the base of
// the ratios first.
func benchableMethods(kind string) []copier.Method {
	if kind == benchSend {
		return []copier.Method{copier.ReadWrite, copier.Mmap, copier.Sendfile, copier.Splice}
	}
	return copier.Methods()
}

// parseTransferBench reads the command line after "bench"; args[0] is the kind.
func parseTransferBench(args []string) (*transferConfig, error) {
	cfg := &transferConfig{benchSettings: benchSettings{Dir: "."}, Kind: args[0], Transfers: 10, Size: 1 << 30}
	line, err := newOptionTable(benchFlags(cfg.Kind)).normalise(args[1:], false)
	if err != nil {
		return nil, err
	}
	for _, s := range line.Settings {
		if err := cfg.set(s); err != nil {
			return nil, err
		}
	}
	if len(line.Operands) > 2 {
		return nil, usagef("extra operand '%s'; there are DIR and DIR2", line.Operands[2])
	}
	if len(line.Operands) > 0 {
		cfg.Dir = line.Operands[0]
	}
	cfg.Dir2 = cfg.Dir
	if len(line.Operands) > 1 {
		cfg.Dir2 = line.Operands[1]
	}
	if cfg.Methods == nil {
		cfg.Methods = benchableMethods(cfg.Kind)
	}
	if cfg.Targets == nil {
		cfg.Targets = []string{toFile}
		if cfg.Kind == benchSend {
			cfg.Targets = []string{toNull, toFile}
		}
	}
	if cfg.Fsync && !slices.Contains(cfg.Targets, toFile) {
		return nil, usagef("--fsync is of a file, and there is none with --to=%s", toNull)
	}
	return cfg, nil
}

// set takes one option.
func (cfg *transferConfig) set(s setting) (err error) {
	switch s.Option {
	case "method":
		return cfg.setMethods(s.Value)
	case "size":
		cfg.Size, err = parseSize(s.Value, 1)
		if err == nil && cfg.Size < 1 {
			err = errors.New("nothing to copy")
		}
		if err != nil {
			return usagef("--size=%s: %v", s.Value, err)
		}
	case "transfers":
		// One has no standard deviation.
		cfg.Transfers, err = parseCount(s, 2)
	case "to":
		cfg.Targets = nil
		for to := range strings.SplitSeq(s.Value, ",") {
			if to != toFile && to != toNull || slices.Contains(cfg.Targets, to) {
				return usagef("--to takes null, file or null,file, not '%s'", s.Value)
			}
			cfg.Targets = append(cfg.Targets, to)
		}
	case "fsync":
		cfg.Fsync = true
	default:
		err = cfg.benchSettings.set(s)
	}
	return err
}

// setMethods takes the value of --method.
func (cfg *transferConfig) setMethods(value string) error {
	able := benchableMethods(cfg.Kind)
	names := make([]string, len(able))
	for i, m := range able {
		names[i] = m.String()
	}
	cfg.Methods = nil
	for name := range strings.SplitSeq(value, ",") {
		i := slices.Index(names, name)
		if i < 0 {
			return usagef("bench %s has no method '%s'; there are %s", cfg.Kind, name, strings.Join(names, ", "))
		}
		if slices.Contains(cfg.Methods, able[i]) {
			return usagef("'%s' is named twice", name)
		}
		cfg.Methods = append(cfg.Methods, able[i])
	}
	return nil
}
