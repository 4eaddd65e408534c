package main_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
)

var subcommand = regexp.MustCompile(`(?m)^  ([a-z-]+) +\S`)

// TestEveryCommandShowsAnExample walks the help of every command there is.
func TestEveryCommandShowsAnExample(t *testing.T) {
	path := program.Build(t, program.Sallyport)
	seen := 0
	var walk func(words []string)
	walk = func(words []string) {
		help, stderr, code := program.Output(t, path, append(words, "--help")...)
		if code != 0 || stderr != "" {
			t.Errorf("%v --help: exit %d, %s", words, code, stderr)
		}
		if _, examples, found := strings.Cut(help, "\nExamples:\n"); !found || !strings.Contains(strings.SplitN(examples, "\n\n", 2)[0], strings.Join(append([]string{"sallyport"}, words...), " ")) {
			t.Errorf("the help of %v has no example of it:\n%s", words, help)
		}
		if _, rest, two := strings.Cut(help, "\n\n"); !two || rest == "" || strings.HasPrefix(help, "Usage:") {
			t.Errorf("the help of %v does not begin with what it does:\n%s", words, help)
		}
		seen++
		_, list, _ := strings.Cut(help, "\nAvailable Commands:\n")
		list, _, _ = strings.Cut(list, "\n\n")
		for _, match := range subcommand.FindAllStringSubmatch(list, -1) {
			if name := match[1]; name != "help" && name != "completion" { // cobra's own
				walk(append(slices.Clip(words), name))
			}
		}
	}
	walk(nil)
	if seen < 20 {
		t.Errorf("only %d commands were found", seen)
	}
}

// TestSignalsEndQuietly: whoever stops it, by hand or as an init system does, gets exit code 0 and no noise.
func TestSignalsEndQuietly(t *testing.T) {
	path := program.Build(t, program.Sallyport)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run("demo "+signal.String(), func(t *testing.T) {
			folder := t.TempDir()
			t.Setenv("TMPDIR", folder)
			p := program.Start(t, path, "demo", "--json", "--addr", "127.0.0.1:0", "--gateway-addr", "127.0.0.1:0")
			if _, err := p.Line(); err != nil {
				t.Fatal(p.Stderr())
			}
			if left := names(t, folder); len(left) != 1 || !strings.HasPrefix(left[0], "sallyport-demo-") {
				t.Errorf("while it runs there is %q", left)
			}
			p.Signal(signal)
			if code := p.Wait(); code != 0 || p.Stderr() != "" {
				t.Errorf("exit %d, %s", code, p.Stderr())
			}
			if line, err := p.Line(); err == nil {
				t.Errorf("it also said %q", line)
			}
			if left := names(t, folder); len(left) != 0 {
				t.Errorf("it left %q", left)
			}
		})
		t.Run("serve "+signal.String(), func(t *testing.T) {
			p := program.Install(t, program.InstallOptions{YAML: "log: {level: error}\n"}).Serve(t)
			p.Signal(signal)
			if code := p.Wait(); code != 0 || p.Stderr() != "" {
				t.Errorf("exit %d, %s", code, p.Stderr())
			}
		})
	}
}

// TestASecondSignalLeavesNothing: a demo that does not wait for its open requests takes its temporary folder with it.
func TestASecondSignalLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	addr := program.FreeAddress(t)
	p := program.Start(t, program.Build(t, program.Sallyport), "demo", "--json", "--addr", addr, "--gateway-addr", "127.0.0.1:0")
	if _, err := p.Line(); err != nil {
		t.Fatal(p.Stderr())
	}
	slow, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Close() }()
	if _, err := slow.Write([]byte("GET / HTTP/1.1\r\n")); err != nil {
		t.Fatal(err)
	}
	p.Signal(syscall.SIGINT)
	p.Signal(syscall.SIGTERM)
	if code := p.Wait(); code != 1 {
		t.Errorf("exit %d, %s", code, p.Stderr())
	}
	if left := names(t, folder); len(left) != 0 {
		t.Errorf("it left %q", left)
	}
}

// TestOneServerUsesADatabase: two would each accept the same signed request. The next one may start when the first was killed.
func TestOneServerUsesADatabase(t *testing.T) {
	path := program.Build(t, program.Sallyport)
	for name, dsn := range map[string]func() string{
		"sqlite": func() string { return "" }, "postgres": func() string { return storetest.Postgres.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			in := program.Install(t, program.InstallOptions{PostgresDSN: dsn()})
			first := in.Serve(t)
			_, stderr, code := program.Output(t, path, "serve", "--config", in.Config)
			if code != 1 || !strings.Contains(stderr, "another sallyport") || !strings.Contains(stderr, "runs on this data") {
				t.Errorf("a second server: exit %d, %s", code, stderr)
			}
			first.Kill()
			in.Serve(t)
		})
	}
}

func names(t *testing.T, folder string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// TestAServersWordsMoveNoTerminal: what is called may be somebody else's, and its words stand in what is printed of a refusal.
func TestAServersWordsMoveNoTerminal(t *testing.T) {
	path := program.Build(t, program.Sallyport)
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"code": "no", "title": "\u001b[2J\u001b]0;done\u0007\u009b1A"}`)
	}))
	defer answers.Close()
	file := filepath.Join(t.TempDir(), "key.json")
	key := `{"key_id": "spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ", "algorithm": "hmac-sha256", "dialect": "native", "secret": "0123456789abcdef0123456789abcdef"}`
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := program.Output(t, path, "key", "rotate-self", answers.URL, "--key-file", file)
	if code != 3 || !strings.Contains(stderr, `\u001b[2J`) || strings.ContainsAny(stderr, "\x1b\a\u009b") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}
