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

	_ "modernc.org/sqlite" // the driver that package store uses
)

// Exec runs one statement on the SQLite file at path, and fails if it changes no row.
func Exec(path, statement string) error {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=rw&_pragma=busy_timeout(5000)")
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
