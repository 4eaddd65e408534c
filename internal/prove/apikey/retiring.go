package apikey

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

var (
	retiring = verb{audit.KeyRetiring, happening.KeyRetiring}
	unseen   = verb{audit.KeyUnseen, happening.KeyUnseen}
)

// noticeAfter is the first moment after now at which the owner is told of the end of a secret that is still used: half-way, and when a tenth
// of the overlap is left, which is an hour at the least unless that is more than a quarter. Zero if there is none any more.
func noticeAfter(since, ends, now time.Time) time.Time {
	overlap := ends.Sub(since)
	left := max(overlap/10, min(time.Hour, overlap/4))
	for _, at := range [...]time.Time{since.Add(overlap / 2), ends.Add(-left)} {
		if at.After(now) && at.Before(ends) {
			return at
		}
	}
	return time.Time{}
}

// ExtendInput is how much longer the old secret of a rotation goes on.
type ExtendInput struct {
	Key id.Key        `json:"key"`
	By  time.Duration `json:"by"`
}

// Extend puts the end of a rotation's old secret off, once, and never beyond MaxOverlap after the rotation. It says when that ends now.
// Errors: request.invalid (by), key.not_found, key.not_rotating, key.extended, key.frozen, key.account_locked, forbidden, step_up_required,
// assurance.too_low.
func (k *Keys) Extend(ctx context.Context, p principal.Principal, in ExtendInput) (ends time.Time, err error) {
	err = k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, err := k.reachToWiden(ctx, tx, p, in.Key)
		if err != nil {
			return audit.Event{}, err
		}
		if key.Frozen() || !key.BlockedAt.IsZero() {
			return audit.Event{}, key.FrozenBy()
		}
		old, err := retiringOf(ctx, tx, key.ID, k.Now())
		switch {
		case err != nil:
			return audit.Event{}, err
		case old.Version == 0:
			return audit.Event{}, fault.New(fault.KeyNotRotating)
		case old.Extended:
			return audit.Event{}, fault.New(fault.KeyExtended)
		case in.By < time.Second || in.By > MaxOverlap || old.Ends.Add(in.By).After(old.Since.Add(MaxOverlap)):
			return audit.Event{}, invalid("by")
		}
		ends = old.Ends.Add(in.By)
		facts := factsOf(key)
		facts["retires"] = ends.UTC().Format(time.RFC3339)
		if err := k.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.KeyExtended, Input: in, Facts: facts}); err != nil {
			return audit.Event{}, err
		}
		won, err := tx.ExtendSecret(ctx, key.ID, old.Version, Retirement{Ends: ends, NoticeAt: noticeAfter(old.Since, ends, k.Now())})
		return k.changed(ctx, tx, p, key, won, err, verb{audit.KeyExtended, happening.KeyExtended}, facts)
	})
	return ends, k.StepUps.Ask(ctx, err)
}

// retiringOf is the secret that goes on beside the newest one; the zero value while there is none.
func retiringOf(ctx context.Context, tx Tx, kid id.Key, now time.Time) (old Material, err error) {
	kept, err := tx.MaterialOf(ctx, kid)
	if err != nil {
		return old, fmt.Errorf("read secrets: %w", err)
	}
	if len(kept) > 1 && now.Before(kept[len(kept)-2].Ends) {
		old = kept[len(kept)-2]
	}
	return old, nil
}

// TellRetiring tells the owners of keys whose old secret ends while it is still used, twice for each.
func (k *Keys) TellRetiring(ctx context.Context) error {
	now := k.Now()
	for more := true; more; {
		var due []id.Key
		err := k.Ledger.View(ctx, func(tx Tx) (err error) {
			due, err = tx.KeysRetiring(ctx, now, askedAtOnce)
			return err
		})
		if err != nil {
			return fmt.Errorf("look for secrets that retire: %w", err)
		}
		for _, kid := range due {
			if err := k.tellRetiring(ctx, kid, now); err != nil {
				return fmt.Errorf("tell of the old secret of %s: %w", kid, err)
			}
		}
		more = len(due) == askedAtOnce
	}
	return nil
}

func (k *Keys) tellRetiring(ctx context.Context, kid id.Key, now time.Time) error {
	return k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		quiet := audit.Quiet(audit.KeyUsed)
		key, found, err := tx.KeyToChange(ctx, kid)
		if err != nil || !found {
			return quiet, err
		}
		old, err := retiringOf(ctx, tx, kid, now)
		if err != nil || old.Version == 0 {
			return quiet, err
		}
		if err := tx.SecretNoticed(ctx, kid, old.Version, noticeAfter(old.Since, old.Ends, now)); err != nil {
			return quiet, err
		}
		v, from := k.stillUsed(kid, old.Since, now)
		if v.kind == "" || !key.RevokedAt.IsZero() || !now.Before(key.ExpiresAt) {
			return quiet, nil
		}
		facts := map[string]string{"seen": from}
		maps.Copy(facts, overlapOf(now, old.Ends))
		return k.changed(ctx, tx, principal.System("keys"), key, true, nil, v, facts)
	})
}

// stillUsed says what there is to tell of an old secret, and from where it was used: that the new one was never seen, or that the old one was
// used in the later half of the time since the rotation. Of one that nobody uses any more there is nothing.
func (k *Keys) stillUsed(kid id.Key, since, now time.Time) (v verb, from string) {
	list := k.Cutover(kid)
	if len(list) < 2 || !list[1].LastUsedAt.After(since) {
		return v, ""
	}
	switch next, old := list[0], list[1]; {
	case next.LastUsedAt.IsZero():
		return unseen, old.LastUsedFrom
	case old.LastUsedAt.After(since.Add(now.Sub(since) / 2)):
		return retiring, old.LastUsedFrom
	}
	return v, ""
}
