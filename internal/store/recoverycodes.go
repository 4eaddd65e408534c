package store

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

func (t *tx) RecoverySetOf(ctx context.Context, u id.User) (factor.RecoverySet, bool, error) {
	row, err := t.RecoverySetByUser(ctx, sqlgen.RecoverySetByUserParams{UserID: u[:]})
	return read(row, err, func(row sqlgen.RecoverySetByUserRow) factor.RecoverySet {
		return factor.RecoverySet{Pepper: row.Pepper, Born: at(row.CreatedAt), ConfirmedAt: maybeAt(row.ConfirmedAt), Left: int(row.CodesLeft)}
	})
}

func (t *tx) PutRecoverySet(ctx context.Context, u id.User, pepper string, macs [][32]byte, now time.Time) error {
	if err := t.DeleteRecoveryCodesByUser(ctx, sqlgen.DeleteRecoveryCodesByUserParams{UserID: u[:]}); err != nil {
		return err
	}
	if err := t.Queries.PutRecoverySet(ctx, sqlgen.PutRecoverySetParams{UserID: u[:], Pepper: pepper, CreatedAt: micros(now)}); err != nil {
		return err
	}
	for _, mac := range macs {
		if err := t.InsertRecoveryCode(ctx, sqlgen.InsertRecoveryCodeParams{UserID: u[:], Mac: mac[:]}); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) RecoveryCodeOpen(ctx context.Context, u id.User, mac [32]byte) (bool, error) {
	count, err := t.RecoveryCodeUnspent(ctx, sqlgen.RecoveryCodeUnspentParams{UserID: u[:], Mac: mac[:]})
	return count > 0, err
}

func (t *tx) ConfirmRecoverySet(ctx context.Context, u id.User, now time.Time) (bool, error) {
	return won(t.Queries.ConfirmRecoverySet(ctx, sqlgen.ConfirmRecoverySetParams{UserID: u[:], Now: maybeMicros(now)}))
}

func (t *tx) SpendRecoveryCode(ctx context.Context, u id.User, mac [32]byte, now time.Time) (bool, error) {
	return won(t.Queries.SpendRecoveryCode(ctx, sqlgen.SpendRecoveryCodeParams{UserID: u[:], Mac: mac[:], Now: maybeMicros(now)}))
}

func (t *tx) DeleteRecoverySet(ctx context.Context, u id.User) error {
	if err := t.DeleteRecoveryCodesByUser(ctx, sqlgen.DeleteRecoveryCodesByUserParams{UserID: u[:]}); err != nil {
		return err
	}
	return t.DeleteRecoverySetByUser(ctx, sqlgen.DeleteRecoverySetByUserParams{UserID: u[:]})
}
