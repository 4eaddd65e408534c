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

// CountRows says how many rows each table of a SQLite database has, also while the store has it open.
func CountRows(t testing.TB, path string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=query_only(1)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	counts := map[string]int{}
	rows, err := db.QueryContext(t.Context(), "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		counts[table] = 0
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for table := range counts {
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}
