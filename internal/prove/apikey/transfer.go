package apikey

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Holder is a member of an account as somebody whom a key can have.
type Holder struct {
	Name string
	// Role today; NoRole for somebody who is not there.
	Role     principal.Role
	Sponsors []id.User
}

// given checks the owner of a key to be: whoever issues, or a service user of the account; the host gives keys to anybody. Errors: request.invalid (owner).
func (k *Keys) given(ctx context.Context, tx Tx, p principal.Principal, key Key) (Key, error) {
	if key.Owner == p.User {
		return key, nil
	}
	holder, err := tx.HolderIn(ctx, key.Account, key.Owner)
	if err != nil {
		return key, fmt.Errorf("read owner: %w", err)
	}
	if !p.Trusted() && (holder.Role == principal.NoRole || len(holder.Sponsors) == 0) {
		return key, invalid("owner")
	}
	key.Sponsors = holder.Sponsors
	return key, nil
}

// TransferInput is a key and who shall have it.
type TransferInput struct {
	Key id.Key  `json:"key"`
	To  id.User `json:"to"`
}

// Transfer gives a key to another member of its account, or to a service user, with a step-up for exactly this. It keeps its id, secrets and bounds, and
// can do what its new owner may do: no more than it was given, and nothing that moves money before it is released anew. Whoever had its secret
// has it still; rotating takes it from them. Errors: key.not_found, request.invalid (to), forbidden, step_up_required, assurance.too_low.
func (k *Keys) Transfer(ctx context.Context, p principal.Principal, in TransferInput) (after Key, err error) {
	err = k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, err := k.reachToWiden(ctx, tx, p, in.Key)
		if err != nil {
			return audit.Event{}, err
		}
		holder, err := tx.HolderIn(ctx, key.Account, in.To)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read owner: %w", err)
		}
		if holder.Role == principal.NoRole || in.To == key.Owner {
			return audit.Event{}, invalid("to")
		}
		facts := factsOf(key)
		facts["member"], facts["from_member"] = holder.Name, key.OwnerName
		content := stepup.Content{Action: audit.KeyTransferred, Input: in, Facts: facts, Floor: floorFor(key)}
		if err := k.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		before, err := key.told(ctx, tx)
		if err != nil {
			return audit.Event{}, err
		}
		key.MadeIn = p.Session // who gives it away does not release it in the same breath
		won, err := tx.TransferKey(ctx, key, in.To)
		if err != nil || !won {
			return audit.Event{}, fmt.Errorf("transfer %s: won %t: %w", key.Text(), won, err)
		}
		if after, _, err = tx.KeyByID(ctx, key.ID); err != nil {
			return audit.Event{}, fmt.Errorf("read key: %w", err)
		}
		h := happening.Happening{Kind: happening.KeyTransferred, Facts: facts}.DoneBy(p, key.Account).SeenFrom(p.Origin)
		now, err := after.told(ctx, tx)
		if err != nil {
			return audit.Event{}, err
		}
		for _, u := range before { // changed tells those who have it now, and who gave it
			if h.User = u; !slices.Contains(now, u) && (u != p.User || p.Kind != principal.KindUser) {
				if err := k.Follow.Apply(ctx, tx, h); err != nil {
					return audit.Event{}, err
				}
			}
		}
		return k.changed(ctx, tx, p, after, true, nil, verb{audit.KeyTransferred, happening.KeyTransferred}, facts)
	})
	return after, k.StepUps.Ask(ctx, err)
}
