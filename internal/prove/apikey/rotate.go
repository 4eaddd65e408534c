package apikey

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// The overlap of a rotation.
const (
	UsualOverlap = 24 * time.Hour
	MaxOverlap   = 7 * 24 * time.Hour
	// leastSelfOverlap is the shortest that a key may give itself: nobody is there who could confirm that the old secret dies at once.
	leastSelfOverlap = time.Minute
)

// RotateInput is how a key gets its next secret.
type RotateInput struct {
	Key id.Key `json:"key"`
	// Overlap is how long the old secret goes on, from 0 to MaxOverlap.
	Overlap time.Duration `json:"overlap"`
	// Sure confirms an overlap of zero: the old secret dies before the new one was seen.
	Sure bool `json:"sure"`
	// PublicKey of an Ed25519 key, and the proof of its private half as for Issue. A key that rotates itself signs ProofText of its own id.
	PublicKey  string `json:"public_key"`
	Challenge  string `json:"-"`
	Possession string `json:"-"`
}

// Rotated is a key with its new secret, which is never readable again.
type Rotated struct {
	Issued
	// Retires is when the old secret stops to verify.
	Retires time.Time
}

// Rotate gives a key its next secret: same rights, and a new life as long as the one before. Both secrets verify until the overlap ends.
// A rotation whose new secret was not used yet may be repeated: the unseen one is replaced.
// Errors: request.invalid (overlap, public_key), key.not_found, key.rotating, key.unseen for an overlap of zero without Sure, forbidden,
// step_up_required, assurance.too_low, key.possession_unproven.
func (k *Keys) Rotate(ctx context.Context, p principal.Principal, in RotateInput) (out Rotated, err error) {
	if in.Overlap < 0 || in.Overlap > MaxOverlap {
		return out, invalid("overlap")
	}
	if in.Overlap == 0 && !in.Sure {
		return out, fault.New(fault.KeyUnseen)
	}
	err = k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, err := k.reachToWiden(ctx, tx, p, in.Key)
		if err != nil {
			return audit.Event{}, err
		}
		kept, err := tx.MaterialOf(ctx, key.ID)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read secrets: %w", err)
		}
		newest := kept[len(kept)-1]
		proof := IssueInput{PublicKey: in.PublicKey, Challenge: in.Challenge, Possession: in.Possession}
		material, given, possession, err := k.mint(p, key, newest.Version+1, proof)
		if err != nil {
			return audit.Event{}, err
		}
		facts := factsOf(key)
		facts["overlap"] = in.Overlap.String()
		if err := k.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.KeyRotated, Input: in, Facts: facts}); err != nil {
			return audit.Event{}, err
		}
		if possession != nil {
			if err := possession.Spend(ctx, txn.As[ceremony.Tx](tx)); err != nil {
				return audit.Event{}, err
			}
		}
		if out.Retires, err = k.replace(ctx, tx, key, kept, material, in.Overlap); err != nil {
			return audit.Event{}, err
		}
		maps.Copy(facts, overlapOf(material.Born, out.Retires))
		out.Issued = given
		out.Key, out.Noticed = key, 0
		out.ExpiresAt = material.Born.Add(min(key.ExpiresAt.Sub(newest.Born), k.Limits.MaxLife))
		if _, err := tx.ChangeKey(ctx, out.Key); err != nil {
			return audit.Event{}, fmt.Errorf("renew key: %w", err)
		}
		return k.changed(ctx, tx, p, out.Key, true, nil, verb{audit.KeyRotated, happening.KeyRotated}, facts)
	})
	return out, k.StepUps.Ask(ctx, err)
}

// RotatesItself says whether keys of a dialect may give themselves their next secret: their signatures cover method, path and body.
func RotatesItself(d sign.Dialect) bool {
	c := d.Coverage()
	return c.Method && c.Path && c.Body
}

// RotateSelf is Rotate by the key itself, with a request that it signed. It needs no person, so it gives nothing but a new secret: the end of
// the key's life stays where it was. Only the newest secret may do it, or the one before while the newest was minted so and never used, so
// that a bot which lost an answer can ask again. The signature has to cover method, path and body: otherwise one that was made for a look, and
// never reached us, would bring whoever caught it the next secret.
// Errors: key.rotated_by_owner, forbidden, request.invalid (overlap, public_key), key.frozen, key.account_locked, key.rotating, key.possession_unproven.
func (k *Keys) RotateSelf(ctx context.Context, p principal.Principal, in RotateInput) (out Rotated, err error) {
	if p.Kind != principal.KindKey {
		return out, fault.New(fault.Forbidden)
	}
	if in.Overlap < leastSelfOverlap || in.Overlap > MaxOverlap {
		return out, invalid("overlap")
	}
	err = k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, found, err := tx.KeyToChange(ctx, p.Key)
		if err != nil || !found || !key.RevokedAt.IsZero() {
			return audit.Event{}, orNotFound(err)
		}
		if key.Frozen() {
			return audit.Event{}, key.FrozenBy()
		}
		if !RotatesItself(key.Dialect) {
			return audit.Event{}, fault.New(fault.KeyRotatedByOwner)
		}
		kept, err := tx.MaterialOf(ctx, key.ID)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read secrets: %w", err)
		}
		newest := kept[len(kept)-1]
		if p.Secret != newest.Version && newest.MintedBy != principal.KindKey.String() {
			return audit.Event{}, fault.New(fault.KeyRotating)
		}
		material, given, err := k.mintSelf(key, newest.Version+1, in)
		if err != nil {
			return audit.Event{}, err
		}
		if out.Retires, err = k.replace(ctx, tx, key, kept, material, in.Overlap); err != nil {
			return audit.Event{}, err
		}
		out.Issued = given
		out.Key = key.handedOn(p.Secret, material.Version)
		if _, err := tx.ChangeKey(ctx, out.Key); err != nil {
			return audit.Event{}, fmt.Errorf("hand the key on: %w", err)
		}
		return k.changed(ctx, tx, p, out.Key, true, nil, verb{audit.KeyRotated, happening.KeyRotated}, overlapOf(material.Born, out.Retires))
	})
	return out, err
}

func orNotFound(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.KeyNotFound)
}

// overlapOf are the facts of an overlap as it came to be: a second rotation keeps what the first said.
func overlapOf(born, retires time.Time) map[string]string {
	return map[string]string{"overlap": retires.Sub(born).Round(time.Second).String(), "retires": retires.UTC().Format(time.RFC3339)}
}

// mintSelf is mint for a key that has no ceremony: what proves the private half is signed over the key's own id.
func (k *Keys) mintSelf(key Key, version uint32, in RotateInput) (m Material, given Issued, err error) {
	if key.Algorithm.KeepsPublicHalf() {
		public, err := sign.PublicKeyFor(key.Algorithm, in.PublicKey)
		if err != nil {
			return m, given, invalid("public_key").Because(err)
		}
		proof, err := base64.StdEncoding.DecodeString(in.Possession)
		if err != nil || !sign.HoldsPossession(key.Algorithm, public, ProofText(key.Text()), proof) {
			return m, given, fault.New(fault.KeyPossessionUnproven)
		}
	}
	m, given, _, err = k.mint(principal.System("rotation"), key, version, IssueInput{PublicKey: in.PublicKey})
	m.MintedBy = principal.KindKey.String()
	return m, given, err
}

// replace puts the next secret beside the newest of those that are kept, which then retires. It says when.
func (k *Keys) replace(ctx context.Context, tx Tx, key Key, kept []Material, next Material, overlap time.Duration) (retires time.Time, err error) {
	newest := kept[len(kept)-1]
	since := next.Born
	retires = since.Add(overlap)
	if len(kept) > 1 && next.Born.Before(kept[len(kept)-2].Ends) {
		before := kept[len(kept)-2].Ends
		if k.seen(key.ID, newest) {
			return before, fault.New(fault.KeyRotating, "until", before.UTC().Format(time.RFC3339))
		}
		if before.Before(retires) {
			retires = before // what was said first holds: asking again keeps no old secret alive
		}
		since = kept[len(kept)-2].Since
		if err := tx.DeleteSecret(ctx, key.ID, newest.Version); err != nil {
			return retires, fmt.Errorf("replace unseen secret: %w", err)
		}
	}
	if err := tx.RetireSecrets(ctx, key.ID, next.Version, Retirement{Since: since, Ends: retires, NoticeAt: noticeAfter(since, retires, next.Born)}); err != nil {
		return retires, fmt.Errorf("retire secrets: %w", err)
	}
	if err := tx.InsertSecret(ctx, key.ID, next); err != nil {
		return retires, fmt.Errorf("insert secret: %w", err)
	}
	return retires, nil
}

// seen says whether a secret was ever used, as far as this node knows.
func (k *Keys) seen(kid id.Key, m Material) bool {
	if !m.LastUsedAt.IsZero() {
		return true
	}
	if live := k.Find(kid); live != nil {
		for i := range live.Materials {
			if u := live.Materials[i].used(); live.Materials[i].Version == m.Version && u != nil {
				return u.at.Load() != 0
			}
		}
	}
	return false
}

// Retire ends the old secret of a rotation now. Before the new one was seen it needs Sure. It reduces what works, so it needs no step-up.
// Errors: key.not_found, key.not_rotating, key.unseen, forbidden.
func (k *Keys) Retire(ctx context.Context, p principal.Principal, kid id.Key, sure bool) error {
	return k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, err := k.reach(ctx, tx, p, kid)
		if err != nil {
			return audit.Event{}, err
		}
		kept, err := tx.MaterialOf(ctx, kid)
		if err != nil {
			return audit.Event{}, err
		}
		now := k.Now()
		if len(kept) < 2 || !now.Before(kept[len(kept)-2].Ends) {
			return audit.Event{}, fault.New(fault.KeyNotRotating)
		}
		newest := kept[len(kept)-1]
		if !sure && !k.seen(kid, newest) {
			return audit.Event{}, fault.New(fault.KeyUnseen)
		}
		if err := tx.RetireSecrets(ctx, kid, newest.Version, Retirement{Since: kept[len(kept)-2].Since, Ends: now}); err != nil {
			return audit.Event{}, fmt.Errorf("retire secrets: %w", err)
		}
		tx.Announce(txn.Change{Subject: txn.SubjectKey, ID: kid})
		return eventOf(audit.KeySecretRetired, p, key, factsOf(key)), nil
	})
}

// Secret is one of a key's secrets as the view of a rotation shows it.
type Secret struct {
	Version   uint32
	RetiresAt time.Time
	// ExtendableBy is how much longer it may be given, at the most; zero for the newest, and for one whose end was put off before.
	ExtendableBy time.Duration
	LastUsedAt   time.Time
	LastUsedFrom string
	// LastMinute is how many calls it signed in the last minute, as this node knows.
	LastMinute int
}

// Cutover lists the secrets of a key in rotation, the newest first; none for a key with only one. It reads memory only: whoever asks has
// listed the key.
func (k *Keys) Cutover(kid id.Key) (list []Secret) {
	live, now := k.Find(kid), k.Now()
	if live == nil || len(live.Materials) < 2 || live.Materials[1].Retired(now) {
		return nil
	}
	for i := range live.Materials {
		m := &live.Materials[i]
		if m.Retired(now) || m.used() == nil {
			continue
		}
		s := Secret{Version: m.Version, RetiresAt: m.Retires(), ExtendableBy: m.extendableBy(), LastMinute: m.used().lastMinute(now)}
		if at := m.used().at.Load(); at != 0 {
			s.LastUsedAt = time.UnixMicro(at).UTC()
		}
		if addr := m.used().from.Load(); addr != nil {
			s.LastUsedFrom = addr.String()
		}
		list = append(list, s)
	}
	return list
}
