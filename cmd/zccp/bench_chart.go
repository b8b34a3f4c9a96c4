package main

import (
	"math"
	"strconv"
)

// barChart is a chart of horizontal bars, one a name. Each bar has a value for
// every part, drawn one behind the other.
type barChart struct {
	Title   string
	Unit    string   // of the axis
	Parts   []string // their names, for the legend
	Caption string   // what a bar is, where there is one part and no legend
	Bars    []chartBar
}

// chartBar is one line of a chart. Where Note is set there is no bar.
type chartBar struct {
	Name      string
	Values    []float64
	Low, High float64 // ends of the whisker; none if High is 0
	Note      string
}

// The measures of a chart, in the units of its viewBox. It is as wide as the
// narrowest screen, so that letters never shrink, and only grows.
const (
	chartWidth  = 360.0
	plotLeft    = 96.0
	plotRight   = 304.0
	plotTop     = 8.0
	captionY    = 13.0
	captionRoom = 18.0 // of all charts, so that those side by side are level
	rowHeight   = 22.0
	barHeight   = 12.0
	axisRoom    = 36.0
	longestName = 15 // characters that fit beside the plot
	roomyName   = 13 // and one that surely does; longer ones are set to nameWidth
	nameWidth   = 86.0
)

// drawnChart is a barChart with the places of everything.
type drawnChart struct {
	ID                   int
	Title, Unit, Summary string
	Width, Height        float64
	Left, Right          float64
	Top, Bottom          float64
	TickLabelY, UnitY    float64
	Center               float64
	Legend               []drawnPart
	Caption              string
	CaptionY             float64
	Rows                 []drawnRow
	Ticks                []drawnTick
}

type drawnPart struct {
	X, Y, TextX, TextY float64
	Name               string
	Style              int
}

type drawnRow struct {
	Name, Full    string
	NameWidth     float64 // 0: as it comes
	TextY         float64
	Bars          []drawnBar
	Whisker       *drawnWhisker
	Value         string
	Note          string
	NoteX, ValueX float64
}

type drawnBar struct {
	X, Y, Width, Height float64
	Style               int
}

type drawnWhisker struct{ Low, High, Y, Upper, Lower float64 }

type drawnTick struct {
	X    float64
	Text string
}

// draw places everything. id is unique on the page.
func (c *barChart) draw(id int) drawnChart {
	d := drawnChart{
		ID: id, Title: c.Title, Unit: c.Unit, Width: chartWidth, Left: plotLeft, Right: plotRight, Top: plotTop + captionRoom,
		Center: (plotLeft + plotRight) / 2, Caption: c.Caption, CaptionY: captionY,
	}
	x := plotLeft
	for i, name := range c.Parts {
		d.Legend = append(d.Legend, drawnPart{X: x, Y: plotTop - 4, TextX: x + 17, TextY: captionY, Name: name, Style: i})
		x += 17 + 6.2*float64(len(name)) + 18
	}
	most := 0.0
	for _, b := range c.Bars {
		most = max(most, sum(b.Values), b.High)
	}
	step, end := niceAxis(most)
	scale := func(v float64) float64 { return round2((plotRight - plotLeft) * v / end) }
	y := d.Top
	for _, b := range c.Bars {
		r := drawnRow{Name: shorten(b.Name, longestName), Full: b.Name, TextY: y + rowHeight/2 + 4, Note: b.Note, NoteX: plotLeft + 5, ValueX: chartWidth - 2}
		if len([]rune(r.Name)) > roomyName {
			r.NameWidth = nameWidth
		}
		if b.Note == "" {
			at := 0.0
			for i, v := range b.Values {
				r.Bars = append(r.Bars, drawnBar{X: plotLeft + scale(at), Y: y + (rowHeight-barHeight)/2, Width: scale(v), Height: barHeight, Style: i})
				at += v
			}
			if b.High > 0 {
				middle := y + rowHeight/2
				r.Whisker = &drawnWhisker{plotLeft + scale(b.Low), plotLeft + scale(b.High), middle, middle - 4, middle + 4}
			}
			r.Value = formatFigure(at)
		}
		d.Rows = append(d.Rows, r)
		y += rowHeight
	}
	d.Bottom = y
	d.TickLabelY, d.UnitY, d.Height = y+14, y+29, y+axisRoom
	for i := 0; float64(i)*step <= end*1.0001; i++ {
		d.Ticks = append(d.Ticks, drawnTick{plotLeft + scale(float64(i)*step), formatTick(float64(i) * step)})
	}
	return d
}

// niceAxis returns the distance of ticks, which is 1, 2 or 5 times a power of
// ten, and the end of an axis that has room for most: in at most five of them,
// or in three where their labels are long.
func niceAxis(most float64) (step, end float64) {
	if most <= 0 {
		return 1, 1
	}
	steps := 5.0
	if most > 10000 {
		steps = 3
	}
	power := math.Pow(10, math.Floor(math.Log10(most/steps)))
	for _, f := range []float64{1, 2, 5, 10} {
		step = f * power
		if most <= steps*step {
			break
		}
	}
	return step, step * math.Ceil(most/step-1e-9)
}

// formatTick writes a round number as short as it can be.
func formatTick(v float64) string {
	if v >= 10000 {
		return groupDigits(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

func sum(values []float64) (s float64) {
	for _, v := range values {
		s += v
	}
	return s
}

// round2 keeps the page small: a hundredth of a unit can't be seen.
func round2(v float64) float64 { return math.Round(v*100) / 100 }

// shorten cuts a name to at most n characters.
func shorten(name string, n int) string {
	if r := []rune(name); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return name
}
