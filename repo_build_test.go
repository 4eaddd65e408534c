package sallyport_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestPagesHaveTheirSource(t *testing.T) {
	made, sources := map[string]bool{}, map[string]bool{}
	for _, f := range textFiles() {
		if name, ok := strings.CutSuffix(f.path, "_templ.go"); ok {
			made[name] = true
		}
		if name, ok := strings.CutSuffix(f.path, ".templ"); ok {
			sources[name] = true
		}
	}
	for name := range made {
		if !sources[name] {
			t.Errorf("%s_templ.go has no %s.templ", name, name)
		}
	}
	for name := range sources {
		if !made[name] {
			t.Errorf("%s.templ was never generated: run make generate", name)
		}
	}
}

// TestNothingCallsMethodsByName: code that calls methods found by name, as the executor of text/template does, makes the linker keep
// every method of every type, and the binary grows by half.
func TestNothingCallsMethodsByName(t *testing.T) {
	commands, err := filepath.Glob("cmd/*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range commands {
		if found := methodsByName(t, ".", "./"+filepath.ToSlash(filepath.Dir(command))); len(found) > 0 {
			t.Errorf("%s reaches code that calls methods by name:\n%s", command, strings.Join(found, "\n"))
		}
	}
	// A program that does it, as proof that the gate can fail.
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module control\n\ngo 1.26\n",
		"main.go": "package main\n\nimport (\n\t\"os\"\n\t\"text/template\"\n)\n\nfunc main() {\n\t_ = template.Must(template.New(\"\").Parse(\"{{.X}}\")).Execute(os.Stdout, os.Args)\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if found := methodsByName(t, folder, "."); len(found) == 0 {
		t.Error("the linker says nothing about a program that uses text/template: the gate is blind")
	}
}

// methodsByName asks the linker which functions call methods by name.
func methodsByName(t *testing.T, folder, pkg string) []string {
	t.Helper()
	build := exec.CommandContext(t.Context(), "go", "build", "-tags=grpcnotrace", "-ldflags=-dumpdep", "-o", filepath.Join(t.TempDir(), "binary"), pkg)
	build.Dir = folder
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	said, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("go build %s: %v\n%.2000s", pkg, err, said)
	}
	var found []string
	for line := range strings.Lines(string(said)) {
		if strings.Contains(line, "<ReflectMethod>") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
