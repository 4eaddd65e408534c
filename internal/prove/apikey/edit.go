package apikey

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// EditInput is what shall be other about a key; what is nil stays.
type EditInput struct {
	Key       id.Key     `json:"key"`
	Name      *string    `json:"name,omitempty"`
	Purpose   *string    `json:"purpose,omitempty"`
	Scopes    *[]string  `json:"scopes,omitempty"`
	Allowlist *[]string  `json:"allowlist,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	OnEnd     *OnEnd     `json:"on_end,omitempty"`
	Standby   *bool      `json:"standby,omitempty"`
	// Pin is a word that pinOf reads.
	Pin    *string `json:"pin,omitempty"`
	Bounds *Bounds `json:"bounds,omitempty"`
	// Destinations is the whole list. One that is new asks for a passkey and counts later, see Limits.DestinationWait.
	Destinations *[]Destination `json:"destinations,omitempty"`
	// Vendor as in IssueInput; to take the mark away, or give it to another, asks for a proof; the secrets that a vendor had
	// when it was taken away never withdraw.
	Vendor *string `json:"vendor,omitempty"`
	// Window as in IssueInput; zero goes back to the dialect's.
	Window *time.Duration `json:"window,omitempty"`
	// Settings as in IssueInput; none goes back to what the dialect's clients usually do.
	Settings *[]string `json:"settings,omitempty"`
}

// Edit changes a key. To narrow it needs no ceremony; whatever lets it do more, now or for longer, needs an owner of the account and a step-up
// for exactly this, and does not happen to a key that is stopped. Errors: request.invalid (field), key.not_found, key.frozen, key.account_locked,
// rate_limited (freezing and blocking never are), key.above_ceiling, key.needs_allowlist, key.needs_destinations, key.vendor_no_withdraw, key.vendor_secret, forbidden, step_up_required, assurance.too_low.
func (k *Keys) Edit(ctx context.Context, p principal.Principal, in EditInput) (after Key, err error) {
	err = k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, err := k.reach(ctx, tx, p, in.Key)
		if err != nil {
			return audit.Event{}, err
		}
		kept, err := tx.MaterialOf(ctx, key.ID)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read secrets: %w", err)
		}
		if after, err = k.edited(p, key, in, kept); err != nil {
			return audit.Event{}, err
		}
		change := verb{action: audit.KeyEdited}
		facts := k.factsOfEdit(key, after)
		if k.widens(key, after) {
			if _, err := k.reachToWiden(ctx, tx, p, in.Key); err != nil {
				return audit.Event{}, err
			}
			if key.Frozen() || !key.BlockedAt.IsZero() {
				return audit.Event{}, key.FrozenBy()
			}
			content := stepup.Content{Action: audit.KeyEdited, Input: in, Facts: facts, Floor: floorFor(after)}
			if err := k.StepUps.Require(ctx, tx, p, content); err != nil {
				return audit.Event{}, err
			}
			change.kind = happening.KeyWidened
		} else if err := throttle.CountAct(ctx, txn.As[throttle.Tx](tx), p, k.Now()); err != nil {
			return audit.Event{}, err
		}
		if after.Scopes&^key.Scopes != 0 {
			if err := tx.ScopesWidened(ctx, key.ID, k.Now()); err != nil {
				return audit.Event{}, err
			}
		}
		if err := widenNonces(ctx, tx, key, after); err != nil {
			return audit.Event{}, err
		}
		won, err := tx.ChangeKey(ctx, after)
		return k.changed(ctx, tx, p, after, won, err, change, facts)
	})
	return after, k.StepUps.Ask(ctx, err)
}

// widenNonces keeps a wider window of nonces from those that were used when it was narrower and are forgotten. It locks what each use of
// the key locks first. Errors: request.invalid (settings) for a key whose nonces are all but spent.
func widenNonces(ctx context.Context, tx Tx, before, after Key) error {
	was, is := before.Settings.NonceWindow, after.Settings.NonceWindow
	if is <= was {
		return nil
	}
	within, err := tx.LiftKeyMark(ctx, after.ID, is-was)
	if err == nil && !within {
		err = invalid("settings")
	}
	return err
}

// floorFor is the least proof for handing somebody this key: money asks for a passkey, whatever else its owner has.
func floorFor(key Key) assurance.Level {
	if key.Scopes.Highest() >= scope.Withdraw || len(key.Destinations) > 0 {
		return assurance.Phr
	}
	return assurance.Mfa
}

// edited is the key as it would be. Its longest life counts from the newest of the secrets that are kept.
func (k *Keys) edited(p principal.Principal, key Key, in EditInput, kept []Material) (after Key, err error) {
	newest := kept[len(kept)-1]
	after = key
	var bad []error
	take := func(given bool, read func() error) {
		if given {
			bad = append(bad, read())
		}
	}
	take(in.Name != nil, func() error { return filled(&after.Name, *in.Name, "name") })
	take(in.Purpose != nil, func() error { return filled(&after.Purpose, *in.Purpose, "purpose") })
	take(in.Scopes != nil, func() (err error) { after.Scopes, err = scopesOf(*in.Scopes, key); return err })
	take(in.Allowlist != nil, func() (err error) { after.Allowlist, err = networks(*in.Allowlist); after.LapseNoticed = 0; return err })
	take(in.Pin != nil && *in.Pin != key.Pin, func() (err error) {
		after.Pin, err = k.pinOf(*in.Pin, key.Algorithm)
		after.LapseNoticed = 0
		return err
	})
	take(in.Bounds != nil, func() (err error) { after.Bounds, err = bounded(*in.Bounds); after.LapseNoticed = 0; return err })
	take(in.Window != nil, func() (err error) { after.WindowPast, err = k.windowOf(*in.Window, key.Dialect); return err })
	take(in.Settings != nil, func() (err error) { after.Settings, err = settingsOf(*in.Settings, key.Dialect); return err })
	take(in.Vendor != nil, func() (err error) {
		if after.Vendor, err = vendorOf(*in.Vendor); key.Vendor != "" && after.Vendor == "" {
			after.VendorSecret = newest.Version
		}
		return err
	})
	take(in.Destinations != nil, func() (err error) {
		after.Destinations, err = destinationsOf(*in.Destinations, key.Destinations, k.Now())
		return err
	})
	take(in.OnEnd != nil, func() error { after.OnEnd = *in.OnEnd; return in.OnEnd.check() })
	take(in.Standby != nil, func() error { after.Standby = *in.Standby; return nil })
	take(in.ExpiresAt != nil, func() error {
		after.ExpiresAt, after.Noticed = in.ExpiresAt.UTC().Truncate(time.Microsecond), 0
		if !after.ExpiresAt.After(k.Now()) || after.ExpiresAt.After(newest.Born.Add(k.Limits.MaxLife)) {
			return invalid("life")
		}
		return nil
	})
	for _, err := range bad {
		if f, ok := errors.AsType[*fault.Error](err); ok {
			return after, f
		}
	}
	if refused := after.forVendor(kept, k.Now()); refused != nil {
		return after, refused
	}
	return after.toWithdraw(p, key, in)
}

// toWithdraw is the edited key with what the scope to withdraw asks for. Errors: key.needs_allowlist, key.needs_destinations.
func (k Key) toWithdraw(p principal.Principal, before Key, in EditInput) (Key, error) {
	if k.Scopes.Highest() < scope.Withdraw {
		return k, nil
	}
	if len(k.Allowlist) == 0 {
		return k, fault.New(fault.KeyNeedsAllowlist)
	}
	gets := before.Scopes.Highest() < scope.Withdraw
	if len(k.Destinations) == 0 && (gets || in.Destinations != nil) { // one from before there were lists sends nothing, and may be narrowed
		return k, fault.New(fault.KeyNeedsDestinations)
	}
	if gets {
		k.ReleasedAt, k.MadeIn = time.Time{}, p.Session
	}
	return k, nil
}

// settingsOf reads the settings of a dialect. Errors: request.invalid (settings).
func settingsOf(words []string, d sign.Dialect) (sign.Settings, error) {
	s, err := d.ParseSettings(words)
	if err != nil {
		return s, invalid("settings")
	}
	return s, nil
}

func filled(into *string, text, field string) error {
	clean, ok := line.Filled(text)
	if !ok {
		return invalid(field)
	}
	*into = clean
	return nil
}

func scopesOf(words []string, key Key) (scope.Set, error) {
	set, err := scope.ParseSet(words)
	if err != nil || len(words) == 0 {
		return set, invalid("scopes")
	}
	if most := highest(key.Dialect); set.Highest() > most {
		return set, fault.New(fault.KeyAboveCeiling, "dialect", key.Dialect.String(), "ceiling", most.String())
	}
	return set, nil
}

func (o OnEnd) check() error {
	if o != LeaveOrders && o != CancelOrders {
		return invalid("on_end")
	}
	return nil
}

// widens says whether a key could do anything after a change that it could not before: more scopes, from more places, for longer, with
// older signatures, with nonces further below the highest, without the strict rules of its dialect, in another spelling while these are off, in
// other hands than its vendor's, or asleep.
func (k *Keys) widens(before, after Key) bool {
	now := k.Now()
	then := after.ExpiresAt.Add(-1)
	return after.Scopes&^before.Scopes != 0 ||
		k.effective(after, now)&^k.effective(before, now) != 0 ||
		k.effective(after, then)&^k.effective(before, then) != 0 ||
		after.ExpiresAt.After(before.ExpiresAt) ||
		after.Standby && !before.Standby ||
		k.Window(after) > k.Window(before) ||
		loosens(before.Settings, after.Settings) ||
		after.Settings.NonceWindow > before.Settings.NonceWindow ||
		moreDestinations(before.Destinations, after.Destinations) ||
		before.Vendor != "" && after.Vendor != before.Vendor ||
		before.Pin != "" && after.Pin != before.Pin ||
		after.Bounds.wider(before.Bounds) ||
		widerList(before.Allowlist, after.Allowlist)
}

// loosens says whether a signature could fit a request that it did not: the strict rules go off, or they are off and what is signed is spelled otherwise.
func loosens(before, after sign.Settings) bool {
	return after.Lenient && (!before.Lenient || after.Query != before.Query || after.Body != before.Body)
}

// widerList says whether a list allows an address that the one before did not. An empty one allows all.
func widerList(before, after []netip.Prefix) bool {
	if len(before) == 0 {
		return false
	}
	return len(after) == 0 || slices.ContainsFunc(after, func(network netip.Prefix) bool {
		return !slices.ContainsFunc(before, func(old netip.Prefix) bool {
			return old.Bits() <= network.Bits() && old.Contains(network.Addr())
		})
	})
}

// factsOfEdit are the key as it will be, and in changed the names of what is other.
func (k *Keys) factsOfEdit(before, after Key) map[string]string {
	facts, old := factsOf(after), factsOf(before)
	var changed []string
	for _, name := range [...]string{"name", "purpose", "scopes", "allowlist", "expires", "on_end", "pin", "standby", "window", "settings", "vendor", "destinations", "markets", "order_most", "day_most", "per_second"} {
		if facts[name] != old[name] {
			changed = append(changed, name)
		}
	}
	facts["changed"] = strings.Join(changed, " ")
	return facts
}

// Wake brings a key back that was put to sleep because nobody used it. It widens, so it needs an owner and a step-up.
// Errors: key.not_found, also for one that is awake; forbidden, step_up_required, assurance.too_low.
func (k *Keys) Wake(ctx context.Context, p principal.Principal, kid id.Key) error {
	return k.widen(ctx, p, kid, verb{audit.KeyWoken, happening.KeyWoken}, func(key *Key) error {
		if key.Dormancy < ReadOnlyUnused {
			return fault.New(fault.KeyNotFound)
		}
		key.Dormancy, key.WokenAt = InUse, k.Now()
		return nil
	})
}

// Release lets a key use the scope to withdraw, in another session than the one that gave it the scope and with a passkey, so that whoever
// rides one session gains nothing. The passkey must be old enough to approve money. Errors: key.not_found, also for one that is released or may
// not withdraw; key.same_session, forbidden, step_up_required, assurance.too_low, passkey.young.
func (k *Keys) Release(ctx context.Context, p principal.Principal, kid id.Key) error {
	return k.widen(ctx, p, kid, verb{audit.KeyReleased, happening.KeyReleased}, func(key *Key) error {
		switch {
		case !key.ReleasedAt.IsZero(), key.Scopes.Highest() < scope.Withdraw:
			return fault.New(fault.KeyNotFound)
		case !p.Trusted() && p.Session == key.MadeIn:
			return fault.New(fault.KeySameSession)
		}
		key.ReleasedAt = k.Now()
		return nil
	})
}

// widen gives a key something back, with a step-up for exactly that.
func (k *Keys) widen(ctx context.Context, p principal.Principal, kid id.Key, v verb, give func(*Key) error) error {
	err := k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, err := k.reachToWiden(ctx, tx, p, kid)
		if err != nil {
			return audit.Event{}, err
		}
		if err := give(&key); err != nil {
			return audit.Event{}, err
		}
		content := stepup.Content{Action: v.action, Input: kid, Facts: factsOf(key), Floor: floorFor(key)}
		if err := k.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		won, err := tx.ChangeKey(ctx, key)
		return k.changed(ctx, tx, p, key, won, err, v, nil)
	})
	return k.StepUps.Ask(ctx, err)
}
