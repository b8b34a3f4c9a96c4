package main

import "strings"

// mdocWriter writes the language of manual pages, mdoc(7).
type mdocWriter struct {
	b    strings.Builder
	line string // running text that is not written yet
}

// mdocWidth is where lines of running text end.
const mdocWidth = 80

// flush ends the line of running text.
func (w *mdocWriter) flush() {
	if w.line != "" {
		w.b.WriteString(mdocText(w.line) + "\n")
		w.line = ""
	}
}

// macro writes a line of mdoc; its arguments are escaped already.
func (w *mdocWriter) macro(words ...string) {
	w.flush()
	w.b.WriteString("." + strings.Join(words, " ") + "\n")
}

// text writes running text. A sentence begins on a line of its own, as mdoc(7) asks.
func (w *mdocWriter) text(text string) {
	for _, word := range textWords(text) {
		if len(word) == 1 && word[0].kind == spanPlain {
			plain := word[0].text
			if w.line != "" && len(w.line)+1+len(plain) > mdocWidth {
				w.flush()
			}
			if w.line != "" {
				w.line += " "
			}
			w.line += plain
			if end := strings.TrimRight(plain, ")"); strings.HasSuffix(end, ".") || strings.HasSuffix(end, "?") {
				w.flush()
			}
			continue
		}
		w.macro(mdocWord(word, true)...)
	}
	w.flush()
}

// mdocWord returns the macros of a word that is not plain. If quoted is set, what is
// to be typed is in quotes where it would not stand out.
func mdocWord(word []span, quoted bool) []string {
	var list []string
	for i, s := range word {
		if s.kind == spanPlain && i > 0 && strings.Trim(s.text, ".,:;)") == "" {
			// Closing delimiters are arguments of what stands before them.
			list = append(list, strings.Split(s.text, "")...)
			continue
		}
		if i > 0 {
			list = append(list, "Ns")
		}
		list = append(list, mdocSpan(s, quoted)...)
	}
	return list
}

// mdocSpan returns the macro and the arguments that fit a span.
func mdocSpan(s span, quoted bool) []string {
	text := s.text
	switch s.kind {
	case spanPlain:
		return []string{"No", mdocArg(text)}
	case spanArg:
		if text == strings.ToUpper(text) {
			return []string{"Ar", mdocArg(text)}
		}
		return []string{"Em", mdocArg(text)}
	case spanOption:
		return []string{"Fl", mdocArg(text[1:])}
	case spanPage:
		name, section, _ := strings.Cut(strings.TrimSuffix(text, ")"), "(")
		return []string{"Xr", name, section}
	}
	plain := plainSpans(text)
	switch {
	case len(plain) == 1 && plain[0].kind == spanOption && !strings.Contains(text, " "):
		return []string{"Fl", mdocArg(text[1:])}
	case strings.HasPrefix(text, "zccp "):
		return []string{"Ic", mdocArg(text)}
	case len(text) > 1 && text[0] == '$' && strings.Trim(text[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "":
		return []string{"Ev", text[1:]}
	case quoted && len(text) > 2 && strings.Contains(text, "/") && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/.$_-~") == "":
		return []string{"Pa", mdocArg(text)}
	}
	if quoted {
		return []string{"So", mdocArg(text), "Sc"} // not Ql, which would quote the rest of the line
	}
	return []string{"Cm", mdocArg(text)}
}

// mdocText escapes a line of running text.
func mdocText(text string) string {
	text = mdocEscape(text)
	if text != "" && (text[0] == '.' || text[0] == '\'') {
		text = `\&` + text
	}
	return text
}

// mdocEscape makes characters stand for themselves that roff(7) knows better.
func mdocEscape(text string) string {
	return strings.NewReplacer(`\`, `\e`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
}

// mdocArg escapes one argument of a macro: what is to be typed as it stands.
func mdocArg(text string) string {
	text = strings.NewReplacer("-", `\-`, "'", `\(aq`, `"`, `\(dq`).Replace(mdocEscape(text))
	switch {
	case text == "":
		return `""`
	case len(text) == 1 && strings.Contains(".,:;()[]?!|", text),
		len(text) <= 3 && 'A' <= text[0] && text[0] <= 'Z', // the name of a macro, perhaps
		text[0] == '%':
		text = `\&` + text
	}
	if strings.Contains(text, " ") {
		text = `"` + text + `"`
	}
	return text
}

// blocks writes parsed text. insert writes what {NAME} stands for.
func (w *mdocWriter) blocks(blocks []textBlock, insert func(name string)) {
	began := true // nothing stands between this and a heading
	for _, b := range blocks {
		switch b.kind {
		case blockHeading:
			w.macro("Sh", strings.ToUpper(b.text))
		case blockSubheading:
			w.macro("Ss", b.text)
		case blockParagraph:
			if !began {
				w.macro("Pp")
			}
			w.text(b.text)
		case blockLiteral:
			w.literal(b.text)
		case blockList:
			if !began {
				w.macro("Pp")
			}
			w.macro("Bl", "-bullet", "-compact")
			for _, item := range b.items {
				w.macro("It")
				w.text(item.text)
			}
			w.macro("El")
		case blockTerms:
			w.terms(b.items)
		case blockTable:
			w.table(b.rows)
		case blockInsert:
			insert(b.text)
		}
		began = b.kind == blockHeading || b.kind == blockSubheading
	}
}

// mdocTerm returns the arguments of the head of a definition.
func mdocTerm(text string) []string {
	var list []string
	for _, word := range textWords(text) {
		list = append(list, mdocWord(word, false)...)
	}
	return list
}

func (w *mdocWriter) terms(items []textItem) {
	w.macro("Bl", "-tag", "-width", "Ds")
	for _, item := range items {
		w.macro(append([]string{"It"}, mdocTerm(item.term)...)...)
		w.text(item.text)
	}
	w.macro("El")
}

func (w *mdocWriter) literal(text string) {
	w.macro("Bd", "-literal", "-offset", "indent")
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.NewReplacer("-", `\-`, "'", `\(aq`).Replace(mdocEscape(line))
		if line != "" && line[0] == '.' {
			line = `\&` + line
		}
		w.b.WriteString(line + "\n")
	}
	w.macro("Ed")
}

// table writes columns as wide as the widest cell of each. What is too wide for a page,
// whose cells are not wrapped, is written as definitions by its last column.
func (w *mdocWriter) table(rows [][]string) {
	head := []string{"Bl", "-column"}
	all := 0
	for i := range rows[0] {
		wide := 0
		for _, row := range rows {
			wide = max(wide, len(plainText(row[i])))
		}
		head = append(head, `"`+strings.Repeat("x", wide)+`"`)
		all += wide + 4
	}
	if all > mdocWidth-5 {
		var items []textItem
		for _, row := range rows[1:] {
			last := len(row) - 1
			items = append(items, textItem{strings.Join(row[:last], ", "), row[last]})
		}
		w.terms(items)
		return
	}
	w.macro(head...)
	for i, row := range rows {
		line := []string{"It"}
		for j, cell := range row {
			if j > 0 {
				line = append(line, "Ta")
			}
			if i == 0 {
				line = append(line, "Sy", mdocArg(cell))
			} else {
				line = append(line, mdocTerm(cell)...)
			}
		}
		w.macro(line...)
	}
	w.macro("El")
}
