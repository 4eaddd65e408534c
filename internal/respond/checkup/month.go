package checkup

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// A check-up is due a month after its user last went through it, whole or by answering the last open question. It is shown where they look anyway, and
// nothing is mailed.

// whole is the item under which a check-up as a whole is kept.
const whole = "whole"

// Due says whether a month has passed since the account's user went through the check-up.
func (a Account) Due() bool { return a.Now.Sub(a.Looked) >= month }

// looked reads what was said, and when the user last went through all of it.
func looked(ctx context.Context, tx Tx, u id.User) (said []Assent, at time.Time, err error) {
	user, _, err := tx.UserByID(ctx, u)
	if err != nil {
		return nil, at, fmt.Errorf("read user: %w", err)
	}
	if said, err = tx.AssentsOf(ctx, u); err != nil {
		return nil, at, fmt.Errorf("list assents: %w", err)
	}
	at = user.Born
	for _, a := range said {
		if a.Item == whole {
			at = a.At
		}
	}
	return said, at, nil
}

// Due says whether the principal's check-up is.
func (c *CheckUps) Due(ctx context.Context, p principal.Principal) (due bool, err error) {
	err = c.Ledger.View(ctx, func(tx Tx) error {
		_, at, err := looked(ctx, tx, p.User)
		due = Account{Now: c.Now(), Looked: at}.Due()
		return err
	})
	return due, err
}

// LookThrough notes that the principal went through the check-up: it is due again in a month. It answers no question, and says nothing new on the day of
// the one before. Errors: those of a session that owes a proof, as Confirm.
func (c *CheckUps) LookThrough(ctx context.Context, p principal.Principal) error {
	if err := c.mayAnswer(p); err != nil {
		return err
	}
	return c.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		said, at, err := looked(ctx, tx, p.User)
		again := slices.ContainsFunc(said, func(a Assent) bool { return a.Item == whole }) && c.Now().Sub(at) < day
		if err != nil || again {
			return audit.Quiet(audit.Housekeeping), err
		}
		if err := tx.PutAssent(ctx, p.User, Assent{Item: whole, At: c.Now()}); err != nil {
			return audit.Event{}, fmt.Errorf("put assent: %w", err)
		}
		return audit.Event{Action: audit.CheckUpDone, Actor: p, Person: p.User}, nil
	})
}

// mayAnswer refuses a session that owes a proof: it would make a stranger's things look like its user's.
func (c *CheckUps) mayAnswer(p principal.Principal) error {
	if p.Challenge.Why == "" {
		return nil
	}
	// An order is the least that such a session may not do.
	return c.Decide.Decide(decision.Question{Principal: p, Class: scope.Order, Scope: scope.OrdersRead}).Err()
}
