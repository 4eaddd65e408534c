package peers_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

// snippet is a block of code in a document, and what is shown below it as its answer.
type snippet struct{ language, code, shown string }

var block = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```\n")

func snippets(t *testing.T, document string) (list []snippet) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, document))
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range block.FindAllStringSubmatch(string(text), -1) {
		if match[1] == "text" {
			list[len(list)-1].shown = match[2]
			continue
		}
		list = append(list, snippet{language: match[1], code: match[2]})
	}
	return list
}

// begin is the first block. The demo that serves all tests is started the same way, on ports of its own.
const begin = "make build\nbin/sallyport demo --data demo-data\n"

// readme runs every block of the README but the first.
func (h *hall) readme(t *testing.T) {
	list := snippets(t, "README.md")
	if len(list) < 7 || list[0].code != begin {
		t.Fatalf("%d blocks, the first %q; want %q", len(list), list[0].code, begin)
	}
	h.show(t, list[1:])
}

// clients runs every block of the page about clients.
func (h *hall) clients(t *testing.T) {
	list := snippets(t, "docs/clients.md")
	if len(list) < 5 {
		t.Fatalf("%d blocks", len(list))
	}
	h.show(t, list)
}

// show runs blocks in their order, with the addresses and paths of the running demo in their places, and compares what each prints with what is
// shown below it; … stands for anything.
func (h *hall) show(t *testing.T, list []snippet) {
	places := strings.NewReplacer("bin/sallyport", h.program, "http://127.0.0.1:8081", h.Gateway, "demo-data/", h.folder+"/")
	for i, s := range list {
		t.Run(fmt.Sprintf("block %d, %s", i+1, s.language), func(t *testing.T) {
			cmd := h.runner(t, s.language, places.Replace(s.code))
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if s.shown == "" || !looksLike(string(out), s.shown) {
				t.Errorf("the document shows\n%s\nand it prints\n%s", s.shown, out)
			}
		})
	}
}

func (h *hall) runner(t *testing.T, language, code string) *exec.Cmd {
	t.Helper()
	file := func(name string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	switch language {
	case "sh":
		return exec.CommandContext(t.Context(), "sh", "-euc", code)
	case "go":
		return exec.CommandContext(t.Context(), "go", "run", file("main.go"))
	case "js":
		path := file("bot.mjs")
		installPackages(t, filepath.Dir(path))
		return exec.CommandContext(t.Context(), program.Missing(t, "node"), "--no-warnings", path)
	case "py":
		folder, interpreter := python(t)
		cmd := exec.CommandContext(t.Context(), interpreter, file("bot.py"))
		cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(folder, "src"))
		return cmd
	}
	t.Fatalf("nobody runs blocks in %s", language)
	return nil
}

// installPackages puts the packages that a document's script may import beside it: ccxt and our own.
func installPackages(t *testing.T, folder string) {
	t.Helper()
	theirs, err := filepath.Abs(needPackages(t))
	packages := filepath.Join(folder, "node_modules")
	err = errors.Join(err, os.Mkdir(packages, 0o755), os.Symlink(filepath.Join(theirs, "ccxt"), filepath.Join(packages, "ccxt")))
	if err = errors.Join(err, os.Symlink(typescript(t), filepath.Join(packages, "sallyport"))); err != nil {
		t.Fatal(err)
	}
}

// looksLike says whether text is what is shown, where … stands for anything. The last line end is nobody's business.
func looksLike(text, shown string) bool {
	parts := strings.Split(strings.TrimSuffix(shown, "\n"), "…")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile(`^(?s:` + strings.Join(parts, ".*") + `)\n?$`).MatchString(text)
}

func TestLooksLike(t *testing.T) {
	for _, c := range []struct {
		text, shown string
		want        bool
	}{
		{"a\nb\n", "a\nb\n", true},
		{"a\nxyz", "a\n…", true},
		{"a\nb\nc", "…b…", true},
		{"a", "b", false},
		{"a\nb", "a", false},
		{"a", "…b", false},
		{"(a)", "(…)", true},
	} {
		if looksLike(c.text, c.shown) != c.want {
			t.Errorf("looksLike(%q, %q) is not %v", c.text, c.shown, c.want)
		}
	}
}
