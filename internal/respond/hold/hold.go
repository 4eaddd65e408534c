// Package hold owns delays on money: which of a user's credential changes keep withdrawals and destinations waiting, and until when.
//
// It does not know what a withdrawal is: whoever lets money go asks Standing in its own transaction. It sends no letter: notices carry the
// id of their hold, and say that they arrived.
//
// Invariant: the clock of a hold starts when its owner was told, never before. A hold nobody could be told of has no end, and money waits; it
// waits too while its owner has locked the account.
package hold

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Hold is one delay.
type Hold struct {
	ID   id.Hold
	User id.User
	// Account in which alone their money waits; zero where all of it does.
	Account id.Account
	// Reason is what happened.
	Reason happening.Kind
	// Span is how long money waits from Begun on.
	Span   time.Duration
	Placed time.Time
	// Begun is when the owner was told; zero while the notice is under way.
	Begun time.Time
	// Ends is Begun plus Span; zero while Begun is.
	Ends time.Time
}

// Running says whether the hold delays money at now.
func (h Hold) Running(now time.Time) bool { return h.Ends.IsZero() || now.Before(h.Ends) }

// Standing is what all holds of one user come to.
type Standing struct {
	// Held says that money waits.
	Held bool
	// Until is the latest end; zero while one of them has not begun, because its end is not known.
	Until time.Time
	// Holds are those that run, oldest first.
	Holds []Hold
}

// In is what the holds come to for money of one account.
func (s Standing) In(a id.Account) Standing {
	return standing(slices.DeleteFunc(slices.Clone(s.Holds), func(h Hold) bool { return !h.Account.IsZero() && h.Account != a }))
}

// standing adds up holds that run, oldest first.
func standing(running []Hold) Standing {
	if len(running) == 0 {
		return Standing{}
	}
	s := Standing{Held: true, Until: running[0].Ends, Holds: running}
	for _, held := range running {
		if held.Ends.IsZero() {
			s.Until = time.Time{}
			break
		}
		if held.Ends.After(s.Until) {
			s.Until = held.Ends
		}
	}
	return s
}

// Reasons are the words of what holds money, each once, oldest first.
func (s Standing) Reasons() (words []string) {
	for _, h := range s.Holds {
		if !slices.Contains(words, string(h.Reason)) {
			words = append(words, string(h.Reason))
		}
	}
	return words
}

// Wait is what has to come before money goes.
type Wait string

// The waits.
const (
	// ForEnd: the moment Until.
	ForEnd Wait = "end"
	// ForNotice: the notice of a hold; its end is known from then on.
	ForNotice Wait = "notice"
	// ForUnlock: the owner, who has locked the account.
	ForUnlock Wait = "unlock"
)

// WaitsFor is what money waits for first; empty if it does not wait.
func (s Standing) WaitsFor() Wait {
	switch {
	case !s.Held:
		return ""
	case slices.ContainsFunc(s.Holds, func(h Hold) bool { return h.Reason == happening.OwnerLocked }):
		return ForUnlock
	case s.Until.IsZero():
		return ForNotice
	}
	return ForEnd
}

// Tx is what this package asks of a transaction.
type Tx interface {
	// ClaimUserRow makes every other transaction that asks for the same user wait for this one; enabled is false for one who is disabled, or gone.
	ClaimUserRow(ctx context.Context, u id.User) (enabled bool, err error)
	InsertHold(ctx context.Context, h Hold) error
	// HoldByID reads one.
	HoldByID(ctx context.Context, h id.Hold) (hold Hold, found bool, err error)
	// RunningHolds lists those of a user that have no end yet or end after a moment, oldest first.
	RunningHolds(ctx context.Context, u id.User, after time.Time) ([]Hold, error)
	// LockedSince says since when the user has locked their account, if they have.
	LockedSince(ctx context.Context, u id.User) (since time.Time, locked bool, err error)
	// BeginHold starts the clock of a hold, once.
	BeginHold(ctx context.Context, h id.Hold, begun, ends time.Time) (bool, error)
}

// Holds places, begins and reads holds.
type Holds struct {
	ledger audit.Ledger[Tx]
	now    func() time.Time
}

// New makes a Holds.
func New(ledger audit.Ledger[Tx], now func() time.Time) *Holds { return &Holds{ledger, now} }

// Place makes money of the hold's user wait for its span, in its account or in all of theirs, in the caller's transaction; the clock waits for Begin. It
// answers the id that the notice carries. Money that is on its way out at this moment left before, or waits: both lock the user.
func (h *Holds) Place(ctx context.Context, tx Tx, placed Hold) (id.Hold, error) {
	if _, err := tx.ClaimUserRow(ctx, placed.User); err != nil {
		return id.Hold{}, fmt.Errorf("lock user: %w", err)
	}
	placed.Placed = h.now()
	placed.ID = id.New[id.HoldKind](placed.Placed)
	if err := tx.InsertHold(ctx, placed); err != nil {
		return id.Hold{}, fmt.Errorf("place hold for %s: %w", placed.Reason, err)
	}
	return placed.ID, nil
}

// Begin starts the clock of a hold whose owner has been told. A second call changes nothing.
func (h *Holds) Begin(ctx context.Context, which id.Hold) error {
	return h.ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		held, found, err := tx.HoldByID(ctx, which)
		if err != nil || !found {
			return audit.Quiet(audit.Housekeeping), err
		}
		now := h.now()
		first, err := tx.BeginHold(ctx, which, now, now.Add(held.Span))
		if err != nil || !first {
			return audit.Quiet(audit.Housekeeping), err
		}
		return audit.Event{
			Action: audit.HoldBegun, Actor: principal.System("hold"), Person: held.User,
			Facts: map[string]string{"reason": string(held.Reason), "until": now.Add(held.Span).Format(time.RFC3339)},
		}, nil
	})
}

// For is the standing of the principal's money in the account that they act in.
func (h *Holds) For(ctx context.Context, p principal.Principal) (Standing, error) {
	s, err := h.Of(ctx, p.User)
	return s.In(p.Account), err
}

// Of is the standing of u's money in all their accounts together.
func (h *Holds) Of(ctx context.Context, u id.User) (s Standing, err error) {
	err = h.ledger.View(ctx, func(tx Tx) (err error) {
		s, err = h.Standing(ctx, tx, u)
		return err
	})
	return s, err
}

// Standing is the same inside a transaction. Where that one lets money go it has locked the user before: what is answered then holds until it
// ends, because whoever places a hold waits for it. tx is the caller's.
func (h *Holds) Standing(ctx context.Context, tx any, u id.User) (Standing, error) {
	rows := txn.As[Tx](tx)
	running, err := rows.RunningHolds(ctx, u, h.now())
	if err != nil {
		return Standing{}, err
	}
	since, locked, err := rows.LockedSince(ctx, u)
	if err != nil {
		return Standing{}, err
	}
	if locked { // no row and no clock: it ends when its owner unlocks
		running = append(running, Hold{User: u, Reason: happening.OwnerLocked, Placed: since})
	}
	return standing(running), nil
}

// Since lists the holds of u that run, or ended after a moment, oldest first; an owner's lock is none of them. tx is the caller's.
func (h *Holds) Since(ctx context.Context, tx any, u id.User, after time.Time) ([]Hold, error) {
	return txn.As[Tx](tx).RunningHolds(ctx, u, after)
}
