// Package peers_test drives the real program from outside with clients that are not ours: curl, ccxt and npm's http-message-signatures, and
// with those that are: the command line, package client, and sdk's packages for TypeScript and Python, whose own tests it runs too. One demo
// serves them all, and nothing in it is replaced.
package peers_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/demo"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// hall is where the peers meet: a running demo.
type hall struct {
	demo.Facts
	program string // path of the binary
	folder  string // of the demo's data
}

func TestPeers(t *testing.T) {
	h := open(t)
	t.Run("demo", h.pages)
	t.Run("call", h.call)
	t.Run("curl", h.curl)
	t.Run("client", h.client)
	t.Run("ccxt", h.ccxt)
	t.Run("ccxt elsewhere", h.venues)
	t.Run("http-message-signatures", h.httpMessageSignatures)
	t.Run("typescript", h.typescript)
	t.Run("typescript in Chromium", h.inChromium)
	t.Run("python", h.python)
	t.Run("README", h.readme)
	t.Run("docs/clients.md", h.clients)
	t.Run("revoked elsewhere", h.revokedElsewhere)
}

func open(t *testing.T) *hall {
	t.Helper()
	h := &hall{program: program.Build(t, program.Sallyport), folder: t.TempDir()}
	began := time.Now()
	p := program.Start(t, h.program, "demo", "--json", "--addr", "127.0.0.1:0", "--gateway-addr", "127.0.0.1:0", "--data", h.folder)
	line, err := p.Line()
	if err != nil {
		t.Fatalf("the demo ended: %s", p.Stderr())
	}
	t.Logf("ready after %v", time.Since(began).Round(time.Millisecond))
	if err := json.Unmarshal([]byte(line), &h.Facts); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return h
}

// key is one of the demo's keys.
func (h *hall) key(t *testing.T, dialect, algorithm string) client.KeyFile {
	t.Helper()
	for _, k := range h.Keys {
		if k.Dialect == dialect && k.Algorithm == algorithm {
			return k
		}
	}
	t.Fatalf("the demo has no key %s %s", dialect, algorithm)
	return client.KeyFile{}
}

// keep writes a key into a file, as its holder would.
func keep(t *testing.T, k client.KeyFile) string {
	t.Helper()
	raw, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// make has the host's command line make a key for the trader of the running demo.
func (h *hall) make(t *testing.T, arguments ...string) (k client.KeyFile) {
	t.Helper()
	arguments = append([]string{"key", "create", h.Users[0].Email, "--config", filepath.Join(h.folder, demo.ConfigFile), "--purpose", "tests"}, arguments...)
	h.says(t, &k, arguments...)
	return k
}

// revoke has the host's command line revoke one.
func (h *hall) revoke(t *testing.T, k client.KeyFile) {
	t.Helper()
	if _, stderr, code := program.Output(t, h.program, "key", "revoke", k.KeyID, "--config", filepath.Join(h.folder, demo.ConfigFile)); code != 0 {
		t.Fatalf("revoke: %d %s", code, stderr)
	}
}

// says runs the program, which must succeed, and reads the JSON that it prints.
func (h *hall) says(t *testing.T, into any, arguments ...string) {
	t.Helper()
	stdout, stderr, code := program.Output(t, h.program, arguments...)
	if code != 0 || json.Unmarshal([]byte(stdout), into) != nil {
		t.Fatalf("sallyport %v: exit %d\n%s%s", arguments, code, stdout, stderr)
	}
}

// peers is where the scripts for Node and their packages lie.
const peers = "../../kit/peers"

// needPackages is where the npm packages lie. Without them a test is skipped, and fails where CI=true.
func needPackages(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(peers, "node_modules")
	if _, err := os.Stat(folder); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the npm packages of internal/kit/peers are not installed: make setup")
		}
		t.Skip("the npm packages of internal/kit/peers are not installed: make setup")
	}
	return folder
}

// node runs a script for Node with input as JSON, and reads the JSON that it prints.
func node(t *testing.T, script string, input, into any) {
	t.Helper()
	path := program.Missing(t, "node")
	needPackages(t)
	raw, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, script)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = peers, bytes.NewReader(raw), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("node %s: %v\n%s", script, err, stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), into); err != nil {
		t.Fatalf("node %s printed %s: %v", script, stdout.String(), err)
	}
}
