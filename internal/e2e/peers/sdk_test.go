package peers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

const repository = "../../.."

// checkout copies what lies below some paths of the repository into a folder of the test's own, so that nothing is built among the
// sources, and go test sees which files the outcome rests on.
func checkout(t *testing.T, paths ...string) string {
	t.Helper()
	folder := t.TempDir()
	for _, path := range paths {
		to := filepath.Join(folder, path)
		info, err := os.Stat(filepath.Join(repository, path))
		if err == nil && info.IsDir() {
			err = os.CopyFS(to, os.DirFS(filepath.Join(repository, path)))
		} else if err == nil {
			var text []byte
			text, err = os.ReadFile(filepath.Join(repository, path))
			err = errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, text, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

const vectors = "spec/vectors/native.json"

// run runs a program in a folder and gives its standard output.
func run(t *testing.T, folder, path string, input any, arguments ...string) string {
	t.Helper()
	raw, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, arguments...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = folder, bytes.NewReader(raw), &stdout, &stderr
	cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(folder, "src"), "PYTHONDONTWRITEBYTECODE=1")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s%s", filepath.Base(path), arguments, err, stdout.String(), stderr.String())
	}
	return stdout.String() + stderr.String()
}

// typescript builds sdk/typescript with the compiler that its package.json names, and gives the folder of the package.
func typescript(t *testing.T) string {
	t.Helper()
	program.Missing(t, "node")
	compiler, err := filepath.Abs(filepath.Join(needPackages(t), ".bin", "tsc"))
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(checkout(t, "sdk/typescript/package.json", "sdk/typescript/tsconfig.json", "sdk/typescript/src", "sdk/typescript/test", vectors), "sdk/typescript")
	run(t, folder, compiler, nil)
	return folder
}

// python gives the folder of a copy of sdk/python, and the interpreter that has what its tests need.
func python(t *testing.T) (folder, interpreter string) {
	t.Helper()
	interpreter, err := filepath.Abs(filepath.Join(peers, ".venv", "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	program.Missing(t, interpreter)
	return filepath.Join(checkout(t, "sdk/python/pyproject.toml", "sdk/python/src", "sdk/python/tests", vectors), "sdk/python"), interpreter
}

func TestTypeScript(t *testing.T) {
	folder := typescript(t)
	said := run(t, folder, program.Missing(t, "node"), nil, "--test", "test/")
	if !strings.Contains(said, "\n# fail 0\n") || strings.Contains(said, "\n# pass 0\n") {
		t.Errorf("node --test:\n%s", said)
	}
}

// The package has nothing at run time, and is built by the compiler that the repository pins.
func TestTypeScriptNeedsNothing(t *testing.T) {
	type manifest struct {
		Dependencies, DevDependencies, PeerDependencies, OptionalDependencies map[string]string
	}
	read := func(path string) (m manifest) {
		text, err := os.ReadFile(filepath.Join(repository, path))
		if err != nil || json.Unmarshal(text, &m) != nil {
			t.Fatal(path, err)
		}
		return m
	}
	pinned := read("internal/kit/peers/package.json").Dependencies["typescript"]
	want := manifest{DevDependencies: map[string]string{"typescript": pinned}}
	if diff := cmp.Diff(want, read("sdk/typescript/package.json")); diff != "" {
		t.Errorf("sdk/typescript/package.json (-want +got):\n%s", diff)
	}
}

func TestPython(t *testing.T) {
	folder, interpreter := python(t)
	t.Run("types", func(t *testing.T) { run(t, folder, interpreter, nil, "-m", "mypy") })
	t.Run("tests", func(t *testing.T) {
		said := run(t, folder, interpreter, nil, "-W", "error", "-m", "unittest", "discover", "-s", "tests")
		if !strings.Contains(said, "\nOK\n") || strings.Contains(said, "\nRan 0 tests") {
			t.Errorf("unittest:\n%s", said)
		}
	})
}

// botDay is what a client in another language reports of its day.
type botDay struct {
	Placed, Cancelled placed
	Open              []placed
	Late              []int // status of two calls by a client whose clock is an hour off
	Requests          int   // how often that client sent
	Printed           string
}

// days lets a client in another language place, list and cancel an order, and trade with a clock that is off.
func (h *hall) days(t *testing.T, text string, names ...string) {
	t.Helper()
	var days map[string]botDay
	if err := json.Unmarshal([]byte(text), &days); err != nil || len(days) != len(names) {
		t.Fatalf("%v in %s", err, text)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			d := days[name]
			if d.Placed.State != "wait" || !strings.HasPrefix(d.Placed.Identifier, "봇 ") || d.Cancelled.UUID != d.Placed.UUID || d.Cancelled.State != "cancel" {
				t.Errorf("placed %+v, cancelled %+v", d.Placed, d.Cancelled)
			}
			if diff := cmp.Diff([]placed{d.Placed}, d.Open); diff != "" {
				t.Errorf("open (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]int{200, 200}, d.Late); diff != "" || d.Requests != 3 {
				t.Errorf("with a clock that is an hour off: status %v after %d requests, want 3", d.Late, d.Requests)
			}
			for _, k := range h.Keys {
				for hidden := range strings.SplitSeq(k.Secret+"\n"+k.PrivateKey, "\n") {
					if len(hidden) > 40 && strings.Contains(d.Printed, hidden) {
						t.Errorf("it prints a secret: %s", d.Printed)
					}
				}
			}
			if !strings.Contains(d.Printed, "spk_test_") {
				t.Errorf("it prints no key: %s", d.Printed)
			}
		})
	}
}

func (h *hall) typescript(t *testing.T) {
	input := map[string]any{"package": filepath.Join(typescript(t), "dist", "index.js"), "gateway": h.Gateway, "keys": h.Keys}
	script := filepath.Join(checkout(t, "internal/kit/peers/sdk.mjs"), "internal/kit/peers")
	h.days(t, run(t, script, program.Missing(t, "node"), input, "--no-warnings", "sdk.mjs"), "ed25519", "hmac-sha256")
}

func (h *hall) python(t *testing.T) {
	folder, interpreter := python(t)
	script := filepath.Join(checkout(t, "internal/kit/peers/sdk.py"), "internal/kit/peers/sdk.py")
	h.days(t, run(t, folder, interpreter, map[string]any{"gateway": h.Gateway, "keys": h.Keys}, script),
		"requests ed25519", "requests hmac-sha256", "httpx ed25519", "httpx hmac-sha256", "httpx async ed25519", "httpx async hmac-sha256")
}
