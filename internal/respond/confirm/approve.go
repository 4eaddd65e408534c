package confirm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Shown is a confirmation with what its page must say beside it.
type Shown struct {
	Asked
	// Lang is its user's language.
	Lang string
	// Ready says that a passkey is old enough; else Young is when the first will be, and zero if there is none.
	Ready bool
	Young time.Time
	// Unbound says that there are passkeys, and none that cannot leave its device, as this one asks.
	Unbound bool
}

// Show reads the confirmation of an address, also one that has ended. Errors: rate_limited, confirmation.not_found.
func (c *Confirmations) Show(ctx context.Context, from netip.Addr, address string) (s Shown, err error) {
	which, err := c.opened(from, address)
	if err != nil {
		return s, err
	}
	err = c.Ledger.View(ctx, func(tx Tx) error {
		row, found, err := c.byID(ctx, tx, which)
		if err != nil {
			return err
		}
		if !found {
			return fault.New(fault.ConfirmationNotFound)
		}
		owner, self, err := factor.Owner(ctx, txn.As[factor.Tx](tx), row.User)
		if err != nil {
			return fault.New(fault.ConfirmationNotFound).Because(err)
		}
		stand, err := c.Holds.Standing(ctx, tx, row.User)
		old, young := olderThan(row.able(owner), c.Now())
		unbound := fault.CodeOf(row.approvable(owner)) == fault.ConfirmationPasskeyUnbound
		s = Shown{Asked: c.asked(row, stand), Lang: self.Lang, Ready: len(old.Credentials) > 0, Young: young, Unbound: unbound}
		return err
	})
	return s, err
}

// able keeps the passkeys of the kind that the confirmation asks for, however young they are.
func (c Confirmation) able(o passkey.Owner) passkey.Owner {
	if c.Bound {
		o.Credentials = slices.DeleteFunc(slices.Clone(o.Credentials), func(k passkey.Credential) bool { return !k.DeviceBound() })
	}
	return o
}

// approvable refuses what no passkey of the owner could ever approve. Errors: confirmation.no_passkey, confirmation.passkey_unbound.
func (c Confirmation) approvable(o passkey.Owner) error {
	switch {
	case len(o.Credentials) == 0:
		return fault.New(fault.ConfirmationNoPasskey)
	case len(c.able(o).Credentials) == 0:
		return fault.New(fault.ConfirmationPasskeyUnbound, "missing", assurance.Words([]assurance.Property{assurance.DeviceBound}))
	}
	return nil
}

// olderThan keeps the passkeys that may approve at now, and says when the first of the others may.
func olderThan(o passkey.Owner, now time.Time) (old passkey.Owner, young time.Time) {
	old = passkey.Owner{Handle: o.Handle, Mail: o.Mail, Name: o.Name}
	for _, c := range o.Credentials {
		if !now.Before(c.ApprovesFrom) {
			old.Credentials = append(old.Credentials, c)
		} else if young.IsZero() || c.ApprovesFrom.Before(young) {
			young = c.ApprovesFrom
		}
	}
	return old, young
}

// approvers reads an open confirmation and the passkeys that may approve it.
func (c *Confirmations) approvers(ctx context.Context, tx Tx, which id.Confirmation) (row Confirmation, o passkey.Owner, u account.User, err error) {
	row, found, err := c.byID(ctx, tx, which)
	if err != nil {
		return row, o, u, err
	}
	if !found {
		return row, o, u, fault.New(fault.ConfirmationNotFound)
	}
	now := c.Now()
	if !row.Open(now) || !row.Approved.IsZero() {
		return row, o, u, fault.New(fault.ConfirmationVoid)
	}
	all, u, err := factor.Owner(ctx, txn.As[factor.Tx](tx), row.User)
	if err != nil {
		return row, o, u, err
	}
	if err := row.approvable(all); err != nil {
		return row, o, u, err
	}
	o, young := olderThan(row.able(all), now)
	if len(o.Credentials) > 0 {
		return row, o, u, nil
	}
	return row, o, u, fault.New(fault.ConfirmationPasskeyYoung, "until", young.UTC().Format(time.RFC3339))
}

// Begin gives the options of navigator.credentials.get for an address. It writes nothing: the challenge follows from the row.
// Errors: rate_limited, confirmation.not_found, confirmation.void, confirmation.no_passkey, confirmation.passkey_unbound,
// confirmation.passkey_young, unauthorized.
func (c *Confirmations) Begin(ctx context.Context, from netip.Addr, address string) (options json.RawMessage, err error) {
	which, err := c.opened(from, address)
	if err != nil {
		return nil, err
	}
	err = c.Ledger.View(ctx, func(tx Tx) error {
		row, owner, _, err := c.approvers(ctx, tx, which)
		if err != nil {
			return err
		}
		options, err = c.Passkeys.BeginTransaction(owner, challenge(row.Nonce, row.Hash))
		return err
	})
	return options, err
}

// Approve takes the authenticator's answer, once, and keeps it. The user is told by letter, with the way to cancel.
// Errors: those of Begin; passkey.refused, passkey.cloned.
func (c *Confirmations) Approve(ctx context.Context, from principal.Origin, address string, response []byte) (a Asked, err error) {
	which, err := c.opened(from.Addr, address)
	if err != nil {
		return a, err
	}
	var refused error
	err = c.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		row, owner, user, err := c.approvers(ctx, tx, which)
		if err != nil {
			return audit.Event{}, err
		}
		now := c.Now()
		used, err := c.Passkeys.FinishTransaction(owner, challenge(row.Nonce, row.Hash), response, now)
		if err != nil {
			return audit.Event{}, err
		}
		by := principal.Principal{Kind: principal.KindUser, User: user.ID, Account: row.Account, Proof: used.Proof, Lang: user.Lang, Origin: from}
		refused, err = c.Factors.AcceptPasskey(ctx, txn.As[factor.Tx](tx), used)
		if err != nil || refused != nil {
			return c.event(row, audit.PasskeyCloneRefused, by), err
		}
		won, err := tx.ApproveConfirmation(ctx, row.ID, used.Credential.ID, string(response), now)
		if err != nil {
			return audit.Event{}, fmt.Errorf("approve confirmation: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.ConfirmationVoid)
		}
		stand, err := c.Holds.Standing(ctx, tx, row.User)
		if err != nil {
			return audit.Event{}, err
		}
		row.Approved = now
		a = c.asked(row, stand)
		happened := happening.Happening{Kind: happening.MoneyConfirmed, User: row.User, Facts: c.facts(row.Content)}
		return c.event(row, audit.ConfirmationApproved, by), c.Follow.Apply(ctx, tx, happened.SeenFrom(from))
	})
	if err == nil {
		err = refused
	}
	if fault.CodeOf(err) == fault.PasskeyRefused {
		c.Budgets.Fail(id.Key{}, from.Addr, c.Now())
	}
	return a, err
}

// Decline ends the confirmation of an address: whoever can read the page may stop what it says, from a source that has failed often too.
// Errors as Cancel.
func (c *Confirmations) Decline(ctx context.Context, from principal.Origin, address string) error {
	which, err := c.at(address)
	if err != nil {
		return err
	}
	return c.cancel(ctx, which, ending{by: principal.Nobody(from), said: audit.ConfirmationCancelled, may: func(Confirmation) bool { return true }})
}
