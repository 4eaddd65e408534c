package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

type spender interface {
	Spend(ctx context.Context, mark [32]byte, expires time.Time) (bool, error)
}

func mark(name string) [32]byte { return sha256.Sum256([]byte(name)) }

// fill spends marks until the disk is full, and gives the error.
func fill(ctx context.Context, tx spender) (err error) {
	for i := range 100_000 {
		if _, err = tx.Spend(ctx, mark(fmt.Sprint("filler ", i)), time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// A disk that fills up in the middle of a group makes SQLite roll back all of it by itself. Whatever the change that it happens to does then,
// nobody is told of success whose change is gone, and nobody of failure whose change is there.
func TestAFullDiskFailsTheWholeGroup(t *testing.T) {
	for name, full := range map[string]func(context.Context, spender) error{
		"the change gives up": fill,
		"the change goes on": func(ctx context.Context, tx spender) error {
			if fill(ctx, tx) == nil {
				return errors.New("the disk never filled up")
			}
			_, _ = tx.Spend(ctx, mark("after"), time.Now())
			return nil
		},
		"the change panics": func(ctx context.Context, tx spender) error { panic(fill(ctx, tx)) },
	} {
		t.Run(name, func(t *testing.T) { fullDisk(t, full) })
	}
}

func fullDisk(t *testing.T, full func(context.Context, spender) error) {
	place := storetest.NewPlace(t, store.Config{SQLitePath: filepath.Join(t.TempDir(), "sallyport.db")})
	db := place.Open(t)
	limit(t, db, "PRAGMA max_page_count = 1") // never below what is in use
	begun, release := make(chan struct{}), make(chan struct{})
	told := map[string]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	change := func(name string, fn func(spender) error) {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					mu.Lock()
					defer mu.Unlock()
					told[name] = fmt.Errorf("panic: %v", p)
				}
			}()
			err := store.Of[spender](db).Update(t.Context(), func(tx spender) (audit.Event, error) {
				if _, err := tx.Spend(t.Context(), mark(name), time.Now()); err != nil {
					return audit.Event{}, err
				}
				return audit.Quiet(audit.Housekeeping), fn(tx)
			})
			mu.Lock()
			defer mu.Unlock()
			told[name] = err
		})
	}
	change("first", func(spender) error {
		close(begun)
		<-release
		return nil
	})
	<-begun
	later := []string{"full", "second", "third"}
	for i, name := range later {
		change(name, func(tx spender) error {
			if name == "full" {
				return full(t.Context(), tx)
			}
			return nil
		})
		for db.Waiting() < int64(i+1) {
			runtime.Gosched()
		}
	}
	close(release)
	all.Wait()
	limit(t, db, "PRAGMA max_page_count = 1000000")
	for _, name := range append(later, "first", "after") {
		if stored := spent(t, db, name); stored != (told[name] == nil && name != "after") {
			t.Errorf("%s: stored %v, told %v", name, stored, told[name])
		}
	}
	for _, name := range []string{"first", "full"} {
		if told[name] == nil {
			t.Errorf("%s: told of success", name)
		}
	}
	if !errors.Is(told["first"], store.ErrNotStored) {
		t.Errorf("first: %v, want that nothing is stored", told["first"])
	}
}

func limit(t *testing.T, db *store.DB, pragma string) {
	t.Helper()
	if _, err := db.Raw().ExecContext(t.Context(), pragma); err != nil {
		t.Fatal(err)
	}
}

func spent(t *testing.T, db *store.DB, name string) bool {
	t.Helper()
	var n int
	m := mark(name)
	if err := db.Raw().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM spent WHERE mark = $1", m[:]).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n == 1
}
