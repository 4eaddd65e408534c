// The rules of the repository itself, as tests. Here: what may import what, and what packages and names look like. repo_build_test.go
// looks at what is made from it, repo_spec_test.go holds the tables of spec and docs true to the code, repo_text_test.go reads the prose.
package sallyport_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode"
)

const module = "github.com/seed-21c57000/sallyport"

// textFile is one file of the repository; a folder of tools, of other people's packages or of scratch work is not part of it.
type textFile struct {
	path string // from the root, with slashes
	text []byte
}

// goFile is a textFile that was parsed.
type goFile struct {
	path, folder    string
	test, generated bool
	*ast.File
}

var textFiles = sync.OnceValue(func() []textFile {
	var files []textFile
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", ".scratch", ".venv", "bin", "node_modules"}, entry.Name()) {
			return fs.SkipDir
		}
		if !entry.Type().IsRegular() || entry.Name() == ".git" { // a second working tree has a file of that name
			return nil
		}
		text, err := os.ReadFile(name)
		if err == nil && bytes.IndexByte(text, 0) < 0 {
			files = append(files, textFile{filepath.ToSlash(name), text})
		}
		return err
	})
	if err != nil {
		panic(err)
	}
	return files
})

var goFiles = sync.OnceValue(func() []goFile {
	var files []goFile
	for _, f := range textFiles() {
		if path.Ext(f.path) != ".go" || strings.Contains(f.path, "/testdata/") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.path, f.text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			panic(err)
		}
		files = append(files, goFile{f.path, path.Dir(f.path), strings.HasSuffix(f.path, "_test.go"), ast.IsGenerated(parsed), parsed})
	}
	return files
})

func (f goFile) imports() []string {
	var paths []string
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(err)
		}
		paths = append(paths, imported)
	}
	return paths
}

// within says whether a folder is one of those named, or lies below it.
func within(folder string, named ...string) bool {
	return slices.ContainsFunc(named, func(name string) bool { return folder == name || strings.HasPrefix(folder, name+"/") })
}

// under puts folders below internal.
func under(names ...string) []string {
	folders := make([]string, len(names))
	for i, name := range names {
		folders[i] = "internal/" + name
	}
	return folders
}

var (
	rooms    = under("prove", "decide", "respond", "record")
	adapters = under("store", "hot", "keyring", "mail", "geo", "agent")
	doors    = under("api", "dbsc", "oidc", "web", "gateway")
	crowned  = under("respond/recovery", "respond/playbook") // may import many, and no other room imports them
)

// wrongImport says what is wrong with an import of a file in folder that is no test; nothing if all is well. docs/contributing.md
// shows the direction: kernel ← rooms ← adapters and doors ← server ← cmd.
func wrongImport(folder, imported string) string {
	own, isOurs := strings.CutPrefix(imported, module+"/")
	first, _, _ := strings.Cut(imported, "/")
	isStandard := !strings.Contains(first, ".")
	switch {
	case within(folder, "internal/kernel"):
		if (!isStandard && !within(own, "internal/kernel")) || slices.Contains([]string{"net/http", "database/sql", "os"}, imported) {
			return "the kernel imports the standard library, without net/http, database/sql and os"
		}
	case within(folder, "sign", "client", "gate"):
		if !isStandard && !within(own, "sign", "client", "gate") {
			return "what strangers import rests on the standard library alone"
		}
	case within(folder, rooms...):
		return wrongInRoom(folder, imported, own)
	case within(folder, doors...):
		if within(own, adapters...) {
			return "a door asks a room, never an adapter"
		}
		if within(own, doors...) && strings.Split(own, "/")[1] != strings.Split(folder, "/")[1] {
			return "a door knows no other door"
		}
	case within(folder, "internal/httpx"):
		if within(own, rooms...) || within(own, adapters...) || within(own, doors...) {
			return "httpx has no domain knowledge"
		}
	case within(folder, "internal/sandbox"):
		if isOurs && !within(own, "gate", "internal/sandbox") {
			return "the sandbox imports gate, as any exchange would"
		}
	}
	switch {
	case within(own, crowned...) && !within(folder, crowned...) && !within(folder, "internal/server") && (!within(own, "internal/respond/recovery") || !within(folder, "internal/store", "cmd") && !within(folder, doors...)):
		return "recovery and playbooks import many, and no other room imports them"
	case within(own, "internal/server") && !within(folder, "internal/server", "internal/demo", "internal/kit", "cmd"):
		return "only a command, the demo or the kit builds the graph"
	case within(own, "internal/kit") && !within(folder, "internal/kit"):
		return "the kit is for tests"
	}
	return ""
}

func wrongInRoom(folder, imported, own string) string {
	switch {
	case imported == "net/http" || strings.HasPrefix(imported, "database/sql"):
		return "a room knows no wire and no database"
	case within(own, adapters...) || within(own, doors...) || within(own, under("httpx", "config", "server", "kit", "sandbox")...):
		return "a room knows no adapter, no door and nobody who builds it"
	case within(folder, "internal/prove") && within(own, under("decide", "respond")...):
		return "prove ← decide ← respond: prove asks through a role interface of its own"
	case within(folder, "internal/decide") && within(own, "internal/respond"):
		return "prove ← decide ← respond: facts about holds travel in the question"
	case within(folder, "internal/record") && within(own, rooms...) && !within(own, "internal/record"):
		return "record is imported by the rooms and imports none"
	case within(own, crowned...) && !within(folder, crowned...):
		return "recovery and playbooks import many, and no other room imports them"
	}
	return ""
}

func TestImportsGoOneWay(t *testing.T) {
	for _, f := range goFiles() {
		for _, imported := range f.imports() {
			if why := wrongImport(f.folder, imported); why != "" && !f.test {
				t.Errorf("%s imports %s: %s", f.path, imported, why)
			}
		}
	}
}

// TestWrongImportsAreFound is the proof that the rule above can fail.
func TestWrongImportsAreFound(t *testing.T) {
	for _, bad := range []string{
		"internal/kernel/id net/http", "internal/kernel/id github.com/x/y", "internal/kernel/id internal/store", "internal/kernel/secret os",
		"sign github.com/x/y", "client internal/kernel/id", "gate internal/kernel/id",
		"internal/prove/user net/http", "internal/prove/user database/sql/driver", "internal/prove/user internal/store", "internal/prove/user internal/api",
		"internal/prove/user internal/decide/policy", "internal/prove/user internal/respond/hold", "internal/decide/policy internal/respond/hold",
		"internal/record/audit internal/prove/user", "internal/respond/hold internal/respond/recovery", "internal/prove/user internal/config",
		"internal/api internal/store", "internal/api/key internal/web", "internal/gateway internal/hot/memory", "internal/httpx internal/prove/user",
		"internal/sandbox internal/kernel/id", "internal/web internal/respond/playbook", "internal/web internal/server", "internal/store internal/kit/pgtest",
	} {
		folder, imported, _ := strings.Cut(bad, " ")
		if strings.HasPrefix(imported, "internal/") {
			imported = module + "/" + imported
		}
		if wrongImport(folder, imported) == "" {
			t.Errorf("%s may import %s", folder, imported)
		}
	}
}

var packageComment = regexp.MustCompile(`^(Package|Command) (\S+) `)

func TestOneCommentPerPackage(t *testing.T) {
	comments, written := map[string][]goFile{}, map[string]bool{}
	for _, f := range goFiles() {
		if f.test || f.generated {
			continue
		}
		written[f.folder] = true
		if f.Doc != nil {
			comments[f.folder] = append(comments[f.folder], f)
		}
	}
	for folder := range written {
		if n := len(comments[folder]); n != 1 {
			t.Errorf("%s has %d package comments, want one that says what it owns, what it refuses to know, and its invariant", folder, n)
			continue
		}
		f := comments[folder][0]
		want := f.Name.Name
		if want == "main" {
			want = path.Base(folder)
		}
		if match := packageComment.FindStringSubmatch(f.Doc.Text()); match == nil || match[2] != want {
			t.Errorf("%s: the comment does not begin with Package or Command %s", f.path, want)
		}
	}
}

// vagueWords say nothing, or are words for which the project has another.
var vagueWords = []string{
	"manager", "service", "util", "utils", "common", "base", "impl", "dto", "model", "data", "info", "helper", "helpers", "misc", "customer", "login", "logout", "2fa",
}

// namesWithReason are names that a standard, a trade or a library gives. Folder and name → why.
var namesWithReason = map[string]string{
	"internal/config.LevelInfo":          "the name of a log level",
	"internal/kernel/txn.SubjectDataKey": "data key: the key that encrypts data, as envelopes call it",
	"internal/keyring.DataKey":           "data key",
	"internal/store.InsertDataKey":       "data key",
	"internal/store.ListDataKeys":        "data key",
	"internal/store.RewrapDataKey":       "data key",
	"internal/prove/passkey.Data":        "the library's session data, kept whole",
	"internal/prove/passkey.Model":       "the model of an authenticator",
	"internal/sandbox/market.Base":       "the base asset of a market",
	"internal/sandbox/market.ByBase":     "the base asset of a market",
	"sign.AppendBase":                    "the signature base (RFC 9421)",
}

func TestNamesSaySomething(t *testing.T) {
	for _, f := range goFiles() {
		if f.test || f.generated {
			continue
		}
		for _, name := range append(exportedNames(f.File), f.Name.Name) {
			if word := vague(name); word != "" && namesWithReason[f.folder+"."+name] == "" {
				t.Errorf("%s: %s: %q says nothing; take the word of the thing (docs/contributing.md)", f.path, name, word)
			}
		}
	}
	for _, name := range []string{"KeyManager", "UserInfo", "BaseURL", "dataHTTP", "util"} {
		if vague(name) == "" {
			t.Errorf("%s passes", name)
		}
	}
	for _, name := range []string{"Base62", "Database", "Commonwealth", "Managed"} {
		if word := vague(name); word != "" {
			t.Errorf("%s is refused for %s", name, word)
		}
	}
}

// exportedNames lists what a file declares for others: types, their fields and methods, functions, constants and variables.
func exportedNames(file *ast.File) []string {
	var names []string
	add := func(identifiers ...*ast.Ident) {
		for _, identifier := range identifiers {
			if identifier.IsExported() {
				names = append(names, identifier.Name)
			}
		}
	}
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || receiver(d).IsExported() { // others' interfaces may name the methods of a type that is not exported
				add(d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.ValueSpec:
					add(s.Names...)
				case *ast.TypeSpec:
					add(s.Name)
					if structure, ok := s.Type.(*ast.StructType); ok && s.Name.IsExported() {
						for _, field := range structure.Fields.List {
							add(field.Names...)
						}
					}
				}
			}
		}
	}
	return names
}

// receiver is the name of the type that a method belongs to.
func receiver(method *ast.FuncDecl) *ast.Ident {
	for node := range ast.Preorder(method.Recv.List[0].Type) {
		if name, ok := node.(*ast.Ident); ok {
			return name
		}
	}
	return ast.NewIdent("_")
}

// vague is the word of a name that says nothing, if it has one. KeyIDOf is read as key, id, of.
func vague(name string) string {
	var words []string
	begin, letters := 0, []rune(name)
	for i := 1; i < len(letters); i++ {
		up, before := unicode.IsUpper(letters[i]), letters[i-1]
		next := i+1 < len(letters) && unicode.IsLower(letters[i+1])
		if up && (!unicode.IsUpper(before) || next) {
			words = append(words, string(letters[begin:i]))
			begin = i
		}
	}
	for _, word := range append(words, string(letters[begin:])) {
		if slices.Contains(vagueWords, strings.ToLower(word)) {
			return strings.ToLower(word)
		}
	}
	return ""
}
