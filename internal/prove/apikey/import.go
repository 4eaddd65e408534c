package apikey

import (
	"context"
	"fmt"
	"maps"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// ImportInput is a key of another installation, with the id and the secret that its bot has already.
type ImportInput struct {
	IssueInput
	Key id.Key
	// Secret of an HMAC key, with its Passphrase in dialects that have one. Of a key pair the public half is enough.
	Secret, Passphrase secret.Value
	// Try checks everything and keeps nothing.
	Try bool
}

// leastSecret is how many bytes a secret from elsewhere must have: below that it can be guessed from one signature.
const leastSecret = 16

// Import takes a key over, so that its bot goes on with the id and the secret that it has. The secret is sealed on its way in, the key is marked as
// imported, and what could not be issued is not imported. Nobody knows who else has the secret, so money stays with a release. Only the host's command
// line may. Errors: forbidden, key.taken, those of Issue, request.invalid (secret, public_key).
func (k *Keys) Import(ctx context.Context, p principal.Principal, in ImportInput) (key Key, err error) {
	if p.Kind != principal.KindHost {
		return key, fault.New(fault.Forbidden)
	}
	if key, err = k.plan(p, in.IssueInput); err != nil {
		return key, err
	}
	key.ID, key.ImportedAt = in.Key, key.Born
	m := Material{Version: 1, Born: key.Born, MintedBy: p.Kind.String()}
	if m.Bytes, err = k.imported(key, in); err != nil {
		return key, err
	}
	if in.Try {
		return key, k.Ledger.View(ctx, func(tx Tx) error { return k.untaken(ctx, tx, key.ID) })
	}
	err = k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := k.untaken(ctx, tx, key.ID); err != nil {
			return audit.Event{}, err
		}
		if key, err = k.given(ctx, tx, p, key); err != nil {
			return audit.Event{}, err
		}
		if key.ExpiresAt, err = k.due(ctx, tx, key, in.Life); err != nil {
			return audit.Event{}, err
		}
		if key.Subaccount, err = k.subaccount(ctx, tx, in.IssueInput); err != nil {
			return audit.Event{}, err
		}
		if err := tx.InsertKey(ctx, key, m); err != nil {
			return audit.Event{}, fmt.Errorf("insert key: %w", err)
		}
		tx.Announce(txn.Change{Subject: txn.SubjectKey, ID: key.ID})
		facts := factsOf(key)
		return eventOf(audit.KeyImported, p, key, facts), k.tell(ctx, tx, p, key, happening.Happening{Kind: happening.KeyCreated, Facts: madeBy(p, facts)})
	})
	return key, err
}

func (k *Keys) untaken(ctx context.Context, tx Tx, kid id.Key) error {
	_, found, err := tx.KeyByID(ctx, kid)
	if err == nil && found {
		err = fault.New(fault.KeyTaken)
	}
	return err
}

// imported is what is kept of what was brought: the public half, or the secret, sealed.
func (k *Keys) imported(key Key, in ImportInput) ([]byte, error) {
	if key.Algorithm.KeepsPublicHalf() {
		public, err := sign.PublicKeyFor(key.Algorithm, in.PublicKey)
		if err != nil {
			return nil, invalid("public_key").Because(err)
		}
		return public, nil
	}
	if len(in.Secret.Reveal()) < leastSecret || key.Dialect.HasPassphrase() == in.Passphrase.IsEmpty() {
		return nil, invalid("secret")
	}
	material, err := sign.MaterialOf(key.Dialect, in.Secret.Reveal(), string(in.Passphrase.Reveal()))
	if err != nil {
		return nil, invalid("secret").Because(err)
	}
	defer clear(material)
	return k.Sealer.Seal(MaterialPlace(key.ID, 1), material), nil
}

// ByFact is in the facts of a notice of a new key that no person made: the platform's operator did, at the host.
const ByFact = "by"

// madeBy are the facts of a new key for those who are told of it.
func madeBy(p principal.Principal, facts map[string]string) map[string]string {
	if !p.Trusted() {
		return facts
	}
	told := maps.Clone(facts)
	told[ByFact] = p.Kind.String()
	return told
}
