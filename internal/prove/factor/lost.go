package factor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// MadeOn lists the passkeys of a user that were made in one browser.
func (m Methods) MadeOn(ctx context.Context, tx Tx, u id.User, d id.Device) ([]passkey.Credential, error) {
	made, err := tx.PasskeysMadeOn(ctx, u, d)
	if err != nil {
		return nil, fmt.Errorf("list passkeys of device: %w", err)
	}
	var list []passkey.Credential
	for _, c := range m.Passkeys {
		if slices.Contains(made, c.ID) {
			list = append(list, c)
		}
	}
	return list, nil
}

// lost is what a step-up for giving a browser up is bound to.
type lost struct {
	Device   id.Device    `json:"device"`
	Passkeys []id.Passkey `json:"passkeys"`
}

// RemoveMadeOn takes away the passkeys that were made in a browser which its owner gives up, in the caller's transaction, and names them. It needs a
// step-up for exactly these, because whoever holds a stolen session would begin with the passkeys that are in their way; where there are none it
// needs nothing. What follows from it is the caller's. Errors: factor.last, factor.last_way_back, step_up_required.
func (f *Factors) RemoveMadeOn(ctx context.Context, tx Tx, p principal.Principal, d id.Device, agent string) (names []string, err error) {
	m, err := f.fewer(ctx, tx, p.User)
	if err != nil {
		return nil, err
	}
	gone, err := m.MadeOn(ctx, tx, p.User, d)
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	bound := lost{Device: d}
	for _, c := range gone {
		bound.Passkeys, names = append(bound.Passkeys, c.ID), append(names, c.Name)
	}
	m.Passkeys = slices.DeleteFunc(m.Passkeys, func(c passkey.Credential) bool { return slices.Contains(bound.Passkeys, c.ID) })
	if err := m.stands(); err != nil {
		return nil, err
	}
	facts := map[string]string{"device": agent, "passkeys": strings.Join(names, ", ")}
	if err := f.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.DeviceLost, Input: bound, Facts: facts}); err != nil {
		return nil, err
	}
	for _, c := range bound.Passkeys {
		if won, err := tx.RemovePasskey(ctx, p.User, c, f.Now()); err != nil || !won {
			return nil, fmt.Errorf("remove passkey: won %t: %w", won, err)
		}
	}
	return names, m.dropCodes(ctx, tx, p.User)
}
