package confirm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
)

// How long a confirmation lives follows from what was signed and from rows of holds that nobody can move back: it lives until what was signed, and
// where a hold was placed before that, until Life after the hold's end. A hold that was placed later counts no more, so holds do not follow one
// another for ever, and what is over never comes back. What ends one early (its owner, a lock, a lost device, a recovery) is a mark in its row,
// which no hold takes away.

// Longest bounds how much longer than was signed a confirmation lives: the longest hold that can be configured, and a day for its notice.
const Longest = 31 * 24 * time.Hour

// endOf is when a hold ends as far as can be known: one whose owner was not told yet runs at least its whole span from now.
func endOf(h hold.Hold, now time.Time) time.Time {
	if h.Ends.IsZero() {
		return now.Add(h.Span)
	}
	return h.Ends
}

// least is how long a confirmation that is asked for now lives at least: that is signed.
func (c *Confirmations) least(now time.Time, s hold.Standing) time.Time {
	last := now
	for _, h := range s.Holds {
		last = later(last, endOf(h, now))
	}
	return last.Add(c.Life)
}

// over is when a confirmation is over, which lives until what was signed at least.
func (c *Confirmations) over(row Confirmation, now time.Time, holds []hold.Hold) time.Time {
	expires := row.Expires
	end := expires
	for _, h := range holds {
		if h.Placed.Before(expires) && (h.Account.IsZero() || h.Account == row.Account) {
			end = later(end, endOf(h, now).Add(c.Life))
		}
	}
	if most := expires.Add(Longest); end.After(most) {
		return most
	}
	return end
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// last writes into each of u's rows when it is over. Holds that ended more than Life ago prolong nothing any more.
func (c *Confirmations) last(ctx context.Context, tx Tx, u id.User, rows []Confirmation) error {
	now := c.Now()
	holds, err := c.Holds.Since(ctx, tx, u, now.Add(-c.Life))
	if err != nil {
		return fmt.Errorf("look for holds: %w", err)
	}
	for i := range rows {
		rows[i].Ends = c.over(rows[i], now, holds)
	}
	return nil
}

func (c *Confirmations) byID(ctx context.Context, tx Tx, which id.Confirmation) (row Confirmation, found bool, err error) {
	if row, found, err = tx.ConfirmationByID(ctx, which); err != nil || !found {
		return row, found, err
	}
	one := []Confirmation{row}
	err = c.last(ctx, tx, row.User, one)
	return one[0], true, err
}

// open lists those of u that are, oldest first.
func (c *Confirmations) open(ctx context.Context, tx Tx, u id.User) ([]Confirmation, error) {
	now := c.Now()
	rows, err := tx.UnspentConfirmations(ctx, u, now.Add(-Longest))
	if err != nil {
		return nil, fmt.Errorf("list open confirmations: %w", err)
	}
	if err := c.last(ctx, tx, u, rows); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(row Confirmation) bool { return !row.Open(now) }), nil
}
