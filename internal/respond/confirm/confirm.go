// Package confirm owns confirmations: the user's own proof, by passkey, for exactly one transaction.
//
// It does not know how a transaction is found in a request or carried out (the gateway does the one and an exchange the other), nor how an
// assertion is checked (package passkey). It asks package hold whether money waits.
//
//	asked → approved (a passkey that is old enough) → executed (the same request, no hold running)      asked, approved → cancelled, expired
//
// Invariant: what is signed, shown, compared and executed is one stored row that never changes; executing recomputes its hash, verifies
// the stored assertion again and is one conditional write. A page is reached by an id and a MAC over it, which nobody can guess, and
// neither opens anything without the passkey. A hold only ever delays: it makes a confirmation live longer (life.go) and allows nothing.
package confirm

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
)

// Confirmation is one.
type Confirmation struct {
	Transaction
	// Nonce and Hash of the transaction make the challenge.
	Nonce, Hash [32]byte
	// Request is a digest of the refused request, which must come again as it was; nil if the platform's backend posted the transaction.
	Request []byte
	// BackTo is the page of the exchange to go back to; empty if there is none.
	BackTo string
	// Bound: only a passkey that cannot leave its device may approve it.
	Bound bool

	Approved time.Time
	Passkey  id.Passkey
	// Assertion is the authenticator's whole answer, as JSON.
	Assertion string
	Executed  time.Time
	Cancelled time.Time

	// Ends is when it is over: Expires, which was signed, or later where a hold keeps it waiting. It is no column, see life.go.
	Ends time.Time
}

// State is how far it is: open, approved, executed, cancelled or expired.
func (c Confirmation) State(now time.Time) string {
	switch {
	case !c.Executed.IsZero():
		return "executed"
	case !c.Cancelled.IsZero():
		return "cancelled"
	case !now.Before(c.Ends):
		return "expired"
	case !c.Approved.IsZero():
		return "approved"
	}
	return "open"
}

// Open says whether it may still be approved or executed.
func (c Confirmation) Open(now time.Time) bool {
	return c.Executed.IsZero() && c.Cancelled.IsZero() && now.Before(c.Ends)
}

// Kept is how long a confirmation that was given is evidence, from its end: who confirmed what, with the assertion. One that was not given
// goes after a day.
const Kept = 400 * 24 * time.Hour

// Tx is what this package asks of a transaction.
type Tx interface {
	InsertConfirmation(ctx context.Context, c Confirmation) error
	ConfirmationByID(ctx context.Context, c id.Confirmation) (found Confirmation, ok bool, err error)
	// UnspentConfirmations lists those of a user that are neither executed nor cancelled and expire after a moment, oldest first.
	UnspentConfirmations(ctx context.Context, u id.User, after time.Time) ([]Confirmation, error)
	// ConfirmationsByUser lists the newest of a user, whatever became of them.
	ConfirmationsByUser(ctx context.Context, u id.User, most int) ([]Confirmation, error)
	// ApproveConfirmation, ExecuteConfirmation and CancelConfirmation name one winner each, and none for what was executed or cancelled. They look at
	// no clock: who calls them does.
	ApproveConfirmation(ctx context.Context, c id.Confirmation, by id.Passkey, assertion string, now time.Time) (won bool, err error)
	ExecuteConfirmation(ctx context.Context, c id.Confirmation, now time.Time) (won bool, err error)
	CancelConfirmation(ctx context.Context, c id.Confirmation, now time.Time) (won bool, err error)
	// ClaimUserRow and ClaimKeyRow make every other transaction that asks for, or changes, the same row wait for this one. They are false for a user who
	// is disabled, and for a key that is not live: revoked, blocked, frozen or expired.
	ClaimUserRow(ctx context.Context, u id.User) (enabled bool, err error)
	ClaimKeyRow(ctx context.Context, k id.Key, now time.Time) (live bool, err error)
}

// Holds is what this package asks of package hold.
type Holds interface {
	Standing(ctx context.Context, tx any, u id.User) (hold.Standing, error)
	Since(ctx context.Context, tx any, u id.User, after time.Time) ([]hold.Hold, error)
}

// Acceptor writes a proven passkey back; package factor does.
type Acceptor interface {
	AcceptPasskey(ctx context.Context, tx factor.Tx, used passkey.Used) (refused, err error)
}

// Deps are what Confirmations is made of. All are needed.
type Deps struct {
	Ledger audit.Ledger[Tx]
	Now    func() time.Time
	// Passkeys runs ceremonies on Origin and nowhere else.
	Passkeys *passkey.Passkeys
	Factors  Acceptor
	Holds    Holds
	Follow   happening.Applier
	// Budgets count answers that did not hold.
	Budgets throttle.Budgets
	// Key makes addresses: 32 bytes.
	Key []byte
	// Origin is where confirmations are signed.
	Origin string
	// Exchanges are what people know the upstreams by; one that is missing is shown by its name in the configuration.
	Exchanges map[string]string
	// Life is how long a confirmation lives, from the end of the hold if one keeps it waiting: at most 24 h.
	Life time.Duration
}

// Confirmations asks for, takes and executes confirmations.
type Confirmations struct{ Deps }

// New makes a Confirmations.
func New(d Deps) (*Confirmations, error) {
	if len(d.Key) != sha256.Size {
		return nil, errors.New("confirm.New: the key of addresses has not 32 bytes")
	}
	return &Confirmations{d}, nil
}

// most is how many confirmations of one user may be open.
const most = 20

// Asking is a transaction that needs a confirmation.
type Asking struct {
	Content
	User       id.User
	Account    id.Account
	Subaccount id.Subaccount
	// Request, BackTo and Bound as in Confirmation.
	Request []byte
	BackTo  string
	Bound   bool
}

// Ask writes a confirmation down, or finds the one that is open for the very same request: a client that repeats itself makes no second.
// Errors: request.invalid, forbidden, confirmation.no_passkey, confirmation.passkey_unbound, confirmation.too_many,
// unauthorized.
func (c *Confirmations) Ask(ctx context.Context, in Asking) (asked Asked, err error) {
	if err := in.Check(); err != nil {
		return asked, err
	}
	fresh := Confirmation{Request: in.Request, BackTo: in.BackTo, Bound: in.Bound}
	rand.Read(fresh.Nonce[:])
	err = c.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		quiet := audit.Quiet(audit.ConfirmationAsked)
		now := c.Now().UTC().Truncate(time.Microsecond)
		owner, _, err := factor.Owner(ctx, txn.As[factor.Tx](tx), in.User)
		if err != nil {
			return quiet, err
		}
		if err := owns(ctx, txn.As[account.Tx](tx), in); err != nil {
			return quiet, err
		}
		if err := fresh.approvable(owner); err != nil {
			return quiet, err
		}
		stand, err := c.Holds.Standing(ctx, tx, in.User)
		if err != nil {
			return quiet, fmt.Errorf("look for holds: %w", err)
		}
		open, err := c.open(ctx, tx, in.User)
		if err != nil {
			return quiet, err
		}
		for _, o := range open {
			if o.Content == in.Content && o.Account == in.Account && o.Subaccount == in.Subaccount && bytes.Equal(o.Request, in.Request) && o.Bound == in.Bound {
				asked = c.asked(o, stand)
				return quiet, nil
			}
		}
		if len(open) >= most {
			return quiet, fault.New(fault.ConfirmationTooMany)
		}
		row := fresh
		row.Transaction = Transaction{
			Content: in.Content, ID: id.New[id.ConfirmationKind](now), User: in.User, Account: in.Account, Subaccount: in.Subaccount,
			Created: now, Expires: c.least(now, stand.In(in.Account)),
		}
		row.Ends = row.Expires
		if row.Hash, err = row.hash(); err != nil {
			return quiet, err
		}
		asked = c.asked(row, stand)
		return quiet, tx.InsertConfirmation(ctx, row)
	})
	return asked, err
}

// owns refuses a transaction of an account that is not the user's: a request was checked for that, what a backend posts was not.
func owns(ctx context.Context, tx account.Tx, in Asking) error {
	memberships, err := tx.MembershipsOf(ctx, in.User)
	if err != nil {
		return fmt.Errorf("list memberships: %w", err)
	}
	subaccounts, err := tx.SubaccountsOf(ctx, in.Account)
	if err != nil {
		return fmt.Errorf("list subaccounts: %w", err)
	}
	owner := slices.ContainsFunc(memberships, func(m account.Membership) bool { return m.Account == in.Account && m.Role == principal.Owner })
	within := slices.ContainsFunc(subaccounts, func(s account.Subaccount) bool { return s.ID == in.Subaccount && s.ClosedAt.IsZero() })
	if !owner || !within {
		return fault.New(fault.Forbidden)
	}
	return nil
}

// opened is at for whatever only a source may do that has not failed too often. Errors: rate_limited, confirmation.not_found.
func (c *Confirmations) opened(from netip.Addr, address string) (id.Confirmation, error) {
	if err := throttle.Admit(c.Budgets, from, c.Now()); err != nil {
		return id.Confirmation{}, err
	}
	return c.at(address)
}

// at reads an address. One that we never wrote costs no look at any row, and nobody's budget: any page can make its reader's browser ask for one.
// Errors: confirmation.not_found.
func (c *Confirmations) at(address string) (id.Confirmation, error) {
	text, token, _ := strings.Cut(address, ".")
	which, err := id.Parse[id.ConfirmationKind](text)
	given, wrong := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || wrong != nil || !hmac.Equal(given, c.mac(which)) {
		return which, fault.New(fault.ConfirmationNotFound)
	}
	return which, nil
}

// List gives the principal's own open confirmations, oldest first.
func (c *Confirmations) List(ctx context.Context, p principal.Principal) (list []Asked, err error) {
	err = c.Ledger.View(ctx, func(tx Tx) error {
		open, err := c.open(ctx, tx, p.User)
		if err != nil {
			return err
		}
		stand, err := c.Holds.Standing(ctx, tx, p.User)
		list = make([]Asked, 0, len(open))
		for _, o := range open {
			if p.Kind == principal.KindKey && (o.Account != p.Account || o.Subaccount != p.Subaccount) {
				continue // a key sees its own boundary
			}
			list = append(list, c.asked(o, stand))
		}
		return err
	})
	return list, err
}

// maxKept bounds what All gives.
const maxKept = 10_000

// All lists what is kept about a user's confirmations, open and ended, the newest first.
func (c *Confirmations) All(ctx context.Context, p principal.Principal) (list []Confirmation, err error) {
	err = c.Ledger.View(ctx, func(tx Tx) error {
		if list, err = tx.ConfirmationsByUser(ctx, p.User, maxKept); err != nil {
			return fmt.Errorf("list confirmations: %w", err)
		}
		return c.last(ctx, tx, p.User, list)
	})
	return list, err
}

// Of gives one of the principal's own. Errors: confirmation.not_found.
func (c *Confirmations) Of(ctx context.Context, p principal.Principal, which id.Confirmation) (a Asked, err error) {
	err = c.Ledger.View(ctx, func(tx Tx) error {
		row, err := c.own(ctx, tx, p, which)
		if err != nil {
			return err
		}
		stand, err := c.Holds.Standing(ctx, tx, p.User)
		a = c.asked(row, stand)
		return err
	})
	return a, err
}

// own reads a confirmation of the principal: their user's, and a key's only within its account and subaccount.
func (c *Confirmations) own(ctx context.Context, tx Tx, p principal.Principal, which id.Confirmation) (Confirmation, error) {
	row, found, err := c.byID(ctx, tx, which)
	if err != nil {
		return row, err
	}
	if !found || row.User != p.User || row.Account != p.Account || row.Subaccount != p.Subaccount {
		return row, fault.New(fault.ConfirmationNotFound)
	}
	return row, nil
}

// Cancel ends one of the principal's own for good. Errors: confirmation.not_found, confirmation.void if it was executed or cancelled.
func (c *Confirmations) Cancel(ctx context.Context, p principal.Principal, which id.Confirmation) error {
	return c.cancel(ctx, which, ending{by: p, said: audit.ConfirmationCancelled, may: func(row Confirmation) bool { return row.User == p.User }})
}

// CancelOpen ends all open ones of a user for good, in the caller's transaction.
func (c *Confirmations) CancelOpen(ctx context.Context, tx any, u id.User) error {
	return c.cancelOpen(ctx, tx, u, func(Confirmation) bool { return true })
}

// CancelWithin is CancelOpen for those of one account.
func (c *Confirmations) CancelWithin(ctx context.Context, tx any, u id.User, a id.Account) error {
	return c.cancelOpen(ctx, tx, u, func(row Confirmation) bool { return row.Account == a })
}

func (c *Confirmations) cancelOpen(ctx context.Context, tx any, u id.User, is func(Confirmation) bool) error {
	t := txn.As[Tx](tx)
	open, err := c.open(ctx, t, u)
	if err != nil {
		return err
	}
	for _, row := range open {
		if !is(row) {
			continue
		}
		if _, err := t.CancelConfirmation(ctx, row.ID, c.Now()); err != nil {
			return fmt.Errorf("cancel confirmation: %w", err)
		}
	}
	return nil
}

// ending is who ends a confirmation, what the log says of it, and which they may end; any other is one that there is not.
type ending struct {
	by   principal.Principal
	said audit.Action
	may  func(Confirmation) bool
}

func (c *Confirmations) cancel(ctx context.Context, which id.Confirmation, e ending) error {
	return c.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		row, found, err := tx.ConfirmationByID(ctx, which)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read confirmation: %w", err)
		}
		if !found || !e.may(row) {
			return audit.Event{}, fault.New(fault.ConfirmationNotFound)
		}
		won, err := tx.CancelConfirmation(ctx, which, c.Now())
		if err != nil {
			return audit.Event{}, fmt.Errorf("cancel confirmation: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.ConfirmationVoid)
		}
		return c.event(row, e.said, e.by), nil
	})
}

// Exchange is what people know the upstream of a transaction by.
func (c *Confirmations) Exchange(of Content) string {
	if known := c.Exchanges[of.Upstream]; known != "" {
		return known
	}
	return of.Upstream
}

// event tells of the transaction in its own words: amounts, assets and addresses are the same in every language.
func (c *Confirmations) event(row Confirmation, a audit.Action, p principal.Principal) audit.Event {
	facts := c.facts(row.Content)
	facts["confirmation"] = row.ID.String()
	return audit.Event{Action: a, Actor: p, Person: row.User, Account: row.Account, Facts: facts}
}

// facts are the transaction for events and letters.
func (c *Confirmations) facts(of Content) map[string]string {
	what := of.Address
	if of.Amount != "" {
		what = of.Amount + " " + of.Asset + " → " + of.Address
	}
	facts := map[string]string{"what": what, "exchange": c.Exchange(of)}
	if of.Network != "" {
		facts["what"] += " (" + of.Network + ")"
	}
	if of.Memo != "" {
		facts["memo"] = of.Memo
	}
	return facts
}
