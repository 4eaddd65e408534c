package apikey

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Stop is a reversible end.
type Stop uint8

// The stops.
const (
	// Freeze: no new order and no widening; looking and cancelling go on.
	Freeze Stop = iota
	// Block: nothing goes on. It is for a secret that strangers may hold.
	Block
)

// verb is what a change is called in the log and in the table of consequences; nothing follows from one without a kind.
type verb struct {
	action audit.Action
	kind   happening.Kind
}

var (
	stopping = [...]verb{Freeze: {audit.KeyFrozen, happening.KeyFrozen}, Block: {audit.KeyBlocked, happening.KeyBlocked}}
	resuming = [...]verb{Freeze: {audit.KeyUnfrozen, happening.KeyUnfrozen}, Block: {audit.KeyUnblocked, happening.KeyUnblocked}}
)

// Revoke ends a key for good; its requests are refused from the moment this returns. It needs no ceremony, because it reduces risk.
// Errors: key.not_found, forbidden.
func (k *Keys) Revoke(ctx context.Context, p principal.Principal, kid id.Key) error {
	return k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, err := k.reach(ctx, tx, p, kid)
		if err != nil {
			return audit.Event{}, err
		}
		won, err := tx.RevokeKey(ctx, key.Account, kid, "revoked by "+p.Kind.String(), k.Now())
		return k.changed(ctx, tx, p, key, won, err, verb{audit.KeyRevoked, happening.KeyRevoked}, nil)
	})
}

// Stop freezes or blocks a key, from the moment this returns. It needs no ceremony, because it reduces risk; a key may do it to itself.
// Errors: key.not_found, also for one that is stopped so already; forbidden.
func (k *Keys) Stop(ctx context.Context, p principal.Principal, kid id.Key, s Stop) error {
	return k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, err := k.reach(ctx, tx, p, kid)
		if err != nil {
			return audit.Event{}, err
		}
		won, err := tx.StopKey(ctx, key, s, "stopped by "+p.Kind.String(), k.Now())
		return k.changed(ctx, tx, p, key, won, err, stopping[s], nil)
	})
}

// StopReported blocks a key that u may reduce (their own, one of a service user that they answer for, or one of an account that they own) in the caller's transaction, because u said that what became of it was not them.
// Whoever left the account since the letter reduces nothing in it. A key that is gone, or that is stopped already, stays as it is.
func (k *Keys) StopReported(ctx context.Context, tx any, u id.User, kid id.Key) error {
	t := txn.As[Tx](tx)
	key, found, err := t.KeyToChange(ctx, kid)
	if err != nil || !found || !key.RevokedAt.IsZero() {
		return err
	}
	now, err := t.HolderIn(ctx, key.Account, u)
	if err != nil || now.Role == principal.NoRole || now.Role != principal.Owner && key.Owner != u && !slices.Contains(key.Sponsors, u) {
		return err
	}
	won, err := t.StopKey(ctx, key, Block, "reported by its owner", k.Now())
	if err != nil {
		return fmt.Errorf("block %s: %w", key.Text(), err)
	}
	if !won {
		return nil
	}
	t.Announce(txn.Change{Subject: txn.SubjectKey, ID: kid})
	t.Record(eventOf(audit.KeyBlocked, principal.System("not-me"), key, factsOf(key)))
	return k.tellPlatform(ctx, tx, key, happening.KeyBlocked)
}

// Resume takes a freeze or block back. It widens, so it needs an owner of the account and a step-up for exactly this.
// Errors: key.not_found, also for one that is not stopped so; forbidden, step_up_required, assurance.too_low.
func (k *Keys) Resume(ctx context.Context, p principal.Principal, kid id.Key, s Stop) error {
	err := k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, err := k.reachToWiden(ctx, tx, p, kid)
		if err != nil {
			return audit.Event{}, err
		}
		content := stepup.Content{Action: resuming[s].action, Input: kid, Facts: factsOf(key)}
		if err := k.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		won, err := tx.ResumeKey(ctx, key, s)
		return k.changed(ctx, tx, p, key, won, err, resuming[s], nil)
	})
	return k.StepUps.Ask(ctx, err)
}

// Leak is what is known of a key that was marked leaked.
type Leak struct {
	Key
	// Uses since the moment that was named, the latest first.
	Uses []Use
	// Cut says that there are more uses than those.
	Cut bool
	// Others are keys of the account that were last used from an address which this one was used from.
	Others []Key
}

// Leaked ends a key for good because strangers hold its secret: dead from the moment this returns, both secrets of a rotation with it. Money
// is held if the key could withdraw. The zero since is since ever; what is still kept of its uses is told. Errors: key.not_found, forbidden.
func (k *Keys) Leaked(ctx context.Context, p principal.Principal, kid id.Key, since time.Time) (leak Leak, err error) {
	if err := k.SaveUses(ctx); err != nil {
		return leak, err
	}
	err = k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, err := k.reach(ctx, tx, p, kid)
		if err != nil {
			return audit.Event{}, err
		}
		leak = Leak{Key: key}
		if leak.Uses, err = tx.UsesOfKey(ctx, kid, since.Truncate(time.Hour), maxUses); err != nil {
			return audit.Event{}, err
		}
		leak.Cut = len(leak.Uses) == maxUses
		if leak.Others, err = seenBeside(ctx, tx, key, leak.Uses); err != nil {
			return audit.Event{}, err
		}
		var named map[string]string
		if !since.IsZero() {
			named = map[string]string{"since": since.UTC().Format(time.RFC3339)}
		}
		what := verb{audit.KeyLeaked, happening.KeyLeaked}
		if key.Scopes.Highest() >= scope.Withdraw {
			what.kind = happening.MoneyKeyLeaked
		}
		won, err := tx.RevokeKey(ctx, key.Account, kid, "leaked", k.Now())
		return k.changed(ctx, tx, p, key, won, err, what, named)
	})
	return leak, err
}

// maxUses is how many lines of use one answer holds.
const maxUses = 1000

// seenBeside lists the other keys of the account that were last used from where this one was used.
func seenBeside(ctx context.Context, tx Tx, key Key, uses []Use) (others []Key, err error) {
	place := func(from string) string {
		addr, _ := netip.ParseAddr(from) // of a key that was never used there is none
		return nameOf(placeOf(addr))
	}
	places := map[string]bool{place(key.LastUsedFrom): true}
	for _, u := range uses {
		places[u.Addr] = true
	}
	all, err := tx.KeysOfAccount(ctx, key.Account)
	for _, other := range all {
		if other.ID != key.ID && other.RevokedAt.IsZero() && other.LastUsedFrom != "" && places[place(other.LastUsedFrom)] {
			others = append(others, other)
		}
	}
	return others, err
}

// changed ends a change of a key: the feed, what follows, and the event.
func (k *Keys) changed(ctx context.Context, tx Tx, p principal.Principal, key Key, won bool, err error, v verb, more map[string]string) (audit.Event, error) {
	if err != nil {
		return audit.Event{}, fmt.Errorf("%s %s: %w", v.action, key.Text(), err)
	}
	if !won {
		return audit.Event{}, fault.New(fault.KeyNotFound)
	}
	tx.Announce(txn.Change{Subject: txn.SubjectKey, ID: key.ID})
	facts := factsOf(key)
	maps.Copy(facts, more)
	if v.kind == "" {
		return eventOf(v.action, p, key, facts), nil
	}
	if err := k.noteGiven(ctx, tx, p, key, v.kind); err != nil {
		return audit.Event{}, err
	}
	if err := k.tellPlatform(ctx, tx, key, v.kind); err != nil {
		return audit.Event{}, err
	}
	follow := happening.Happening{Kind: v.kind, Facts: facts, About: key.Text()}
	return eventOf(v.action, p, key, facts), k.tell(ctx, tx, p, key, follow.SeenFrom(p.Origin))
}

// reach finds a key that the principal may reduce: its own, one of a service user that they answer for, or any of the account for one who may change
// settings.
func (k *Keys) reach(ctx context.Context, tx Tx, p principal.Principal, kid id.Key) (Key, error) {
	key, found, err := tx.KeyToChange(ctx, kid)
	if err != nil {
		return key, fmt.Errorf("read key: %w", err)
	}
	if !found || (key.Account != p.Account && !p.Trusted()) || !key.RevokedAt.IsZero() {
		return key, fault.New(fault.KeyNotFound)
	}
	if !p.Trusted() && key.Owner != p.User && !slices.Contains(key.Sponsors, p.User) {
		if err := k.Decide.Decide(decision.Question{Principal: p, Class: scope.Setting, Reduces: true}).Err(); err != nil {
			return key, err
		}
	}
	return key, nil
}

// reachToWiden finds a key that the principal may give something to: only an owner of the account may.
func (k *Keys) reachToWiden(ctx context.Context, tx Tx, p principal.Principal, kid id.Key) (Key, error) {
	key, err := k.reach(ctx, tx, p, kid)
	if err != nil {
		return key, err
	}
	return key, k.Decide.Decide(decision.Question{Principal: p, Class: scope.Setting, Account: key.Account}).Err()
}

// FreezeAll freezes every live key of an owner in the caller's transaction; room respond calls it where the table says so. Each is unfrozen by
// its owner, one by one.
func (k *Keys) FreezeAll(ctx context.Context, tx Tx, owner id.User, why happening.Kind) error {
	return k.eachOf(ctx, tx, owner, func(key Key) error { return k.freeze(ctx, tx, key, why) })
}

// FreezeIn is FreezeAll for the keys of one account.
func (k *Keys) FreezeIn(ctx context.Context, tx Tx, a id.Account, owner id.User, why happening.Kind) error {
	return k.eachOf(ctx, tx, owner, func(key Key) error {
		if key.Account != a {
			return nil
		}
		return k.freeze(ctx, tx, key, why)
	})
}

// FreezeServing freezes every key of the service users of the accounts that somebody owns: who took over an owner could have made one, and it hangs on no
// person whose own state would stop it. Each is unfrozen by an owner, one by one.
func (k *Keys) FreezeServing(ctx context.Context, tx Tx, owner id.User, why happening.Kind) error {
	all, err := tx.KeysServing(ctx, owner)
	if err != nil {
		return fmt.Errorf("list keys of service users: %w", err)
	}
	return k.each(ctx, tx, all, func(key Key) error { return k.freeze(ctx, tx, key, why) })
}

// noteGiven notes who gave somebody else's key more, another holder or the next secret: it is reviewed once that may not have been them.
func (k *Keys) noteGiven(ctx context.Context, tx Tx, p principal.Principal, key Key, kind happening.Kind) error {
	if p.Kind != principal.KindUser || key.Owner == p.User || !giving[kind] {
		return nil
	}
	if err := tx.NoteGiven(ctx, key.ID, p.User, k.Now()); err != nil {
		return fmt.Errorf("note who gave %s: %w", key.Text(), err)
	}
	return nil
}

// FreezeGiven freezes every key that somebody gave to others, or others' keys that they gave something, since a moment, because somebody else may have done it, and tells who has it now. Each is
// unfrozen by an owner, one by one.
func (k *Keys) FreezeGiven(ctx context.Context, tx Tx, by id.User, since time.Time, why happening.Kind) error {
	all, err := tx.KeysGivenBy(ctx, by, since)
	if err != nil {
		return fmt.Errorf("list keys that %s gave away: %w", by, err)
	}
	return k.each(ctx, tx, all, func(key Key) error {
		if !key.FrozenAt.IsZero() {
			return nil
		}
		if err := k.freeze(ctx, tx, key, why); err != nil {
			return err
		}
		return k.tell(ctx, tx, principal.System("review"), key, happening.Happening{Kind: happening.KeyFrozen, Facts: factsOf(key)})
	})
}

func (k *Keys) freeze(ctx context.Context, tx Tx, key Key, why happening.Kind) error {
	won, err := tx.StopKey(ctx, key, Freeze, string(why), k.Now())
	if err != nil || !won {
		return err
	}
	tx.Announce(txn.Change{Subject: txn.SubjectKey, ID: key.ID})
	tx.Record(eventOf(audit.KeyFrozen, principal.System(string(why)), key, factsOf(key)))
	return k.tellPlatform(ctx, tx, key, happening.KeyFrozen)
}

// TellAll tells the platform of every key of an owner who can use none of them, because of their own state: why is a change of that.
func (k *Keys) TellAll(ctx context.Context, tx Tx, owner id.User, why happening.Kind) error {
	return k.eachOf(ctx, tx, owner, func(key Key) error { return k.tellPlatform(ctx, tx, key, why) })
}

// TellUnder is TellAll for the keys that others have in the accounts of an owner who locked them.
func (k *Keys) TellUnder(ctx context.Context, tx Tx, owner id.User, why happening.Kind) error {
	all, err := tx.KeysUnder(ctx, owner)
	if err != nil {
		return fmt.Errorf("list keys under %s: %w", owner, err)
	}
	return k.each(ctx, tx, all, func(key Key) error { return k.tellPlatform(ctx, tx, key, why) })
}

// TellIn is TellAll for the keys of one account.
func (k *Keys) TellIn(ctx context.Context, tx Tx, a id.Account, owner id.User, why happening.Kind) error {
	return k.eachOf(ctx, tx, owner, func(key Key) error {
		if key.Account != a {
			return nil
		}
		return k.tellPlatform(ctx, tx, key, why)
	})
}

// eachOf visits the keys of an owner that are not revoked, each ready to be changed.
func (k *Keys) eachOf(ctx context.Context, tx Tx, owner id.User, visit func(Key) error) error {
	all, err := tx.KeysOfOwner(ctx, owner)
	if err != nil {
		return fmt.Errorf("list keys of %s: %w", owner, err)
	}
	return k.each(ctx, tx, all, visit)
}

func (k *Keys) each(ctx context.Context, tx Tx, all []id.Key, visit func(Key) error) error {
	for _, kid := range all {
		key, found, err := tx.KeyToChange(ctx, kid)
		if err != nil {
			return fmt.Errorf("read key: %w", err)
		}
		if !found || !key.RevokedAt.IsZero() {
			continue
		}
		if err := visit(key); err != nil {
			return fmt.Errorf("%s: %w", key.Text(), err)
		}
	}
	return nil
}
