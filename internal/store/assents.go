package store

import (
	"context"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/respond/checkup"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

func (t *tx) PutAssent(ctx context.Context, u id.User, a checkup.Assent) error {
	return t.Queries.PutAssent(ctx, sqlgen.PutAssentParams{UserID: u[:], Item: a.Item, State: a.State[:], At: micros(a.At)})
}

func (t *tx) AssentsOf(ctx context.Context, u id.User) ([]checkup.Assent, error) {
	rows, err := t.ListAssentsByUser(ctx, sqlgen.ListAssentsByUserParams{UserID: u[:]})
	return each(rows, err, func(row sqlgen.ListAssentsByUserRow) checkup.Assent {
		a := checkup.Assent{Item: row.Item, At: at(row.At)}
		copy(a.State[:], row.State)
		return a
	})
}

func (t *tx) DeleteAssent(ctx context.Context, u id.User, item string) error {
	return t.Queries.DeleteAssent(ctx, sqlgen.DeleteAssentParams{UserID: u[:], Item: item})
}
