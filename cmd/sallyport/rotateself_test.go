package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

const (
	ownKey    = `{"key_id":"spk_test_0QXEgX2jWA7pyIQetVgSzs09R2xp","algorithm":"hmac-sha256","dialect":"native","secret":"%s"}`
	ownSecret = "sps_test_5F3qm6skVUn5VxsuNWpGKFYIYhYkwY7XyZC8lD0ZBNA2iocvj"
)

// TestRotatesSelfOneAtATime: while one run waits for its answer a second on the same file, by whichever of its names, asks nothing and names the first.
func TestRotatesSelfOneAtATime(t *testing.T) {
	path, folder := program.Build(t, program.Sallyport), t.TempDir()
	file, link := filepath.Join(folder, "key.json"), filepath.Join(folder, "link.json")
	if err := os.WriteFile(file, fmt.Appendf(nil, ownKey, ownSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("key.json", link); err != nil {
		t.Fatal(err)
	}
	asked, answer := make(chan struct{}, 2), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			asked <- struct{}{}
			<-answer
			fmt.Fprintf(w, `{"secret":"%s","old_retires_at":"2026-03-03T10:00:00Z"}`, ownSecret)
		}
	}))
	defer server.Close()

	first := program.Start(t, path, "key", "rotate-self", server.URL, "--key-file", file)
	<-asked
	for _, name := range []string{file, link} {
		_, stderr, code := program.Output(t, path, "key", "rotate-self", server.URL, "--key-file", name)
		if code != 1 || !strings.Contains(stderr, fmt.Sprintf("another sallyport (pid %d) is rotating the key of ", first.PID())) || !strings.Contains(stderr, ": this run did nothing") {
			t.Errorf("the second run, on %s: exit %d, %s", name, code, stderr)
		}
	}
	close(answer)
	if code := first.Wait(); code != 0 {
		t.Errorf("the first run: exit %d, %s", code, first.Stderr())
	}
	if left := names(t, folder); len(left) != 2 || len(asked) != 0 {
		t.Errorf("there is %q, and the second run asked %d times", left, len(asked))
	}
}

// TestRotateSelfSaysWhatBecameOfTheSecret holds what is said and left where no next secret came back.
func TestRotateSelfSaysWhatBecameOfTheSecret(t *testing.T) {
	path := program.Build(t, program.Sallyport)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   int
		says   string
		left   int
	}{
		"refused": {
			func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, `{"code":"key.rotating","title":"Wait."}`, http.StatusConflict)
			}, 3,
			" answered 409 key.rotating Wait.; key.json is as it was\n", 1,
		},
		"another server": {http.NotFound, 3, " answered 404 (is it the dashboard's origin?); key.json is as it was\n", 1},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://app.example/", http.StatusPermanentRedirect)
		}, 3, " answered 308 (is it the dashboard's origin?); key.json is as it was\n", 1},
		"a page": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, 3, " answered 200 (is it the dashboard's origin?); key.json is as it was and works in either case, and key.json.new holds", 2},
		"broken": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, 3, "works in either case, and key.json.new holds the pair that was offered: run this again", 2},
		"cut":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 1, "works in either case, and key.json.new holds the pair that was offered: run this again", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if _, stderr, code := program.Output(t, path, "keygen", "--key-file", "key.json"); code != 0 {
				t.Fatal(stderr)
			}
			made, err := os.ReadFile("key.json")
			if err == nil {
				err = os.WriteFile("key.json", []byte(strings.Replace(string(made), `"key_id": ""`, `"key_id": "spk_test_0QXEgX2jWA7pyIQetVgSzs09R2xp"`, 1)), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(c.answer)
			defer server.Close()
			_, stderr, code := program.Output(t, path, "key", "rotate-self", server.URL, "--key-file", "key.json")
			begins := map[int]string{1: "sallyport: nothing was rotated: ", 2: "sallyport: nobody can say whether the key was rotated: "}[c.left]
			if code != c.code || !strings.Contains(stderr, c.says) || !strings.HasPrefix(stderr, begins) {
				t.Errorf("exit %d, %s", code, stderr)
			}
			if left := names(t, "."); len(left) != c.left {
				t.Errorf("there is %q", left)
			}
		})
	}
}
