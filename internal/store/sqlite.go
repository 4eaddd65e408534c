package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// sqliteEngine is one write connection and a read-only pool over one file in WAL mode.
//
// Writes are grouped: the transaction stays open while others wait for it, each runs in a savepoint of its own, and whoever finds
// nobody waiting commits for all. A waiter is released only after the commit (and its fsync) that holds its row, so under load one
// fsync pays for many changes and at rest a change waits for nobody.
type sqliteEngine struct {
	write, read *sql.DB
	jobs        *river.Client[*sql.Tx]

	// turn holds one token: who has it owns open.
	turn    chan struct{}
	waiting atomic.Int64
	open    *group
}

// group is one SQL transaction that holds the changes of several callers.
type group struct {
	tx      *sql.Tx
	size    int
	commits []func()
	done    chan struct{} // closed after the commit
	err     error         // the commit's, readable once done is closed
}

// maxGroup bounds how long the first of a group waits for the last.
const maxGroup = 128

// synchronous=FULL: with NORMAL a power cut loses every acknowledged commit since the last checkpoint.
const sqlitePragmas = "&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)"

func openSQLite(ctx context.Context, path string) (*sqliteEngine, error) {
	if err := createPrivate(path); err != nil {
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_txlock=immediate" + sqlitePragmas
	write, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	if err := write.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), write.Close())
	}
	read, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=query_only(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(8)
	read.SetMaxIdleConns(8)
	jobs, err := river.NewClient(riversqlite.New(nil), &river.Config{})
	if err != nil {
		return nil, errors.Join(err, write.Close(), read.Close())
	}
	e := &sqliteEngine{write: write, read: read, jobs: jobs, turn: make(chan struct{}, 1)}
	e.turn <- struct{}{}
	return e, nil
}

// createPrivate makes the file, if there is none, readable by its owner alone; SQLite gives the files beside it the same mode.
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

func (e *sqliteEngine) name() string { return "sqlite" }
func (e *sqliteEngine) raw() *sql.DB { return e.write }
func (e *sqliteEngine) close() error { return errors.Join(e.read.Close(), e.write.Close()) }

func (e *sqliteEngine) view(ctx context.Context, fn func(*sqlgen.Queries) error) error {
	tx, err := e.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return beginFailed(ctx, err)
	}
	defer func() { _ = tx.Rollback() }()
	return fn(sqlgen.New(tx))
}

func (e *sqliteEngine) update(ctx context.Context, fn func(context.Context, statements) error, committed func()) error {
	e.waiting.Add(1)
	// Not given up when ctx ends: the group may be waiting for exactly this caller to close it, and the wait is short.
	<-e.turn
	e.waiting.Add(-1)
	g, err := e.join(ctx, fn, committed)
	if g == nil {
		return err
	}
	<-g.done
	// The loser of a race inside the group was told by rows that only count if the group committed.
	return errors.Join(g.err, err)
}

// join runs fn in the open group, making one if there is none, and passes the turn on. It never leaves without doing so, also when
// fn panics.
func (e *sqliteEngine) join(ctx context.Context, fn func(context.Context, statements) error, committed func()) (g *group, err error) {
	defer func() { e.turn <- struct{}{} }()
	gone := ctx.Err()
	// An interrupted statement would roll back the whole group, so a caller who goes away is noticed before, not during, its change.
	ctx = context.WithoutCancel(ctx)
	if e.open == nil {
		if gone != nil {
			return nil, gone
		}
		tx, err := e.write.BeginTx(ctx, nil)
		if err != nil {
			return nil, beginFailed(ctx, err)
		}
		e.open = &group{tx: tx, done: make(chan struct{})}
	}
	g = e.open
	defer e.closeGroup(g)
	if gone != nil {
		return g, gone
	}
	if err = e.inSavepoint(ctx, g.tx, fn); err == nil {
		g.commits = append(g.commits, committed)
	}
	return g, err
}

func (e *sqliteEngine) inSavepoint(ctx context.Context, tx *sql.Tx, fn func(context.Context, statements) error) (err error) {
	if _, err := tx.ExecContext(ctx, "SAVEPOINT one"); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	finished := false
	defer func() {
		if finished && err == nil {
			_, err = tx.ExecContext(ctx, "RELEASE one")
			return
		}
		// Also on the way out of a panic: the group must not carry half a change.
		_, undo := tx.ExecContext(ctx, "ROLLBACK TO one; RELEASE one")
		err = errors.Join(err, undo)
	}()
	err = fn(ctx, statements{Queries: sqlgen.New(tx), insertJob: inserter(e.jobs, tx)})
	finished = true
	return sqliteError(err)
}

// closeGroup commits when nobody waits to join, or when the group is full.
func (e *sqliteEngine) closeGroup(g *group) {
	g.size++
	if e.waiting.Load() > 0 && g.size < maxGroup {
		return
	}
	e.open = nil
	if err := g.tx.Commit(); err != nil {
		g.err = fmt.Errorf("commit: %w", errors.Join(err, g.tx.Rollback()))
	} else {
		for _, tell := range g.commits {
			tell()
		}
	}
	close(g.done)
}

// sqliteError maps what rooms can react to.
func sqliteError(err error) error {
	if driver, ok := errors.AsType[*sqlite.Error](err); ok {
		switch driver.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return fmt.Errorf("%w: %w", ErrConflict, err)
		}
	}
	return notFound(err)
}
