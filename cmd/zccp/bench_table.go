package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// figureTable is a table of figures, on a terminal and on a page.
type figureTable struct {
	Title string
	Head  []string // the first column has names
	Rows  []figureRow
}

// figureRow is a line of a figureTable. Where Note is set there are no figures.
type figureRow struct {
	Name  string
	Cells []figureCell
	Note  string
}

// figureCell is a figure, or a word where Value is nil. Value is the figure of
// the JSON object; Text may be in another unit, which the head of the column
// tells.
type figureCell struct {
	Value *float64
	Text  string
}

// cell makes the cell of a figure.
func cell(v float64) figureCell { return figureCell{&v, formatFigure(v)} }

// cellMiB makes the cell of a number of bytes, which may not be known.
func cellMiB(n *int64) figureCell {
	if n == nil {
		return figureCell{Text: "?"}
	}
	v := float64(*n)
	return figureCell{&v, formatFigure(v / (1 << 20))}
}

// cellRatio makes the cell of a ratio, which is 0 where there is none.
func cellRatio(v float64) figureCell {
	if v == 0 {
		return figureCell{Text: "-"}
	}
	return figureCell{&v, fmt.Sprintf("%.2f", v)}
}

// writeText prints the table for a terminal.
func (t *figureTable) writeText(w io.Writer) error {
	fmt.Fprintf(w, "%s\n", t.Title)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "%s\t\n", strings.Join(t.Head, "\t"))
	for _, r := range t.Rows {
		fmt.Fprintf(tw, "%s\t", r.Name)
		for i := range t.Head[1:] {
			switch {
			case r.Note == "":
				fmt.Fprintf(tw, "%s\t", r.Cells[i].Text)
			case i == 0:
				fmt.Fprint(tw, "refused\t")
			default:
				fmt.Fprint(tw, "-\t")
			}
		}
		fmt.Fprintln(tw)
	}
	return tw.Flush()
}

// wrapText breaks text between words into lines of at most width characters,
// the first begun with first, the others with as much space.
func wrapText(first, text string, width int) string {
	var b strings.Builder
	line, indent := first, strings.Repeat(" ", len(first))
	begun := false
	for word := range strings.FieldsSeq(text) {
		switch {
		case !begun:
			line += word
		case len([]rune(line))+1+len([]rune(word)) > width:
			b.WriteString(line + "\n")
			line = indent + word
		default:
			line += " " + word
		}
		begun = true
	}
	b.WriteString(line + "\n")
	return b.String()
}
