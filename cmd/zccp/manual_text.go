package main

import "strings"

// The hand-written parts of the manual stand in manual/*.md, in a small part of
// Markdown, of which both the manual pages and what "zccp help TOPIC" prints are
// made: headings of two levels, paragraphs, literal text (indented by four),
// lists (- item), definitions (a term, and below it ": " and what it means) and
// tables (| a | b |, the first row is the head). {NAME} alone on a line stands for
// something that is made of the program's tables.

type blockKind uint8

const (
	blockHeading blockKind = iota
	blockSubheading
	blockParagraph
	blockLiteral
	blockList
	blockTerms
	blockTable
	blockInsert
)

// textBlock is one piece of a text.
type textBlock struct {
	kind  blockKind
	text  string     // of a heading, a paragraph, literal text; the name of an insertion
	items []textItem // of a list, whose items have no terms, or of definitions
	rows  [][]string // of a table
}

type textItem struct{ term, text string }

// parseText splits a text into its blocks, which blank lines separate.
func parseText(text string) []textBlock {
	var blocks []textBlock
	for chunk := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		chunk = strings.Trim(chunk, "\n")
		if chunk == "" {
			continue
		}
		b := parseBlock(chunk)
		// Literal text may have blank lines, lists and definitions too.
		if n := len(blocks); n > 0 && blocks[n-1].kind == b.kind {
			last := &blocks[n-1]
			switch b.kind {
			case blockLiteral:
				last.text += "\n\n" + b.text
				continue
			case blockList, blockTerms:
				last.items = append(last.items, b.items...)
				continue
			}
		}
		blocks = append(blocks, b)
	}
	return blocks
}

func parseBlock(chunk string) textBlock {
	lines := strings.Split(chunk, "\n")
	first := lines[0]
	switch {
	case strings.HasPrefix(first, "# "):
		return textBlock{kind: blockHeading, text: first[2:]}
	case strings.HasPrefix(first, "## "):
		return textBlock{kind: blockSubheading, text: first[3:]}
	case strings.HasPrefix(first, "{"):
		return textBlock{kind: blockInsert, text: strings.Trim(first, "{}")}
	case strings.HasPrefix(first, "    "):
		for i, line := range lines {
			lines[i] = strings.TrimPrefix(line, "    ")
		}
		return textBlock{kind: blockLiteral, text: strings.Join(lines, "\n")}
	case strings.HasPrefix(first, "| "):
		b := textBlock{kind: blockTable}
		for i, line := range lines {
			if i == 1 {
				continue // the rule below the head
			}
			b.rows = append(b.rows, tableCells(line))
		}
		return b
	case strings.HasPrefix(first, "- "):
		b := textBlock{kind: blockList}
		for _, line := range lines {
			if item, ok := strings.CutPrefix(line, "- "); ok {
				b.items = append(b.items, textItem{text: item})
			} else {
				b.items[len(b.items)-1].text += " " + strings.TrimSpace(line)
			}
		}
		return b
	case len(lines) > 1 && strings.HasPrefix(lines[1], ": "):
		b := textBlock{kind: blockTerms}
		for i, line := range lines {
			switch text, ok := strings.CutPrefix(line, ": "); {
			case ok:
				b.items[len(b.items)-1].text = text
			case strings.HasPrefix(line, "  "):
				b.items[len(b.items)-1].text += " " + strings.TrimSpace(line)
			case i+1 < len(lines):
				b.items = append(b.items, textItem{term: line})
			}
		}
		return b
	}
	return textBlock{kind: blockParagraph, text: strings.Join(lines, " ")}
}

// tableCells splits a row; \| is a bar in a cell.
func tableCells(line string) []string {
	line = strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|")
	var cells []string
	cell := ""
	for part := range strings.SplitSeq(line, "|") {
		if head, ok := strings.CutSuffix(part, `\`); ok {
			cell += head + "|"
			continue
		}
		cells = append(cells, strings.TrimSpace(cell+part))
		cell = ""
	}
	return cells
}

type spanKind uint8

const (
	spanPlain  spanKind = iota
	spanCode            // `as typed`
	spanArg             // *ARG*, what stands for something else
	spanOption          // -a, --archive=NAME
	spanPage            // cp(1)
)

// span is a piece of a word.
type span struct {
	kind spanKind
	text string
}

// textWords splits a paragraph at blanks that are not inside of `...`. The spans of a
// word stand side by side.
func textWords(text string) [][]span {
	var list [][]span
	var word []span
	end := func() {
		if len(word) > 0 {
			list = append(list, word)
			word = nil
		}
	}
	for text != "" {
		mark := text[0]
		kind := spanPlain
		switch mark {
		case ' ':
			end()
			text = text[1:]
			continue
		case '`':
			kind = spanCode
		case '*':
			kind = spanArg
		}
		if kind != spanPlain {
			if inner, rest, ok := strings.Cut(text[1:], string(mark)); ok && inner != "" {
				word = append(word, span{kind, inner})
				text = rest
				continue
			}
		}
		n := strings.IndexAny(text[1:], " `*") + 1
		if n == 0 {
			n = len(text)
		}
		word = append(word, plainSpans(text[:n])...)
		text = text[n:]
	}
	end()
	return list
}

// plainSpans finds an option or the name of a page between punctuation.
func plainSpans(text string) []span {
	core := strings.TrimLeft(text, "(")
	lead := text[:len(text)-len(core)]
	core = strings.TrimRight(core, ".,:;)")
	if strings.Contains(core, "(") {
		core += ")" // cp(1)
	}
	tail := text[len(lead)+min(len(core), len(text)-len(lead)):]
	kind := spanPlain
	switch name := strings.TrimLeft(core, "-"); {
	case name != core && len(core)-len(name) <= 2 && name != "" && isLetter(name[0]):
		kind = spanOption
	case isPageName(core):
		kind = spanPage
	default:
		return []span{{spanPlain, text}}
	}
	var list []span
	for _, s := range []span{{spanPlain, lead}, {kind, core}, {spanPlain, tail}} {
		if s.text != "" {
			list = append(list, s)
		}
	}
	return list
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// isPageName tells whether text is like cp(1).
func isPageName(text string) bool {
	name, section, ok := strings.Cut(text, "(")
	return ok && len(section) == 2 && '1' <= section[0] && section[0] <= '8' && section[1] == ')' &&
		name != "" && isLetter(name[0]) && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == ""
}
