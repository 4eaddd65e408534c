package letter_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/mail/letter"
)

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func catalogue(t *testing.T, language string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("catalogue/" + language + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var words map[string]string
	if err := json.Unmarshal(raw, &words); err != nil {
		t.Fatal(err)
	}
	if keys := strings.Count(string(raw), "\": \""); keys != len(words) {
		t.Errorf("%s: %d lines for %d keys: a key stands twice", language, keys, len(words))
	}
	return words
}

var placeholders = regexp.MustCompile(`\{[a-z]+\}`)

func TestCataloguesHaveTheSameKeysAndPlaceholders(t *testing.T) {
	en, ko := catalogue(t, "en"), catalogue(t, "ko")
	if diff := cmp.Diff(sortedNames(en), sortedNames(ko)); diff != "" {
		t.Errorf("keys of English against Korean:\n%s", diff)
	}
	for key := range en {
		of := func(text string) []string { return slices.Sorted(slices.Values(placeholders.FindAllString(text, -1))) }
		if diff := cmp.Diff(of(en[key]), of(ko[key])); diff != "" {
			t.Errorf("%s: placeholders of English against Korean:\n%s", key, diff)
		}
		if en[key] == "" || ko[key] == "" {
			t.Errorf("%s has no text", key)
		}
	}
}

var (
	// joined is a particle whose form depends on the sound before it, right after an inserted word.
	joined = regexp.MustCompile(`\}(을|를|이|가|은|는|과|와|로|으로|이라|라|이나|나|이며|며)([^가-힣]|$)`)
	// casual is an ending that is not 합니다체.
	casual = regexp.MustCompile(`(요|해|죠|네|군|음|함|됨)[.!?]`)
	ending = regexp.MustCompile(`([가-힣]+)[.?]`)
)

func TestKoreanIsFormalAndNeverGluesParticles(t *testing.T) {
	for key, text := range catalogue(t, "ko") {
		if joined.MatchString(text) {
			t.Errorf("%s glues a particle to an inserted word: %s", key, text)
		}
		for _, end := range ending.FindAllStringSubmatch(text, -1) {
			if casual.MatchString(end[0]) || !strings.HasSuffix(end[1], "니다") && !strings.HasSuffix(end[1], "시오") {
				t.Errorf("%s ends a sentence with %q: %s", key, end[0], text)
			}
		}
	}
}

// source is the parsed package without its tests and generated files.
func source(t *testing.T) []*ast.File {
	t.Helper()
	var files []*ast.File
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_templ.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

func TestNoCatalogueKeyIsUnused(t *testing.T) {
	used := map[string]bool{}
	for _, file := range source(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				used[strings.Trim(literal.Value, `"`)] = true
			}
			return true
		})
	}
	for key := range catalogue(t, "en") {
		prefix, last, _ := strings.Cut(key, ".")
		if prefix == "duration" { // put together from a unit and a number
			unit, number, _ := strings.Cut(last, ".")
			used[key] = used[unit] && used[number]
		}
		if prefix == "role" { // put together from a role
			used[key] = used[last]
		}
		if prefix == "factor" { // put together from a Factor
			used[key] = used[last]
		}
		if strings.HasPrefix(prefix, "key_") && (last == "subject" || last == "heading" || last == "then") { // put together from a KeyChanged
			used[key] = true
			if _, sampled := samples("en")[prefix]; !sampled {
				t.Errorf("no letter %s is tried", prefix)
			}
		}
		if kind, ok := strings.CutPrefix(key, "text.of."); ok { // put together from a kind of notice
			used[key] = slices.Contains(kindsOfNotices(t), kind)
		}
		if !used[key] {
			t.Errorf("%s is said by no letter", key)
		}
	}
}

// Mails hold no secret type (repository rule), and the one secret that a mail may carry is in two letters. Every letter of the package
// is looked at: the types are found in its source.
func TestNoLetterHoldsASecret(t *testing.T) {
	known := map[string]reflect.Type{}
	for _, l := range samples("en") {
		known[reflect.TypeOf(l).Name()] = reflect.TypeOf(l)
	}
	for _, name := range letterTypes(t) {
		kind, sampled := known[name]
		if !sampled {
			t.Errorf("%s has no sample, so no test renders it", name)
			continue
		}
		for _, path := range holding(kind, name, reflect.TypeFor[secret.Value]()) {
			t.Errorf("%s holds a secret", path)
		}
		want := []string(nil)
		if name == "SignUpCode" || name == "RecoveryCode" || name == "MailboxTrial" || name == "ContactCode" {
			want = []string{name + ".Code"}
		}
		if diff := cmp.Diff(want, holding(kind, name, reflect.TypeFor[letter.Code]())); diff != "" {
			t.Errorf("%s: fields that hold a code:\n%s", name, diff)
		}
	}
	if found := holding(reflect.TypeFor[letter.Frame](), "Frame", reflect.TypeFor[secret.Value]()); found != nil {
		t.Errorf("%v hold a secret", found)
	}
}

// letterTypes lists the receivers of compose.
func letterTypes(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, file := range source(t) {
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == "compose" {
				names = append(names, fmt.Sprint(f.Recv.List[0].Type))
			}
		}
	}
	if len(names) < 10 {
		t.Fatalf("found only %v", names)
	}
	return names
}

// holding lists the paths below a type at which a value of the wanted type can lie.
func holding(in reflect.Type, path string, wanted reflect.Type) []string {
	if in == wanted {
		return []string{path}
	}
	switch in.Kind() {
	case reflect.Struct:
		if in.PkgPath() == "time" {
			return nil
		}
		var found []string
		for field := range in.Fields() {
			found = append(found, holding(field.Type, path+"."+field.Name, wanted)...)
		}
		return found
	case reflect.Slice, reflect.Array, reflect.Pointer:
		return holding(in.Elem(), path+"[]", wanted)
	case reflect.Map:
		return append(holding(in.Key(), path+"[key]", wanted), holding(in.Elem(), path+"[]", wanted)...)
	case reflect.Interface, reflect.Func, reflect.Chan:
		return []string{path + ", which can hold anything"}
	default:
		return nil
	}
}

// The search above is shown to find what it looks for.
func TestHoldingFindsSecrets(t *testing.T) {
	type inner struct{ Keys []secret.Value }
	type outer struct {
		Name string
		In   map[string]*inner
		Any  any
	}
	got := holding(reflect.TypeFor[outer](), "outer", reflect.TypeFor[secret.Value]())
	want := []string{"outer.In[][].Keys[]", "outer.Any, which can hold anything"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCodePrintsAsItsKind(t *testing.T) {
	l := letter.SignUpCode{Code: "492817"}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("sent", "code", l.Code)
	if printed := fmt.Sprintf("%v %+v %s %s", l, l, l.Code, logged.String()); strings.Contains(printed, "492817") {
		t.Errorf("the code surfaced: %s", printed)
	}
}
