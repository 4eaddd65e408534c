//go:build unix

package filelock_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/filelock"
)

// TestALinkEmptiesNothing: who may write beside a key's file puts a link where its lock goes, to a file that they may not touch, or a pipe that nobody writes to.
func TestALinkEmptiesNothing(t *testing.T) {
	for how, plant := range map[string]func(target, path string) error{
		"symbolic link": os.Symlink,
		"hard link":     os.Link,
		"pipe":          func(_, path string) error { return syscall.Mkfifo(path, 0o600) },
		"dangling link": func(target, path string) error { return os.Symlink(target+".new", path) },
	} {
		t.Run(how, func(t *testing.T) {
			folder := t.TempDir()
			target, path := filepath.Join(folder, "precious"), filepath.Join(folder, "key.json.lock")
			if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := plant(target, path); err != nil {
				t.Fatal(err)
			}
			if lock, err := filelock.Take(path); err == nil {
				t.Errorf("it was taken: %v", lock.Close())
			}
			if held, _ := filelock.Held(path); held {
				t.Error("it is held")
			}
			if kept, err := os.ReadFile(target); string(kept) != "precious" || err != nil {
				t.Errorf("the file holds %q: %v", kept, err)
			}
			if _, err := os.Stat(target + ".new"); err == nil {
				t.Error("a file was made behind the link")
			}
		})
	}
}
