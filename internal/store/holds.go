package store

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

func (t *tx) InsertHold(ctx context.Context, h hold.Hold) error {
	return t.Queries.InsertHold(ctx, sqlgen.InsertHoldParams{
		ID: h.ID[:], UserID: h.User[:], Reason: string(h.Reason), Span: h.Span.Microseconds(), PlacedAt: micros(h.Placed), AccountID: maybeID(h.Account),
	})
}

func (t *tx) HoldByID(ctx context.Context, h id.Hold) (hold.Hold, bool, error) {
	row, err := t.Queries.HoldByID(ctx, sqlgen.HoldByIDParams{ID: h[:]})
	return read(row, err, holdOf)
}

func (t *tx) RunningHolds(ctx context.Context, u id.User, now time.Time) ([]hold.Hold, error) {
	rows, err := t.ListRunningHolds(ctx, sqlgen.ListRunningHoldsParams{UserID: u[:], Now: maybeMicros(now)})
	return each(rows, err, holdOf)
}

func (t *tx) BeginHold(ctx context.Context, h id.Hold, begun, ends time.Time) (bool, error) {
	return won(t.Queries.BeginHold(ctx, sqlgen.BeginHoldParams{ID: h[:], BegunAt: maybeMicros(begun), EndsAt: maybeMicros(ends)}))
}

func holdOf(row sqlgen.Hold) hold.Hold {
	return hold.Hold{
		ID: rowID[id.HoldKind](row.ID), User: rowID[id.UserKind](row.UserID), Reason: happening.Kind(row.Reason),
		Account: rowID[id.AccountKind](row.AccountID),
		Span:    time.Duration(row.Span) * time.Microsecond, Placed: at(row.PlacedAt), Begun: maybeAt(row.BegunAt), Ends: maybeAt(row.EndsAt),
	}
}
