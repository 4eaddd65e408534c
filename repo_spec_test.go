package sallyport_test

import (
	"encoding/json"
	"go/ast"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// table reads a file of spec: a header, lines with as many cells, comments behind #.
func table(t *testing.T, name string, columns int) [][]string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for n, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		cells := strings.Split(line, "\t")
		if n == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if len(cells) != columns {
			t.Fatalf("%s:%d: %d cells, want %d", name, n+1, len(cells), columns)
		}
		rows = append(rows, cells)
	}
	return rows
}

func TestErrorTableIsTheRegistry(t *testing.T) {
	want := map[fault.Code]fault.Entry{}
	sights := map[string]fault.Sight{"anyone": fault.Anyone, "owner": fault.Owner, "sealed": fault.Sealed}
	for _, row := range table(t, "spec/errors.tsv", 8) {
		status, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		code := fault.Code(row[0])
		if _, doubled := want[code]; doubled {
			t.Errorf("%s has two lines", code)
		}
		want[code] = fault.Entry{
			Code: code, Status: status, Sight: sights[row[2]], Outside: fault.Code(row[3]),
			English: row[4], EnglishFix: row[5], Korean: row[6], KoreanFix: row[7],
		}
	}
	if diff := cmp.Diff(want, fault.All()); diff != "" {
		t.Errorf("run make generate:\n%s", diff)
	}
	page, err := os.ReadFile("docs/reference/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	for code := range want {
		if !strings.Contains(string(page), "\n## "+string(code)+"\n") {
			t.Errorf("docs/reference/errors.md has no heading for %s", code)
		}
	}
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

func TestErrorTexts(t *testing.T) {
	for code, e := range fault.All() {
		if e.Status < 400 || e.Status > 599 {
			t.Errorf("%s: status %d is no refusal", code, e.Status)
		}
		if outside, ok := fault.Lookup(e.Outside); e.Outside != "" && (!ok || outside.Sight != fault.Anyone) {
			t.Errorf("%s: outside %q is no code that anyone may see", code, e.Outside)
		}
		if e.English == "" || e.EnglishFix == "" || !hangul(e.Korean) || !hangul(e.KoreanFix) {
			t.Errorf("%s lacks a text, or its Korean is none", code)
		}
		english, korean := placeholders(e.English, e.EnglishFix), placeholders(e.Korean, e.KoreanFix)
		if diff := cmp.Diff(english, korean); diff != "" {
			t.Errorf("%s: the two languages name different fields: %s", code, diff)
		}
	}
}

// placeholders of both texts, each once: a language may need to say a field twice.
func placeholders(texts ...string) []string {
	found := placeholder.FindAllString(strings.Join(texts, " "), -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func hangul(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Hangul, r) })
}

// TestEveryErrorIsUsed: a code that no code returns is a promise that nobody keeps.
func TestEveryErrorIsUsed(t *testing.T) {
	names := map[string]fault.Code{} // Go name → code
	used := map[fault.Code]bool{}
	for _, e := range fault.All() {
		used[e.Outside] = true
	}
	for _, f := range goFiles() {
		if f.path == "internal/kernel/fault/registry.gen.go" {
			names = codeNames(f.File)
		}
	}
	for _, f := range goFiles() {
		if f.test || f.generated {
			continue
		}
		for node := range ast.Preorder(f.File) {
			switch n := node.(type) {
			case *ast.SelectorExpr:
				if from, ok := n.X.(*ast.Ident); ok && from.Name == "fault" {
					used[names[n.Sel.Name]] = true
				}
			case *ast.BasicLit: // gate is the standard library's alone and writes its code as text
				if strings.HasPrefix(f.path, "gate/") && strings.Contains(n.Value, string(fault.AssertionInvalid)) {
					used[fault.AssertionInvalid] = true
				}
			case *ast.ReturnStmt: // package fault itself falls back on a code
				for _, result := range n.Results {
					if own, ok := result.(*ast.Ident); ok && f.Name.Name == "fault" {
						used[names[own.Name]] = true
					}
				}
			}
		}
	}
	for code := range fault.All() {
		if !used[code] {
			t.Errorf("%s is in spec/errors.tsv and no code refuses with it", code)
		}
	}
}

func codeNames(registry *ast.File) map[string]fault.Code {
	names := map[string]fault.Code{}
	for node := range ast.Preorder(registry) {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			continue
		}
		if value, ok := spec.Values[0].(*ast.BasicLit); ok {
			code, _ := strconv.Unquote(value.Value)
			names[spec.Names[0].Name] = fault.Code(code)
		}
	}
	return names
}

var (
	errorsLine  = regexp.MustCompile(`Errors: ([^.]*(?:\.[a-z*][^.]*)*)`)
	parenthesis = regexp.MustCompile(`\([^)]*\)`)
	codeWord    = regexp.MustCompile(`^[a-z]+(?:_[a-z]+)*(?:\.[a-z]+(?:_[a-z]+)*)+(?:\.\*)?$|^[a-z]+(?:_[a-z]+)+(?:\.\*)?$`)
)

// TestErrorsInCommentsExist: a comment that promises a code that is not in the table is a contract that nobody can rely on.
// password.* stands for every code that begins so; what stands in parentheses is prose.
func TestErrorsInCommentsExist(t *testing.T) {
	for _, f := range goFiles() {
		for _, group := range f.Comments {
			for _, match := range errorsLine.FindAllStringSubmatch(oneLine(group), -1) {
				said := parenthesis.ReplaceAllString(match[1], "")
				for _, word := range strings.FieldsFunc(said, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' }) {
					if codeWord.MatchString(word) && !exists(word) {
						t.Errorf("%s: a comment names the error %s, which is not in spec/errors.tsv", f.path, word)
					}
				}
			}
		}
	}
	for _, bad := range []string{"key.gone_fishing", "gone_fishing.*"} {
		if !codeWord.MatchString(bad) || exists(bad) {
			t.Errorf("%s passes", bad)
		}
	}
}

func exists(word string) bool {
	if start, ok := strings.CutSuffix(word, "*"); ok {
		for code := range fault.All() {
			if strings.HasPrefix(string(code), start) {
				return true
			}
		}
		return false
	}
	_, known := fault.Lookup(fault.Code(word))
	return known
}

func oneLine(group *ast.CommentGroup) string { return strings.Join(strings.Fields(group.Text()), " ") }

// citation finds what looks like the name of a standard.
var citation = regexp.MustCompile(`\b(?:RFC \d+|WebAuthn L\d|CTAP \d[.\d]*\d|SP 800-\d+[A-Z]?(?:-\d+)?|FIPS \d+(?:-\d)?|ASVS|UTS #\d+|WCAG \d\.\d|FAPI \d\.\d|` +
	`OpenID [A-Z][\w -]*? \d\.\d|C2SP [a-z-]+)`)

func TestCitationsResolve(t *testing.T) {
	known := map[string]bool{}
	for _, row := range table(t, "spec/standards.tsv", 4) {
		if known[row[0]] {
			t.Errorf("%s has two lines", row[0])
		}
		known[row[0]] = true
		if !slices.Contains([]string{"obeyed", "profile", "advice", "refused", "later"}, row[2]) || row[1] == "" {
			t.Errorf("%s: no title, or a status that the table does not explain: %q", row[0], row[2])
		}
		if (row[2] == "profile" || row[2] == "refused") && row[3] == "" {
			t.Errorf("%s: %s, and no note says how", row[0], row[2])
		}
	}
	for _, f := range goFiles() {
		for _, group := range f.Comments {
			for _, name := range citation.FindAllString(oneLine(group), -1) {
				if !known[name] {
					t.Errorf("%s cites %s, which is not in spec/standards.tsv", f.path, name)
				}
			}
		}
	}
	if !citation.MatchString("(RFC 6749 §4.1.3)") || citation.FindString("see OpenID EAP ACR Values 1.0 §2") != "OpenID EAP ACR Values 1.0" {
		t.Error("citations are not found")
	}
}

// documented reads the rows of the tables below a heading of docs/dependencies.md: name → the version cell that belongs to it.
func documented(t *testing.T, heading string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## "+heading)
	if !found {
		t.Fatalf("docs/dependencies.md has no heading %s", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		for column := 1; column+1 < len(cells); column++ {
			names := codeSpans.FindAllStringSubmatch(cells[column], -1)
			versions := strings.Split(cells[column+1], ",")
			if len(names) == 0 || !exactVersion.MatchString(strings.TrimSpace(versions[0])) {
				continue
			}
			for i, name := range names {
				rows[name[1]] = strings.TrimSpace(versions[min(i, len(versions)-1)])
			}
			break
		}
	}
	return rows
}

var (
	codeSpans    = regexp.MustCompile("`([^`]+)`")
	exactVersion = regexp.MustCompile(`^v?\d+\.\d+\.\d+`)
)

// TestDependenciesAreExplained: no module without its line, no line without its module, both in the same version.
func TestDependenciesAreExplained(t *testing.T) {
	explained := documented(t, "The product")
	maps.Copy(explained, documented(t, "Tests only"))
	for name := range explained {
		if !strings.Contains(strings.Split(name, "/")[0], ".") {
			delete(explained, name) // the part of a module that we use, behind its path
		}
	}
	required := map[string]string{}
	for _, r := range goMod(t, "go.mod").Require {
		if !r.Indirect {
			required[r.Mod.Path] = r.Mod.Version
		}
	}
	if diff := cmp.Diff(explained, required); diff != "" {
		t.Errorf("docs/dependencies.md (-) and the direct requirements of go.mod (+) differ.\n"+
			"A row whose module is not imported yet belongs under Later; go mod tidy says which are:\n%s", diff)
	}
	for name := range documented(t, "Later, with the issue that needs it") {
		if _, already := required[name]; already {
			t.Errorf("docs/dependencies.md: %s is required already: move its row up", name)
		}
	}
}

func TestToolsAreExplained(t *testing.T) {
	mod := goMod(t, "tools/go.mod")
	used := map[string]string{}
	for _, r := range mod.Require {
		if slices.ContainsFunc(mod.Tool, func(tool *modfile.Tool) bool { return within(tool.Path, r.Mod.Path) }) {
			used[r.Mod.Path] = r.Mod.Version
		}
	}
	if diff := cmp.Diff(documented(t, "Tools"), used); diff != "" {
		t.Errorf("docs/dependencies.md (-) and tools/go.mod (+) differ:\n%s", diff)
	}
	runtime := goMod(t, "go.mod")
	for _, r := range runtime.Require {
		if r.Mod.Path == "github.com/a-h/templ" && r.Mod.Version != used[r.Mod.Path] {
			t.Errorf("templ is %s in go.mod and %s in tools/go.mod", r.Mod.Version, used[r.Mod.Path])
		}
	}
}

func goMod(t *testing.T, name string) *modfile.File {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := modfile.Parse(name, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestPeersAreExplained(t *testing.T) {
	const folder = "internal/kit/peers"
	var manifest struct{ Dependencies map[string]string }
	text, err := os.ReadFile(path.Join(folder, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err = json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(documented(t, "npm"), manifest.Dependencies); diff != "" {
		t.Errorf("docs/dependencies.md (-) and %s/package.json (+) differ:\n%s", folder, diff)
	}
	lock, err := os.ReadFile(path.Join(folder, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(lock), `"resolved"`) {
		t.Errorf("%s/package-lock.json names the registry of somebody's machine; .npmrc there says how to leave it out", folder)
	}
}

// TestPythonPeersAreExplained: what requirements.in names is explained, and requirements.txt holds it with checksums.
func TestPythonPeersAreExplained(t *testing.T) {
	pinned := func(name string) map[string]string {
		text, err := os.ReadFile(path.Join("internal/kit/peers", name))
		if err != nil {
			t.Fatal(err)
		}
		rows := map[string]string{}
		for _, match := range regexp.MustCompile(`(?m)^([\w-]+)==([\d.]+)(.*)$`).FindAllStringSubmatch(string(text), -1) {
			rows[match[1]] = match[2]
			if name == "requirements.txt" && match[3] != ` \` {
				t.Errorf("%s has %s without a checksum", name, match[1])
			}
		}
		return rows
	}
	named, locked := pinned("requirements.in"), pinned("requirements.txt")
	if diff := cmp.Diff(documented(t, "Python"), named); diff != "" || len(named) == 0 {
		t.Errorf("docs/dependencies.md (-) and requirements.in (+) differ:\n%s", diff)
	}
	for name, version := range named {
		if locked[name] != version {
			t.Errorf("requirements.in has %s %s, requirements.txt %q", name, version, locked[name])
		}
	}
}

func TestSystemPackagesAreExplained(t *testing.T) {
	text, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## System packages")
	line, _, _ := strings.Cut(strings.TrimSpace(section[strings.Index(section, "\n"):]), ".")
	var explained []string
	for _, span := range codeSpans.FindAllStringSubmatch(line, -1) {
		explained = append(explained, span[1])
	}
	script, err := os.ReadFile("scripts/setup")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(script), "packages=(\n")
	list, _, _ = strings.Cut(list, "\n)")
	var installed []string
	for line := range strings.Lines(list) {
		names, _, _ := strings.Cut(line, "#")
		installed = append(installed, strings.Fields(names)...)
	}
	slices.Sort(explained)
	slices.Sort(installed)
	if diff := cmp.Diff(explained, installed); diff != "" || len(installed) == 0 {
		t.Errorf("docs/dependencies.md (-) and scripts/setup (+) differ:\n%s", diff)
	}
}
