package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
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

	guard guard
	watch func(statement string)
}

// group is one SQL transaction that holds the changes of several callers.
type group struct {
	tx      *sql.Tx
	size    int
	commits []func()
	done    chan struct{} // closed after the commit
	err     error         // why nothing of it is stored, readable once done is closed
}

// guard sees what SQLite does to an open group by itself. A full disk, a failed read or write, or memory that has run out makes it roll the
// whole transaction back in the middle of a statement; what ran after that would be committed statement by statement, outside any group.
type guard struct {
	held atomic.Bool // a group is open: only closeGroup may commit
	lost atomic.Bool // the open group was rolled back
}

// hooked opens connections that tell the guard.
type hooked struct {
	driver.Connector
	guard *guard
}

// Connect opens one.
func (h hooked) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := h.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	hooks, ok := conn.(sqlite.HookRegisterer)
	if !ok {
		return nil, errors.Join(fmt.Errorf("driver connection is %T", conn), conn.Close())
	}
	hooks.RegisterCommitHook(func() int32 {
		if h.guard.held.Load() {
			return 1 // SQLite makes a rollback of it
		}
		return 0
	})
	hooks.RegisterRollbackHook(func() {
		if h.guard.held.Load() {
			h.guard.lost.Store(true)
		}
	})
	return conn, nil
}

// maxGroup bounds how long the first of a group waits for the last.
const maxGroup = 128

// synchronous=FULL: with NORMAL a power cut loses every acknowledged commit since the last checkpoint. secure_delete: the key of a person who
// was erased must not go on lying in the free part of a page.
const sqlitePragmas = "&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_pragma=busy_timeout(5000)"

func openSQLite(ctx context.Context, cfg Config) (*sqliteEngine, error) {
	path := cfg.SQLitePath
	if err := createPrivate(path); err != nil {
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_txlock=immediate" + sqlitePragmas
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	e := &sqliteEngine{turn: make(chan struct{}, 1), watch: cfg.Watch}
	write := sql.OpenDB(hooked{connector, &e.guard})
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
	e.write, e.read, e.jobs = write, read, jobs
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
	return fn(queries(tx, e.watch))
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
	if g.err != nil {
		// Also for one that was refused: what refused it may be a row of the group, which is gone.
		return g.err
	}
	return err
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
		e.guard.lost.Store(false)
		e.guard.held.Store(true)
	}
	g = e.open
	defer func() { e.closeGroup(g, err) }()
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
	err = fn(ctx, statements{Queries: queries(tx, e.watch), insertJob: inserter(e.jobs, tx)})
	finished = true
	return sqliteError(err)
}

// closeGroup commits when nobody waits to join, or when the group is full. A group that SQLite rolled back takes nobody any more: last is the
// error of the change that it happened to, and everybody is told.
func (e *sqliteEngine) closeGroup(g *group, last error) {
	g.size++
	lost := e.guard.lost.Load()
	if !lost && e.waiting.Load() > 0 && g.size < maxGroup {
		return
	}
	e.open = nil
	e.guard.held.Store(false)
	if lost {
		_ = g.tx.Rollback() // gives the connection back; there is nothing left to undo
		g.err = errors.Join(fmt.Errorf("%w: SQLite rolled the group back", ErrNotStored), last)
	} else if err := g.tx.Commit(); err != nil {
		g.err = fmt.Errorf("%w: commit: %w", ErrNotStored, err)
	} else {
		for _, tell := range g.commits {
			tell()
		}
	}
	close(g.done)
}

// sqliteError maps what rooms can react to.
func sqliteError(err error) error {
	if known, ok := errors.AsType[*sqlite.Error](err); ok {
		switch known.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return fmt.Errorf("%w: %w", ErrConflict, err)
		}
	}
	return notFound(err)
}
