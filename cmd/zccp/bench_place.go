package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errColdMemory refuses --cold where it would measure nothing.
var errColdMemory = errors.New("--cold says nothing of tmpfs, which has no other place than memory")

// benchPlace is the folder that a bench works in.
type benchPlace struct {
	base string // for sources, which may be kept
	runs string // for all else, gone when the bench ends
}

// openBenchPlace makes the folder below dir. Being a lock too, it keeps a
// second bench from measuring beside this one.
func openBenchPlace(dir string) (*benchPlace, error) {
	p := &benchPlace{base: filepath.Join(dir, "zccp-bench")}
	p.runs = filepath.Join(p.base, "runs")
	// Not MkdirAll: a directory that was named wrongly is not to be made.
	if err := os.Mkdir(p.base, 0o755); err != nil && !os.IsExist(err) {
		return nil, err
	}
	if err := os.Mkdir(p.runs, 0o755); err != nil {
		if os.IsExist(err) {
			return nil, fmt.Errorf("'%s' is in use by another bench, or left by one that was killed: remove it then", p.runs)
		}
		os.Remove(p.base) // fails, rightly, if a source is kept there
		return nil, err
	}
	return p, nil
}

// close removes everything but a source that is kept.
func (p *benchPlace) close() error {
	err := os.RemoveAll(p.runs)
	os.Remove(p.base) // fails, rightly, if a source is kept there
	return err
}

// file is the source of one big file.
func (p *benchPlace) file(size int64) *fileLoad {
	return &fileLoad{src: filepath.Join(p.base, fmt.Sprintf("file-%d", size)), length: size}
}

// ensure makes the source if none was kept.
func (p *benchPlace) ensure(ctx context.Context, load benchLoad, say func(string, ...any)) error {
	if _, err := os.Lstat(load.source()); err == nil {
		return nil
	}
	say("making %s", load)
	// Made aside, so that a source that is there is whole.
	made := filepath.Join(p.runs, "src")
	if err := load.make(ctx, made); err != nil {
		return err
	}
	return os.Rename(made, load.source())
}

// drop removes the source unless it is to be kept.
func (p *benchPlace) drop(load benchLoad, keep bool) error {
	if keep {
		return nil
	}
	return os.RemoveAll(load.source())
}
