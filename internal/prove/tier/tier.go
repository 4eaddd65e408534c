// Package tier owns which users are of high value: those of whom sensitive changes ask for a proof that no forged page can pass on, whatever else they have.
//
// It does not know sums and roles, only what the backends of the operator's platform tell of them (told.go), and whom the operator raises by hand. Nor
// does it know which changes are sensitive, or what such a proof is: package stepup asks for it.
//
// Invariant: nobody is asked for more before they were told of it and the notice's time is over.
//
//	usual ──Raise, Tell──▶ announced ──notice──▶ high       announced, high ──Lower, or Tell by the last who said so──▶ usual
package tier

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Tx is what this package asks of a transaction.
type Tx interface {
	// RaiseUser and LowerUser change the state; won is false if it was so already, or there is no such user.
	RaiseUser(ctx context.Context, u id.User, now, from time.Time) (won bool, err error)
	// LowerUser forgets too who said it.
	LowerUser(ctx context.Context, u id.User) (won bool, err error)
	// SayHighValue keeps that a source says it of a user now; first is false if it did before, or there is no such user. The source "" is the host.
	SayHighValue(ctx context.Context, u id.User, source string, now time.Time) (first bool, err error)
	// HighValueSaid is when a source said it last.
	HighValueSaid(ctx context.Context, u id.User, source string) (at time.Time, found bool, err error)
	// UnsayHighValue forgets that a source said it; others is how many still do.
	UnsayHighValue(ctx context.Context, u id.User, source string) (others int, err error)
	// ClaimUserRow makes every other transaction that asks for the same user wait for this one; enabled is false for one who is disabled, or gone.
	ClaimUserRow(ctx context.Context, u id.User) (enabled bool, err error)
	// RaisedFrom is when more is asked of a user.
	RaisedFrom(ctx context.Context, u id.User) (from time.Time, found bool, err error)
}

// Tiers raises and lowers users. It is safe for concurrent use.
type Tiers struct {
	ledger audit.Ledger[Tx]
	now    func() time.Time
	terms  Terms
	follow happening.Applier
}

// New makes a Tiers.
func New(ledger audit.Ledger[Tx], now func() time.Time, terms Terms, follow happening.Applier) *Tiers {
	return &Tiers{ledger, now, terms, follow}
}

// host is the source of what the operator says at the host's command line.
const host = ""

// Raise announces to u that from the end of the notice on a passkey is asked of them, or adds the operator's word to that of a backend. Only the host's
// command line may. Errors: forbidden, tier.unchanged.
func (t *Tiers) Raise(ctx context.Context, p principal.Principal, u id.User) error {
	if !p.Trusted() {
		return fault.New(fault.Forbidden)
	}
	return t.ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		first, err := tx.SayHighValue(ctx, u, host, t.now())
		if err != nil {
			return audit.Event{}, fmt.Errorf("say high value: %w", err)
		}
		if !first {
			return audit.Event{}, fault.New(fault.TierUnchanged)
		}
		_, event, err := t.raise(ctx, tx, p, u)
		return event, err
	})
}

// Lower asks no more of u than of others, at once, whoever said it before: a backend may say it again. Errors: forbidden, tier.unchanged.
func (t *Tiers) Lower(ctx context.Context, p principal.Principal, u id.User) error {
	if !p.Trusted() {
		return fault.New(fault.Forbidden)
	}
	return t.ledger.Update(ctx, func(tx Tx) (audit.Event, error) { return t.lower(ctx, tx, p, u) })
}

// raise tells u, unless they were told already; the event says from when more is asked of them.
func (t *Tiers) raise(ctx context.Context, tx Tx, p principal.Principal, u id.User) (from time.Time, e audit.Event, err error) {
	now := t.now()
	from = now.Add(t.terms.Notice)
	won, err := tx.RaiseUser(ctx, u, now, from)
	if err == nil && !won {
		from, _, err = tx.RaisedFrom(ctx, u)
	}
	if err != nil {
		return from, e, fmt.Errorf("raise user: %w", err)
	}
	facts := map[string]string{"from": from.Format(time.RFC3339)}
	if won {
		err = t.follow.Apply(ctx, tx, happening.Happening{Kind: happening.UserRaised, User: u, Facts: facts})
	}
	return from, audit.Event{Action: audit.UserRaised, Actor: p, Person: u, Facts: facts}, err
}

func (t *Tiers) lower(ctx context.Context, tx Tx, p principal.Principal, u id.User) (audit.Event, error) {
	won, err := tx.LowerUser(ctx, u)
	if err != nil {
		return audit.Event{}, fmt.Errorf("lower user: %w", err)
	}
	if !won {
		return audit.Event{}, fault.New(fault.TierUnchanged)
	}
	h := happening.Happening{Kind: happening.UserLowered, User: u, Facts: map[string]string{}}
	return audit.Event{Action: audit.UserLowered, Actor: p, Person: u, Facts: h.Facts}, t.follow.Apply(ctx, tx, h)
}

// From is when a passkey is asked of the principal; zero for never.
func (t *Tiers) From(ctx context.Context, p principal.Principal) (from time.Time, err error) {
	err = t.ledger.View(ctx, func(tx Tx) error {
		from, _, err = tx.RaisedFrom(ctx, p.User)
		return err
	})
	return from, err
}

// Least is the weakest proof that will do for a sensitive change of u now. tx is the running transaction.
func (t *Tiers) Least(ctx context.Context, tx any, u id.User) (assurance.Level, error) {
	from, found, err := txn.As[Tx](tx).RaisedFrom(ctx, u)
	if err != nil {
		return assurance.Phr, fmt.Errorf("read tier: %w", err)
	}
	if found && !t.now().Before(from) {
		return assurance.Phr, nil
	}
	return assurance.None, nil
}
