// Package account owns people, the trading accounts they belong to, and the subaccounts inside.
//
// It does not know how people prove who they are, nor what a role may do (room decide).
//
// Invariant: every account has exactly one main subaccount, and a user is never made without an account to own.
//
//	user ──member(role)──▶ account ──▶ subaccount (main), subaccount …
package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// User is a person who signs in.
type User struct {
	ID id.User
	// Mail is the address in its canonical form (package mailaddr): compared only so.
	Mail string
	Name string
	// Lang is "en" or "ko".
	Lang string
	// Handle names the user to authenticators: 64 random bytes that say nothing about the person (WebAuthn L3 §14.6.1).
	Handle     [64]byte
	Born       time.Time
	DisabledAt time.Time
	// StrangeAt is when they last signed in from a place where they were not known; zero if never.
	StrangeAt time.Time
	// NeverRemembered: no browser may show them where people sign in.
	NeverRemembered bool
	// StaffAt is since when they are an operator of the platform; zero for everybody else.
	StaffAt time.Time
}

// Membership is a user's place in an account.
type Membership struct {
	Account     id.Account
	AccountName string
	// Main is the account's main subaccount, where a session starts.
	Main id.Subaccount
	Role principal.Role
}

// Subaccount is a security boundary inside an account: a key is pinned to one.
type Subaccount struct {
	ID   id.Subaccount
	Name string
	Main bool
	Born time.Time
	// ClosedAt is zero for those that are open. The main one is never closed.
	ClosedAt time.Time
}

// Tx is what this package asks of a transaction.
type Tx interface {
	txn.Announcer
	// DisableUser and EnableUser change the state; won is false if it was so already.
	DisableUser(ctx context.Context, u id.User, now time.Time) (won bool, err error)
	EnableUser(ctx context.Context, u id.User) (won bool, err error)
	// MakeStaff and EndStaff change whether the user is an operator; won is false if it was so already.
	MakeStaff(ctx context.Context, u id.User, now time.Time) (won bool, err error)
	EndStaff(ctx context.Context, u id.User) (won bool, err error)
	SetUserLang(ctx context.Context, u id.User, lang string) (won bool, err error)
	// EraseUser destroys the key of a disabled user's events, deletes their credentials and blanks everything about them that is kept in clear;
	// keys that were live are revoked and given back. won is false for a user who is not disabled, or erased already.
	EraseUser(ctx context.Context, u id.User, now time.Time) (ended []id.Key, won bool, err error)
	// OwnsAlone says whether an account with other members has no other owner than this user. Whoever changes who owns one of theirs waits until the
	// transaction ends: of two owners who go at once, the second sees that the first is gone.
	OwnsAlone(ctx context.Context, u id.User) (bool, error)
	// CircleOf lists everybody in the accounts that somebody owns.
	CircleOf(ctx context.Context, u id.User) ([]id.User, error)
	// InsertUser answers ErrTaken when the address has a user; of two at once, one gets it.
	InsertUser(ctx context.Context, u User) error
	InsertAccount(ctx context.Context, a id.Account, name string, born time.Time) error
	InsertSubaccount(ctx context.Context, a id.Account, s Subaccount) error
	InsertMember(ctx context.Context, a id.Account, u id.User, role principal.Role, born time.Time) error
	// UserByMail finds a user by canonical address; found is false if there is none.
	UserByMail(ctx context.Context, mail string) (u User, found bool, err error)
	UserByID(ctx context.Context, u id.User) (user User, found bool, err error)
	UserByHandle(ctx context.Context, handle []byte) (u User, found bool, err error)
	// MembershipsOf lists a user's memberships, the oldest first.
	MembershipsOf(ctx context.Context, u id.User) ([]Membership, error)
	// SubaccountsOf lists the closed ones too, the main one first.
	SubaccountsOf(ctx context.Context, a id.Account) ([]Subaccount, error)
	// OwnersOf lists the people who own an account and are there, the oldest first.
	OwnersOf(ctx context.Context, a id.Account) ([]id.User, error)
}

// ErrTaken says that an address has a user.
var ErrTaken = errors.New("the address has a user")

// MintHandle makes the random name under which authenticators will know a user.
func MintHandle() (h [64]byte) {
	rand.Read(h[:])
	return h
}

// Create makes a user with a personal account and its main subaccount, in the caller's transaction.
// It returns ErrTaken if the address has a user already.
func Create(ctx context.Context, tx Tx, u User, now time.Time) (Membership, error) {
	m := Membership{
		Account: id.New[id.AccountKind](now), AccountName: u.Name, Main: id.New[id.SubaccountKind](now), Role: principal.Owner,
	}
	if err := tx.InsertUser(ctx, u); err != nil {
		return m, fmt.Errorf("insert user: %w", err)
	}
	if err := tx.InsertAccount(ctx, m.Account, m.AccountName, now); err != nil {
		return m, fmt.Errorf("insert account: %w", err)
	}
	if err := tx.InsertSubaccount(ctx, m.Account, Subaccount{ID: m.Main, Name: "main", Main: true, Born: now}); err != nil {
		return m, fmt.Errorf("insert main subaccount: %w", err)
	}
	if err := tx.InsertMember(ctx, m.Account, u.ID, m.Role, now); err != nil {
		return m, fmt.Errorf("insert member: %w", err)
	}
	return m, nil
}

// Accounts answers questions about people and accounts.
type Accounts struct {
	ledger audit.Ledger[Tx]
	now    func() time.Time
	follow happening.Applier
}

// New makes an Accounts.
func New(ledger audit.Ledger[Tx], now func() time.Time, follow happening.Applier) *Accounts {
	return &Accounts{ledger, now, follow}
}

// Disable stops a user: every session ends, every key is refused, and no sign-in succeeds until Enable. Only the host's command line may,
// until operators have a console. Errors: forbidden, not_found (also for one who is disabled).
func (a *Accounts) Disable(ctx context.Context, p principal.Principal, u id.User) error {
	return a.set(ctx, p, u, audit.UserDisabled, happening.UserDisabled, func(tx Tx) (bool, error) { return tx.DisableUser(ctx, u, a.now()) })
}

// Enable lets a disabled user sign in again. Nothing that ended comes back. Errors: forbidden, not_found.
func (a *Accounts) Enable(ctx context.Context, p principal.Principal, u id.User) error {
	return a.set(ctx, p, u, audit.UserEnabled, happening.UserEnabled, func(tx Tx) (bool, error) { return tx.EnableUser(ctx, u) })
}

// MakeStaff marks u as an operator of the platform: their sessions are shorter, and those from before end. Only the host's command line may. It gives
// no right. Errors: forbidden, not_found.
func (a *Accounts) MakeStaff(ctx context.Context, p principal.Principal, u id.User) error {
	return a.set(ctx, p, u, audit.UserStaffMade, happening.StaffChanged, func(tx Tx) (bool, error) { return tx.MakeStaff(ctx, u, a.now()) })
}

// EndStaff takes that back, and ends their sessions too. Errors: forbidden, not_found.
func (a *Accounts) EndStaff(ctx context.Context, p principal.Principal, u id.User) error {
	return a.set(ctx, p, u, audit.UserStaffEnded, happening.StaffChanged, func(tx Tx) (bool, error) { return tx.EndStaff(ctx, u) })
}

func (a *Accounts) set(ctx context.Context, p principal.Principal, u id.User, action audit.Action, kind happening.Kind, write func(Tx) (bool, error)) error {
	if !p.Trusted() {
		return fault.New(fault.Forbidden)
	}
	return a.ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		won, err := write(tx)
		if err != nil {
			return audit.Event{}, fmt.Errorf("change user: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.NotFound)
		}
		tx.Announce(txn.Change{Subject: txn.SubjectMember, ID: u})
		return audit.Event{Action: action, Actor: p, Person: u}, a.follow.Apply(ctx, tx, happening.Happening{Kind: kind, User: u})
	})
}

// Erase forgets a disabled user for good: nobody can read their events any more, their address is free, their credentials are gone and their
// keys revoked. What they did stays in the log without them. Only the host's command line may. Whoever alone owns an account that others are in
// stays until those others have an owner: nobody could review them or give their keys away after it.
// Errors: forbidden, account.last_owner, not_found (also for one who is not disabled, or erased already).
func (a *Accounts) Erase(ctx context.Context, p principal.Principal, u id.User) error {
	if !p.Trusted() {
		return fault.New(fault.Forbidden)
	}
	return a.ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		alone, err := tx.OwnsAlone(ctx, u)
		if err != nil {
			return audit.Event{}, fmt.Errorf("look for other owners: %w", err)
		}
		if alone {
			return audit.Event{}, fault.New(fault.AccountLastOwner)
		}
		return EraseIn(ctx, tx, p, u, a.now())
	})
}

// EraseIn does what Erase does in the caller's transaction, for a caller who may. Errors: not_found.
func EraseIn(ctx context.Context, tx Tx, p principal.Principal, u id.User, now time.Time) (audit.Event, error) {
	circle, err := tx.CircleOf(ctx, u)
	if err != nil {
		return audit.Event{}, fmt.Errorf("list members: %w", err)
	}
	ended, won, err := tx.EraseUser(ctx, u, now)
	if err != nil {
		return audit.Event{}, fmt.Errorf("erase user: %w", err)
	}
	if !won {
		return audit.Event{}, fault.New(fault.NotFound)
	}
	for _, k := range ended {
		tx.Announce(txn.Change{Subject: txn.SubjectKey, ID: k})
	}
	for _, each := range append(circle, u) { // a lock goes with its owner, and reaches the others no more
		tx.Announce(txn.Change{Subject: txn.SubjectMember, ID: each})
	}
	return audit.Event{Action: audit.UserErased, Actor: p, Facts: map[string]string{audit.ErasedUser: u.String()}}, nil
}

// SetLang chooses the language of the principal's pages and mails: "en" or "ko". Choosing what was chosen changes nothing.
// Errors: request.invalid, unauthorized, rate_limited.
func (a *Accounts) SetLang(ctx context.Context, p principal.Principal, lang string) error {
	if lang != "en" && lang != "ko" {
		return fault.New(fault.RequestInvalid, "field", "language")
	}
	if p.Kind != principal.KindUser {
		return fault.New(fault.Unauthorized)
	}
	if lang == p.Lang {
		return nil
	}
	return a.ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := throttle.CountAct(ctx, txn.As[throttle.Tx](tx), p, a.now()); err != nil {
			return audit.Event{}, err
		}
		won, err := tx.SetUserLang(ctx, p.User, lang)
		if err != nil {
			return audit.Event{}, fmt.Errorf("set language: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.Unauthorized)
		}
		tx.Announce(txn.Change{Subject: txn.SubjectMember, ID: p.User})
		return audit.Event{Action: audit.UserLanguageSet, Actor: p, Person: p.User, Facts: map[string]string{"language": lang}}, nil
	})
}

// Self gives the principal's own user. Errors: unauthorized.
func (a *Accounts) Self(ctx context.Context, p principal.Principal) (u User, err error) {
	err = a.ledger.View(ctx, func(tx Tx) error {
		var found bool
		u, found, err = tx.UserByID(ctx, p.User)
		if err == nil && !found {
			err = fault.New(fault.Unauthorized)
		}
		return err
	})
	return u, err
}

// Subaccounts lists the subaccounts of the principal's account, the main one first and closed ones too. A key is told of its own alone: what else there is
// lies behind the boundary that it is pinned inside of.
func (a *Accounts) Subaccounts(ctx context.Context, p principal.Principal) (list []Subaccount, err error) {
	err = a.ledger.View(ctx, func(tx Tx) error {
		list, err = tx.SubaccountsOf(ctx, p.Account)
		return err
	})
	if p.Kind == principal.KindKey {
		list = slices.DeleteFunc(list, func(s Subaccount) bool { return s.ID != p.Subaccount })
	}
	return list, err
}

// ByMail finds a user for the host's command line, with the memberships. Errors: not_found.
func (a *Accounts) ByMail(ctx context.Context, mail string) (u User, memberships []Membership, err error) {
	err = a.ledger.View(ctx, func(tx Tx) error {
		var found bool
		if u, found, err = tx.UserByMail(ctx, mail); err != nil {
			return err
		}
		if !found {
			return fault.New(fault.NotFound)
		}
		memberships, err = tx.MembershipsOf(ctx, u.ID)
		return err
	})
	return u, memberships, err
}
