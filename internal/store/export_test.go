package store

import "database/sql"

// Raw is the connection that writes.
func (db *DB) Raw() *sql.DB { return db.engine.raw() }

// MaxAttempts and RetryDelay are how patient jobs are.
const MaxAttempts = maxAttempts

// RetryDelay is retryDelay.
var RetryDelay = retryDelay

// Waiting says how many changes wait to join the open group of a SQLite database.
func (db *DB) Waiting() int64 {
	e, ok := db.engine.(*sqliteEngine)
	if !ok {
		return 0
	}
	return e.waiting.Load()
}
