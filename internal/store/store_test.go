package store_test

import (
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

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t testing.TB) *storetest.Place {
		return storetest.NewPlace(t, store.Config{PostgresDSN: storetest.Postgres.New(t)})
	})
}
