package main

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// DocBlock is a fenced block of a Markdown file.
type DocBlock struct {
	File string // from the root of the module
	Line int    // of the opening fence, from 1
	Lang string // first word of the info string
	// Attrs are the other words of the info string: key="value", key=value or key.
	Attrs map[string]string
	Text  string
}

func (b DocBlock) String() string { return fmt.Sprintf("%s:%d", b.File, b.Line) }

// docFile is a Markdown file taken apart.
type docFile struct {
	name   string // from the root of the module, with slashes
	blocks []DocBlock
	prose  []string // lines outside of blocks; those of blocks are empty
	inline []DocBlock
}

var (
	fenceLine = regexp.MustCompile("^ *```")
	// runInline is a command within a line that is marked to be run.
	runInline = regexp.MustCompile("`([^`]+)`<!-- run -->")
	infoWord  = regexp.MustCompile(`([a-z]+)(?:=(?:"([^"]*)"|(\S+)))?`)
)

// parseDoc takes a Markdown file apart.
func parseDoc(name, text string) (docFile, error) {
	f := docFile{name: name}
	var open *DocBlock
	for i, line := range strings.Split(text, "\n") {
		switch {
		case !fenceLine.MatchString(line) && open == nil:
			f.prose = append(f.prose, line)
			for _, m := range runInline.FindAllStringSubmatch(line, -1) {
				f.inline = append(f.inline, DocBlock{File: name, Line: i + 1, Lang: "sh", Text: m[1]})
			}
			continue
		case !fenceLine.MatchString(line):
			open.Text += line + "\n"
		case open != nil:
			f.blocks = append(f.blocks, *open)
			open = nil
		default:
			lang, info, _ := strings.Cut(strings.TrimLeft(line, " `"), " ")
			open = &DocBlock{File: name, Line: i + 1, Lang: lang, Attrs: map[string]string{}}
			for _, w := range infoWord.FindAllStringSubmatch(info, -1) {
				open.Attrs[w[1]] = w[2] + w[3]
			}
		}
		f.prose = append(f.prose, "")
	}
	if open != nil {
		return f, fmt.Errorf("%s: the block does not end", open)
	}
	return f, nil
}

// docFiles returns every Markdown file of the module.
func docFiles(t *testing.T) []docFile {
	t.Helper()
	var found []docFile
	err := filepath.WalkDir(moduleRoot, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "dist", "zccp-bench"}, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(moduleRoot, path)
		if err != nil {
			return err
		}
		f, err := parseDoc(filepath.ToSlash(name), string(text))
		found = append(found, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// isManual reports whether a file is a source of the manual pages, which have a form of
// their own.
func (f docFile) isManual() bool { return strings.HasPrefix(f.name, "cmd/") }

// DocBlocks returns the blocks of every Markdown file that is read as such, and the
// commands within its lines that are marked.
func DocBlocks(t *testing.T) []DocBlock {
	t.Helper()
	var blocks []DocBlock
	for _, f := range docFiles(t) {
		if !f.isManual() {
			blocks = append(append(blocks, f.blocks...), f.inline...)
		}
	}
	return blocks
}

var (
	inlineCode = regexp.MustCompile("`[^`]+`")
	docLink    = regexp.MustCompile(`\]\(([^)\s]+)\)|\b(?:src|srcset|href)="([^"]+)"|^\[[^\]]+\]: (\S+)`)
	heading    = regexp.MustCompile(`^#+ (.*)`)
)

// anchors returns what the headings of a file are linked by: GitHub's rule.
func (f docFile) anchors() []string {
	var all []string
	for _, line := range f.prose {
		m := heading.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])
		name := anchor
		for n := 1; slices.Contains(all, name); n++ {
			name = fmt.Sprintf("%s-%d", anchor, n)
		}
		all = append(all, name)
	}
	return all
}

// deadLinks returns the links of a file that lead nowhere in the module.
// anchors are those of every file.
func (f docFile) deadLinks(anchors map[string][]string) (dead []string) {
	for i, line := range f.prose {
		for _, m := range docLink.FindAllStringSubmatch(inlineCode.ReplaceAllString(line, "``"), -1) {
			link := m[1] + m[2] + m[3]
			u, err := url.Parse(link)
			if err == nil && (u.Scheme != "" || u.Host != "") {
				continue
			}
			if err == nil {
				to := f.name
				if u.Path != "" {
					to = filepath.ToSlash(filepath.Join(filepath.Dir(f.name), u.Path))
					_, err = os.Stat(filepath.Join(moduleRoot, to))
				}
				if err == nil && u.Fragment != "" && !slices.Contains(anchors[to], u.Fragment) {
					err = fmt.Errorf("%s has no heading #%s", to, u.Fragment)
				}
			}
			if err != nil {
				dead = append(dead, fmt.Sprintf("%s:%d: %s: %v", f.name, i+1, link, err))
			}
		}
	}
	return dead
}

// TestDocsLinks: every relative link of a Markdown file leads to a file, and to a
// heading if it names one.
func TestDocsLinks(t *testing.T) {
	files := docFiles(t)
	anchors := map[string][]string{}
	for _, f := range files {
		anchors[f.name] = f.anchors()
	}
	links := 0
	for _, f := range files {
		for _, dead := range f.deadLinks(anchors) {
			t.Error(dead)
		}
		for _, line := range f.prose {
			links += len(docLink.FindAllString(line, -1))
		}
	}
	t.Logf("%d files, %d links", len(files), links)

	planted, err := parseDoc("docs/planted.md", "# A `b`: c\n[x](no.md) [y](#nowhere) [z](#a-b-c) [w](../README.md#none) <img src=\"no.svg\"> `[v](no)`\n")
	if err != nil {
		t.Fatal(err)
	}
	anchors[planted.name] = planted.anchors()
	if dead := planted.deadLinks(anchors); len(dead) != 4 {
		t.Errorf("of 4 planted dead links %d are found: %q", len(dead), dead)
	}
}
