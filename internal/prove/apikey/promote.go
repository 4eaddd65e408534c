package apikey

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// PromoteInput is a test key, and for a key pair the public half of the live one with the proof of its private half, as for Issue.
type PromoteInput struct {
	Key                              id.Key
	PublicKey, Challenge, Possession string
}

// Promote makes a live key like a test key: everything that its owner chose is the same, id and secret are new. It asks for what Issue asks for, and the
// test key goes on. Errors: key.not_found, key.not_test, and those of Issue.
func (k *Keys) Promote(ctx context.Context, p principal.Principal, in PromoteInput) (Issued, error) {
	var key Key
	var born Material
	err := k.Ledger.View(ctx, func(tx Tx) error {
		var found bool
		var err error
		if key, found, err = tx.KeyByID(ctx, in.Key); err != nil {
			return fmt.Errorf("read key: %w", err)
		}
		if !found || key.Account != p.Account && !p.Trusted() || !key.RevokedAt.IsZero() {
			return fault.New(fault.KeyNotFound)
		}
		kept, err := tx.MaterialOf(ctx, key.ID)
		if err == nil {
			born = kept[len(kept)-1]
		}
		return err
	})
	if err != nil {
		return Issued{}, err
	}
	if key.Environment != id.Test {
		return Issued{}, fault.New(fault.KeyNotTest)
	}
	wanted := IssueInput{
		Account: key.Account, Name: key.Name, Purpose: key.Purpose, Subaccount: key.Subaccount, Environment: id.Live, Scopes: key.Scopes.Words(),
		Life: min(key.ExpiresAt.Sub(born.Born), k.Limits.MaxLife), Dialect: key.Dialect, Algorithm: key.Algorithm, Settings: key.Dialect.SettingsWords(key.Settings),
		Template: key.Template, OnEnd: key.OnEnd, Standby: key.Standby, Bounds: key.Bounds, Window: key.WindowPast, Vendor: key.Vendor, Destinations: key.Destinations,
		PublicKey: in.PublicKey, Challenge: in.Challenge, Possession: in.Possession,
	}
	if p.Trusted() || len(key.Sponsors) > 0 {
		wanted.Owner = key.Owner
	}
	for _, network := range key.Allowlist {
		wanted.Allowlist = append(wanted.Allowlist, network.String())
	}
	switch { // where the live bot runs is not known yet
	case key.Pin == PinFirstSystem, strings.HasPrefix(key.Pin, "AS"):
		wanted.Pin = PinFirstSystem
	case key.Pin != "":
		wanted.Pin = PinFirst
	}
	return k.Issue(ctx, p, wanted)
}
