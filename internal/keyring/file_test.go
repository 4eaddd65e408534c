package keyring_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/keyring"
)

// An editor, or a secret store, may cut the last line end off: the file reads the same, and the next key still gets a line of its own.
func TestAKeyFileWithoutItsLastLineEndCanGrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if _, err := keyring.OpenFile(path); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := bytes.TrimRight(body, "\n")
	if err := os.WriteFile(path, cut, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := keyring.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	plain, aad := []byte("a data key"), []byte("its place")
	wrapped, err := f.Wrap(t.Context(), plain, aad)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.AddKEK(), f.AddPepper()); err != nil {
		t.Fatal(err)
	}
	again, err := keyring.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if again.Current() != "2" || again.CurrentPepper() != "2" {
		t.Errorf("kek %s and pepper %s are current, want 2 and 2", again.Current(), again.CurrentPepper())
	}
	if got, err := again.Unwrap(t.Context(), "1", wrapped, aad); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("what the first key wrapped opens as %q, %v", got, err)
	}
	if grown, _ := os.ReadFile(path); !bytes.HasPrefix(grown, cut) || strings.Contains(string(grown), "\n\n") {
		t.Errorf("the file became\n%s", grown)
	}
}

func TestReadFileMakesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if _, err := keyring.ReadFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

func TestUnfitKeyFiles(t *testing.T) {
	const key = " BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"
	tests := []struct{ name, body, want string }{
		{"two keys on one line", "kek 1" + strings.TrimSuffix(key, "\n") + "kek 2" + key + "pepper 1" + key, ":1: want a kind, a number and a key"},
		{"a number twice", "kek 1" + key + "kek 2" + key + "kek 1" + key + "pepper 1" + key, ":3: a kek 1 stands above already"},
		{"a pepper twice", "kek 1" + key + "pepper 1" + key + "pepper 1" + key, ":3: a pepper 1 stands above already"},
		{"a key that was cut", "kek 1" + key + "pepper 1 BwcHBwcH", ":2: the key must be 32 bytes in base64"},
		{"no pepper", "kek 1" + key, "needs at least one kek and one pepper"},
		{"nothing", "", "needs at least one kek and one pepper"},
		{"another kind", "salt 1" + key, `:1: unknown kind "salt"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys")
			if err := os.WriteFile(path, []byte(test.body), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := keyring.ReadFile(path); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
