// Package tier owns which users are of high value: those of whom sensitive changes ask for a proof that no forged page can pass on, whatever else they have.
//
// It does not know what makes a user so: the operator's platform knows sums and roles, and raises them. Nor does it know which changes are sensitive, or
// what such a proof is: package stepup asks for it.
//
// Invariant: nobody is asked for more before they were told of it and the notice's time is over.
//
//	usual ──Raise──▶ announced ──notice──▶ high       announced, high ──Lower──▶ usual
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
	LowerUser(ctx context.Context, u id.User) (won bool, err error)
	// RaisedFrom is when more is asked of a user.
	RaisedFrom(ctx context.Context, u id.User) (from time.Time, found bool, err error)
}

// Tiers raises and lowers users. It is safe for concurrent use.
type Tiers struct {
	ledger audit.Ledger[Tx]
	now    func() time.Time
	notice time.Duration
	follow happening.Applier
}

// New makes a Tiers. notice is how long users are told ahead.
func New(ledger audit.Ledger[Tx], now func() time.Time, notice time.Duration, follow happening.Applier) *Tiers {
	return &Tiers{ledger, now, notice, follow}
}

// Raise announces to u that from the end of the notice on a passkey is asked of them. Only the host's command line may. Errors: forbidden, tier.unchanged.
func (t *Tiers) Raise(ctx context.Context, p principal.Principal, u id.User) error {
	return t.change(ctx, p, u, audit.UserRaised, happening.UserRaised, func(tx Tx, facts map[string]string) (bool, error) {
		from := t.now().Add(t.notice)
		facts["from"] = from.Format(time.RFC3339)
		return tx.RaiseUser(ctx, u, t.now(), from)
	})
}

// Lower asks no more of u than of others, at once. Errors: forbidden, tier.unchanged.
func (t *Tiers) Lower(ctx context.Context, p principal.Principal, u id.User) error {
	return t.change(ctx, p, u, audit.UserLowered, happening.UserLowered, func(tx Tx, _ map[string]string) (bool, error) { return tx.LowerUser(ctx, u) })
}

func (t *Tiers) change(ctx context.Context, p principal.Principal, u id.User, a audit.Action, kind happening.Kind, write func(Tx, map[string]string) (bool, error)) error {
	if !p.Trusted() {
		return fault.New(fault.Forbidden)
	}
	return t.ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		facts := map[string]string{}
		won, err := write(tx, facts)
		if err != nil {
			return audit.Event{}, fmt.Errorf("change tier: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.TierUnchanged)
		}
		h := happening.Happening{Kind: kind, User: u, Facts: facts}
		return audit.Event{Action: a, Actor: p, Person: u, Facts: facts}, t.follow.Apply(ctx, tx, h)
	})
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
