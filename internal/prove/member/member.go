// Package member owns who belongs to an account: asking people in, what each of them may be there, and how they leave; and the account's service
// users, which own keys and are nobody.
//
// It does not know what a role may do (room decide), nor what dies when a membership changes (package consequence). A key's rights follow from
// its owner's role by themselves: package apikey reads it with every key.
//
// Invariant: an account that people use has an owner, nobody but the host makes another, and nobody is put out of their only account. Whoever answers an invitation has shown that the
// address it was made for is theirs, because they sign in with it. A service user has two sponsors, who are two members; where one of them is
// gone, and where the owner of keys is, the keys go on until a deadline and no longer.
//
//	asked ──Accept──▶ member ──SetRole──▶ member ──Remove──▶ gone: their keys go on until the deadline, or freeze at once
//	                  member ──Doubt──▶ frozen ──Unfreeze──▶ member
//	asked ──Withdraw, Decline, a week──▶ nothing
package member

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Member is somebody's place in an account.
type Member struct {
	User id.User
	Name string
	// Mail is empty for service users, and for readers who are not owners.
	Mail  string
	Role  principal.Role
	Since time.Time
	// RemovedAt is zero for those who are there.
	RemovedAt time.Time
	// KeysUntil is until when keys go on whose owner left, or lacks a sponsor; zero for all others.
	KeysUntil time.Time
	// FrozenAt is since when they look and cancel only, until an owner has reviewed them; zero for all others.
	FrozenAt time.Time
	// Disabled by an operator, who alone can lift it.
	Disabled bool
	// Keys is how many keys they own here that have not ended.
	Keys int
	// Machine is nil for people.
	Machine *Machine
}

// Machine is what makes a member a service user.
type Machine struct {
	Purpose  string
	Sponsors [2]id.User
}

// Invitation asks whoever signs in with an address into an account.
type Invitation struct {
	ID          id.Invitation
	Account     id.Account
	AccountName string
	Mail        string
	Role        principal.Role
	By          id.User
	// ByName and Lang are those of who asks.
	ByName, Lang string
	Born         time.Time
	ExpiresAt    time.Time
}

// Spot is somebody's place in an account.
type Spot struct {
	Account id.Account
	User    id.User
}

// Letter is the job that mails an invitation.
type Letter struct {
	Invitation id.Invitation `json:"invitation"`
}

// Kind names the job.
func (Letter) Kind() string { return "invitation" }

const (
	// Life of an invitation.
	Life = 7 * 24 * time.Hour
	// Transfer is how long the keys of somebody who left go on, and those of a service user that lacks a sponsor.
	Transfer = 14 * 24 * time.Hour
	// Suspect is how far back whoever an owner brought in is reviewed, once somebody else may have acted as that owner.
	Suspect = 30 * 24 * time.Hour
	// MaxOpen is how many invitations of an account may be open.
	MaxOpen = 20
	// MaxMachines is how many service users an account may have.
	MaxMachines = 100
)

// Tx is what this package asks of a transaction.
type Tx interface {
	account.Tx
	audit.Recorder
	throttle.Tx
	txn.Enqueuer
	// ClaimAccountRow makes every other transaction that asks for the same account wait for this one; ClaimUserRow does so for a user.
	ClaimAccountRow(ctx context.Context, a id.Account) error
	ClaimUserRow(ctx context.Context, u id.User) (enabled bool, err error)
	AccountName(ctx context.Context, a id.Account) (string, error)
	// MembersOf lists everybody who is or was in an account, the oldest first.
	MembersOf(ctx context.Context, a id.Account, now time.Time) ([]Member, error)
	// JoinMember is not won by somebody who is there.
	JoinMember(ctx context.Context, a id.Account, u id.User, role principal.Role, now time.Time) (won bool, err error)
	// SetRole, RemoveMember and SetSponsors are not won where nobody is there.
	SetRole(ctx context.Context, a id.Account, u id.User, role principal.Role) (won bool, err error)
	RemoveMember(ctx context.Context, a id.Account, u id.User, now, keysUntil time.Time) (won bool, err error)
	// SetGiven notes by whom and when somebody became what they are; by nobody if it was the host.
	SetGiven(ctx context.Context, a id.Account, u, by id.User, now time.Time) error
	// FreezeGiven freezes everybody who is no owner and to whom somebody gave what they are since a moment, in accounts that the giver owns.
	FreezeGiven(ctx context.Context, by id.User, since, now time.Time) ([]Spot, error)
	// UnfreezeMember is won by the first.
	UnfreezeMember(ctx context.Context, a id.Account, u id.User) (won bool, err error)
	// VoidInvitations deletes what somebody wrote and nobody answered, and says for which account each was.
	VoidInvitations(ctx context.Context, by id.User) ([]id.Account, error)
	// KeepKeysUntil gives the keys of somebody who is there an end; the zero time takes it away.
	KeepKeysUntil(ctx context.Context, a id.Account, u id.User, until time.Time) error
	// LockedSince says whether a user has locked their account.
	LockedSince(ctx context.Context, u id.User) (since time.Time, locked bool, err error)
	// InsertInvitation is not won where one for the address is open.
	InsertInvitation(ctx context.Context, i Invitation) (won bool, err error)
	InvitationByID(ctx context.Context, i id.Invitation) (in Invitation, found bool, err error)
	InvitationsOf(ctx context.Context, a id.Account, now time.Time) ([]Invitation, error)
	InvitationsTo(ctx context.Context, mail string, now time.Time) ([]Invitation, error)
	// TakeInvitation deletes it, and is won by one.
	TakeInvitation(ctx context.Context, i id.Invitation) (won bool, err error)
	InsertMachine(ctx context.Context, a id.Account, u id.User, s Machine) error
	SetSponsors(ctx context.Context, a id.Account, u id.User, sponsors [2]id.User) (won bool, err error)
}

// Sessions is what this package asks of package session.
type Sessions interface {
	Move(ctx context.Context, tx session.Tx, p principal.Principal, m account.Membership) error
}

// Keys is what this package asks of package apikey.
type Keys interface {
	FreezeIn(ctx context.Context, tx apikey.Tx, a id.Account, owner id.User, why happening.Kind) error
	TellIn(ctx context.Context, tx apikey.Tx, a id.Account, owner id.User, why happening.Kind) error
	TellAll(ctx context.Context, tx apikey.Tx, owner id.User, why happening.Kind) error
	FreezeGiven(ctx context.Context, tx apikey.Tx, by id.User, since time.Time, why happening.Kind) error
}

// Post mails invitations.
type Post interface {
	SendInvitation(ctx context.Context, i Invitation) error
}

// Deps are what Members is made of. All are needed.
type Deps struct {
	Ledger   audit.Ledger[Tx]
	Now      func() time.Time
	Decide   decision.Decider
	StepUps  *stepup.StepUps
	Follow   happening.Applier
	Sessions Sessions
	Keys     Keys
	Post     Post
	// Limits are those of letters to one address.
	Limits throttle.Limits
}

// Members asks people in, changes what they are, and lets them go. It is safe for concurrent use.
type Members struct{ Deps }

// New makes a Members.
func New(d Deps) *Members { return &Members{d} }

// Circle is everybody of an account, as one of them sees it.
type Circle struct {
	// Members who are there, service users among them.
	Members []Member
	// Left are people who are gone and whose keys are not: each is a task for an owner, who gives the keys to somebody else or ends them.
	Left []Member
	// Open invitations; owners alone see them.
	Open []Invitation
}

// Of lists the principal's account. Mail addresses and invitations are for its owners. Errors: unauthorized.
func (m *Members) Of(ctx context.Context, p principal.Principal) (c Circle, err error) {
	if !p.Trusted() && p.Kind != principal.KindUser {
		return c, fault.New(fault.Unauthorized)
	}
	owner := p.Trusted() || p.Role == principal.Owner
	err = m.Ledger.View(ctx, func(tx Tx) error {
		all, err := tx.MembersOf(ctx, p.Account, m.Now())
		if err != nil {
			return fmt.Errorf("list members: %w", err)
		}
		for _, one := range all {
			if !owner {
				one.Mail = ""
			}
			switch {
			case one.RemovedAt.IsZero():
				c.Members = append(c.Members, one)
			case one.Keys > 0 && owner:
				c.Left = append(c.Left, one)
			}
		}
		if owner {
			c.Open, err = tx.InvitationsOf(ctx, p.Account, m.Now())
		}
		return err
	})
	return c, err
}

// owns refuses everybody but owners of the account and the host. Errors: forbidden, and those of the policy.
func (m *Members) owns(p principal.Principal) error {
	return m.Decide.Decide(decision.Question{Principal: p, Class: scope.Setting, Account: p.Account}).Err()
}

// reduces is owns for what ends something, which an owner may do too while another has the account locked.
func (m *Members) reduces(p principal.Principal) error {
	return m.Decide.Decide(decision.Question{Principal: p, Class: scope.Setting, Account: p.Account, Reduces: true}).Err()
}

// in finds somebody who is there. Errors: member.not_found.
func in(ctx context.Context, tx Tx, a id.Account, u id.User, now time.Time) (all []Member, one Member, err error) {
	if err := tx.ClaimAccountRow(ctx, a); err != nil {
		return nil, one, fmt.Errorf("claim account: %w", err)
	}
	if all, err = tx.MembersOf(ctx, a, now); err != nil {
		return nil, one, fmt.Errorf("list members: %w", err)
	}
	for _, each := range all {
		if each.User == u && each.RemovedAt.IsZero() {
			return all, each, nil
		}
	}
	return nil, one, fault.New(fault.MemberNotFound)
}

// ownedWithout refuses a change after which nobody owns the account. Errors: member.last_owner.
func ownedWithout(all []Member, u id.User) error {
	for _, one := range all {
		if one.User != u && one.Role == principal.Owner && one.RemovedAt.IsZero() && !one.Disabled && one.Machine == nil {
			return nil
		}
	}
	return fault.New(fault.MemberLastOwner)
}

// mayGive refuses to make an owner of somebody, but by the host's command line: owners move the account's money with factors of their own, which no proof of
// another owner's says anything about. Whoever rides the session of one must not be able to add one who waits for nothing. Errors: request.invalid (role).
func mayGive(p principal.Principal, role principal.Role) error {
	if role == principal.Viewer || role == principal.Trader || role == principal.Owner && p.Trusted() {
		return nil
	}
	return fault.New(fault.RequestInvalid, "field", "role")
}

// mayUnmake says whether the principal may end what somebody is: an owner is unmade by themselves and by the host alone, as they are made.
func mayUnmake(p principal.Principal, one Member) bool {
	return one.Role != principal.Owner || p.Trusted() || p.User == one.User
}

// SetRole makes somebody more or less than they were, with a step-up for exactly that; an owner is made by the host's command line alone. Their sessions end, and their keys can do what they
// themselves may do now, from the moment this returns. Errors: member.not_found, also for one who is so already; member.last_owner, request.invalid
// (role), forbidden, step_up_required, assurance.too_low.
func (m *Members) SetRole(ctx context.Context, p principal.Principal, u id.User, role principal.Role) error {
	if err := m.owns(p); err != nil {
		return err
	}
	err := m.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		all, one, err := in(ctx, tx, p.Account, u, m.Now())
		switch {
		case err != nil:
			return audit.Event{}, err
		case mayGive(p, role) != nil || one.Machine != nil && role == principal.Owner:
			return audit.Event{}, fault.New(fault.RequestInvalid, "field", "role")
		case one.Role == role:
			return audit.Event{}, fault.New(fault.MemberNotFound)
		case !mayUnmake(p, one):
			return audit.Event{}, fault.New(fault.Forbidden)
		}
		if one.Role == principal.Owner {
			if err := ownedWithout(all, u); err != nil {
				return audit.Event{}, err
			}
		}
		facts := map[string]string{"member": one.Name, "from_role": one.Role.String(), "role": role.String()}
		content := stepup.Content{Action: audit.MemberRoleSet, Input: map[string]string{"account": p.Account.String(), "user": u.String(), "role": role.String()}, Facts: facts}
		if err := m.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		if _, err := tx.SetRole(ctx, p.Account, u, role); err != nil {
			return audit.Event{}, fmt.Errorf("set role: %w", err)
		}
		if role > one.Role {
			if err := tx.SetGiven(ctx, p.Account, u, p.User, m.Now()); err != nil {
				return audit.Event{}, fmt.Errorf("set giver: %w", err)
			}
		}
		if role < principal.Trader && one.Role >= principal.Trader { // their keys place no more orders
			if err := m.Keys.TellIn(ctx, txn.As[apikey.Tx](tx), p.Account, u, happening.MembershipChanged); err != nil {
				return audit.Event{}, err
			}
		}
		return m.changed(ctx, tx, p, one, audit.MemberRoleSet, facts)
	})
	return m.StepUps.Ask(ctx, err)
}

// changed ends a change of a membership: the feed, what follows for a person, and the event, which is theirs.
func (m *Members) changed(ctx context.Context, tx Tx, p principal.Principal, one Member, a audit.Action, facts map[string]string) (audit.Event, error) {
	tx.Announce(txn.Change{Subject: txn.SubjectMember, ID: one.User})
	event := audit.Event{Action: a, Actor: p, Person: one.User, Account: p.Account, Facts: facts}
	if one.Role == principal.Owner || facts["role"] == principal.Owner.String() {
		if err := m.announceAll(ctx, tx, p.Account); err != nil {
			return event, err
		}
	}
	if one.Machine != nil {
		return event, nil
	}
	name, err := tx.AccountName(ctx, p.Account)
	if err != nil {
		return event, fmt.Errorf("read account: %w", err)
	}
	h := happening.Happening{Kind: happening.MembershipChanged, User: one.User, Account: p.Account, Facts: map[string]string{"account_name": name, "role": facts["role"]}}
	if p.User == one.User {
		h.Session = p.Session
	}
	return event, m.Follow.Apply(ctx, tx, h.SeenFrom(p.Origin))
}

// RemoveInput says who goes, and what becomes of their keys.
type RemoveInput struct {
	User id.User `json:"user"`
	// Freeze lets their keys look and cancel only, at once; without it they go on until the deadline.
	Freeze bool `json:"freeze"`
}

// Remove ends somebody's place in the account, with a step-up for exactly that. People leave by themselves; an owner removes others. Their sessions end.
// No bot stops: the keys they own here go on until the deadline, which the owners are told. A service user's keys are refused at once, because nobody
// is there to take them elsewhere. Errors: member.not_found, member.last_owner, member.only_account, forbidden, step_up_required, assurance.too_low.
func (m *Members) Remove(ctx context.Context, p principal.Principal, in RemoveInput) error {
	err := m.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		one, err := m.removable(ctx, tx, p, in.User)
		if err != nil {
			return audit.Event{}, err
		}
		facts := map[string]string{"member": one.Name, "from_role": one.Role.String(), "keys": fmt.Sprint(one.Keys)}
		content := stepup.Content{Action: audit.MemberRemoved, Input: map[string]any{"account": p.Account, "remove": in}, Facts: facts}
		if p.User == in.User {
			content.Floor = assurance.Pwd // who leaves may have nothing but a password
		}
		if err := m.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		if err := m.remove(ctx, tx, p, one, in.Freeze); err != nil {
			return audit.Event{}, err
		}
		return m.changed(ctx, tx, p, one, audit.MemberRemoved, facts)
	})
	return m.StepUps.Ask(ctx, err)
}

// removable finds somebody who may go, and whom the principal may let go: themselves, or as an owner anybody.
func (m *Members) removable(ctx context.Context, tx Tx, p principal.Principal, u id.User) (Member, error) {
	all, one, err := in(ctx, tx, p.Account, u, m.Now())
	if err == nil && p.User != u {
		err = m.reduces(p)
	}
	if err == nil && !mayUnmake(p, one) {
		err = fault.New(fault.Forbidden)
	}
	if err != nil || one.Machine != nil {
		return one, err
	}
	if one.Role == principal.Owner {
		if err := ownedWithout(all, u); err != nil {
			return one, err
		}
	}
	if _, err := tx.ClaimUserRow(ctx, u); err != nil { // two accounts may let go of the same person at once
		return one, fmt.Errorf("claim user: %w", err)
	}
	others, err := tx.MembershipsOf(ctx, u)
	if err == nil && len(others) < 2 {
		err = fault.New(fault.MemberOnlyAccount)
	}
	return one, err
}

// remove takes somebody out, with what it means for their keys and for the service users they answer for.
func (m *Members) remove(ctx context.Context, tx Tx, p principal.Principal, one Member, freeze bool) error {
	now := m.Now()
	until := now.Add(Transfer)
	if one.Machine != nil {
		until = time.Time{}
		if err := m.Keys.TellAll(ctx, txn.As[apikey.Tx](tx), one.User, happening.KeyOrphaned); err != nil {
			return err
		}
	}
	if won, err := tx.RemoveMember(ctx, p.Account, one.User, now, until); err != nil || !won {
		return fmt.Errorf("remove member: won %t: %w", won, err)
	}
	if one.Machine != nil {
		return nil
	}
	if freeze {
		if err := m.Keys.FreezeIn(ctx, txn.As[apikey.Tx](tx), p.Account, one.User, happening.MembershipChanged); err != nil {
			return err
		}
	}
	left, err := m.unsponsor(ctx, tx, p.Account, one.User, until)
	if err != nil || one.Keys == 0 && left == 0 {
		return err
	}
	one.RemovedAt = now
	return m.remindOf(ctx, tx, p.Account, one, left, until)
}

// tellOwners tells the owners of an account, whoever of them did it.
func (m *Members) tellOwners(ctx context.Context, tx Tx, a id.Account, h happening.Happening) error {
	owners, err := tx.OwnersOf(ctx, a)
	if err != nil {
		return fmt.Errorf("list owners: %w", err)
	}
	for _, owner := range owners {
		h.User = owner
		if err := m.Follow.Apply(ctx, tx, h); err != nil {
			return err
		}
	}
	return nil
}
