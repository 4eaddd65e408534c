// Package checkup owns how well an account is guarded, told in two ways: as points over five layers with the gaps that cost them, and as questions,
// one about each thing that the account holds.
//
// It does not know how anything is mended (the rooms that own it do) and changes nothing but what its users said yes to. Words are the doors'.
//
// Invariant: a question that was answered with yes stays quiet until what it asked about is another, and nobody can say yes to what they were not
// shown. No points are lost without a gap that says why, and each gap costs what the table says.
package checkup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
)

// Layer is one of the five in which an account is guarded.
type Layer string

// The layers, in the order of the check-up.
const (
	SignIn   Layer = "sign_in"
	Sessions Layer = "sessions"
	Recovery Layer = "recovery"
	Contact  Layer = "contact"
	Keys     Layer = "keys"
)

// Layers lists them.
var Layers = []Layer{Sessions, SignIn, Recovery, Contact, Keys}

// Assent is a yes.
type Assent struct {
	// Item is what was asked about, or the tip that was put away.
	Item string
	// State is a digest of it as it was then.
	State [16]byte
	At    time.Time
}

// Tx is what this package asks of a transaction.
type Tx interface {
	PutAssent(ctx context.Context, u id.User, a Assent) error
	AssentsOf(ctx context.Context, u id.User) ([]Assent, error)
	DeleteAssent(ctx context.Context, u id.User, item string) error
	UserByID(ctx context.Context, u id.User) (user account.User, found bool, err error)
}

// Prepared is how far somebody is ready to come back.
type Prepared struct {
	// Claims is how many recoveries of the account are under way.
	Claims int
	// Leaving says that the account is to be deleted.
	Leaving     bool
	RehearsedAt time.Time
}

// Deps are what CheckUps is made of. All are needed.
type Deps struct {
	Ledger   audit.Ledger[Tx]
	Now      func() time.Time
	Decide   decision.Decider
	Sessions interface {
		List(ctx context.Context, p principal.Principal) ([]session.Listed, error)
	}
	Factors interface {
		Of(ctx context.Context, p principal.Principal) (factor.Methods, error)
	}
	Contacts interface {
		Of(ctx context.Context, p principal.Principal) (contact.Reached, error)
	}
	Keys interface {
		List(ctx context.Context, p principal.Principal) ([]apikey.Key, error)
		Standing(k apikey.Key) (apikey.Standing, time.Time)
		AnyUnneeded(ctx context.Context, keys []apikey.Key) (bool, error)
	}
	Holds interface {
		For(ctx context.Context, p principal.Principal) (hold.Standing, error)
	}
	// Browsers lists those that show the principal's account where people sign in.
	Browsers func(ctx context.Context, p principal.Principal) ([]device.Remembering, error)
	// Prepared asks packages recovery and privacy, which no room imports.
	Prepared func(ctx context.Context, p principal.Principal) (Prepared, error)
}

// CheckUps reads how an account is guarded and remembers what its users said yes to.
type CheckUps struct{ Deps }

// New makes a CheckUps.
func New(d Deps) *CheckUps { return &CheckUps{d} }

// Account is everything that is looked at, as it stands now.
type Account struct {
	Now time.Time
	// This is who asks, in which session.
	This     principal.Principal
	Methods  factor.Methods
	Reached  contact.Reached
	Sessions []session.Listed
	// Browsers show the account where people sign in.
	Browsers []device.Remembering
	// Keys are those that can still be used.
	Keys []apikey.Key
	// Unneeded says that one of them holds scopes which no request needed for a month.
	Unneeded bool
	Held     hold.Standing
	Prepared Prepared
	// Looked is when its user last went through the check-up, and when they signed up if never.
	Looked time.Time
}

// State is the answer to "is anything wrong, and what next?".
type State struct {
	Account   Account
	Posture   Posture
	Questions []Question
}

// Open counts the questions that nobody has answered with yes.
func (s State) Open() (n int) {
	for _, q := range s.Questions {
		if q.Confirmed.IsZero() {
			n++
		}
	}
	return n
}

// Confirmed is when the latest of the questions was answered, once all are; zero before.
func (s State) Confirmed() (at time.Time) {
	if s.Open() > 0 {
		return at
	}
	for _, q := range s.Questions {
		if q.Confirmed.After(at) {
			at = q.Confirmed
		}
	}
	return at
}

// Of reads the principal's own.
func (c *CheckUps) Of(ctx context.Context, p principal.Principal) (State, error) {
	a, err := c.account(ctx, p)
	if err != nil {
		return State{}, err
	}
	var said []Assent
	err = c.Ledger.View(ctx, func(tx Tx) (err error) {
		said, a.Looked, err = looked(ctx, tx, p.User)
		return err
	})
	return State{a, Assess(a), ask(a, said)}, err
}

func (c *CheckUps) account(ctx context.Context, p principal.Principal) (a Account, err error) {
	a = Account{Now: c.Now(), This: p}
	if a.Methods, err = c.Factors.Of(ctx, p); err != nil {
		return a, err
	}
	if a.Reached, err = c.Contacts.Of(ctx, p); err != nil {
		return a, err
	}
	if a.Sessions, err = c.Sessions.List(ctx, p); err != nil {
		return a, err
	}
	if a.Browsers, err = c.Browsers(ctx, p); err != nil {
		return a, err
	}
	if a.Held, err = c.Holds.For(ctx, p); err != nil {
		return a, err
	}
	if a.Prepared, err = c.Prepared(ctx, p); err != nil {
		return a, err
	}
	if a.Keys, err = c.keys(ctx, p); err != nil {
		return a, err
	}
	a.Unneeded, err = c.Keys.AnyUnneeded(ctx, a.Keys)
	return a, err
}

// keys are those the principal has a say in: all of the account for its owner, else their own. Who may not see keys has none to look after.
func (c *CheckUps) keys(ctx context.Context, p principal.Principal) ([]apikey.Key, error) {
	list, err := c.Keys.List(ctx, p)
	if fault.CodeOf(err) == fault.Forbidden {
		return nil, nil
	}
	return slices.DeleteFunc(list, func(k apikey.Key) bool {
		standing, _ := c.Keys.Standing(k)
		return standing == apikey.StandsRevoked || standing == apikey.StandsExpired || p.Role != principal.Owner && k.Owner != p.User
	}), err
}

// Confirm answers a question with yes: item as it was shown, in the state it was shown in. A session that owes a proof may not, because it would
// make a stranger's things look like its user's. Errors: check_up.changed where that is no longer so, device.unknown, session.idle,
// session.unusual, session.unrenewed, rate_limited.
func (c *CheckUps) Confirm(ctx context.Context, p principal.Principal, item, state string) error {
	if err := c.mayAnswer(p); err != nil {
		return err
	}
	s, err := c.Of(ctx, p)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(s.Questions, func(q Question) bool { return q.Item() == item })
	if at < 0 || s.Questions[at].State() != state {
		return fault.New(fault.CheckUpChanged)
	}
	q := s.Questions[at]
	return c.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := throttle.CountAct(ctx, txn.As[throttle.Tx](tx), p, c.Now()); err != nil {
			return audit.Event{}, err
		}
		if err := tx.PutAssent(ctx, p.User, Assent{item, q.state, c.Now()}); err != nil {
			return audit.Event{}, fmt.Errorf("put assent: %w", err)
		}
		if s.Open() == 1 && q.Confirmed.IsZero() { // the last one
			if err := tx.PutAssent(ctx, p.User, Assent{Item: whole, At: c.Now()}); err != nil {
				return audit.Event{}, fmt.Errorf("put assent: %w", err)
			}
		}
		facts := map[string]string{"asked": string(q.Kind), "item": item}
		return audit.Event{Action: audit.CheckUpConfirmed, Actor: p, Person: p.User, Facts: facts}, forget(ctx, tx, p.User, s.Questions)
	})
}

// forget drops what was said about things that are gone.
func forget(ctx context.Context, tx Tx, u id.User, live []Question) error {
	said, err := tx.AssentsOf(ctx, u)
	if err != nil {
		return fmt.Errorf("list assents: %w", err)
	}
	for _, a := range said {
		gone := !isTip(a.Item) && a.Item != whole && !slices.ContainsFunc(live, func(q Question) bool { return q.Item() == a.Item })
		if gone {
			err = errors.Join(err, tx.DeleteAssent(ctx, u, a.Item))
		}
	}
	return err
}
