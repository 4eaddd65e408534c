package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrate/sqlite/*.sql migrate/postgres/*.sql
var migrations embed.FS

// riverVersion is the schema of River that this release was tested with. Raising it is a decision, not a side effect of an upgrade.
const riverVersion = 7

// migrationLock is the number of the advisory lock under which PostgreSQL is migrated.
const migrationLock = 0x5a11_1409

func (e *sqliteEngine) migrate(ctx context.Context, log *slog.Logger) error {
	if err := gooseUp(ctx, goose.DialectSQLite3, e.write, "migrate/sqlite", log); err != nil {
		return err
	}
	m, err := rivermigrate.New(riversqlite.New(e.write), &rivermigrate.Config{Logger: log})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: riverVersion})
	return wrapRiver(err)
}

func (e *postgresEngine) migrate(ctx context.Context, log *slog.Logger) error {
	// One lock for both sets, held by a connection of its own, so that several processes may start at once.
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("take a connection: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		return fmt.Errorf("lock for migrations: %w", err)
	}
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
	}()
	if err := gooseUp(ctx, goose.DialectPostgres, e.db, "migrate/postgres", log); err != nil {
		return err
	}
	m, err := rivermigrate.New(riverpgxv5.New(e.pool), &rivermigrate.Config{Logger: log})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: riverVersion})
	return wrapRiver(err)
}

func gooseUp(ctx context.Context, dialect goose.Dialect, db *sql.DB, folder string, log *slog.Logger, opts ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, db, files, append(opts, goose.WithSlog(log))...)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("apply migrations: %w", err)
	}
	return nil
}

func wrapRiver(err error) error {
	if err != nil {
		return fmt.Errorf("apply migrations of the job queue: %w", err)
	}
	return nil
}
