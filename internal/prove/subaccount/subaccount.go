// Package subaccount owns which subaccounts an account has, and in which of them a session acts.
//
// It does not know what lies in one: books are the platform's, which is told of the subaccount with each request. Which key is pinned to which is package
// apikey's, and is said once, when the key is made.
//
// Invariant: the main subaccount is open for as long as there is the account, and nobody acts in a closed one: it has no key that is not revoked, and no session.
//
//	open ⇄ closed, by an owner with a step-up for exactly that
package subaccount

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Most is how many subaccounts an account may have, closed ones among them: their books are never thrown away.
const Most = 50

// Tx is what this package asks of a transaction.
type Tx interface {
	account.Tx
	// ClaimAccountRow makes every other transaction that asks for the same account wait for this one.
	ClaimAccountRow(ctx context.Context, a id.Account) error
	MembersOf(ctx context.Context, a id.Account, now time.Time) ([]member.Member, error)
	// RenameSubaccount and CloseSubaccount are won where it is open, ReopenSubaccount where it is closed. The main one is never closed.
	RenameSubaccount(ctx context.Context, a id.Account, s id.Subaccount, name string) (won bool, err error)
	CloseSubaccount(ctx context.Context, a id.Account, s id.Subaccount, now time.Time) (won bool, err error)
	ReopenSubaccount(ctx context.Context, a id.Account, s id.Subaccount) (won bool, err error)
	// KeysAt is how many keys are pinned to one that are not revoked, those among them that are over.
	KeysAt(ctx context.Context, a id.Account, s id.Subaccount) (int, error)
}

// Sessions is what this package asks of package session.
type Sessions interface {
	Move(ctx context.Context, tx session.Tx, p principal.Principal, m account.Membership) error
	EndAt(ctx context.Context, tx session.Tx, u id.User, at id.Subaccount, why string) error
}

// Deps are what Subaccounts is made of. All are needed.
type Deps struct {
	Ledger   audit.Ledger[Tx]
	Now      func() time.Time
	Decide   decision.Decider
	StepUps  *stepup.StepUps
	Sessions Sessions
}

// Subaccounts makes, names and closes them. It is safe for concurrent use.
type Subaccounts struct{ Deps }

// New makes a Subaccounts.
func New(d Deps) *Subaccounts { return &Subaccounts{d} }

// change is one change of a subaccount, before it is made.
type change struct {
	action audit.Action
	// what is the subaccount as it was; of one that is made, as it will be.
	what account.Subaccount
	// name is what it is called from then on.
	name string
	do   func(tx Tx) (won bool, err error)
}

// all lists the principal's account, of which whoever else would change it is waited for.
func (s *Subaccounts) all(ctx context.Context, tx Tx, a id.Account) ([]account.Subaccount, error) {
	if err := tx.ClaimAccountRow(ctx, a); err != nil {
		return nil, fmt.Errorf("claim account: %w", err)
	}
	list, err := tx.SubaccountsOf(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("list subaccounts: %w", err)
	}
	return list, nil
}

// apply makes the change that plan gives, in the name of an owner and with a step-up for exactly that.
func (s *Subaccounts) apply(ctx context.Context, p principal.Principal, plan func(tx Tx, list []account.Subaccount) (change, error)) error {
	if err := s.Decide.Decide(decision.Question{Principal: p, Class: scope.Setting, Account: p.Account}).Err(); err != nil {
		return err
	}
	err := s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		list, err := s.all(ctx, tx, p.Account)
		if err != nil {
			return audit.Event{}, err
		}
		c, err := plan(tx, list)
		if err != nil {
			return audit.Event{}, err
		}
		facts := map[string]string{"name": c.name}
		input := map[string]string{"account": p.Account.String(), "subaccount": c.what.ID.String(), "name": c.name}
		if c.action == audit.SubaccountOpened {
			delete(input, "subaccount") // each try would ask for another
		}
		if c.action == audit.SubaccountRenamed {
			facts["from_name"] = c.what.Name
		}
		if err := s.StepUps.Require(ctx, tx, p, stepup.Content{Action: c.action, Input: input, Facts: facts}); err != nil {
			return audit.Event{}, err
		}
		won, err := c.do(tx)
		if err != nil {
			return audit.Event{}, fmt.Errorf("change subaccount: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.SubaccountNotFound)
		}
		person, err := s.person(ctx, tx, p)
		return audit.Event{Action: c.action, Actor: p, Person: person, Account: p.Account, Facts: facts}, err
	})
	return s.StepUps.Ask(ctx, err)
}

// person is whose event it is: who did it, or the owner for whom the host did.
func (s *Subaccounts) person(ctx context.Context, tx Tx, p principal.Principal) (id.User, error) {
	if !p.Trusted() {
		return p.User, nil
	}
	owners, err := tx.OwnersOf(ctx, p.Account)
	if err != nil || len(owners) == 0 {
		return id.User{}, err
	}
	return owners[0], nil
}

// named checks what one is to be called: no other of the account is called so, closed ones among them.
func named(list []account.Subaccount, but id.Subaccount, name string) error {
	for _, one := range list {
		if one.ID != but && one.Name == name {
			return fault.New(fault.SubaccountNamed)
		}
	}
	return nil
}

func find(list []account.Subaccount, which id.Subaccount) (account.Subaccount, error) {
	for _, one := range list {
		if one.ID == which {
			return one, nil
		}
	}
	return account.Subaccount{}, fault.New(fault.SubaccountNotFound)
}

// Open makes a subaccount of the principal's account. Errors: request.invalid (name), subaccount.named, subaccount.too_many, forbidden, step_up_required,
// assurance.too_low.
func (s *Subaccounts) Open(ctx context.Context, p principal.Principal, name string) (made id.Subaccount, err error) {
	name, ok := line.Filled(name)
	if !ok {
		return made, fault.New(fault.RequestInvalid, "field", "name")
	}
	now := s.Now()
	made = id.New[id.SubaccountKind](now)
	err = s.apply(ctx, p, func(_ Tx, list []account.Subaccount) (change, error) {
		if len(list) >= Most {
			return change{}, fault.New(fault.SubaccountTooMany, "most", fmt.Sprint(Most))
		}
		what := account.Subaccount{ID: made, Name: name, Born: now}
		return change{audit.SubaccountOpened, what, name, func(tx Tx) (bool, error) {
			return true, tx.InsertSubaccount(ctx, p.Account, what)
		}}, named(list, made, name)
	})
	return made, err
}

// Rename gives an open subaccount another name. Errors: request.invalid (name), subaccount.not_found, subaccount.named, forbidden, step_up_required,
// assurance.too_low.
func (s *Subaccounts) Rename(ctx context.Context, p principal.Principal, which id.Subaccount, name string) error {
	name, ok := line.Filled(name)
	if !ok {
		return fault.New(fault.RequestInvalid, "field", "name")
	}
	return s.apply(ctx, p, func(_ Tx, list []account.Subaccount) (change, error) {
		what, err := find(list, which)
		if err == nil {
			err = named(list, which, name)
		}
		return change{audit.SubaccountRenamed, what, name, func(tx Tx) (bool, error) {
			return tx.RenameSubaccount(ctx, p.Account, which, name)
		}}, err
	})
}

// Close lets nobody act in a subaccount: no key can be made for it, no session go over to it, and those that act in it end. What lies in it stays with the
// platform, and is reached again by Reopen. Errors: subaccount.not_found, also for one that is closed; subaccount.main, subaccount.has_keys,
// subaccount.here, forbidden, step_up_required, assurance.too_low.
func (s *Subaccounts) Close(ctx context.Context, p principal.Principal, which id.Subaccount) error {
	return s.apply(ctx, p, func(tx Tx, list []account.Subaccount) (change, error) {
		what, err := s.closable(ctx, tx, p, list, which)
		return change{audit.SubaccountClosed, what, what.Name, func(tx Tx) (bool, error) {
			won, err := tx.CloseSubaccount(ctx, p.Account, which, s.Now())
			if err != nil || !won {
				return won, err
			}
			return true, s.empty(ctx, tx, p.Account, which)
		}}, err
	})
}

// closable finds one that may be closed: not the main one, nor the one where its owner is, nor one with keys.
func (s *Subaccounts) closable(ctx context.Context, tx Tx, p principal.Principal, list []account.Subaccount, which id.Subaccount) (account.Subaccount, error) {
	what, err := find(list, which)
	switch {
	case err != nil:
		return what, err
	case what.Main:
		return what, fault.New(fault.SubaccountMain)
	case p.Subaccount == which:
		return what, fault.New(fault.SubaccountHere)
	}
	keys, err := tx.KeysAt(ctx, p.Account, which)
	if err != nil {
		return what, fmt.Errorf("count keys: %w", err)
	}
	if keys > 0 {
		return what, fault.New(fault.SubaccountHasKeys, "count", fmt.Sprint(keys))
	}
	return what, nil
}

// empty ends the sessions that act in a subaccount. They are not led elsewhere: whoever orders there must not find themselves in other books.
func (s *Subaccounts) empty(ctx context.Context, tx Tx, a id.Account, which id.Subaccount) error {
	members, err := tx.MembersOf(ctx, a, s.Now())
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	for _, m := range members {
		if err := s.Sessions.EndAt(ctx, txn.As[session.Tx](tx), m.User, which, "subaccount closed"); err != nil {
			return err
		}
	}
	return nil
}

// Reopen lets people and new keys act in a closed subaccount again. Errors: subaccount.not_found, also for one that is open; forbidden, step_up_required,
// assurance.too_low.
func (s *Subaccounts) Reopen(ctx context.Context, p principal.Principal, which id.Subaccount) error {
	return s.apply(ctx, p, func(_ Tx, list []account.Subaccount) (change, error) {
		what, err := find(list, which)
		return change{audit.SubaccountReopened, what, what.Name, func(tx Tx) (bool, error) {
			return tx.ReopenSubaccount(ctx, p.Account, which)
		}}, err
	})
}

// Enter lets the principal's session act in another open subaccount of its account, whatever the role: roles are for all of them. Its children on gateway hosts
// end, and so does every proof that was given for something before. Errors: subaccount.not_found, rate_limited.
func (s *Subaccounts) Enter(ctx context.Context, p principal.Principal, which id.Subaccount) error {
	return s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := throttle.CountAct(ctx, txn.As[throttle.Tx](tx), p, s.Now()); err != nil {
			return audit.Event{}, err
		}
		list, err := s.all(ctx, tx, p.Account)
		if err != nil {
			return audit.Event{}, err
		}
		what, err := find(list, which)
		if err == nil && (!what.ClosedAt.IsZero() || p.Kind != principal.KindUser) {
			err = fault.New(fault.SubaccountNotFound)
		}
		if err != nil {
			return audit.Event{}, err
		}
		event := audit.Event{
			Action: audit.SessionSubaccountSwitched, Actor: p, Person: p.User, Account: p.Account, Facts: map[string]string{"name": what.Name},
		}
		return event, s.Sessions.Move(ctx, txn.As[session.Tx](tx), p, account.Membership{Account: p.Account, Main: which})
	})
}
