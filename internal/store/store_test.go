package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/store"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t testing.TB) *storetest.Place {
		return storetest.NewPlace(t, store.Config{SQLitePath: filepath.Join(t.TempDir(), "sallyport.db")})
	})
}

// TestTheFilesAreTheirOwnersAlone: whoever else has an account on the host reads nothing.
func TestTheFilesAreTheirOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sallyport.db")
	storetest.NewPlace(t, store.Config{SQLitePath: path}).Open(t)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		file, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := file.Mode().Perm(); mode != 0o600 {
			t.Errorf("sallyport.db%s has mode %v", suffix, mode)
		}
	}
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t testing.TB) *storetest.Place {
		return storetest.NewPlace(t, store.Config{PostgresDSN: storetest.Postgres.New(t)})
	})
}
