package confirm

import (
	"bytes"
	"context"
	"crypto/subtle"
	"fmt"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Order is a request that names its confirmation.
type Order struct {
	Confirmation id.Confirmation
	Content      Content
	// Silent names the fields of Content that requests of this kind have no place for.
	Silent []string
	// Request is the digest of the whole request.
	Request []byte
	// Bound: the route takes it only from a passkey that cannot leave its device.
	Bound bool
}

// Execute spends a confirmation for exactly this order of p, once; whoever is told nil carries the order out, and nobody else may. What
// follows from the stored row is computed again: its hash, and the assertion over it by a passkey that its user still has. Of an execution and
// a hold, a revoked key or a disabled user the one that commits second sees the first.
// Errors: unauthorized, confirmation.not_found, confirmation.required while it is not approved, confirmation.held while money waits, confirmation.void
// for one that has ended, or was given for anything else.
func (c *Confirmations) Execute(ctx context.Context, p principal.Principal, o Order) error {
	return c.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		row, err := c.own(ctx, tx, p, o.Confirmation)
		if err != nil {
			return audit.Event{}, err
		}
		row.Bound = row.Bound || o.Bound // the route may have become stricter since
		now := c.Now()
		if err := still(ctx, tx, p, now); err != nil {
			return audit.Event{}, err
		}
		if !row.Open(now) || !row.covers(o) {
			return audit.Event{}, fault.New(fault.ConfirmationVoid)
		}
		stand, err := c.Holds.Standing(ctx, tx, p.User)
		if err != nil {
			return audit.Event{}, fmt.Errorf("look for holds: %w", err)
		}
		asked := c.asked(row, stand)
		if row.Approved.IsZero() {
			return audit.Event{}, asked.Required()
		}
		if err := c.evident(ctx, tx, row); err != nil {
			return audit.Event{}, err
		}
		if asked.Stand.Held {
			held := asked.refusal(fault.ConfirmationHeld)
			if !asked.Stand.Until.IsZero() {
				held = held.After(asked.Stand.Until.Sub(now))
			}
			return audit.Event{}, held
		}
		won, err := tx.ExecuteConfirmation(ctx, row.ID, now)
		if err != nil {
			return audit.Event{}, fmt.Errorf("execute confirmation: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.ConfirmationVoid)
		}
		return c.event(row, audit.ConfirmationExecuted, p), nil
	})
}

// still locks whoever acts until the end of the transaction. That a session is live is looked at with each change (package store).
// Errors: unauthorized.
func still(ctx context.Context, tx Tx, p principal.Principal, now time.Time) error {
	enabled, err := tx.ClaimUserRow(ctx, p.User)
	if err != nil {
		return fmt.Errorf("lock user: %w", err)
	}
	live := true
	if p.Kind == principal.KindKey {
		if live, err = tx.ClaimKeyRow(ctx, p.Key, now); err != nil {
			return fmt.Errorf("lock key: %w", err)
		}
	}
	if !enabled || !live {
		return fault.New(fault.Unauthorized)
	}
	return nil
}

// covers says whether the order is the one that was confirmed. A confirmation that a request made wants that very request again; for one
// that the backend posted, what the request has no place for (a fee, say) is what the backend said.
func (c Confirmation) covers(o Order) bool {
	if c.Request != nil {
		return c.Content == o.Content && bytes.Equal(c.Request, o.Request)
	}
	said := o.Content
	for _, name := range o.Silent {
		switch name {
		case "asset":
			said.Asset = c.Asset
		case "network":
			said.Network = c.Network
		case "memo":
			said.Memo = c.Memo
		case "amount":
			said.Amount = c.Amount
		case "fee":
			said.Fee = c.Fee
		}
	}
	return c.Content == said
}

// evident proves the stored row again from its parts: nobody has changed it since its user saw it, and the user's passkey signed it.
func (c *Confirmations) evident(ctx context.Context, tx Tx, row Confirmation) error {
	void := func(err error) error { return fault.New(fault.ConfirmationVoid).Because(err) }
	hash, err := row.hash()
	if err != nil {
		return void(err)
	}
	if subtle.ConstantTimeCompare(hash[:], row.Hash[:]) != 1 {
		return void(fmt.Errorf("the row of %s is not the one that was hashed", row.ID))
	}
	owner, _, err := factor.Owner(ctx, txn.As[factor.Tx](tx), row.User)
	if err != nil {
		return err
	}
	owner.Credentials = slices.DeleteFunc(owner.Credentials, func(k passkey.Credential) bool {
		return k.ID != row.Passkey || k.ApprovesFrom.After(row.Approved)
	})
	owner = row.able(owner)
	if _, err := c.Passkeys.FinishTransaction(owner, challenge(row.Nonce, hash), []byte(row.Assertion), row.Approved); err != nil {
		return void(err)
	}
	return nil
}
