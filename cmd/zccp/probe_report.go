package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// probeReport is the result of a probe as --json prints it: docs/probe.md. The
// table is made of this and of nothing else. Sizes are bytes.
type probeReport struct {
	Schema      int           `json:"schema"`
	Version     string        `json:"version"`
	Kernel      string        `json:"kernel"`
	KernelCalls []probeItem   `json:"kernel_calls"`
	Source      probePlace    `json:"source"`
	Destination *probePlace   `json:"destination,omitempty"`
	Methods     []probeItem   `json:"methods"`
	Auto        []probeChoice `json:"auto"`
	NotTried    string        `json:"not_tried,omitempty"` // why there are no methods
}

// probePlace is one directory and the file system it is on.
type probePlace struct {
	Path       string      `json:"path"`
	PathB64    string      `json:"path_b64,omitempty"`
	FileSystem string      `json:"file_system"`
	Device     string      `json:"device"`
	Mounted    string      `json:"mounted,omitempty"`
	MountPoint string      `json:"mount_point,omitempty"`
	Options    string      `json:"mount_options,omitempty"`
	BlockSize  int64       `json:"block_size"`
	Size       int64       `json:"size"`
	Free       int64       `json:"free"`
	ReadOnly   bool        `json:"read_only"`
	NameMax    int64       `json:"name_max"`
	Abilities  []probeItem `json:"abilities"`
	NotTried   string      `json:"not_tried,omitempty"` // why there are no abilities
}

// probeItem is something that was tried.
type probeItem struct {
	Name    string        `json:"name"`
	Works   bool          `json:"works"`
	Reason  string        `json:"reason,omitempty"` // why not
	Figures []probeFigure `json:"figures,omitempty"`
}

type probeFigure struct {
	Name  string `json:"name"`
	Value int64  `json:"value"`
	Unit  string `json:"unit"`
}

// probeChoice is what is done without --method.
type probeChoice struct {
	Size   int64  `json:"size"`
	Cold   bool   `json:"cold"` // as if huge, and not in memory
	Method string `json:"method,omitempty"`
	Reason string `json:"reason,omitempty"` // why there is none
}

const probeSchema = 1

func newProbeReport() *probeReport {
	v, _ := buildVersion()
	// Not nil, which JSON would have as null.
	return &probeReport{Schema: probeSchema, Version: v, Kernel: kernelName(), Methods: []probeItem{}, Auto: []probeChoice{}}
}

func newProbePlace(dir string, fs *platform.FileSystem) probePlace {
	p := probePlace{
		FileSystem: fs.Name, Device: fs.Device, Mounted: fs.Source, MountPoint: fs.MountPoint, Options: fs.Options,
		BlockSize: fs.BlockSize, Size: fs.Size, Free: fs.Free, ReadOnly: fs.ReadOnly, NameMax: fs.NameMax,
		Abilities: []probeItem{},
	}
	p.Path, p.PathB64 = jsonName(dir)
	return p
}

func abilityItem(a copier.Ability) probeItem {
	if a.Err != nil {
		return probeItem{Name: a.Name, Reason: reason(a.Err)}
	}
	item := probeItem{Name: a.Name, Works: true}
	for _, f := range a.Figures {
		item.Figures = append(item.Figures, probeFigure(f))
	}
	return item
}

func (r *probeReport) addTrials(trials []copier.Trial, choices []copier.Choice) {
	for _, t := range trials {
		item := probeItem{Name: t.Method.String(), Works: t.Err == nil}
		if t.Err != nil {
			item.Reason = reason(t.Err)
		}
		r.Methods = append(r.Methods, item)
	}
	for _, c := range choices {
		choice := probeChoice{Size: c.Size, Cold: c.Cold}
		if c.Err != nil {
			choice.Reason = reason(c.Err)
		} else {
			choice.Method = c.Method.String()
		}
		r.Auto = append(r.Auto, choice)
	}
}

// writeJSON prints r as one JSON object.
func (r *probeReport) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Widths of the table, 80 columns in all.
const (
	probeLabel = 21
	probeWide  = 80 - probeLabel
	probeHalf  = (probeWide - 2) / 2
)

// writeText prints r as a table for people.
func (r *probeReport) writeText(w io.Writer) error {
	t := &probeTable{w: w}
	places := []*probePlace{&r.Source}
	if r.Destination != nil {
		places = append(places, r.Destination)
		t.row("FILE SYSTEMS", "source", "destination")
	} else {
		t.row("FILE SYSTEM")
	}
	each := func(label string, cell func(*probePlace) string) {
		cells := make([]string, len(places))
		for i, p := range places {
			cells[i] = cell(p)
		}
		t.row(label, cells...)
	}
	each("path", func(p *probePlace) string { return apply.Quote(p.exactPath()) })
	each("file system", func(p *probePlace) string { return printable(p.FileSystem) })
	each("device", func(p *probePlace) string { return printable(p.Mounted) + " (" + p.Device + ")" })
	each("mounted on", func(p *probePlace) string { return printable(p.MountPoint) })
	each("mount options", func(p *probePlace) string { return printable(strings.ReplaceAll(p.Options, ",", ", ")) })
	each("block size", func(p *probePlace) string { return formatSize(p.BlockSize) })
	each("size", func(p *probePlace) string { return formatSize(p.Size) })
	each("free", func(p *probePlace) string { return formatSize(p.Free) })
	each("read-only", func(p *probePlace) string { return yesNo(p.ReadOnly) })
	each("longest name", func(p *probePlace) string { return fmt.Sprintf("%d bytes", p.NameMax) })

	t.gap()
	r.writeMethods(t)

	t.gap()
	if len(places) > 1 {
		t.row("ABILITIES", "source", "destination")
	} else {
		t.row("ABILITIES")
	}
	if slices.ContainsFunc(places, func(p *probePlace) bool { return p.NotTried != "" }) {
		each("all", func(p *probePlace) string { return notTried(p.NotTried) })
	}
	for _, name := range abilityNames(places) {
		each(name, func(p *probePlace) string { return p.ability(name) })
	}

	t.gap()
	t.row("KERNEL", r.Kernel)
	for _, i := range r.KernelCalls {
		t.row(i.Name, i.text())
	}
	return t.err
}

// writeMethods prints the methods and the choices.
func (r *probeReport) writeMethods(t *probeTable) {
	if r.Destination != nil {
		t.row("METHODS", "from source to destination")
	} else {
		t.row("METHODS", "within the file system")
	}
	if r.NotTried != "" {
		t.row("all", notTried(r.NotTried))
	}
	for _, i := range r.Methods {
		t.row(i.Name, i.text())
	}
	for _, c := range r.Auto {
		label := "auto, " + formatSize(c.Size)
		if c.Cold {
			label = "auto, huge and cold"
		}
		if c.Reason != "" {
			t.row(label, "none: "+c.Reason)
		} else {
			t.row(label, c.Method)
		}
	}
}

// text is an item as a cell of the table.
func (i *probeItem) text() string {
	if !i.Works {
		return "no: " + i.Reason
	}
	text := "yes"
	for _, f := range i.Figures {
		text += fmt.Sprintf(", %s %d %s", f.Name, f.Value, f.Unit)
	}
	return text
}

func notTried(reason string) string {
	if reason == "" {
		return ""
	}
	return "not tried: " + reason
}

// ability is the cell of one ability, empty where none was tried.
func (p *probePlace) ability(name string) string {
	for _, i := range p.Abilities {
		if i.Name == name {
			return i.text()
		}
	}
	return ""
}

// abilityNames returns the names of what was tried at one place at least.
func abilityNames(places []*probePlace) (names []string) {
	for _, p := range places {
		if len(p.Abilities) > len(names) {
			names = names[:0]
			for _, i := range p.Abilities {
				names = append(names, i.Name)
			}
		}
	}
	return names
}

func (p *probePlace) exactPath() string {
	if b, err := base64.StdEncoding.DecodeString(p.PathB64); err == nil && len(b) > 0 {
		return string(b)
	}
	return p.Path
}

// printable returns s, quoted if it could do something to a terminal.
func printable(s string) string {
	switch quoted := apply.Quote(s); {
	case s == "":
		return "unknown"
	case quoted != "'"+s+"'":
		return quoted
	}
	return s
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// probeTable writes rows of a label and one or two cells, which are wrapped.
type probeTable struct {
	w   io.Writer
	err error
}

func (t *probeTable) print(s string) {
	if t.err == nil {
		_, t.err = io.WriteString(t.w, s)
	}
}

func (t *probeTable) gap() { t.print("\n") }

func (t *probeTable) row(label string, cells ...string) {
	width := probeWide
	if len(cells) > 1 {
		width = probeHalf
	}
	columns := make([][]string, len(cells))
	height := 1
	for i, c := range cells {
		columns[i] = fold(c, width)
		height = max(height, len(columns[i]))
	}
	for y := range height {
		line := label
		label = ""
		for i, c := range columns {
			if y < len(c) {
				line = pad(line, probeLabel+i*(probeHalf+2)) + c[y]
			}
		}
		t.print(line + "\n")
	}
}

// pad adds blanks up to a column; a text that is too long gets two.
func pad(s string, column int) string {
	return s + strings.Repeat(" ", max(1, column-utf8.RuneCountInString(s)))
}

// fold breaks text at blanks, and a word that is too long anywhere, into lines
// of at most width characters.
func fold(text string, width int) (lines []string) {
	for _, line := range wrap(text, width) {
		for r := []rune(line); len(r) > 0; {
			n := min(width, len(r))
			lines = append(lines, string(r[:n]))
			r = r[n:]
		}
	}
	return lines
}
