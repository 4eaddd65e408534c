package member

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// StopReported undoes, in the caller's transaction, what an owner of the account said was not theirs: the invitation is void, and whoever it brought is out again,
// with frozen keys. facts are those of the notice. What is gone already, and what the reader does not own, stays as it is.
func (m *Members) StopReported(ctx context.Context, tx any, owner id.User, facts map[string]string) error {
	t := txn.As[Tx](tx)
	if which, err := id.Parse[id.InvitationKind](facts["invitation"]); err == nil {
		i, found, err := t.InvitationByID(ctx, which)
		if err == nil && !found {
			return m.putOutBy(ctx, t, owner, facts)
		}
		if err != nil {
			return err
		}
		if owns, err := m.isOwner(ctx, t, i.Account, owner); err != nil || !owns {
			return err
		}
		event, err := m.take(ctx, t, principal.System("not-me"), i, audit.InvitationWithdrawn)
		if fault.CodeOf(err) == fault.InvitationNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		event.Person = owner
		t.Record(event)
		return nil
	}
	joined, err := id.Parse[id.UserKind](facts["joined"])
	a, errAccount := id.Parse[id.AccountKind](facts["account"])
	if err != nil || errAccount != nil || joined == owner {
		return nil //nolint:nilerr // a notice about something else
	}
	if owns, err := m.isOwner(ctx, t, a, owner); err != nil || !owns {
		return err
	}
	return m.putOut(ctx, t, a, joined)
}

// putOutBy puts out who answered an invitation that is gone: whoever signs in with its address.
func (m *Members) putOutBy(ctx context.Context, tx Tx, owner id.User, facts map[string]string) error {
	a, err := id.Parse[id.AccountKind](facts["account"])
	if err != nil {
		return nil //nolint:nilerr // a notice from before there was an account in it
	}
	if owns, err := m.isOwner(ctx, tx, a, owner); err != nil || !owns {
		return err
	}
	all, err := tx.MembersOf(ctx, a, m.Now())
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	for _, one := range all {
		if one.Mail == facts["mail"] && one.Machine == nil && one.RemovedAt.IsZero() && one.User != owner {
			return m.putOut(ctx, tx, a, one.User)
		}
	}
	return nil
}

func (m *Members) isOwner(ctx context.Context, tx Tx, a id.Account, u id.User) (bool, error) {
	owners, err := tx.OwnersOf(ctx, a)
	return slices.Contains(owners, u), err
}

// putOut removes somebody who joined, unless they are an owner by now or gone.
func (m *Members) putOut(ctx context.Context, tx Tx, a id.Account, u id.User) error {
	_, one, err := in(ctx, tx, a, u, m.Now())
	if err != nil || one.Role == principal.Owner {
		return nil //nolint:nilerr // nobody is there to be put out
	}
	p := principal.System("not-me")
	p.Account = a
	facts := map[string]string{"member": one.Name, "from_role": one.Role.String(), "keys": fmt.Sprint(one.Keys)}
	if err := m.remove(ctx, tx, p, one, true); err != nil {
		return err
	}
	tx.Announce(txn.Change{Subject: txn.SubjectMember, ID: u})
	tx.Record(audit.Event{Action: audit.MemberRemoved, Actor: p, Person: u, Account: a, Facts: maps.Clone(facts)})
	h := happening.Happening{Kind: happening.MembershipChanged, User: u, Account: a, Facts: facts}
	if h.Facts["account_name"], err = tx.AccountName(ctx, a); err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	return m.Follow.Apply(ctx, tx, h)
}
