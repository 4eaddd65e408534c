package apikey

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

const (
	// unneededAfter is how long a scope lies idle before it is called unneeded.
	unneededAfter = 30 * day
	// askAgain is how long a key that needs all of its scopes is left alone, and askedAtOnce how many keys a transaction reads.
	askAgain    = 7 * day
	askedAtOnce = 500
)

var unneeded = verb{audit.KeyUnneeded, happening.KeyUnneeded}

// unneeded are scopes that a key was given and that no request of it needed for a month, while it was used. Nothing is said of a key that is
// younger or was given more since, that ended, that nobody uses (dormancy says so of it), or that is marked as standby.
func (k *Keys) unneeded(ctx context.Context, tx Tx, key Key) (scope.Set, error) {
	now := k.Now()
	idle := now.Sub(k.asUsed(key).LastUsedAt) >= unneededAfter
	if idle || key.Standby || now.Sub(key.Born) < unneededAfter || !key.RevokedAt.IsZero() || !now.Before(key.ExpiresAt) {
		return 0, nil
	}
	widened, _, err := tx.ScopesSince(ctx, key.ID)
	if err != nil || now.Sub(widened) < unneededAfter {
		return 0, err
	}
	used, err := tx.ScopesUsed(ctx, key.ID, now.Add(-unneededAfter).Truncate(time.Hour))
	if err != nil || used == 0 {
		return 0, err // what it was used for is not counted: nothing is known
	}
	return key.Scopes &^ used, nil
}

// AnyUnneeded says whether one of the keys holds scopes that it could do without. Whoever calls it may see the keys.
func (k *Keys) AnyUnneeded(ctx context.Context, keys []Key) (is bool, err error) {
	err = k.Ledger.View(ctx, func(tx Tx) error {
		for _, key := range keys {
			set, err := k.unneeded(ctx, tx, key)
			if is = set != 0; is || err != nil {
				return err
			}
		}
		return nil
	})
	return is, err
}

// TellUnneeded tells the owners of keys that could do without some of their scopes, once for what a key was given.
func (k *Keys) TellUnneeded(ctx context.Context) error {
	now := k.Now()
	for more := true; more; {
		var due []id.Key
		err := k.Ledger.View(ctx, func(tx Tx) (err error) {
			due, err = tx.KeysToAsk(ctx, now, now.Add(-unneededAfter), now.Add(-askAgain), askedAtOnce)
			return err
		})
		if err != nil {
			return fmt.Errorf("look for keys with scopes that they do not need: %w", err)
		}
		for _, kid := range due {
			if err := k.ask(ctx, kid, now); err != nil {
				return fmt.Errorf("ask key %s for its scopes: %w", kid, err)
			}
		}
		more = len(due) == askedAtOnce
	}
	return nil
}

func (k *Keys) ask(ctx context.Context, kid id.Key, now time.Time) error {
	return k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		quiet := audit.Quiet(audit.KeyUsed)
		key, found, err := tx.KeyToChange(ctx, kid)
		if err != nil || !found {
			return quiet, err
		}
		_, told, err := tx.ScopesSince(ctx, kid)
		if err != nil || !told.IsZero() {
			return quiet, err
		}
		idle, err := k.unneeded(ctx, tx, key)
		if err != nil {
			return quiet, err
		}
		if idle == 0 {
			return quiet, tx.ScopesAsked(ctx, kid, now, time.Time{})
		}
		if err := tx.ScopesAsked(ctx, kid, now, now); err != nil {
			return quiet, err
		}
		facts := map[string]string{"unneeded": strings.Join(idle.Words(), " ")}
		return k.changed(ctx, tx, principal.System("keys"), key, true, nil, unneeded, facts)
	})
}
