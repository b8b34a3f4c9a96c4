package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plainText returns text without its marks, as a terminal shows it.
func plainText(text string) string { return plainWords(text, false) }

// plainWords is plainText that, if quoted is set, puts into quotes what is to be typed
// and would not stand out: what has blanks or is no word.
func plainWords(text string, quoted bool) string {
	var words []string
	for _, word := range textWords(text) {
		var b strings.Builder
		for _, s := range word {
			if quoted && s.kind == spanCode && (len(s.text) == 1 || strings.Contains(s.text, " ") || !strings.ContainsFunc(s.text, unicode.IsLetter)) {
				s.text = "'" + s.text + "'"
			}
			b.WriteString(s.text)
		}
		words = append(words, b.String())
	}
	return strings.Join(words, " ")
}

// plainWriter writes parsed text for a terminal, helpWidth columns wide at most.
type plainWriter struct {
	w     io.Writer
	began bool // something is written
}

// gap leaves a line free but before the first block.
func (p *plainWriter) gap() {
	if p.began {
		fmt.Fprintln(p.w)
	}
	p.began = true
}

// blocks writes the text. insert writes what {NAME} stands for.
func (p *plainWriter) blocks(blocks []textBlock, insert func(name string)) {
	const indent = "  "
	for _, b := range blocks {
		p.gap()
		switch b.kind {
		case blockHeading:
			fmt.Fprintln(p.w, strings.ToUpper(b.text))
		case blockSubheading:
			fmt.Fprintln(p.w, b.text+":")
		case blockParagraph:
			p.wrapped("", "", b.text)
		case blockLiteral:
			for line := range strings.SplitSeq(b.text, "\n") {
				fmt.Fprintln(p.w, strings.TrimRight(indent+line, " "))
			}
		case blockList:
			for _, item := range b.items {
				p.wrapped("- ", indent, item.text)
			}
		case blockTerms:
			p.terms(b.items)
		case blockTable:
			p.table(b.rows)
		case blockInsert:
			insert(b.text)
		}
	}
}

// wrapped writes a paragraph: first before its first line, rest before the others.
func (p *plainWriter) wrapped(first, rest, text string) {
	for i, line := range wrap(plainWords(text, true), helpWidth-len(rest)) {
		if i > 0 {
			first = rest
		}
		fmt.Fprintln(p.w, first+line)
	}
}

// terms writes definitions in two columns.
func (p *plainWriter) terms(items []textItem) {
	wide := 0
	for _, item := range items {
		wide = max(wide, utf8.RuneCountInString(plainText(item.term)))
	}
	wide = min(wide+4, helpColumn)
	for _, item := range items {
		term := "  " + plainText(item.term)
		if n := utf8.RuneCountInString(term); n+2 > wide {
			fmt.Fprintln(p.w, term)
			term = strings.Repeat(" ", wide)
		} else {
			term += strings.Repeat(" ", wide-n)
		}
		p.wrapped(term, strings.Repeat(" ", wide), item.text)
	}
}

// table writes columns as wide as the widest cell of each; the last one is wrapped.
func (p *plainWriter) table(rows [][]string) {
	last := len(rows[0]) - 1
	var wide []int
	for i := range last {
		n := 0
		for _, row := range rows {
			n = max(n, utf8.RuneCountInString(plainText(row[i])))
		}
		wide = append(wide, n+2)
	}
	for _, row := range rows {
		line, at := "  ", 2
		for i, cell := range row[:last] {
			cell = plainText(cell)
			line += cell + strings.Repeat(" ", wide[i]-utf8.RuneCountInString(cell))
			at += wide[i]
		}
		if row[last] == "" {
			fmt.Fprintln(p.w, strings.TrimRight(line, " "))
			continue
		}
		for i, text := range wrap(plainText(row[last]), helpWidth-at) {
			if i > 0 {
				line = strings.Repeat(" ", at)
			}
			fmt.Fprintln(p.w, line+text)
		}
	}
}
