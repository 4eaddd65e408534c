// Command shape prints the size of the code, package by package: lines of functions and files as percentiles, and how much test
// stands beside how much code. It is a compass, not a verdict: nothing fails on its numbers (docs/contributing.md says where we steer).
//
//	go run ./internal/kit/shape [folder]
package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	folder := "."
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	shapes, err := measure(folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, "shape:", err)
		os.Exit(1)
	}
	write(os.Stdout, shapes)
}

// shape is what one package weighs, in lines. Generated files weigh nothing: nobody reads them.
type shape struct {
	functions, files []int // of code, without tests
	code, test       int
}

// measure reads every Go file below root. Folder → shape.
func measure(root string) (map[string]*shape, error) {
	shapes := map[string]*shape{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
		if err != nil || ast.IsGenerated(file) {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		if shapes[folder] == nil {
			shapes[folder] = &shape{}
		}
		shapes[folder].add(files, file, strings.HasSuffix(name, "_test.go"))
		return nil
	})
	return shapes, err
}

func (s *shape) add(files *token.FileSet, file *ast.File, test bool) {
	lines := files.File(file.FileStart).LineCount()
	if test {
		s.test += lines
		return
	}
	s.code += lines
	s.files = append(s.files, lines)
	for _, declaration := range file.Decls {
		if function, ok := declaration.(*ast.FuncDecl); ok {
			s.functions = append(s.functions, files.Position(function.End()).Line-files.Position(function.Pos()).Line+1)
		}
	}
}

func write(out io.Writer, shapes map[string]*shape) {
	fmt.Fprintf(out, "%-44s %16s %12s %7s %7s %6s\n", "", "functions", "files", "", "", "test")
	fmt.Fprintf(out, "%-44s %4s %5s %5s %6s %5s %7s %7s %6s\n", "package", "p50", "p90", "p99", "p50", "p90", "lines", "tests", ":code")
	var all shape
	folders := slices.SortedFunc(maps.Keys(shapes), func(a, b string) int {
		return cmp.Or(cmp.Compare(shapes[b].code, shapes[a].code), cmp.Compare(a, b))
	})
	for _, folder := range folders {
		s := shapes[folder]
		line(out, folder, *s)
		all.functions = append(all.functions, s.functions...)
		all.files = append(all.files, s.files...)
		all.code += s.code
		all.test += s.test
	}
	line(out, "in all", all)
}

func line(out io.Writer, name string, s shape) {
	ratio := 0.0
	if s.code > 0 {
		ratio = float64(s.test) / float64(s.code)
	}
	fmt.Fprintf(out, "%-44s %4d %5d %5d %6d %5d %7d %7d %6.2f\n", name,
		percentile(s.functions, 50), percentile(s.functions, 90), percentile(s.functions, 99),
		percentile(s.files, 50), percentile(s.files, 90), s.code, s.test, ratio)
}

// percentile is the smallest number that at least p percent of the numbers do not exceed; 0 of none.
func percentile(numbers []int, p int) int {
	if len(numbers) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(numbers))
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}
