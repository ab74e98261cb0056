package house_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/returnpoint/returnpoint/"
)

// tree is all the Go there is. Its files are read by the test itself, and not by
// a command that it starts, so that `go test` knows what a cached result rests on.
type tree struct {
	fset  *token.FileSet
	files []source
}

// source is one Go file.
type source struct {
	path string // from the root, with slashes
	room string // its folder: "shared/table/dynamo"
	test bool   // built for tests alone
	*ast.File
}

// readTree parses the whole tree, but for what lies in hidden folders and in testdata.
func readTree(t testing.TB) *tree {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		case !strings.HasSuffix(name, ".go"):
			_, err := os.Stat(name) // the binaries hold it, or are built by it
			return err
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		files[filepath.ToSlash(relative)] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("only %d Go files were found", len(files))
	}
	return parseTree(t, files)
}

// parseTree makes a tree of sources by their paths.
func parseTree(t testing.TB, files map[string]string) *tree {
	t.Helper()
	h := &tree{fset: token.NewFileSet()}
	for name, text := range files {
		f, err := parser.ParseFile(h.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		room := path.Dir(name)
		h.files = append(h.files, source{path: name, room: room, File: f,
			test: strings.HasSuffix(name, "_test.go") || strings.HasSuffix(room, "test")})
	}
	return h
}

// at names a place in the tree.
func (h *tree) at(n ast.Node) string {
	p := h.fset.Position(n.Pos())
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

// imported lists the paths that a file imports, with the place of each.
func (s source) imported() map[string]*ast.ImportSpec {
	out := map[string]*ast.ImportSpec{}
	for _, spec := range s.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err == nil {
			out[name] = spec
		}
	}
	return out
}

// local is the name by which a file calls an import, "" when it does not import
// it. What is imported under "." is looked up under "." too.
func (s source) local(importPath string) string {
	spec := s.imported()[importPath]
	switch {
	case spec == nil:
		return ""
	case spec.Name != nil:
		return spec.Name.Name
	}
	return path.Base(importPath)
}

// uses calls fn for each mention of importPath's name.
func (s source) uses(importPath string, names []string, fn func(n ast.Node, name string)) {
	local := s.local(importPath)
	if local == "" {
		return
	}
	ast.Inspect(s.File, func(n ast.Node) bool {
		var used string
		switch x := n.(type) {
		case *ast.SelectorExpr:
			if id, ok := x.X.(*ast.Ident); ok && id.Name == local {
				used = x.Sel.Name
			}
		case *ast.Ident:
			if local == "." {
				used = x.Name
			}
		}
		for _, name := range names {
			if used == name {
				fn(n, name)
			}
		}
		return true
	})
}

// strings calls fn for each string literal outside of imports and tags.
func (s source) strings(fn func(n *ast.BasicLit, value string)) {
	for _, decl := range s.Decls {
		if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.IMPORT {
			continue
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if value, err := strconv.Unquote(lit.Value); err == nil {
					fn(lit, value)
				}
			}
			return true
		})
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(raw)
}
