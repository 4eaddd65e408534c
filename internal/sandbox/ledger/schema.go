package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// migrations lead from one version of the file to the next; PRAGMA user_version counts those that have run. They only go
// forward: never change one that was released, append.
//
// Amounts are units of 10⁻⁸, times are microseconds since 1970 UTC, ids are 16 random bytes. The CHECKs repeat what the code
// already guarantees, so that a mistake stops at the disk.
var migrations = []string{`
CREATE TABLE books (
	id          INTEGER PRIMARY KEY,
	environment TEXT NOT NULL CHECK (environment IN ('live', 'test')),
	subaccount  TEXT NOT NULL,
	opened_at   INTEGER NOT NULL,
	UNIQUE (environment, subaccount)
) STRICT;

CREATE TABLE balances (
	book      INTEGER NOT NULL REFERENCES books,
	currency  TEXT NOT NULL,
	free      INTEGER NOT NULL CHECK (free >= 0),
	locked    INTEGER NOT NULL CHECK (locked >= 0),
	avg_price INTEGER NOT NULL CHECK (avg_price >= 0),
	PRIMARY KEY (book, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
	id              INTEGER PRIMARY KEY,
	uuid            BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
	book            INTEGER NOT NULL REFERENCES books,
	market          TEXT NOT NULL,
	side            TEXT NOT NULL CHECK (side IN ('bid', 'ask')),
	type            TEXT NOT NULL CHECK (type IN ('limit', 'price', 'market')),
	price           INTEGER NOT NULL CHECK (price >= 0),
	volume          INTEGER NOT NULL CHECK (volume >= 0),
	time_in_force   TEXT NOT NULL,
	identifier      TEXT,
	placed_by       TEXT NOT NULL,
	state           TEXT NOT NULL CHECK (state IN ('wait', 'done', 'cancel')),
	locked          INTEGER NOT NULL CHECK (locked >= 0 AND (locked = 0 OR state = 'wait')),
	executed_volume INTEGER NOT NULL CHECK (executed_volume >= 0),
	executed_funds  INTEGER NOT NULL CHECK (executed_funds >= 0),
	reserved_fee    INTEGER NOT NULL CHECK (reserved_fee >= 0),
	paid_fee        INTEGER NOT NULL CHECK (paid_fee >= 0),
	fills           INTEGER NOT NULL,
	created_at      INTEGER NOT NULL,
	closed_at       INTEGER CHECK ((closed_at IS NULL) = (state = 'wait'))
) STRICT;
CREATE UNIQUE INDEX orders_by_identifier ON orders (book, identifier) WHERE identifier IS NOT NULL;
CREATE INDEX orders_by_state ON orders (book, state, id);
CREATE INDEX orders_resting ON orders (id) WHERE state = 'wait';

CREATE TABLE fills (
	id         INTEGER PRIMARY KEY,
	uuid       BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
	order_id   INTEGER NOT NULL REFERENCES orders,
	book       INTEGER NOT NULL REFERENCES books,
	price      INTEGER NOT NULL CHECK (price > 0),
	volume     INTEGER NOT NULL CHECK (volume > 0),
	funds      INTEGER NOT NULL CHECK (funds >= 0),
	fee        INTEGER NOT NULL CHECK (fee >= 0),
	created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX fills_by_order ON fills (order_id, id);
CREATE INDEX fills_by_book ON fills (book, id);

CREATE TABLE transfers (
	id         INTEGER PRIMARY KEY,
	uuid       BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
	book       INTEGER NOT NULL REFERENCES books,
	kind       TEXT NOT NULL CHECK (kind IN ('deposit', 'withdraw')),
	currency   TEXT NOT NULL,
	network    TEXT NOT NULL,
	address    TEXT NOT NULL,
	tag        TEXT NOT NULL,
	amount     INTEGER NOT NULL CHECK (amount > 0),
	fee        INTEGER NOT NULL CHECK (fee >= 0),
	price      INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	done_at    INTEGER
) STRICT;
CREATE INDEX transfers_by_book ON transfers (book, kind, id);
CREATE INDEX transfers_pending ON transfers (created_at) WHERE done_at IS NULL;
`, `
-- Empty for books from before it was kept, until their owner changes something.
ALTER TABLE books ADD COLUMN account TEXT NOT NULL DEFAULT '';
`}

var errNewer = errors.New("the file was written by a newer release")

// openFile gives a handle with one connection that writes and one with several that cannot. The settings stand in the name
// because they belong to the connection, not to the file.
func openFile(ctx context.Context, path string) (write, read *sql.DB, err error) {
	// SQLite would create the file readable for everybody.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // whoever runs the exchange names its file
	if err != nil {
		return nil, nil, err
	}
	if err = f.Close(); err != nil {
		return nil, nil, err
	}
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"
	write, err = sql.Open("sqlite", name+"&_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	if err = migrate(ctx, write); err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	read, err = sql.Open("sqlite", name+"&mode=ro&_pragma=query_only(1)")
	if err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(4)
	return write, read, nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var version int
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	switch {
	case version > len(migrations):
		return errNewer
	case version == len(migrations):
		return nil
	}
	for _, step := range migrations[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	// A pragma takes no parameter; the number is our own.
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, len(migrations))); err != nil {
		return err
	}
	return tx.Commit()
}
