package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/build"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// target is one system and machine that is released for.
type target struct{ goos, goarch string }

// releaseTargets reads the targets of .goreleaser.yaml.
func releaseTargets(t *testing.T) []target {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleRoot, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var targets []target
	for _, m := range regexp.MustCompile(`(?m)^ +- ([a-z]+)_([a-z0-9]+)$`).FindAllStringSubmatch(string(text), -1) {
		targets = append(targets, target{m[1], m[2]})
	}
	for _, want := range []string{"linux", "darwin", "freebsd", "windows"} {
		if !slices.ContainsFunc(targets, func(g target) bool { return g.goos == want }) {
			t.Fatalf("no target for %s among %v", want, targets)
		}
	}
	return targets
}

// TestEveryAbilityOnEveryTarget holds package platform to one of each function
// on every target.
func TestEveryAbilityOnEveryTarget(t *testing.T) {
	builds := make(map[target][]sourceFile)
	for _, f := range moduleFiles(t) {
		if f.dir != "platform" || f.isTest() {
			continue
		}
		for _, g := range releaseTargets(t) {
			ctx := build.Context{GOOS: g.goos, GOARCH: g.goarch, Compiler: "gc", ReleaseTags: build.Default.ReleaseTags}
			matched, err := ctx.MatchFile(filepath.Join(moduleRoot, "platform"), f.name)
			if err != nil {
				t.Fatal(err)
			}
			if matched {
				builds[g] = append(builds[g], f)
			}
		}
	}
	for _, violation := range checkAbilities(builds) {
		t.Error(violation)
	}
}

// checkAbilities wants, in the files that each target builds:
//   - every exported name once, functions and methods with one signature
//     everywhere;
//   - an unexported name that has a variant somewhere on every target that
//     mentions it (where nothing does it is the helper of some systems only);
//   - every field of Calls filled wherever a table is written: one left out
//     would be a nil function.
func checkAbilities(builds map[target][]sourceFile) (violations []string) {
	type decl struct{ file, signature string }
	found := make(map[string]map[target]decl)
	variants := make(map[string]map[string]bool)
	mentioned := make(map[target]map[string]bool)
	var fields []string
	tables := make(map[target][]map[string]bool)
	targets := slices.SortedFunc(maps.Keys(builds), func(a, b target) int {
		return cmp.Or(strings.Compare(a.goos, b.goos), strings.Compare(a.goarch, b.goarch))
	})
	for _, g := range targets {
		mentioned[g] = make(map[string]bool)
		for _, f := range builds[g] {
			for name, signature := range declarations(f.file) {
				if found[name] == nil {
					found[name] = make(map[target]decl)
					variants[name] = make(map[string]bool)
				}
				if other, twice := found[name][g]; twice {
					violations = append(violations, fmt.Sprintf("%s is declared twice for %v: %s and %s", name, g, other.file, f))
				}
				found[name][g] = decl{f.String(), signature}
				variants[name][f.String()] = true
			}
			ast.Inspect(f.file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.TypeSpec:
					if s, ok := n.Type.(*ast.StructType); ok && n.Name.Name == "Calls" {
						fields = fieldNames(s.Fields)
					}
				case *ast.CompositeLit:
					if id, ok := n.Type.(*ast.Ident); ok && id.Name == "Calls" && len(n.Elts) > 0 {
						filled := make(map[string]bool)
						for _, e := range n.Elts {
							if kv, ok := e.(*ast.KeyValueExpr); ok {
								filled[kv.Key.(*ast.Ident).Name] = true
							}
						}
						tables[g] = append(tables[g], filled)
					}
				case *ast.Ident:
					mentioned[g][n.Name] = true
				}
				return true
			})
		}
	}
	for name, on := range found {
		base := name[strings.LastIndexByte(name, '.')+1:]
		if !ast.IsExported(base) && len(variants[name]) < 2 {
			continue
		}
		var first decl
		for _, g := range targets {
			d, ok := on[g]
			if !ok && !ast.IsExported(base) && !mentioned[g][base] {
				continue
			}
			if !ok {
				violations = append(violations, fmt.Sprintf("%s is missing for %v", name, g))
				continue
			}
			first = cmp.Or(first, d)
			if d.signature != first.signature {
				violations = append(violations, fmt.Sprintf("%s is %s in %s but %s in %s", name, d.signature, d.file, first.signature, first.file))
			}
		}
	}
	if len(fields) == 0 {
		violations = append(violations, "no fields of Calls found")
	}
	for _, g := range targets {
		if len(tables[g]) == 0 {
			violations = append(violations, fmt.Sprintf("no Calls are filled for %v", g))
		}
		for _, name := range fields {
			for _, filled := range tables[g] {
				if !filled[name] {
					violations = append(violations, fmt.Sprintf("Calls.%s is not filled for %v", name, g))
				}
			}
		}
	}
	slices.Sort(violations)
	return slices.Compact(violations)
}

func fieldNames(fields *ast.FieldList) []string {
	var names []string
	for _, f := range fields.List {
		for _, n := range f.Names {
			names = append(names, n.Name)
		}
	}
	return names
}

// TestAbilityRulesBite does the same for checkAbilities.
func TestAbilityRulesBite(t *testing.T) {
	linux, plan9 := target{"linux", "amd64"}, target{"plan9", "amd64"}
	const calls = "package p; type Calls struct { Open, Close func() }\n"
	const full = "package p; func Native() *Calls { return &Calls{Open: nil, Close: nil} }\n"
	for _, c := range []struct {
		name, linux, plan9, want string
	}{
		{"complete", full, full, ""},
		{"exported function missing", full + "func Probe() {}", full, "Probe is missing for {plan9 amd64}"},
		{"exported method missing", full + "type T int; func (t *T) Do() {}", full + "type T int", "*T.Do is missing for {plan9 amd64}"},
		{"exported constant missing", full, full + "const Flag = 1", "Flag is missing for {linux amd64}"},
		{"signatures differ", full + "func Probe(a, b int) {}", full + "func Probe(a int) {}", "Probe is func(int)() in platform/x_plan9.go but func(int, int)()"},
		{"field not filled", full, "package p; func Native() *Calls { return &Calls{Open: nil} }", "Calls.Close is not filled for {plan9 amd64}"},
		{"one of two tables not filled", full, full + "var half = Calls{Open: nil}", "Calls.Close is not filled for {plan9 amd64}"},
		{"helper of one system", full + "func helper() {}", full, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			builds := make(map[target][]sourceFile)
			for rel, src := range map[string]string{"platform/calls.go": calls, "platform/x_linux.go": c.linux, "platform/x_plan9.go": c.plan9} {
				f, err := parseSource(rel, []byte(src))
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasSuffix(rel, "plan9.go") {
					builds[linux] = append(builds[linux], f)
				}
				if !strings.HasSuffix(rel, "linux.go") {
					builds[plan9] = append(builds[plan9], f)
				}
			}
			got := strings.Join(checkAbilities(builds), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	parse := func(rel, src string) sourceFile {
		f, err := parseSource(rel, []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := parse("platform/x.go", calls)
	got := strings.Join(checkAbilities(map[target][]sourceFile{linux: {f, f}}), "\n")
	if !strings.Contains(got, "Calls is declared twice") {
		t.Errorf("declared twice: got %q", got)
	}
	got = strings.Join(checkAbilities(map[target][]sourceFile{
		linux:               {parse("platform/x_linux.go", full+"func variant() {}")},
		plan9:               {parse("platform/x_plan9.go", full+"func variant() {}")},
		{"illumos", "mips"}: {parse("platform/x_other.go", full+"func use() { variant() }")},
		{"js", "wasm"}:      {parse("platform/x_js.go", full)},
	}), "\n")
	if !strings.HasSuffix(got, "\nvariant is missing for {illumos mips}") || strings.Contains(got, "wasm") {
		t.Errorf("variant of a function missing where it is used: got %q", got)
	}
}
