package apikey

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Dormancy is the step that a key nobody uses has come to.
type Dormancy uint8

// The steps, in their order.
const (
	InUse Dormancy = iota
	// NoticedUnused: its owner was told.
	NoticedUnused
	// ReadOnlyUnused: it looks and cancels only.
	ReadOnlyUnused
	// DisabledUnused: it does nothing until its owner wakes it.
	DisabledUnused
)

const day = 24 * time.Hour

// dormancyAfter is after how many days without a use a key comes to each step.
var dormancyAfter = [...]time.Duration{NoticedUnused: 30 * day, ReadOnlyUnused: 60 * day, DisabledUnused: 90 * day}

// ended stands in Noticed and LapseNoticed once the end itself was told.
const ended = -1

// What time does to keys.
var (
	expiring = verb{audit.KeyExpiring, happening.KeyExpiring}
	expired  = verb{audit.KeyExpired, happening.KeyExpired}
	lapsing  = verb{audit.KeyLapsing, happening.KeyLapsing}
	lapsed   = verb{audit.KeyLapsed, happening.KeyLapsed}
	orphaned = verb{audit.KeyOrphaned, happening.KeyOrphaned}
	awake    = verb{action: audit.KeyUsed} // nothing is told
	sleeping = [...]verb{
		NoticedUnused:  {audit.KeyUnused, happening.KeyUnused},
		ReadOnlyUnused: {audit.KeyNarrowed, happening.KeyNarrowed},
		DisabledUnused: {audit.KeyDisabled, happening.KeyDisabled},
	}
)

// LapseAt is when a key that is tied to no network stops to trade; zero for one that does not.
func (k *Keys) LapseAt(key Key) time.Time {
	if key.Tied() || key.Scopes.Highest() < scope.Order {
		return time.Time{}
	}
	return key.Born.Add(k.Limits.UnpinnedTradeLife)
}

// next is the first thing that time has done to a key since it was looked at last, with the key as it is after it; ok is false if there is
// none. It is pure.
func (k *Keys) next(key Key, now time.Time) (after Key, v verb, ok bool) {
	if !key.RevokedAt.IsZero() || key.Noticed == ended {
		return key, v, false
	}
	if !key.OwnerUntil.IsZero() && !now.Before(key.OwnerUntil) && key.OrphanedAt.IsZero() {
		key.OrphanedAt = now
		return key, orphaned, true
	}
	if key.Noticed, ok = told(key.ExpiresAt, key, key.Noticed, now); ok {
		return key, endOr(key.Noticed, expired, expiring), true
	}
	if at := k.LapseAt(key); !at.IsZero() && key.LapseNoticed != ended && at.Before(key.ExpiresAt) {
		if key.LapseNoticed, ok = told(at, key, key.LapseNoticed, now); ok {
			return key, endOr(key.LapseNoticed, lapsed, lapsing), true
		}
	}
	step := dormancy(key, now)
	switch {
	case step > key.Dormancy:
		key.Dormancy = step
		return key, sleeping[step], true
	case step == InUse && key.Dormancy == NoticedUnused:
		key.Dormancy = InUse
		return key, awake, true
	}
	return key, v, false
}

func endOr(noticed int, end, notice verb) verb {
	if noticed == ended {
		return end
	}
	return notice
}

// told says what is to be told now about an end: that it has come, or the days that are left. A notice that would come before the key was
// made is not owed.
func told(end time.Time, key Key, before int, now time.Time) (noticed int, ok bool) {
	if !now.Before(end) {
		return ended, true
	}
	noticed = before
	for _, days := range [...]int{30, 14, 7, 1} {
		at := end.Add(-time.Duration(days) * day)
		if at.After(key.Born) && !now.Before(at) && (noticed == 0 || days < noticed) {
			noticed = days
		}
	}
	return noticed, noticed != before
}

// dormancy is how far a key has come that nobody uses. A standby key is meant to lie there.
func dormancy(key Key, now time.Time) (step Dormancy) {
	if key.Standby {
		return InUse
	}
	since := key.Born
	for _, at := range [...]time.Time{key.LastUsedAt, key.WokenAt} {
		if at.After(since) {
			since = at
		}
	}
	for next := NoticedUnused; next <= DisabledUnused; next++ {
		if now.Sub(since) >= dormancyAfter[next] {
			step = next
		}
	}
	return step
}

// Age does to every key what time has done to it since the last call: it tells owners of ends that come, and puts keys to sleep that nobody
// uses. Ends themselves need nobody: they lie in every snapshot.
func (k *Keys) Age(ctx context.Context) error {
	now := k.Now()
	var due []id.Key
	err := k.eachPage(ctx, id.Key{}, lastKey, func(_ Tx, _ id.Key, page []Key) error {
		for _, key := range page {
			if _, _, ok := k.next(k.asUsed(key), now); ok {
				due = append(due, key.ID)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for keys that age: %w", err)
	}
	for _, kid := range due {
		for more := true; more; {
			var err error
			if more, err = k.ageOne(ctx, kid, now); err != nil {
				return fmt.Errorf("age keys: %w", err)
			}
		}
	}
	return nil
}

// asUsed is the key with the last use that this node knows of.
func (k *Keys) asUsed(key Key) Key {
	if live := k.Find(key.ID); live != nil {
		if at := time.UnixMicro(live.used.at.Load()); at.After(key.LastUsedAt) {
			key.LastUsedAt = at
		}
	}
	return key
}

func (k *Keys) ageOne(ctx context.Context, kid id.Key, now time.Time) (did bool, err error) {
	err = k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		did = false
		key, found, err := tx.KeyToChange(ctx, kid)
		if err != nil || !found {
			return audit.Quiet(audit.KeyUsed), err
		}
		after, v, ok := k.next(k.asUsed(key), now)
		if !ok {
			return audit.Quiet(audit.KeyUsed), nil
		}
		won, err := tx.ChangeKey(ctx, after)
		did = won
		if v == awake || err != nil || !won {
			return audit.Quiet(audit.KeyUsed), err
		}
		return k.changed(ctx, tx, principal.System("keys"), after, won, nil, v, k.endsOf(after))
	})
	return did, err
}

// endsOf are the ends of a key as facts.
func (k *Keys) endsOf(key Key) map[string]string {
	facts := map[string]string{"ends": key.ExpiresAt.UTC().Format(time.RFC3339)}
	if at := k.LapseAt(key); !at.IsZero() {
		maps.Copy(facts, map[string]string{"lapses": at.UTC().Format(time.RFC3339)})
	}
	return facts
}
