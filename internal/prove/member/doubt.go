package member

import (
	"context"
	"fmt"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Doubt freezes, in the caller's transaction, whoever an owner brought in or raised lately, and the keys that the owner gave to others, because somebody else
// may have acted as that owner: they look and cancel only, with their sessions and keys, until an owner has reviewed each. What the owner asked and nobody answered is void. Room respond calls it where
// the table says so.
func (m *Members) Doubt(ctx context.Context, tx any, owner id.User) error {
	t := txn.As[Tx](tx)
	by := principal.System("review")
	void, err := t.VoidInvitations(ctx, owner)
	if err != nil {
		return fmt.Errorf("void invitations: %w", err)
	}
	for _, a := range void {
		t.Record(audit.Event{Action: audit.InvitationWithdrawn, Actor: by, Person: owner, Account: a})
	}
	spots, err := t.FreezeGiven(ctx, owner, m.Now().Add(-Suspect), m.Now())
	if err != nil {
		return fmt.Errorf("freeze members: %w", err)
	}
	if err := m.Keys.FreezeGiven(ctx, txn.As[apikey.Tx](tx), owner, m.Now().Add(-Suspect), happening.MemberFrozen); err != nil {
		return err
	}
	for _, s := range spots {
		t.Announce(txn.Change{Subject: txn.SubjectMember, ID: s.User})
		if err := m.Keys.TellIn(ctx, txn.As[apikey.Tx](tx), s.Account, s.User, happening.KeyFrozen); err != nil {
			return err
		}
		who, err := txn.As[apikey.Tx](tx).HolderIn(ctx, s.Account, s.User)
		if err != nil {
			return fmt.Errorf("read member: %w", err)
		}
		t.Record(audit.Event{
			Action: audit.MemberFrozen, Actor: by, Person: s.User, Account: s.Account, Facts: map[string]string{"member": who.Name, "role": who.Role.String()},
		})
		name, err := t.AccountName(ctx, s.Account)
		if err != nil {
			return fmt.Errorf("read account: %w", err)
		}
		h := happening.Happening{Kind: happening.MemberFrozen, User: s.User, Account: s.Account, Facts: map[string]string{"account_name": name}}
		if err := m.Follow.Apply(ctx, tx, h); err != nil {
			return err
		}
	}
	return nil
}

// Unfreeze says that an owner has reviewed a member who was frozen: they do again what their role allows. It needs a step-up for exactly this, and whoever
// lifts it answers for them from now on. Every owner is told, and so is the member. Errors: member.not_found, also for one who is not frozen; forbidden, step_up_required, assurance.too_low.
func (m *Members) Unfreeze(ctx context.Context, p principal.Principal, u id.User) error {
	if err := m.owns(p); err != nil {
		return err
	}
	err := m.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		_, one, err := in(ctx, tx, p.Account, u, m.Now())
		if err == nil && one.FrozenAt.IsZero() {
			err = fault.New(fault.MemberNotFound)
		}
		if err != nil {
			return audit.Event{}, err
		}
		facts := map[string]string{"member": one.Name, "role": one.Role.String()}
		input := map[string]string{"account": p.Account.String(), "user": u.String()}
		if err := m.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.MemberUnfrozen, Input: input, Facts: facts}); err != nil {
			return audit.Event{}, err
		}
		if won, err := tx.UnfreezeMember(ctx, p.Account, u); err != nil || !won {
			return audit.Event{}, fmt.Errorf("unfreeze member: won %t: %w", won, err)
		}
		if err := tx.SetGiven(ctx, p.Account, u, p.User, m.Now()); err != nil {
			return audit.Event{}, fmt.Errorf("set giver: %w", err)
		}
		tx.Announce(txn.Change{Subject: txn.SubjectMember, ID: u})
		told := map[string]string{"mail": one.Mail, "role": one.Role.String(), "joined": u.String(), "account": p.Account.String()}
		h := happening.Happening{Kind: happening.MemberUnfrozen, Facts: told}.DoneBy(p, p.Account).SeenFrom(p.Origin)
		if err := m.tellOwners(ctx, tx, p.Account, h); err != nil {
			return audit.Event{}, err
		}
		h.User, h.Session = u, id.Session{} // who did it acted in a session that is not theirs
		return audit.Event{Action: audit.MemberUnfrozen, Actor: p, Person: u, Account: p.Account, Facts: facts}, m.Follow.Apply(ctx, tx, h)
	})
	return m.StepUps.Ask(ctx, err)
}
