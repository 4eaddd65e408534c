package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-21c57000/sallyport/internal/filelock"
)

// Claim makes this process the one that serves from a database, until what it gives is closed or the process ends: nonces and budgets lie
// in a process's memory, so that two of them would each accept the same signed request. The host's commands need no claim. It fails with the
// process id of the other where that is known.
//
// A file beside SQLite's is locked; of PostgreSQL it is an advisory lock of the schema, which PostgreSQL drops when that connection breaks.
func Claim(ctx context.Context, cfg Config) (io.Closer, error) {
	if cfg.SQLitePath != "" {
		// One database is one, by whichever of its names it is opened.
		path, err := filepath.EvalSymlinks(cfg.SQLitePath)
		if errors.Is(err, os.ErrNotExist) {
			path, err = cfg.SQLitePath, nil
		}
		if err != nil {
			return nil, fmt.Errorf("claim the database: %w", err)
		}
		return claimFile(path + ".lock")
	}
	return claimSchema(ctx, cfg.PostgresDSN)
}

// Claimed says whether somebody holds the claim, and takes none. Where the system cannot tell, it says no.
func Claimed(ctx context.Context, cfg Config) (held bool, err error) {
	if cfg.SQLitePath != "" {
		return filelock.Held(cfg.SQLitePath + ".lock")
	}
	conn, err := pgx.Connect(ctx, cfg.PostgresDSN)
	if err != nil {
		return false, fmt.Errorf("look at the claim: %w", err)
	}
	var free bool
	err = conn.QueryRow(ctx, "SELECT pg_try_advisory_lock_shared($1, hashtext(current_schema()))", schemaLock).Scan(&free)
	return !free && err == nil, errors.Join(err, conn.Close(ctx))
}

func claimFile(path string) (io.Closer, error) {
	lock, err := filelock.Take(path)
	if held, is := errors.AsType[*filelock.HeldError](err); is {
		return nil, fmt.Errorf("%s runs on this data: %s", held.Who(), strings.TrimSuffix(path, ".lock"))
	}
	if err != nil {
		return nil, fmt.Errorf("claim the database: %w", err)
	}
	return lock, nil
}

// schemaLock is ours among the advisory locks of a database: the letters "sall".
const schemaLock = 0x73616c6c

// graceOfTheDead is how long PostgreSQL may take to notice that the server before this one is gone.
const graceOfTheDead = 3 * time.Second

func claimSchema(ctx context.Context, dsn string) (io.Closer, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("claim the database: %w", err)
	}
	claim := &schemaClaim{conn}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(graceOfTheDead)
	for {
		var ours bool
		err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, hashtext(current_schema()))", schemaLock).Scan(&ours)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("claim the database: %w", err), claim.Close())
		}
		if ours {
			return claim, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), claim.Close())
		case <-late:
			return nil, errors.Join(errors.New("another sallyport runs on this data: the PostgreSQL database of store.postgres"), claim.Close())
		}
	}
}

type schemaClaim struct{ conn *pgx.Conn }

// Close ends the connection, and the lock with it.
func (c *schemaClaim) Close() error { return c.conn.Close(context.Background()) }
