// Package lock owns the one lever that a user pulls when everything about their account looks wrong.
//
// It does not know what dies by it (package consequence), nor how keys freeze and money waits: packages apikey and hold read that a user has
// locked.
//
// Invariant: to lock asks for nothing but being signed in; to unlock asks for the best proof that the user has.
//
//	open ──Lock──▶ locked: every session ended, keys look and cancel, money waits ──Unlock──▶ open
package lock

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Tx is what this package asks of a transaction.
type Tx interface {
	txn.Announcer
	// LockUser and UnlockUser change the state; won is false if it was so already, or there is no such user.
	LockUser(ctx context.Context, u id.User, now time.Time) (won bool, err error)
	UnlockUser(ctx context.Context, u id.User) (won bool, err error)
	// LockedSince is when the user locked their account; locked is false for one that is not.
	LockedSince(ctx context.Context, u id.User) (since time.Time, locked bool, err error)
	// CircleOf lists everybody in the accounts that somebody owns.
	CircleOf(ctx context.Context, u id.User) ([]id.User, error)
}

// Locks locks and unlocks. It is safe for concurrent use.
type Locks struct {
	ledger  audit.Ledger[Tx]
	now     func() time.Time
	stepUps *stepup.StepUps
	follow  happening.Applier
}

// New makes a Locks.
func New(ledger audit.Ledger[Tx], now func() time.Time, stepUps *stepup.StepUps, follow happening.Applier) *Locks {
	return &Locks{ledger, now, stepUps, follow}
}

// Lock ends every session of u, this one too, freezes their keys, holds their money, and lets whoever else belongs to an account of theirs look and cancel only, all from the moment this returns until Unlock. It
// reduces risk, so it asks for no ceremony. People lock themselves, the host's command line anybody. Errors: forbidden, account.locked.
func (l *Locks) Lock(ctx context.Context, p principal.Principal, u id.User) error {
	if !mine(p, u) {
		return fault.New(fault.Forbidden)
	}
	return l.ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		won, err := tx.LockUser(ctx, u, l.now())
		if err != nil {
			return audit.Event{}, fmt.Errorf("lock user: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.AccountLocked)
		}
		return l.changed(ctx, tx, p, u, audit.AccountLocked, happening.OwnerLocked)
	})
}

// Unlock lets keys and money go on as before; no session comes back. It asks for a step-up, a passkey if the user has one, and two factors
// at least; of a user of high value a passkey. Errors: forbidden, account.not_locked, step_up_required, assurance.too_low.
func (l *Locks) Unlock(ctx context.Context, p principal.Principal, u id.User) error {
	if !mine(p, u) {
		return fault.New(fault.Forbidden)
	}
	err := l.ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		won, err := tx.UnlockUser(ctx, u)
		if err != nil {
			return audit.Event{}, fmt.Errorf("unlock user: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.AccountNotLocked)
		}
		if err := l.stepUps.Require(ctx, tx, p, stepup.Content{Action: audit.AccountUnlocked, Input: u}); err != nil {
			return audit.Event{}, err
		}
		return l.changed(ctx, tx, p, u, audit.AccountUnlocked, happening.OwnerUnlocked)
	})
	return l.stepUps.Ask(ctx, err)
}

func mine(p principal.Principal, u id.User) bool {
	return p.Trusted() || p.Kind == principal.KindUser && p.User == u
}

func (l *Locks) changed(ctx context.Context, tx Tx, p principal.Principal, u id.User, a audit.Action, kind happening.Kind) (audit.Event, error) {
	circle, err := tx.CircleOf(ctx, u)
	if err != nil {
		return audit.Event{}, fmt.Errorf("list members: %w", err)
	}
	tx.Announce(txn.Change{Subject: txn.SubjectMember, ID: u})
	for _, other := range circle {
		tx.Announce(txn.Change{Subject: txn.SubjectMember, ID: other})
	}
	h := happening.Happening{Kind: kind, User: u, Session: p.Session, Facts: map[string]string{"agent": p.Origin.Agent}}
	return audit.Event{Action: a, Actor: p, Person: u, Account: p.Account}, l.follow.Apply(ctx, tx, h)
}

// Since is when a user locked their account; zero while it is not.
func (l *Locks) Since(ctx context.Context, u id.User) (since time.Time, err error) {
	err = l.ledger.View(ctx, func(tx Tx) error {
		var locked bool
		if since, locked, err = tx.LockedSince(ctx, u); !locked {
			since = time.Time{}
		}
		return err
	})
	return since, err
}
