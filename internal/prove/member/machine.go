package member

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// MachineInput is a service user to be.
type MachineInput struct {
	Name    string `json:"name"`
	Purpose string `json:"purpose"`
	// Role is what its keys may do at most: trader or viewer. None moves money.
	Role principal.Role `json:"role"`
	// Sponsors are two members who answer for it and hear of its keys.
	Sponsors [2]id.User `json:"sponsors"`
}

// AddMachine makes a service user of the principal's account, with a step-up for exactly that. It cannot sign in: it has no address and no factor, and
// nothing can give it one. Errors: request.invalid (name, purpose, role, sponsors), member.not_found for a sponsor, service_user.too_many, forbidden, step_up_required, assurance.too_low.
func (m *Members) AddMachine(ctx context.Context, p principal.Principal, given MachineInput) (u id.User, err error) {
	var ok bool
	if given.Name, ok = line.Filled(given.Name); !ok {
		return u, fault.New(fault.RequestInvalid, "field", "name")
	}
	if given.Purpose, ok = line.Filled(given.Purpose); !ok {
		return u, fault.New(fault.RequestInvalid, "field", "purpose")
	}
	if given.Role != principal.Trader && given.Role != principal.Viewer {
		return u, fault.New(fault.RequestInvalid, "field", "role")
	}
	if err := m.owns(p); err != nil {
		return u, err
	}
	err = m.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		facts, err := m.sponsored(ctx, tx, p.Account, given.Sponsors)
		if err != nil {
			return audit.Event{}, err
		}
		facts["member"], facts["role"], facts["purpose"] = given.Name, given.Role.String(), given.Purpose
		input := map[string]any{"account": p.Account, "service": given}
		if err := m.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.ServiceUserAdded, Input: input, Facts: facts}); err != nil {
			return audit.Event{}, err
		}
		now := m.Now()
		u = id.New[id.UserKind](now)
		// The address in its place has no @, so nobody can sign up, sign in or be written to with it.
		nobody := account.User{ID: u, Mail: "service " + u.String(), Name: given.Name, Lang: "en", Handle: account.MintHandle(), Born: now}
		if err := tx.InsertUser(ctx, nobody); err != nil {
			return audit.Event{}, fmt.Errorf("insert service user: %w", err)
		}
		if _, err := tx.JoinMember(ctx, p.Account, u, given.Role, now); err != nil {
			return audit.Event{}, fmt.Errorf("insert member: %w", err)
		}
		if err := tx.InsertMachine(ctx, p.Account, u, Machine{given.Purpose, given.Sponsors}); err != nil {
			return audit.Event{}, fmt.Errorf("insert service user: %w", err)
		}
		return audit.Event{Action: audit.ServiceUserAdded, Actor: p, Person: p.User, Account: p.Account, Facts: facts}, nil
	})
	return u, m.StepUps.Ask(ctx, err)
}

// sponsored checks the sponsors: two members of the account who are people, there, and do not wait for an owner's review. It gives their names as facts.
func (m *Members) sponsored(ctx context.Context, tx Tx, a id.Account, sponsors [2]id.User) (map[string]string, error) {
	if err := tx.ClaimAccountRow(ctx, a); err != nil {
		return nil, fmt.Errorf("claim account: %w", err)
	}
	all, err := tx.MembersOf(ctx, a, m.Now())
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	var names []string
	services := 0
	for _, one := range all {
		if one.Machine != nil && one.RemovedAt.IsZero() {
			services++
		}
		if one.Machine == nil && one.RemovedAt.IsZero() && !one.Disabled && one.FrozenAt.IsZero() && (one.User == sponsors[0] || one.User == sponsors[1]) {
			names = append(names, one.Name)
		}
	}
	if sponsors[0] == sponsors[1] {
		return nil, fault.New(fault.RequestInvalid, "field", "sponsors")
	}
	if len(names) != 2 {
		return nil, fault.New(fault.MemberNotFound, "field", "sponsors")
	}
	if services >= MaxMachines {
		return nil, fault.New(fault.ServiceUserTooMany, "most", fmt.Sprint(MaxMachines))
	}
	return map[string]string{"sponsor_one": names[0], "sponsor_two": names[1]}, nil
}

// SetSponsors names the two who answer for a service user from now on; its keys go on without an end. It needs a step-up for exactly this. Every owner is
// told, and so are both pairs.
// Errors: member.not_found, also for a sponsor; request.invalid (sponsors), forbidden, step_up_required, assurance.too_low.
func (m *Members) SetSponsors(ctx context.Context, p principal.Principal, u id.User, sponsors [2]id.User) error {
	if err := m.owns(p); err != nil {
		return err
	}
	err := m.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		_, one, err := in(ctx, tx, p.Account, u, m.Now())
		if err == nil && one.Machine == nil {
			err = fault.New(fault.MemberNotFound)
		}
		if err != nil {
			return audit.Event{}, err
		}
		facts, err := m.sponsored(ctx, tx, p.Account, sponsors)
		if err != nil {
			return audit.Event{}, err
		}
		facts["member"] = one.Name
		input := map[string]any{"account": p.Account, "user": u, "sponsors": sponsors}
		if err := m.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.ServiceUserSponsored, Input: input, Facts: facts}); err != nil {
			return audit.Event{}, err
		}
		if _, err := tx.SetSponsors(ctx, p.Account, u, sponsors); err != nil {
			return audit.Event{}, fmt.Errorf("set sponsors: %w", err)
		}
		if err := tx.KeepKeysUntil(ctx, p.Account, u, time.Time{}); err != nil {
			return audit.Event{}, fmt.Errorf("let keys go on: %w", err)
		}
		tx.Announce(txn.Change{Subject: txn.SubjectMember, ID: u})
		if err := m.tellSponsors(ctx, tx, p, append(one.Machine.Sponsors[:], sponsors[:]...), facts); err != nil {
			return audit.Event{}, err
		}
		return audit.Event{Action: audit.ServiceUserSponsored, Actor: p, Person: p.User, Account: p.Account, Facts: facts}, nil
	})
	return m.StepUps.Ask(ctx, err)
}

// tellSponsors tells the owners of the principal's account, and whoever of those who answer for a service user, or did, is there.
func (m *Members) tellSponsors(ctx context.Context, tx Tx, p principal.Principal, sponsors []id.User, facts map[string]string) error {
	all, err := tx.MembersOf(ctx, p.Account, m.Now())
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	for _, one := range all {
		owner := one.Role == principal.Owner && one.Machine == nil
		if !one.RemovedAt.IsZero() || one.Disabled || !owner && !slices.Contains(sponsors, one.User) {
			continue
		}
		h := happening.Happening{Kind: happening.SponsorsChanged, User: one.User, Facts: maps.Clone(facts)}
		if one.User == p.User {
			h.Session = p.Session
		}
		if err := m.Follow.Apply(ctx, tx, h.SeenFrom(p.Origin)); err != nil {
			return err
		}
	}
	return nil
}

// Unsponsor gives, in the caller's transaction, the keys of every service user that somebody who was disabled answers for 14 days for another sponsor,
// and tells the owners as when somebody leaves. Their own keys are refused already. Room respond calls it where the table says so.
func (m *Members) Unsponsor(ctx context.Context, tx any, sponsor id.User) error {
	t := txn.As[Tx](tx)
	spots, err := t.MembershipsOf(ctx, sponsor)
	if err != nil {
		return fmt.Errorf("list memberships: %w", err)
	}
	until := m.Now().Add(Transfer)
	for _, s := range spots {
		if err := t.ClaimAccountRow(ctx, s.Account); err != nil {
			return fmt.Errorf("claim account: %w", err)
		}
		all, err := t.MembersOf(ctx, s.Account, m.Now())
		if err != nil {
			return fmt.Errorf("list members: %w", err)
		}
		at := slices.IndexFunc(all, func(each Member) bool { return each.User == sponsor })
		if at < 0 || all[at].Machine != nil {
			continue
		}
		left, err := m.unsponsor(ctx, t, s.Account, sponsor, until)
		if err != nil {
			return err
		}
		if left == 0 {
			continue
		}
		if err := m.remindOf(ctx, t, s.Account, all[at], left, until); err != nil {
			return err
		}
	}
	return nil
}

// unsponsor gives the keys of every service user that somebody answered for an end, and says how many there are with keys.
func (m *Members) unsponsor(ctx context.Context, tx Tx, a id.Account, sponsor id.User, until time.Time) (left int, err error) {
	all, err := tx.MembersOf(ctx, a, m.Now())
	if err != nil {
		return 0, fmt.Errorf("list members: %w", err)
	}
	for _, one := range all {
		if one.Machine == nil || !one.RemovedAt.IsZero() || one.Machine.Sponsors[0] != sponsor && one.Machine.Sponsors[1] != sponsor {
			continue
		}
		left++
		if !one.KeysUntil.IsZero() {
			continue // what was said first holds
		}
		if err := tx.KeepKeysUntil(ctx, a, one.User, until); err != nil {
			return 0, fmt.Errorf("end keys of %s: %w", one.User, err)
		}
		tx.Announce(txn.Change{Subject: txn.SubjectMember, ID: one.User})
	}
	return left, nil
}
