package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
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

// TestBucketsAreKeyed: a copy of the database names no bucket by a hash that whoever has a list of telephone numbers can make as well.
func TestBucketsAreKeyed(t *testing.T) {
	now := storetest.NewClock().Now()
	bucket := throttle.OfStranger(throttle.TextCode, "+821012345678")
	names := map[string]bool{}
	for range 2 {
		db := storetest.NewPlace(t, store.Config{SQLitePath: filepath.Join(t.TempDir(), "sallyport.db")}).Open(t)
		err := store.Of[throttle.Tx](db).Update(t.Context(), func(tx throttle.Tx) (audit.Event, error) {
			err := throttle.Count(t.Context(), tx, bucket, throttle.Limits{Free: 3, Memory: time.Hour}, now)
			failures, _, _, noRead := tx.TriesOf(t.Context(), bucket)
			if failures != 1 {
				t.Errorf("%d tries are counted", failures)
			}
			return audit.Quiet(audit.Housekeeping), errors.Join(err, noRead)
		})
		if err != nil {
			t.Fatal(err)
		}
		var name []byte
		if err := db.Raw().QueryRowContext(t.Context(), "SELECT bucket FROM throttle").Scan(&name); err != nil {
			t.Fatal(err)
		}
		names[string(name)] = true
	}
	if len(names) != 2 || names[string(bucket[:])] {
		t.Errorf("a bucket is named alike in two databases, or by its plain hash: %d names", len(names))
	}
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t testing.TB) *storetest.Place {
		return storetest.NewPlace(t, store.Config{PostgresDSN: storetest.Postgres.New(t)})
	})
}
