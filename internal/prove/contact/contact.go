// Package contact owns how a user is reached: the address that they sign in with, a second one and a number for notices, and the phrase by which they know our mails.
//
// It sends no mail and no text (jobs do) and writes no notice: room respond says who is told. It knows no session beyond giving it a new bearer.
//
//	asked (step-up) → coded (a code is in the new mailbox, or on the new phone) → done ── within three days, from the old mailbox ──→ undone
//
// Invariant: an address takes its place only after a code from its own mailbox, a number after one from its own phone; a number is told and never proves; what was there before is kept until nobody can put it back any more; and
// nothing in an answer tells whether an address has a user.
package contact

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Contact is how a user is reached beside their address. The zero value is that of somebody who changed nothing since they signed up.
type Contact struct {
	// MailSince is when the address took its place; zero is the sign-up.
	MailSince time.Time
	// Second is the address for notices; empty if there is none.
	Second      string
	SecondSince time.Time
	// Phone is the number that notices are texted to, in E.164 with its +; empty if there is none.
	Phone      string
	PhoneSince time.Time
	// Phrase is what the user knows our mails by; empty until they chose one.
	Phrase string
}

// Place is one of the two addresses, or the number.
type Place string

// The places.
const (
	Mail   Place = "mail"
	Second Place = "second"
	Phone  Place = "phone"
)

// Change is an address or number on its way to a place, or one that took it.
type Change struct {
	ID      id.ContactChange
	User    id.User
	Session id.Session
	Place   Place
	// Old was there before, since OldSince; empty for a second address or a number that was the first.
	Old      string
	OldSince time.Time
	// New is empty where a second address or a number was taken away.
	New string
	// Taken: the address has another user; no code will ever fit.
	Taken     bool
	Born      time.Time
	ExpiresAt time.Time
	DoneAt    time.Time
	UndoneAt  time.Time
}

// Tx is what this package asks of a transaction.
type Tx interface {
	account.Tx
	throttle.Tx
	txn.Enqueuer
	// ContactOf reads how a user is reached; the zero value for one without a row.
	ContactOf(ctx context.Context, u id.User) (Contact, error)
	// ChangeUserMail is not won when the address has another user. Recoveries that began with the user's address of before end by it.
	ChangeUserMail(ctx context.Context, u id.User, mail string, now time.Time) (won bool, err error)
	PutContactMail(ctx context.Context, u id.User, since time.Time) error
	PutContactSecond(ctx context.Context, u id.User, mail string, since time.Time) error
	PutContactPhone(ctx context.Context, u id.User, number string, since time.Time) error
	// PutContactPhrase seals it under the user's key.
	PutContactPhrase(ctx context.Context, u id.User, phrase string) error
	InsertContactChange(ctx context.Context, c Change) error
	ContactChangeByID(ctx context.Context, c id.ContactChange) (change Change, found bool, err error)
	// CountContactTry takes one of the code's tries; won is false when none is left.
	CountContactTry(ctx context.Context, c id.ContactChange, limit int64, now time.Time) (won bool, err error)
	// FinishContactChange is won once, by a change under way, which is kept until keep.
	FinishContactChange(ctx context.Context, c id.ContactChange, now, keep time.Time) (won bool, err error)
	// UndoContactChange is won once, by a change that is done.
	UndoContactChange(ctx context.Context, c id.ContactChange, now time.Time) (won bool, err error)
	// UndoLaterContactChanges marks those of the same place that were done after since.
	UndoLaterContactChanges(ctx context.Context, u id.User, p Place, since, now time.Time) error
}

// CodeMail is the job that sends the code of a change. It carries no code: the code is made from the change's id when it is sent.
type CodeMail struct {
	Change id.ContactChange `json:"change"`
}

// Kind names the job.
func (CodeMail) Kind() string { return "contact_mail" }

const (
	// CodeLife is how long a mailed code lives (ASVS V6.5.5: at most 10 min).
	CodeLife = 10 * time.Minute
	// kept is how long a change that is done can be looked up: longer than the link to undo it can be on its way and work.
	kept       = 8 * 24 * time.Hour
	codeTries  = 5
	codeDigits = 8
	// maxPhrase is what fits on one line of a mail, in characters.
	minPhrase, maxPhrase = 4, 60
)

// Deps are what Contacts is made of. All are needed.
type Deps struct {
	Ledger   audit.Ledger[Tx]
	Now      func() time.Time
	StepUps  *stepup.StepUps
	Sessions *session.Sessions
	Follow   happening.Applier
	Limits   throttle.Limits
	// Texts says that the installation sends text messages: without it nobody can add a number. TextsADay is how many codes it texts in a day, to whomever.
	Texts     bool
	TextsADay int
	// CodeKey makes codes from ids; 32 bytes, the same on every node.
	CodeKey []byte
}

// Contacts reads and changes how users are reached.
type Contacts struct{ Deps }

// New makes a Contacts.
func New(d Deps) (*Contacts, error) {
	if len(d.CodeKey) != sha256.Size {
		return nil, fmt.Errorf("contact.New: code key of %d bytes, want %d", len(d.CodeKey), sha256.Size)
	}
	return &Contacts{d}, nil
}

// Reached is how somebody is reached, for their own page.
type Reached struct {
	Mail string
	Contact
	// Texts says that text messages are on.
	Texts bool
}

// Of gives the principal's own. A session that still owes a factor does not see the phrase: it may be a stranger, who could then write as we do.
func (c *Contacts) Of(ctx context.Context, p principal.Principal) (r Reached, err error) {
	err = c.Ledger.View(ctx, func(tx Tx) error {
		u, found, err := tx.UserByID(ctx, p.User)
		if err != nil || !found {
			return errors.Join(err, fault.New(fault.Unauthorized))
		}
		r.Mail, r.Texts = u.Mail, c.Texts
		r.Contact, err = tx.ContactOf(ctx, p.User)
		return err
	})
	if p.Challenge.Why != "" {
		r.Phrase = ""
	}
	return r, err
}

// SetPhrase chooses the words by which the principal knows our mails: one line of 4 to 60 characters. It needs a step-up, because whoever knows the
// phrase can write a mail that looks like ours. Errors: request.invalid, step_up_required, assurance.too_low.
func (c *Contacts) SetPhrase(ctx context.Context, p principal.Principal, phrase string) error {
	phrase, ok := line.Filled(phrase)
	if n := utf8.RuneCountInString(phrase); !ok || n < minPhrase || n > maxPhrase {
		return fault.New(fault.RequestInvalid, "field", "phrase")
	}
	err := c.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := c.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.ContactPhraseSet, Input: phrase, Floor: assurance.Pwd}); err != nil {
			return audit.Event{}, err
		}
		if err := tx.PutContactPhrase(ctx, p.User, phrase); err != nil {
			return audit.Event{}, fmt.Errorf("put phrase: %w", err)
		}
		h := happening.Happening{Kind: happening.PhraseChanged, User: p.User, Session: p.Session}
		return audit.Event{Action: audit.ContactPhraseSet, Actor: p, Person: p.User}, c.Follow.Apply(ctx, tx, h.SeenFrom(p.Origin))
	})
	return c.StepUps.Ask(ctx, err)
}

// Begin asks for a code in the mailbox of an address, or on the phone of a number, that shall take a place. It needs a step-up for exactly this one.
// Errors: request.invalid, mail_address.*, contact.number_malformed, contact.texts_off, sign_in.throttled, step_up_required, assurance.too_low.
func (c *Contacts) Begin(ctx context.Context, p principal.Principal, place Place, address string) (change id.ContactChange, err error) {
	address, err = c.parse(place, address)
	if err != nil {
		return change, err
	}
	err = c.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		now := c.Now()
		next := Change{
			ID: id.New[id.ContactChangeKind](now), User: p.User, Session: p.Session, Place: place, New: address, Born: now, ExpiresAt: now.Add(CodeLife),
		}
		if err := c.before(ctx, tx, &next); err != nil {
			return audit.Event{}, err
		}
		content := stepup.Content{
			Action: changed[place], Input: next.New, Facts: map[string]string{factOf(place): next.New}, Floor: assurance.Pwd, Sensitive: true,
		}
		if err := c.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		if err := c.count(ctx, tx, p, next); err != nil {
			return audit.Event{}, err
		}
		if err := tx.InsertContactChange(ctx, next); err != nil {
			return audit.Event{}, fmt.Errorf("insert change of contact: %w", err)
		}
		change = next.ID
		return audit.Quiet(audit.ContactChangeAsked), tx.Enqueue(ctx, CodeMail{next.ID})
	})
	return change, c.StepUps.Ask(ctx, err)
}

func (c *Contacts) parse(place Place, address string) (string, error) {
	if place != Phone {
		addr, err := mailaddr.Parse(address)
		return addr.String(), err
	}
	if !c.Texts {
		return "", fault.New(fault.ContactTextsOff)
	}
	return e164(address)
}

// count takes the code that is about to be sent from the budgets of those who may have us send it.
func (c *Contacts) count(ctx context.Context, tx Tx, p principal.Principal, next Change) error {
	if next.Place == Phone {
		return c.countText(ctx, tx, p, next.New)
	}
	return throttle.Count(ctx, tx, throttle.OfStranger(throttle.MailCode, next.New), c.Limits, next.Born)
}

// What is recorded of a place that was filled, or emptied.
var (
	changed = map[Place]audit.Action{Mail: audit.ContactMailChanged, Second: audit.ContactSecondChanged, Phone: audit.ContactNumberChanged}
	removed = map[Place]audit.Action{Second: audit.ContactSecondRemoved, Phone: audit.ContactNumberRemoved}
)

// factOf names what stands in a place, for events and notices.
func factOf(p Place) string {
	if p == Phone {
		return "number"
	}
	return "mail"
}

// before fills in what is in the place now, and refuses an address that is the user's already.
func (c *Contacts) before(ctx context.Context, tx Tx, next *Change) error {
	u, found, err := tx.UserByID(ctx, next.User)
	if err != nil || !found {
		return errors.Join(err, fault.New(fault.Unauthorized))
	}
	now, err := tx.ContactOf(ctx, next.User)
	if err != nil {
		return fmt.Errorf("read contact: %w", err)
	}
	now.fill(next, u.Mail)
	if next.New == u.Mail || next.New == now.Second || next.New == now.Phone {
		return fault.New(fault.RequestInvalid, "field", factOf(next.Place))
	}
	if next.Place == Mail {
		_, next.Taken, err = tx.UserByMail(ctx, next.New)
	}
	return err
}

// fill says what is in the place of a change.
func (now Contact) fill(next *Change, mail string) {
	switch next.Place {
	case Mail:
		next.Old, next.OldSince = mail, now.MailSince
	case Second:
		next.Old, next.OldSince = now.Second, now.SecondSince
	case Phone:
		next.Old, next.OldSince = now.Phone, now.PhoneSince
	}
}

// Code is the code of a change. Only the letter may show it.
func (c *Contacts) Code(which id.ContactChange) secret.Value {
	mac := hmac.New(sha256.New, c.CodeKey)
	mac.Write(which[:])
	n := binary.BigEndian.Uint64(mac.Sum(nil)) % 100_000_000
	return secret.FromString("mail code", fmt.Sprintf("%0*d", codeDigits, n))
}

// Letter finds what the letter of a change needs; found is false when the change is over.
func (c *Contacts) Letter(ctx context.Context, which id.ContactChange) (change Change, found bool, err error) {
	err = c.Ledger.View(ctx, func(tx Tx) error {
		change, found, err = tx.ContactChangeByID(ctx, which)
		return err
	})
	return change, found && change.DoneAt.IsZero() && c.Now().Before(change.ExpiresAt), err
}

// Own reads a change that is under way in the principal's session. Errors: not_found.
func (c *Contacts) Own(ctx context.Context, p principal.Principal, which id.ContactChange) (Change, error) {
	change, found, err := c.Letter(ctx, which)
	if err == nil && (!found || change.User != p.User || change.Session != p.Session) {
		err = fault.New(fault.NotFound)
	}
	return change, err
}

// Finish takes the code from the new mailbox, in the session that asked for it, spaces between its digits allowed; five tries. Then the new address is
// in its place, both addresses are told, money waits, and the session gets the bearer in the answer. Errors: contact.code_refused.
func (c *Contacts) Finish(ctx context.Context, p principal.Principal, which id.ContactChange, code string) (bearer secret.Value, err error) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code)
	right := subtle.ConstantTimeCompare([]byte(code), c.Code(which).Reveal()) == 1
	refused := fault.New(fault.ContactCodeRefused)
	accepted := false
	err = c.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		accepted = false
		now := c.Now()
		change, found, err := tx.ContactChangeByID(ctx, which)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read change of contact: %w", err)
		}
		if !found || change.User != p.User || change.Session != p.Session {
			return audit.Event{}, refused
		}
		won, err := tx.CountContactTry(ctx, which, codeTries, now)
		if err != nil {
			return audit.Event{}, fmt.Errorf("count try: %w", err)
		}
		if !won || !right || change.Taken {
			return audit.Quiet(audit.ThrottleCounted), nil
		}
		if accepted, err = tx.FinishContactChange(ctx, which, now, now.Add(kept)); err != nil || !accepted {
			return audit.Quiet(audit.ThrottleCounted), err
		}
		var event audit.Event
		event, bearer, err = c.put(ctx, tx, p, change, now)
		return event, err
	})
	if err == nil && !accepted {
		return secret.Value{}, refused
	}
	return bearer, err
}

// put gives a change its place, in the caller's transaction, with what follows.
func (c *Contacts) put(ctx context.Context, tx Tx, p principal.Principal, change Change, now time.Time) (event audit.Event, bearer secret.Value, err error) {
	switch change.Place {
	case Second:
		err = tx.PutContactSecond(ctx, change.User, change.New, now)
	case Phone:
		err = tx.PutContactPhone(ctx, change.User, change.New, now)
	case Mail:
		var won bool
		if won, err = tx.ChangeUserMail(ctx, change.User, change.New, now); err == nil && !won {
			return event, bearer, fault.New(fault.ContactCodeRefused) // somebody signed up with it meanwhile
		}
		if err == nil {
			err = tx.PutContactMail(ctx, change.User, now)
		}
	}
	if err != nil {
		return event, bearer, fmt.Errorf("put address: %w", err)
	}
	facts := map[string]string{"place": string(change.Place), "old": change.Old, factOf(change.Place): change.New, "agent": p.Origin.Agent, "addr": p.Origin.Addr.String()}
	h := happening.Happening{Kind: happening.ContactChanged, User: p.User, Session: p.Session, Facts: facts, Change: change.ID}
	if err := c.Follow.Apply(ctx, tx, h); err != nil {
		return event, bearer, err
	}
	bearer, err = c.Sessions.Raise(ctx, txn.As[session.Tx](tx), p, assurance.Proof{})
	action := changed[change.Place]
	if change.New == "" {
		action = removed[change.Place]
	}
	return audit.Event{Action: action, Actor: p, Person: p.User, Facts: facts}, bearer, err
}
