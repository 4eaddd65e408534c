package confirm

import (
	"context"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// postedBy says that the upstream's backend asked for it. What a request asked for is between its sender and us.
func (c Confirmation) postedBy(upstream string) bool {
	return c.Request == nil && c.Upstream == upstream
}

// Posted gives one that the upstream's backend posted itself, also one that has ended. Errors: confirmation.not_found for any other.
func (c *Confirmations) Posted(ctx context.Context, upstream string, which id.Confirmation) (a Asked, err error) {
	err = c.Ledger.View(ctx, func(tx Tx) error {
		row, found, err := c.byID(ctx, tx, which)
		if err != nil {
			return err
		}
		if !found || !row.postedBy(upstream) {
			return fault.New(fault.ConfirmationNotFound)
		}
		stand, err := c.Holds.Standing(ctx, tx, row.User)
		a = c.asked(row, stand)
		return err
	})
	return a, err
}

// TakeBack ends one that the upstream's backend posted itself for good, approved or not. Errors as Cancel.
func (c *Confirmations) TakeBack(ctx context.Context, upstream string, which id.Confirmation) error {
	return c.cancel(ctx, which, ending{
		by: principal.System(upstream), said: audit.ConfirmationTakenBack, may: func(row Confirmation) bool { return row.postedBy(upstream) },
	})
}
