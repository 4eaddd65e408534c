package filelock_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/filelock"
)

// TestOneHolds: however many take and give back at once, two never hold the lock, also not between the end of one and the file of the next.
func TestOneHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json.lock")
	var holders, won atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 500 {
				lock, err := filelock.Take(path)
				if _, held := errors.AsType[*filelock.HeldError](err); held {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if won.Add(1); holders.Add(1) != 1 {
					t.Error("two hold the lock")
				}
				holders.Add(-1)
				if err := lock.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if _, err := os.Stat(path); won.Load() == 0 || !os.IsNotExist(err) {
		t.Errorf("%d took it; afterwards: %v", won.Load(), err)
	}
}

// TestSaysWhoHolds also holds that what a crash left behind keeps nobody out.
func TestSaysWhoHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left.lock")
	if err := os.WriteFile(path, []byte("1234567890\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lock, err := filelock.Take(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = filelock.Take(path)
	if held, is := errors.AsType[*filelock.HeldError](err); !is || held.Who() != "another sallyport (pid "+strconv.Itoa(os.Getpid())+")" {
		t.Errorf("the second one hears %v", err)
	}
	if held, err := filelock.Held(path); !held || err != nil {
		t.Errorf("held: %v, %v", held, err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if held, err := filelock.Held(path); held || err != nil {
		t.Errorf("given back, held: %v, %v", held, err)
	}
}
