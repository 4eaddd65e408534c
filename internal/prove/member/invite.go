package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Invite asks whoever signs in with an address into the principal's account, with a step-up for exactly that. The answer is the same whether the
// address has a user or not. Errors: mail_address.*, request.invalid (role), member.already, invitation.too_many, sign_in.throttled, forbidden,
// step_up_required, assurance.too_low.
func (m *Members) Invite(ctx context.Context, p principal.Principal, mail string, role principal.Role) (which id.Invitation, err error) {
	addr, err := mailaddr.Parse(mail)
	if err != nil {
		return which, err
	}
	if err := errors.Join(m.owns(p), mayGive(p, role)); err != nil {
		return which, err
	}
	err = m.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := m.roomFor(ctx, tx, p.Account, addr.String()); err != nil {
			return audit.Event{}, err
		}
		facts := map[string]string{"mail": addr.String(), "role": role.String()}
		input := map[string]string{"account": p.Account.String(), "mail": addr.String(), "role": role.String()}
		if err := m.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.MemberInvited, Input: input, Facts: facts}); err != nil {
			return audit.Event{}, err
		}
		now := m.Now()
		if err := m.count(ctx, tx, p, addr.String(), now); err != nil {
			return audit.Event{}, err
		}
		next := Invitation{
			ID: id.New[id.InvitationKind](now), Account: p.Account, Mail: addr.String(), Role: role, By: p.User, Born: now, ExpiresAt: now.Add(Life),
		}
		if p.Trusted() { // the host asks in the name of who has owned the account for the longest
			owners, err := tx.OwnersOf(ctx, p.Account)
			if err != nil || len(owners) == 0 {
				return audit.Event{}, errors.Join(err, fault.New(fault.MemberNotFound))
			}
			next.By = owners[0]
		}
		if won, err := tx.InsertInvitation(ctx, next); err != nil || !won {
			return audit.Event{}, fmt.Errorf("insert invitation: won %t: %w", won, err)
		}
		which = next.ID
		if err := tx.Enqueue(ctx, Letter{next.ID}); err != nil {
			return audit.Event{}, fmt.Errorf("enqueue invitation: %w", err)
		}
		h := happening.Happening{Kind: happening.MemberInvited, Facts: maps.Clone(facts)}.DoneBy(p, p.Account)
		h.Facts["invitation"], h.Facts["account"] = next.ID.String(), p.Account.String()
		// The address is in the log of who wrote it alone, and not in that of the account, which every member reads.
		event := audit.Event{Action: audit.MemberInvited, Actor: p, Person: next.By, Facts: facts}
		return event, m.tellOwners(ctx, tx, p.Account, h.SeenFrom(p.Origin))
	})
	return which, m.StepUps.Ask(ctx, err)
}

// letters is how many invitations one user may have written in a row, those that were withdrawn too; then each takes longer.
const letters = 20

// count bounds the letters that one user has us write, and those that one address is written. Errors: sign_in.throttled.
func (m *Members) count(ctx context.Context, tx Tx, p principal.Principal, mail string, now time.Time) error {
	if p.Trusted() {
		return nil
	}
	most := throttle.Limits{Free: letters, FirstDelay: time.Hour, MaxDelay: 24 * time.Hour, Memory: 24 * time.Hour}
	if err := throttle.Count(ctx, tx, throttle.OfUser(throttle.Invitation, p.User, true), most, now); err != nil {
		return err
	}
	return throttle.Count(ctx, tx, throttle.OfStranger(throttle.Invitation, mail), m.Limits, now)
}

// roomFor refuses an address that is in the account, or asked already, and one too many.
func (m *Members) roomFor(ctx context.Context, tx Tx, a id.Account, mail string) error {
	if err := tx.ClaimAccountRow(ctx, a); err != nil {
		return fmt.Errorf("claim account: %w", err)
	}
	all, err := tx.MembersOf(ctx, a, m.Now())
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	for _, one := range all {
		if one.Mail == mail && one.RemovedAt.IsZero() {
			return fault.New(fault.MemberAlready, "field", "mail")
		}
	}
	open, err := tx.InvitationsOf(ctx, a, m.Now())
	if err != nil {
		return fmt.Errorf("list invitations: %w", err)
	}
	for _, i := range open {
		if i.Mail == mail {
			return fault.New(fault.MemberAlready, "field", "mail")
		}
	}
	if len(open) >= MaxOpen {
		return fault.New(fault.InvitationTooMany, "most", fmt.Sprint(MaxOpen))
	}
	return nil
}

// Withdraw takes an invitation of the principal's account back. It reduces risk, so it needs no ceremony. Errors: invitation.not_found, forbidden.
func (m *Members) Withdraw(ctx context.Context, p principal.Principal, which id.Invitation) error {
	if err := m.reduces(p); err != nil {
		return err
	}
	return m.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		i, found, err := tx.InvitationByID(ctx, which)
		if err != nil || !found || i.Account != p.Account {
			return audit.Event{}, errors.Join(err, fault.New(fault.InvitationNotFound))
		}
		return m.take(ctx, tx, p, i, audit.InvitationWithdrawn)
	})
}

// take ends an invitation: whoever comes second finds none.
func (m *Members) take(ctx context.Context, tx Tx, p principal.Principal, i Invitation, a audit.Action) (audit.Event, error) {
	won, err := tx.TakeInvitation(ctx, i.ID)
	if err != nil || !won {
		return audit.Event{}, errors.Join(err, fault.New(fault.InvitationNotFound))
	}
	facts := map[string]string{"account_name": i.AccountName, "role": i.Role.String()}
	return audit.Event{Action: a, Actor: p, Person: p.User, Account: i.Account, Facts: facts}, nil
}

// Place is an account that the principal belongs to.
type Place struct {
	account.Membership
	// Here says that the session acts in it now.
	Here bool
}

// Mine lists the accounts that the principal belongs to, and who asked them into another. Errors: unauthorized.
func (m *Members) Mine(ctx context.Context, p principal.Principal) (places []Place, asked []Invitation, err error) {
	if p.Kind != principal.KindUser {
		return nil, nil, fault.New(fault.Unauthorized)
	}
	err = m.Ledger.View(ctx, func(tx Tx) error {
		places = nil
		memberships, err := tx.MembershipsOf(ctx, p.User)
		if err != nil {
			return fmt.Errorf("list memberships: %w", err)
		}
		for _, each := range memberships {
			places = append(places, Place{each, each.Account == p.Account})
		}
		u, found, err := tx.UserByID(ctx, p.User)
		if err != nil || !found {
			return errors.Join(err, fault.New(fault.Unauthorized))
		}
		asked, err = tx.InvitationsTo(ctx, u.Mail, m.Now())
		return err
	})
	return places, asked, err
}

// toMe finds an invitation to the address that the principal signs in with. Errors: invitation.not_found.
func (m *Members) toMe(ctx context.Context, tx Tx, p principal.Principal, which id.Invitation) (Invitation, error) {
	i, found, err := tx.InvitationByID(ctx, which)
	if err != nil {
		return i, fmt.Errorf("read invitation: %w", err)
	}
	u, known, err := tx.UserByID(ctx, p.User)
	if err != nil {
		return i, fmt.Errorf("read user: %w", err)
	}
	if !found || !known || p.Kind != principal.KindUser || i.Mail != u.Mail || !m.Now().Before(i.ExpiresAt) {
		return i, fault.New(fault.InvitationNotFound)
	}
	return i, m.stands(ctx, tx, i)
}

// stands refuses an invitation whose writer owns the account no more, was disabled, or has locked everything. Errors: invitation.not_found.
func (m *Members) stands(ctx context.Context, tx Tx, i Invitation) error {
	if err := tx.ClaimAccountRow(ctx, i.Account); err != nil { // whoever changes its owners at this moment is waited for
		return fmt.Errorf("claim account: %w", err)
	}
	owners, err := tx.OwnersOf(ctx, i.Account)
	if err != nil {
		return fmt.Errorf("list owners: %w", err)
	}
	_, locked, err := tx.LockedSince(ctx, i.By)
	if err != nil {
		return fmt.Errorf("read lock: %w", err)
	}
	if locked || !slices.Contains(owners, i.By) {
		return fault.New(fault.InvitationNotFound)
	}
	return nil
}

// Accept makes the principal a member of the account that asked them, with a step-up; its owners are told.
// Errors: invitation.not_found, member.already, step_up_required.
func (m *Members) Accept(ctx context.Context, p principal.Principal, which id.Invitation) error {
	err := m.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		i, err := m.toMe(ctx, tx, p, which)
		if err != nil {
			return audit.Event{}, err
		}
		asked := map[string]string{"account_name": i.AccountName, "role": i.Role.String()}
		if err := m.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.MemberJoined, Input: which, Facts: asked, Floor: assurance.Pwd}); err != nil {
			return audit.Event{}, err
		}
		event, err := m.take(ctx, tx, p, i, audit.MemberJoined)
		if err != nil {
			return event, err
		}
		won, err := tx.JoinMember(ctx, i.Account, p.User, i.Role, m.Now())
		if err == nil && !won {
			err = fault.New(fault.MemberAlready)
		}
		if err == nil {
			err = tx.SetGiven(ctx, i.Account, p.User, i.By, m.Now())
		}
		if err != nil {
			return event, err
		}
		tx.Announce(txn.Change{Subject: txn.SubjectMember, ID: p.User}) // keys they owned here before are theirs again
		if i.Role == principal.Owner {
			if err := m.announceAll(ctx, tx, i.Account); err != nil {
				return event, err
			}
		}
		told := map[string]string{"mail": i.Mail, "role": i.Role.String(), "joined": p.User.String(), "account": i.Account.String()}
		by := i.By
		if i.Role == principal.Owner { // the host asked them, in the name of an owner who did nothing
			by = p.User
		}
		return event, m.tellOwners(ctx, tx, i.Account, happening.Happening{Kind: happening.MemberJoined, Account: i.Account, By: by, Facts: told})
	})
	return m.StepUps.Ask(ctx, err)
}

// announceAll announces everybody of an account whose owners changed: the lock of an owner reaches all the others, and that of nobody else does.
func (m *Members) announceAll(ctx context.Context, tx Tx, a id.Account) error {
	all, err := tx.MembersOf(ctx, a, m.Now())
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	for _, one := range all {
		tx.Announce(txn.Change{Subject: txn.SubjectMember, ID: one.User})
	}
	return nil
}

// Decline answers an invitation with no. Errors: invitation.not_found.
func (m *Members) Decline(ctx context.Context, p principal.Principal, which id.Invitation) error {
	return m.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		i, err := m.toMe(ctx, tx, p, which)
		if err != nil {
			return audit.Event{}, err
		}
		return m.take(ctx, tx, p, i, audit.InvitationDeclined)
	})
}

// Switch lets the principal's session act in another of their accounts. Its children on gateway hosts end, and so does every proof that was given for
// something in the account before. Errors: member.not_found, rate_limited.
func (m *Members) Switch(ctx context.Context, p principal.Principal, to id.Account) error {
	return m.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := throttle.CountAct(ctx, tx, p, m.Now()); err != nil {
			return audit.Event{}, err
		}
		memberships, err := tx.MembershipsOf(ctx, p.User)
		if err != nil {
			return audit.Event{}, fmt.Errorf("list memberships: %w", err)
		}
		for _, each := range memberships {
			if each.Account == to && p.Kind == principal.KindUser {
				facts := map[string]string{"account_name": each.AccountName, "role": each.Role.String()}
				event := audit.Event{Action: audit.SessionAccountSwitched, Actor: p, Person: p.User, Account: to, Facts: facts}
				return event, m.Sessions.Move(ctx, txn.As[session.Tx](tx), p, each)
			}
		}
		return audit.Event{}, fault.New(fault.MemberNotFound)
	})
}

// DoLetter mails an invitation. One that is over sends nothing.
func (m *Members) DoLetter(ctx context.Context, fields []byte) error {
	var job Letter
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode invitation: %w", err)
	}
	var i Invitation
	var found bool
	err := m.Ledger.View(ctx, func(tx Tx) (err error) {
		i, found, err = tx.InvitationByID(ctx, job.Invitation)
		return err
	})
	if err != nil || !found || !m.Now().Before(i.ExpiresAt) {
		return err
	}
	return m.Post.SendInvitation(ctx, i)
}
