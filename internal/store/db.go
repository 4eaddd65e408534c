// Package store owns every row: the only SQL of the server, on SQLite or PostgreSQL.
//
// One catalogue of statements (query, compiled by sqlc) serves both engines. One concrete transaction, tx, stands behind the small
// Tx interface that each room declares; Of hands it out. Rooms never see a driver, and a driver's error leaves as ErrNotFound or
// ErrConflict or stays an unknown failure.
//
//	room operation ── Of[room.Tx](db).Update ──▶ closure on tx ──▶ event, feed, jobs ──▶ commit (fsync) ──▶ snapshots hear ──▶ answer
//
// Invariant: when Update has returned nil, its change survives kill -9 and power loss, its audit event lies in the same commit, and
// every listener of this process has been told.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/keyring"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// The failures that are told apart. Anything else is unknown and ends as a bare 500.
var (
	// ErrNotFound: no such row.
	ErrNotFound = errors.New("not found")
	// ErrConflict: a unique column already holds that value.
	ErrConflict = errors.New("conflict")
	// ErrNotStored: the transaction was rolled back, and nothing of the change is stored (0001 has the one exception).
	ErrNotStored = errors.New("nothing of this change is stored")
)

// Config says which database. Exactly one of SQLitePath and PostgresDSN is set.
type Config struct {
	SQLitePath  string
	PostgresDSN string
	// Now is the service's clock.
	Now func() time.Time
	// Log receives what migrations and workers report.
	Log *slog.Logger
	// KEK wraps the data keys.
	KEK keyring.KEK
	// Watch is called with the text of each statement before it runs, by whoever runs it; nil is not.
	Watch func(statement string)
}

// DB is an open database.
type DB struct {
	now    func() time.Time
	log    *slog.Logger
	engine engine
	ring   *keyring.Ring
	logKey audit.Key
	// tryKey keys the buckets of failed proofs: their hashes alone can be tried out against lists of telephone numbers.
	tryKey []byte
	feed   feed
}

// engine is what differs between SQLite and PostgreSQL.
type engine interface {
	// view runs fn on one consistent state.
	view(ctx context.Context, fn func(*sqlgen.Queries) error) error
	// update runs fn in a transaction and, when it returns no error, makes it durable. committed is called after the commit and before
	// update returns. fn may run more than once.
	update(ctx context.Context, fn func(context.Context, statements) error, committed func()) error
	// migrate brings the schema to this release's version.
	migrate(ctx context.Context, log *slog.Logger) error
	// work starts a River client with these workers.
	work(ctx context.Context, cfg workConfig) (worker, error)
	// dueJobs and finishJob serve the kit, which has no River client (jobs.go).
	dueJobs(ctx context.Context, now time.Time) ([]DueJob, error)
	nextJob(ctx context.Context) (at time.Time, ok bool, err error)
	finishJob(ctx context.Context, id int64) error
	failedJobs(ctx context.Context) ([]FailedJob, error)
	// raw is for the tests of the store: EXPLAIN and tampering.
	raw() *sql.DB
	name() string
	close() error
}

// statements is one open transaction as the engines hand it out.
type statements struct {
	*sqlgen.Queries
	insertJob func(ctx context.Context, job txn.Job, at time.Time) error
}

// Open opens the database, brings its schema up to date and reads its data keys.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Now == nil || cfg.Log == nil || cfg.KEK == nil {
		return nil, errors.New("store.Open: Now, Log and KEK are needed")
	}
	eng, err := openEngine(ctx, cfg)
	if err != nil {
		return nil, err
	}
	db := &DB{now: cfg.Now, log: cfg.Log, engine: eng}
	if err := db.start(ctx, cfg.KEK); err != nil {
		return nil, errors.Join(err, eng.close())
	}
	return db, nil
}

// Migrate brings a database's schema up to date and nothing else.
func Migrate(ctx context.Context, cfg Config) error {
	eng, err := openEngine(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(eng.migrate(ctx, cfg.Log), eng.close())
}

func openEngine(ctx context.Context, cfg Config) (engine, error) {
	switch {
	case (cfg.SQLitePath == "") == (cfg.PostgresDSN == ""):
		return nil, errors.New("store: want either a SQLite path or a PostgreSQL DSN")
	case cfg.SQLitePath != "":
		return openSQLite(ctx, cfg)
	}
	return openPostgres(ctx, cfg)
}

func (db *DB) start(ctx context.Context, kek keyring.KEK) error {
	if err := db.engine.migrate(ctx, db.log); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	ring, err := keyring.Open(ctx, kek, dataKeys{db}, db.now)
	if err != nil {
		return fmt.Errorf("open keyring: %w", err)
	}
	db.ring = ring
	if err := db.openLog(ctx); err != nil {
		return err
	}
	if db.tryKey, err = db.ServerSecret(ctx, "tries", fresh32); err != nil {
		return err
	}
	return db.feed.start(ctx, db)
}

// Close waits for nothing: what was acknowledged is durable.
func (db *DB) Close() error { return db.engine.close() }

// Ring seals and opens the columns that hold secrets.
func (db *DB) Ring() *keyring.Ring { return db.ring }

// LogKey is the key that the audit log is written with.
func (db *DB) LogKey() audit.Key { return db.logKey }

// Of is a room's ledger: T is the interface of a transaction that the room declares. See views.go for the list of all.
func Of[T any](db *DB) audit.Ledger[T] { return ledger[T]{db} }

type ledger[T any] struct{ db *DB }

func (l ledger[T]) View(ctx context.Context, fn func(T) error) error {
	return l.db.engine.view(ctx, func(q *sqlgen.Queries) error {
		return fn(txn.As[T](&tx{statements: statements{Queries: q}, db: l.db}))
	})
}

func (l ledger[T]) Update(ctx context.Context, fn func(T) (audit.Event, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var done *tx
	return l.db.engine.update(ctx, func(ctx context.Context, s statements) error {
		t := &tx{statements: s, db: l.db}
		event, err := fn(txn.As[T](t))
		if err != nil {
			return err
		}
		done = t
		return t.finish(ctx, event)
	}, func() {
		if len(done.changes) > 0 {
			l.db.feed.told.Store(true)
		}
		committed := l.db.now()
		changes := make([]dated, len(done.changes))
		for i, c := range done.changes {
			changes[i] = dated{c, committed}
		}
		l.db.tell(changes, false)
	})
}

// beginFailed is the refusal of a change or a look that could not begin: nothing was changed, and somebody may try again. A caller who went
// away gets just that.
func beginFailed(ctx context.Context, err error) error {
	err = fmt.Errorf("begin: %w", err)
	if ctx.Err() != nil {
		return err
	}
	return fault.New(fault.Unavailable).After(time.Second).Because(err)
}

// Ping says whether the database can be read.
func (db *DB) Ping(ctx context.Context) error {
	return db.engine.view(ctx, func(q *sqlgen.Queries) error {
		_, err := q.Head(ctx)
		return err
	})
}
