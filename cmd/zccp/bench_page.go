package main

import (
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// benchDocument is a report as a page.
type benchDocument struct {
	Title, Heading string
	Facts          []benchFact
	Sections       []benchSection
	Notes          []string
}

// benchSection is what belongs to one target.
type benchSection struct {
	Title  string
	Charts []barChart
	Tables []figureTable
}

// benchPage is the file that a report is written to as a page. Its methods do
// nothing where none was asked for.
type benchPage struct {
	path string
	f    *os.File // beside path, until it is whole
}

// newBenchPage makes room for the page at path, so that a bench of minutes does
// not end in a directory that can't be written. With "" there is no page.
func newBenchPage(path string) (*benchPage, error) {
	p := &benchPage{path: path}
	if path == "" {
		return p, nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("--html: '%s' is a directory", path)
	}
	// Not CreateTemp, whose files only their owner may read.
	name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid()))
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("--html: %w", err)
	}
	p.f = f
	return p, nil
}

// publish writes the page and gives it its name, in place of what has it.
func (p *benchPage) publish(d *benchDocument) error {
	if p.f == nil {
		return nil
	}
	if err := writeBenchPage(p.f, d); err != nil {
		return err
	}
	if err := p.f.Close(); err != nil {
		return err
	}
	if err := os.Rename(p.f.Name(), p.path); err != nil {
		return err
	}
	p.f = nil
	return nil
}

// discard removes what was not published.
func (p *benchPage) discard() error {
	if p.f == nil {
		return nil
	}
	err := p.f.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	return errors.Join(err, os.Remove(p.f.Name()))
}

// writeBenchPage writes d as one page that needs nothing from elsewhere.
func writeBenchPage(w io.Writer, d *benchDocument) error {
	charts := 0
	t, err := template.New("page").Funcs(template.FuncMap{
		"draw":  func(c barChart) drawnChart { charts++; return c.draw(charts) },
		"words": strings.Fields,
		"exact": func(v *float64) string { return strconv.FormatFloat(*v, 'g', -1, 64) },
		"list": func(head []string, r figureRow) []labelledCell {
			var cells []labelledCell
			for i, c := range r.Cells {
				cells = append(cells, labelledCell{head[i+1], c})
			}
			return cells
		},
		"rest": func(head []string) int { return len(head) - 1 },
	}).Parse(benchPageText)
	if err != nil {
		return err
	}
	return t.Execute(w, d)
}

// labelledCell is a cell with the head of its column, which stands beside it
// where the screen is too narrow for a table.
type labelledCell struct {
	Label string
	figureCell
}
