package storetest

import (
	"database/sql"
	"testing"
)

// CheckIntegrity reads every page of a SQLite database that nobody has open and fails the test unless all is well: the file's structure, its
// indexes, and that every reference has its row.
func CheckIntegrity(t testing.TB, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=query_only(1)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var structure string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&structure); err != nil || structure != "ok" {
		t.Errorf("integrity of %s: %s %v", path, structure, err)
	}
	var orphans int
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM pragma_foreign_key_check").Scan(&orphans); err != nil || orphans > 0 {
		t.Errorf("%d rows of %s refer to none: %v", orphans, path, err)
	}
}
