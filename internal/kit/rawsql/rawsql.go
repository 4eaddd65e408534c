// Package rawsql changes a database behind the program's back, as somebody would who has the file in their hands. It knows no schema: the
// statement is the test's.
//
// Invariant: the change is in the file when Exec returns, whoever else has it open.
package rawsql

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	_ "modernc.org/sqlite" // the driver that package store uses
)

// open opens an existing SQLite file.
func open(path string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=rw&_pragma=busy_timeout(5000)")
}

// Exec runs one statement on the SQLite file at path, and fails if it changes no row.
func Exec(path, statement string) error {
	db, err := open(path)
	if err != nil {
		return err
	}
	result, err := db.Exec(statement) //nolint:noctx // a local file
	if err == nil {
		var rows int64
		if rows, err = result.RowsAffected(); err == nil && rows == 0 {
			err = fmt.Errorf("%s: changed nothing", statement)
		}
	}
	return errors.Join(err, db.Close())
}

// LimitRows makes a SQLite file refuse what it is asked to write once its room is used up: the number in the only row of the new table room,
// less one for each row that is inserted, updated or deleted. There is plenty at first; Exec changes it.
func LimitRows(path string) error {
	db, err := open(path)
	if err != nil {
		return err
	}
	return errors.Join(limitRows(db), db.Close())
}

//nolint:noctx // a local file
func limitRows(db *sql.DB) error {
	found, err := db.Query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		return err
	}
	defer func() { _ = found.Close() }()
	var script strings.Builder
	script.WriteString("CREATE TABLE room (rows INTEGER); INSERT INTO room VALUES (1 << 40);")
	for found.Next() {
		var table string
		if err := found.Scan(&table); err != nil {
			return err
		}
		for _, kind := range []string{"INSERT", "UPDATE", "DELETE"} {
			fmt.Fprintf(&script, `CREATE TRIGGER "room_%[1]s_%[2]s" BEFORE %[2]s ON "%[1]s" BEGIN
				UPDATE room SET rows = rows - 1;
				SELECT RAISE(ABORT, 'no room') WHERE (SELECT rows FROM room) < 0;
			END;`, table, kind)
		}
	}
	if err := errors.Join(found.Err(), found.Close()); err != nil {
		return err
	}
	_, err = db.Exec(script.String())
	return err
}
