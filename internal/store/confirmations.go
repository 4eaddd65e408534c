package store

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

func (t *tx) InsertConfirmation(ctx context.Context, c confirm.Confirmation) error {
	return t.Queries.InsertConfirmation(ctx, sqlgen.InsertConfirmationParams{
		ID: c.ID[:], UserID: c.User[:], AccountID: c.Account[:], SubaccountID: c.Subaccount[:], Action: c.Action.String(),
		Environment: c.Environment.String(), Upstream: c.Upstream, Asset: c.Asset, Network: c.Network, Address: c.Address, Memo: c.Memo,
		Amount: c.Amount, Fee: c.Fee, CreatedAt: micros(c.Created), ExpiresAt: micros(c.Expires), Nonce: c.Nonce[:], TxHash: c.Hash[:],
		RequestDigest: c.Request, BackTo: c.BackTo, DeviceBound: truth(c.Bound),
	})
}

func (t *tx) ConfirmationByID(ctx context.Context, c id.Confirmation) (confirm.Confirmation, bool, error) {
	row, err := t.Queries.ConfirmationByID(ctx, sqlgen.ConfirmationByIDParams{ID: c[:]})
	return read(row, err, confirmationOf)
}

func (t *tx) UnspentConfirmations(ctx context.Context, u id.User, after time.Time) ([]confirm.Confirmation, error) {
	rows, err := t.ListUnspentConfirmationsByUser(ctx, sqlgen.ListUnspentConfirmationsByUserParams{UserID: u[:], After: micros(after)})
	return each(rows, err, confirmationOf)
}

func (t *tx) ConfirmationsByUser(ctx context.Context, u id.User, most int) ([]confirm.Confirmation, error) {
	rows, err := t.ListConfirmationsByUser(ctx, sqlgen.ListConfirmationsByUserParams{UserID: u[:], MaxRows: int64(most)})
	return each(rows, err, confirmationOf)
}

func (t *tx) ApproveConfirmation(ctx context.Context, c id.Confirmation, by id.Passkey, assertion string, now time.Time) (bool, error) {
	return won(t.Queries.ApproveConfirmation(ctx, sqlgen.ApproveConfirmationParams{
		ID: c[:], PasskeyID: by[:], Assertion: assertion, Now: maybeMicros(now),
	}))
}

func (t *tx) ExecuteConfirmation(ctx context.Context, c id.Confirmation, now time.Time) (bool, error) {
	return won(t.Queries.ExecuteConfirmation(ctx, sqlgen.ExecuteConfirmationParams{ID: c[:], Now: maybeMicros(now)}))
}

func (t *tx) CancelConfirmation(ctx context.Context, c id.Confirmation, now time.Time) (bool, error) {
	return won(t.Queries.CancelConfirmation(ctx, sqlgen.CancelConfirmationParams{ID: c[:], Now: maybeMicros(now)}))
}

// confirmationOf reads a row. A class that is not known is Public, which nothing executes.
func confirmationOf(row sqlgen.Confirmation) confirm.Confirmation {
	action, _ := scope.ParseClass(row.Action)
	environment, _ := id.ParseEnvironment(row.Environment)
	c := confirm.Confirmation{
		Transaction: confirm.Transaction{
			Content: confirm.Content{
				Action: action, Environment: environment, Upstream: row.Upstream, Asset: row.Asset, Network: row.Network, Address: row.Address,
				Memo: row.Memo, Amount: row.Amount, Fee: row.Fee,
			},
			ID: rowID[id.ConfirmationKind](row.ID), User: rowID[id.UserKind](row.UserID), Account: rowID[id.AccountKind](row.AccountID),
			Subaccount: rowID[id.SubaccountKind](row.SubaccountID), Created: at(row.CreatedAt), Expires: at(row.ExpiresAt),
		},
		Request: row.RequestDigest, BackTo: row.BackTo, Bound: row.DeviceBound != 0, Approved: maybeAt(row.ApprovedAt), Passkey: rowID[id.PasskeyKind](row.PasskeyID),
		Assertion: row.Assertion, Executed: maybeAt(row.ExecutedAt), Cancelled: maybeAt(row.CancelledAt),
	}
	c.Ends = c.Expires // a hold may make it later: package confirm knows
	copy(c.Nonce[:], row.Nonce)
	copy(c.Hash[:], row.TxHash)
	return c
}
