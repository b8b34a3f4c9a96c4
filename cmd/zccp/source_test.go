package main

import (
	"go/ast"
	"go/build"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/zccp/zccp"

// moduleRoot is where go.mod is, seen from this package's directory, in which
// go test runs it.
const moduleRoot = "../.."

// sourceFile is one .go file of the module.
type sourceFile struct {
	dir  string // slash path from the root of the module, "sync/plan"
	name string
	file *ast.File
	// constrained: the file is left out of some builds, by a go:build line or
	// by its name.
	constrained bool
}

func (f sourceFile) String() string { return path.Join(f.dir, f.name) }
func (f sourceFile) isTest() bool   { return strings.HasSuffix(f.name, "_test.go") }

// parseSource parses the file that stands, or would stand, at rel.
func parseSource(rel string, src []byte) (sourceFile, error) {
	f := sourceFile{dir: path.Dir(rel), name: path.Base(rel)}
	var err error
	f.file, err = parser.ParseFile(token.NewFileSet(), rel, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return f, err
	}
	for line := range strings.Lines(string(src)) {
		if strings.HasPrefix(line, "package ") {
			break
		}
		f.constrained = f.constrained || constraint.IsGoBuild(strings.TrimSpace(line))
	}
	// A name that ends in a system or machine that go/build knows matches no
	// unknown one.
	nowhere := build.Context{GOOS: "nowhere", GOARCH: "nowhere", Compiler: "gc",
		OpenFile: func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("package p\n")), nil }}
	matched, err := nowhere.MatchFile(".", strings.TrimSuffix(strings.TrimSuffix(f.name, ".go"), "_test")+".go")
	f.constrained = f.constrained || !matched
	return f, err
}

// moduleFiles parses every .go file of the module.
func moduleFiles(t *testing.T) []sourceFile {
	t.Helper()
	var files []sourceFile
	err := filepath.WalkDir(moduleRoot, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && p != moduleRoot && (name == "testdata" || name[0] == '.' || name[0] == '_') {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		rel, err := filepath.Rel(moduleRoot, p)
		if err != nil {
			return err
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := parseSource(filepath.ToSlash(rel), src)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// A walk that found nothing would pass every rule.
	for _, dir := range []string{"platform", "copier", "sync/plan", "sync/apply", "cmd/zccp"} {
		if !slices.ContainsFunc(files, func(f sourceFile) bool { return f.dir == dir && !f.isTest() }) {
			t.Fatalf("no package found in %s", dir)
		}
	}
	return files
}

// imports returns the import paths of f.
func imports(f sourceFile) []string {
	var list []string
	for _, spec := range f.file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(err) // the parser let it through
		}
		list = append(list, p)
	}
	return list
}

// selectors returns the names X of every pkg.X in file.
func selectors(file *ast.File, pkg string) []string {
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg {
				names = append(names, s.Sel.Name)
			}
		}
		return true
	})
	return names
}

// declarations maps the package level names of file, methods as "*T.M", to
// what they are: the signature, or the token of the declaration.
func declarations(file *ast.File) map[string]string {
	names := make(map[string]string)
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = types.ExprString(d.Recv.List[0].Type) + "." + name
			}
			names[name] = signature(d.Type)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					names[s.Name.Name] = d.Tok.String()
				case *ast.ValueSpec:
					for _, n := range s.Names {
						names[n.Name] = d.Tok.String()
					}
				}
			}
		}
	}
	delete(names, "_")
	return names
}

// signature prints a function type without the names of its parameters.
func signature(f *ast.FuncType) string {
	list := func(fields *ast.FieldList) string {
		var listed []string
		if fields != nil {
			for _, f := range fields.List {
				for range max(1, len(f.Names)) {
					listed = append(listed, types.ExprString(f.Type))
				}
			}
		}
		return "(" + strings.Join(listed, ", ") + ")"
	}
	return "func" + list(f.Params) + list(f.Results)
}
