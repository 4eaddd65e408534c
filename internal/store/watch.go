package store

import (
	"context"
	"database/sql"

	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// queries are the statements of one transaction, each told to watch before it runs; nil hears nothing.
func queries(tx *sql.Tx, watch func(statement string)) *sqlgen.Queries {
	if watch == nil {
		return sqlgen.New(tx)
	}
	return sqlgen.New(watched{tx, watch})
}

type watched struct {
	*sql.Tx
	tell func(statement string)
}

func (w watched) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	w.tell(text)
	return w.Tx.ExecContext(ctx, text, args...)
}

func (w watched) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	w.tell(text)
	return w.Tx.QueryContext(ctx, text, args...)
}

func (w watched) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	w.tell(text)
	return w.Tx.QueryRowContext(ctx, text, args...)
}
