package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// postgresEngine is one pool, seen through database/sql for the shared statements and natively for River.
type postgresEngine struct {
	pool *pgxpool.Pool
	db   *sql.DB
	jobs *river.Client[pgx.Tx]

	watch func(statement string)
}

func openPostgres(ctx context.Context, cfg Config) (*postgresEngine, error) {
	pool, err := pgxpool.New(ctx, cfg.PostgresDSN)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach PostgreSQL: %w", err)
	}
	jobs, err := river.NewClient(riverpgxv5.New(nil), &river.Config{})
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &postgresEngine{pool: pool, db: stdlib.OpenDBFromPool(pool), jobs: jobs, watch: cfg.Watch}, nil
}

func (e *postgresEngine) name() string { return "postgres" }
func (e *postgresEngine) raw() *sql.DB { return e.db }

func (e *postgresEngine) close() error {
	err := e.db.Close()
	e.pool.Close()
	return err
}

func (e *postgresEngine) view(ctx context.Context, fn func(*sqlgen.Queries) error) error {
	tx, err := e.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return beginFailed(ctx, err)
	}
	defer func() { _ = tx.Rollback() }()
	return fn(queries(tx, e.watch))
}

// maxTries bounds how often an update that lost to another (deadlock, serialisation) runs again.
const maxTries = 5

func (e *postgresEngine) update(ctx context.Context, fn func(context.Context, statements) error, committed func()) error {
	var err error
	for range maxTries {
		if err = e.once(ctx, fn); err == nil {
			committed()
			return nil
		}
		driver, ok := errors.AsType[*pgconn.PgError](err)
		if !ok || (driver.Code != "40001" && driver.Code != "40P01") {
			break
		}
	}
	return postgresError(err)
}

// once opens the transaction on a connection of its own, because River's driver wants a pgx.Tx over the very same connection.
func (e *postgresEngine) once(ctx context.Context, fn func(context.Context, statements) error) error {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return beginFailed(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return beginFailed(ctx, err)
	}
	defer func() { _ = tx.Rollback() }()
	native, err := nativeTx(conn)
	if err != nil {
		return err
	}
	if err := fn(ctx, statements{Queries: queries(tx, e.watch), insertJob: inserter(e.jobs, pgx.Tx(native))}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func nativeTx(conn *sql.Conn) (*borrowedTx, error) {
	var native *borrowedTx
	err := conn.Raw(func(driver any) error {
		std, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("driver connection is %T", driver)
		}
		native = &borrowedTx{std.Conn()}
		return nil
	})
	return native, err
}

// borrowedTx is River's view of the transaction that database/sql opened on the same connection. Whether it commits is not River's
// to say.
type borrowedTx struct{ conn *pgx.Conn }

var errBorrowed = errors.New("this transaction belongs to the store")

func (b *borrowedTx) Begin(context.Context) (pgx.Tx, error) { return nil, errBorrowed }
func (b *borrowedTx) Commit(context.Context) error          { return errBorrowed }
func (b *borrowedTx) Rollback(context.Context) error        { return errBorrowed }
func (b *borrowedTx) Conn() *pgx.Conn                       { return b.conn }
func (b *borrowedTx) LargeObjects() pgx.LargeObjects        { return pgx.LargeObjects{} }

func (b *borrowedTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return b.conn.CopyFrom(ctx, table, columns, rows)
}

func (b *borrowedTx) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	return b.conn.SendBatch(ctx, batch)
}

func (b *borrowedTx) Prepare(ctx context.Context, name, text string) (*pgconn.StatementDescription, error) {
	return b.conn.Prepare(ctx, name, text)
}

func (b *borrowedTx) Exec(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error) {
	return b.conn.Exec(ctx, text, args...)
}

func (b *borrowedTx) Query(ctx context.Context, text string, args ...any) (pgx.Rows, error) {
	return b.conn.Query(ctx, text, args...)
}

func (b *borrowedTx) QueryRow(ctx context.Context, text string, args ...any) pgx.Row {
	return b.conn.QueryRow(ctx, text, args...)
}

// postgresError maps what rooms can react to.
func postgresError(err error) error {
	if driver, ok := errors.AsType[*pgconn.PgError](err); ok && driver.Code == "23505" {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return notFound(err)
}
