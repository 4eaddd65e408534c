package apikey

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// UsedDay is how often a key was used on a day in UTC.
type UsedDay struct {
	Day             time.Time
	Passed, Refused int64
}

// Refused is how often a key was refused with a code, and when last. Only requests count that were signed with its secret.
type Refused struct {
	Code  fault.Code
	Calls int64
	Last  time.Time
}

// Past is what a key was used for, as it was counted: up to ten seconds of the latest calls are missing.
type Past struct {
	// Latest is its last use, whether it was let through or not; nil if there was none since.
	Latest *Use
	// Days with uses, the oldest first.
	Days []UsedDay
	// Refused is the most frequent first.
	Refused []Refused
	// Unneeded are scopes that the key holds and could do without.
	Unneeded scope.Set
}

// PastKept is how long uses are kept.
const PastKept = 90 * day

// One gives a key of the principal's account, ended ones too; to a key only of its own subaccount. Errors: key.not_found, forbidden.
func (k *Keys) One(ctx context.Context, p principal.Principal, kid id.Key) (key Key, err error) {
	question := decision.Question{Principal: p, Class: scope.Look, Scope: scope.KeysRead, Environment: p.Environment}
	if err := k.Decide.Decide(question).Err(); err != nil {
		return key, err
	}
	err = k.Ledger.View(ctx, func(tx Tx) error {
		var found bool
		key, found, err = tx.KeyByID(ctx, kid)
		if err == nil && (!found || !key.within(p)) {
			return fault.New(fault.KeyNotFound)
		}
		return err
	})
	return key, err
}

// Past adds up what a key was used for since then. Whoever calls it read the key with One.
func (k *Keys) Past(ctx context.Context, key Key, since time.Time) (past Past, err error) {
	since = since.Truncate(time.Hour)
	err = k.Ledger.View(ctx, func(tx Tx) error {
		latest, err := tx.UsesOfKey(ctx, key.ID, since, 1)
		if err != nil {
			return err
		}
		past = Past{}
		if len(latest) > 0 {
			past.Latest = &latest[0]
		}
		if past.Days, err = tx.UsesByDay(ctx, key.ID, since); err != nil {
			return err
		}
		if past.Refused, err = tx.UsesByCode(ctx, key.ID, since); err != nil {
			return err
		}
		past.Unneeded, err = k.unneeded(ctx, tx, key)
		return err
	})
	if err != nil {
		return past, fmt.Errorf("past of %s: %w", key.Text(), err)
	}
	return past, nil
}

// Uses lists what a key was used for since then, the latest first; cut says that there was more. Whoever calls it read the key with One.
func (k *Keys) Uses(ctx context.Context, key Key, since time.Time) (list []Use, cut bool, err error) {
	err = k.Ledger.View(ctx, func(tx Tx) (err error) {
		list, err = tx.UsesOfKey(ctx, key.ID, since.Truncate(time.Hour), maxUses+1)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("uses of %s: %w", key.Text(), err)
	}
	return list[:min(len(list), maxUses)], len(list) > maxUses, nil
}
