package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/keyring"
)

// Examined is a database as somebody finds it who changes nothing.
type Examined struct {
	// Missing: there is no file; Open would make it. A PostgreSQL database is never missing: it is there or cannot be reached.
	Missing bool
	// Version of its schema, 0 for none, and the one that Open brings it to.
	Version, Latest int64
}

// Examine looks at the database as Open would find it and writes nothing, not even a file beside it. If its schema is this release's and it
// has data keys, they are opened with cfg.KEK, and check may read through the DB; an Update of it fails.
func Examine(ctx context.Context, cfg Config, check func(*DB) error) (found Examined, err error) {
	db := &DB{now: cfg.Now, log: cfg.Log}
	folder := "migrate/postgres"
	if cfg.SQLitePath != "" {
		folder = "migrate/sqlite"
	}
	if found.Latest, err = latestMigration(folder); err != nil {
		return found, err
	}
	if cfg.SQLitePath == "" {
		db.engine, err = openPostgres(ctx, cfg)
	} else if _, err = os.Stat(cfg.SQLitePath); errors.Is(err, fs.ErrNotExist) {
		found.Missing = true
		return found, nil
	} else if err == nil {
		db.engine, err = lookSQLite(cfg.SQLitePath)
	}
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, db.engine.close()) }()
	if found.Version, err = schemaVersion(ctx, db.engine); err != nil || found.Version != found.Latest {
		return found, err
	}
	keys, err := dataKeys{db}.ListDataKeys(ctx)
	if err != nil || len(keys) == 0 {
		return found, err
	}
	if db.ring, err = keyring.Open(ctx, cfg.KEK, dataKeys{db}, cfg.Now); err != nil {
		return found, fmt.Errorf("open keyring: %w", err)
	}
	if err := db.openLog(ctx); err != nil {
		return found, fmt.Errorf("open audit log: %w", err)
	}
	return found, check(db)
}

// lookSQLite opens the file for reading alone. Where no other process has it open there is no log beside it: then it is complete as it
// stands, and SQLite is told so, because it would otherwise make that log to coordinate with nobody.
func lookSQLite(file string) (*sqliteEngine, error) {
	query := "?mode=ro&_pragma=query_only(1)&_pragma=busy_timeout(5000)"
	if _, err := os.Stat(file + "-wal"); errors.Is(err, fs.ErrNotExist) {
		query += "&immutable=1"
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+query)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	e := &sqliteEngine{write: db, read: db, turn: make(chan struct{}, 1)}
	e.turn <- struct{}{}
	return e, nil
}

// schemaVersion is the newest migration that was applied; 0 if the table that remembers them is not there.
func schemaVersion(ctx context.Context, e engine) (version int64, err error) {
	const remembered = "goose_db_version"
	exists := "SELECT count(*) FROM sqlite_master WHERE name = $1"
	if e.name() == "postgres" {
		exists = "SELECT count(*) FROM pg_class WHERE oid = to_regclass($1)"
	}
	var tables int
	if err = e.raw().QueryRowContext(ctx, exists, remembered).Scan(&tables); err == nil && tables > 0 {
		err = e.raw().QueryRowContext(ctx, "SELECT max(version_id) FROM "+remembered).Scan(&version)
	}
	if err != nil {
		err = fmt.Errorf("read the schema's version: %w", err)
	}
	return version, err
}

func latestMigration(folder string) (latest int64, err error) {
	entries, err := fs.ReadDir(migrations, folder)
	for _, e := range entries {
		number, _, _ := strings.Cut(path.Base(e.Name()), "_")
		version, failed := strconv.ParseInt(number, 10, 64)
		err = errors.Join(err, failed)
		latest = max(latest, version)
	}
	return latest, err
}
