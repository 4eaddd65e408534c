package peers_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

// snippet is a block of code in the README, and what is shown below it as its answer.
type snippet struct{ language, code, shown string }

var block = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```\n")

func snippets(t *testing.T) (list []snippet) {
	t.Helper()
	text, err := os.ReadFile("../../../README.md")
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

// readme runs every block of the README in its order, with the addresses and paths of the running demo in their places, and compares what it
// prints with what the README shows; … stands for anything.
func (h *hall) readme(t *testing.T) {
	list := snippets(t)
	if len(list) < 7 || list[0].code != begin {
		t.Fatalf("%d blocks, the first %q; want %q", len(list), list[0].code, begin)
	}
	places := strings.NewReplacer("bin/sallyport", h.program, "http://127.0.0.1:8081", h.Gateway, "demo-data/", h.folder+"/")
	for i, s := range list[1:] {
		t.Run(fmt.Sprintf("block %d, %s", i+2, s.language), func(t *testing.T) {
			cmd := h.runner(t, s.language, places.Replace(s.code))
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if s.shown == "" || !looksLike(string(out), s.shown) {
				t.Errorf("the README shows\n%s\nand it prints\n%s", s.shown, out)
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
		packages, err := filepath.Abs(needPackages(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(packages, filepath.Join(filepath.Dir(path), "node_modules")); err != nil {
			t.Fatal(err)
		}
		return exec.CommandContext(t.Context(), program.Missing(t, "node"), path)
	}
	t.Fatalf("nobody runs blocks in %s", language)
	return nil
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
