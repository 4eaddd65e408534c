// Package signup owns the way from a stranger with a mail address to a user with an account and a first credential.
//
// It does not send mail (a job does) and knows no page. An address that has a user already walks the same way with the same work: it only
// gets another letter, and no code will ever fit.
//
//	asked(mail) → coded (a code is in the mail) → verified → user, account, credential, session: all in one transaction
//
// Invariant: a user exists only with a verified address and a credential; nothing in an answer, nor the work done for it, tells whether
// an address has a user.
package signup

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

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// SignUp is one under way.
type SignUp struct {
	ID   id.SignUp
	Mail string
	Name string
	Lang string
	// Browser is the hash of the pre-session cookie it was begun with.
	Browser [32]byte
	// Existing: the address has a user already; no code will ever fit.
	Existing   bool
	Born       time.Time
	ExpiresAt  time.Time
	VerifiedAt time.Time
}

// Tx is what this package asks of a transaction.
type Tx interface {
	factor.Tx
	device.Tx
	txn.Enqueuer
	InsertSignUp(ctx context.Context, s SignUp) error
	SignUpByID(ctx context.Context, s id.SignUp) (up SignUp, found bool, err error)
	// CountSignUpTry takes one of the code's tries; won is false when none is left.
	CountSignUpTry(ctx context.Context, s id.SignUp, limit int64, now time.Time) (won bool, err error)
	VerifySignUp(ctx context.Context, s id.SignUp, now, expires time.Time) (won bool, err error)
	SpendSignUp(ctx context.Context, s id.SignUp, now time.Time) (won bool, err error)
}

// CodeMail is the job that sends a sign-up's letter. It carries no code: the code is made from the sign-up's id when it is sent.
type CodeMail struct {
	SignUp id.SignUp `json:"sign_up"`
}

// Kind names the job.
func (CodeMail) Kind() string { return "sign_up_mail" }

const (
	// CodeLife is how long a mailed code lives (ASVS V6.5.5: at most 10 min), and with it the sign-up.
	CodeLife = 10 * time.Minute
	// FinishLife is how long a verified address waits for its first credential.
	FinishLife = 30 * time.Minute
	codeTries  = 5
	codeDigits = 8
)

// Deps are what SignUps is made of. All are needed.
type Deps struct {
	Ledger     audit.Ledger[Tx]
	Now        func() time.Time
	Factors    *factor.Factors
	Sessions   *session.Sessions
	Ceremonies *ceremony.Ceremonies
	Passkeys   *passkey.Passkeys
	Follow     happening.Applier
	Limits     throttle.Limits
	// SourceLimits bound what one network may begin over all addresses.
	SourceLimits throttle.Limits
	// CodeKey makes codes from ids; 32 bytes, the same on every node.
	CodeKey []byte
}

// SignUps makes users.
type SignUps struct{ Deps }

// New makes a SignUps.
func New(d Deps) (*SignUps, error) {
	if len(d.CodeKey) != 32 {
		return nil, fmt.Errorf("signup.New: code key of %d bytes, want 32", len(d.CodeKey))
	}
	return &SignUps{d}, nil
}

// Begin says who wants to sign up.
type Begin struct {
	Mail, Name, Lang string
	// Browser is the hash of the pre-session cookie.
	Browser [32]byte
}

// Begin writes the sign-up down and sends the letter: a code, or word that the address has a user. The answer is the same.
// Errors: request.invalid, mail_address.*, sign_in.throttled.
func (s *SignUps) Begin(ctx context.Context, from principal.Origin, in Begin) (id.SignUp, error) {
	addr, err := mailaddr.Parse(in.Mail)
	if err != nil {
		return id.SignUp{}, err
	}
	name, ok := line.Filled(in.Name)
	if !ok {
		return id.SignUp{}, fault.New(fault.RequestInvalid, "field", "name")
	}
	if in.Lang != "ko" {
		in.Lang = "en"
	}
	now := s.Now()
	up := SignUp{
		ID: id.New[id.SignUpKind](now), Mail: addr.String(), Name: name, Lang: in.Lang, Browser: in.Browser,
		Born: now, ExpiresAt: now.Add(CodeLife),
	}
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := throttle.Count(ctx, tx, throttle.OfSource(throttle.MailCode, from.Addr), s.SourceLimits, now); err != nil {
			return audit.Event{}, err
		}
		if err := throttle.Count(ctx, tx, throttle.OfStranger(throttle.MailCode, up.Mail), s.Limits, now); err != nil {
			return audit.Event{}, err
		}
		_, existing, err := tx.UserByMail(ctx, up.Mail)
		if err != nil {
			return audit.Event{}, fmt.Errorf("find user: %w", err)
		}
		up.Existing = existing
		if err := tx.InsertSignUp(ctx, up); err != nil {
			return audit.Event{}, fmt.Errorf("insert sign-up: %w", err)
		}
		return audit.Quiet(audit.SignUpStarted), tx.Enqueue(ctx, CodeMail{up.ID})
	})
	return up.ID, err
}

// Code is the code of a sign-up. Only the letter may show it.
func (s *SignUps) Code(up id.SignUp) secret.Value {
	mac := hmac.New(sha256.New, s.CodeKey)
	mac.Write(up[:])
	n := binary.BigEndian.Uint64(mac.Sum(nil)) % 100_000_000
	return secret.FromString("mail code", fmt.Sprintf("%0*d", codeDigits, n))
}

// Letter finds what the letter of a sign-up needs; found is false when the sign-up is over.
func (s *SignUps) Letter(ctx context.Context, sid id.SignUp) (up SignUp, found bool, err error) {
	err = s.Ledger.View(ctx, func(tx Tx) error {
		up, found, err = tx.SignUpByID(ctx, sid)
		return err
	})
	return up, found && s.Now().Before(up.ExpiresAt), err
}

// Verify takes the code from the mail, spaces between its digits allowed. Five tries, then a new sign-up is needed; asking for one is
// throttled in turn, so a new code never resets the count. Errors: sign_up.code_refused.
func (s *SignUps) Verify(ctx context.Context, sid id.SignUp, browser [32]byte, code string) error {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code)
	right := subtle.ConstantTimeCompare([]byte(code), s.Code(sid).Reveal()) == 1
	refused := fault.New(fault.SignUpCodeRefused)
	accepted := false
	err := s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		accepted = false
		now := s.Now()
		up, found, err := tx.SignUpByID(ctx, sid)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read sign-up: %w", err)
		}
		if !found || up.Browser != browser {
			return audit.Event{}, refused
		}
		won, err := tx.CountSignUpTry(ctx, sid, codeTries, now)
		if err != nil {
			return audit.Event{}, fmt.Errorf("count try: %w", err)
		}
		if !won || !right || up.Existing {
			return audit.Quiet(audit.ThrottleCounted), nil
		}
		if accepted, err = tx.VerifySignUp(ctx, sid, now, now.Add(FinishLife)); err != nil {
			return audit.Event{}, fmt.Errorf("verify sign-up: %w", err)
		}
		return audit.Quiet(audit.SignUpStarted), tx.ForgetTries(ctx, throttle.OfStranger(throttle.MailCode, up.Mail))
	})
	if err == nil && !accepted {
		return refused
	}
	return err
}

// verified reads a sign-up whose address is proven, in its own browser. Errors: sign_up.expired.
func (s *SignUps) verified(ctx context.Context, sid id.SignUp, browser [32]byte) (up SignUp, err error) {
	err = s.Ledger.View(ctx, func(tx Tx) error {
		var found bool
		if up, found, err = tx.SignUpByID(ctx, sid); err != nil {
			return fmt.Errorf("read sign-up: %w", err)
		}
		if !found || up.Browser != browser || up.VerifiedAt.IsZero() || !s.Now().Before(up.ExpiresAt) {
			return fault.New(fault.SignUpExpired)
		}
		return nil
	})
	return up, err
}

// SignedUp is a new user with a session.
type SignedUp struct {
	User    account.User
	Session session.Row
	Bearer  secret.Value
	// Device cookie, if the browser had none.
	DeviceCookie secret.Value
}

// From is the browser that finishes: where it is, and which session or device it brought along.
type From struct {
	Origin  principal.Origin
	Browser [32]byte
	// Device is the cookie of a browser that has been here before.
	Device secret.Value
	// Replace is a session of the same browser, which ends.
	Replace id.Session
}

// FinishWithPassword makes the user with a password, long enough to stand alone.
// Errors: sign_up.expired, password.* (password.disabled too), busy.
func (s *SignUps) FinishWithPassword(ctx context.Context, from From, sid id.SignUp, given secret.Value) (SignedUp, error) {
	up, err := s.verified(ctx, sid, from.Browser)
	if err != nil {
		return SignedUp{}, err
	}
	stored, err := s.Factors.NewPassword(ctx, given, true, up.Mail, up.Name)
	if err != nil {
		return SignedUp{}, err
	}
	proof := assurance.Proof{Factors: assurance.Password, At: s.Now()}
	return s.finish(ctx, from, up, account.MintHandle(), proof, func(tx Tx, u id.User, _ id.Device) error { return tx.InsertPassword(ctx, u, stored) })
}

// handleState is what a passkey sign-up must remember besides the ceremony: the handle that the authenticator was given.
type handleState struct {
	Handle  []byte        `json:"handle"`
	Passkey passkey.State `json:"passkey"`
}

// BeginPasskey starts making the first passkey. Errors: sign_up.expired.
func (s *SignUps) BeginPasskey(ctx context.Context, sid id.SignUp, browser [32]byte) (factor.Begun, error) {
	up, err := s.verified(ctx, sid, browser)
	if err != nil {
		return factor.Begun{}, err
	}
	handle := account.MintHandle()
	options, state, err := s.Passkeys.BeginEnrol(passkey.Owner{Handle: handle[:], Mail: up.Mail, Name: up.Name})
	if err != nil {
		return factor.Begun{}, err
	}
	token, err := s.Ceremonies.Begin(ceremony.PasskeySignUp, bound(browser, sid), passkey.Life, handleState{handle[:], state})
	return factor.Begun{Options: options, State: token}, err
}

// FinishWithPasskey makes the user with a passkey alone. Errors: sign_up.expired, sign_in.expired, passkey.refused.
func (s *SignUps) FinishWithPasskey(ctx context.Context, from From, sid id.SignUp, token string, response []byte) (SignedUp, error) {
	up, err := s.verified(ctx, sid, from.Browser)
	if err != nil {
		return SignedUp{}, err
	}
	var state handleState
	opened, err := s.Ceremonies.Open(ceremony.PasskeySignUp, bound(from.Browser, sid), token, &state)
	if err != nil {
		return SignedUp{}, err
	}
	owner := passkey.Owner{Handle: state.Handle, Mail: up.Mail, Name: up.Name}
	enrolled, err := s.Passkeys.FinishEnrol(owner, state.Passkey, response, s.Now())
	if err != nil {
		return SignedUp{}, err
	}
	return s.finish(ctx, from, up, [64]byte(state.Handle), enrolled.Proof, func(tx Tx, u id.User, on id.Device) error {
		return errors.Join(opened.Spend(ctx, txn.As[ceremony.Tx](tx)), s.Factors.InsertFirstPasskey(ctx, tx, u, enrolled, on))
	})
}

// bound ties a ceremony to browser and sign-up.
func bound(browser [32]byte, sid id.SignUp) []byte { return append(browser[:], sid[:]...) }

func (s *SignUps) finish(ctx context.Context, from From, up SignUp, handle [64]byte, proof assurance.Proof, insertCredential func(Tx, id.User, id.Device) error) (out SignedUp, err error) {
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		now := s.Now()
		won, err := tx.SpendSignUp(ctx, up.ID, now)
		if err != nil {
			return audit.Event{}, fmt.Errorf("spend sign-up: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.SignUpExpired)
		}
		u := account.User{ID: id.New[id.UserKind](now), Mail: up.Mail, Name: up.Name, Lang: up.Lang, Handle: handle, Born: now}
		m, err := account.Create(ctx, tx, u, now)
		if errors.Is(err, account.ErrTaken) {
			// Another sign-up of the same person was faster. The next one from here tells its letter's reader.
			return audit.Event{}, fault.New(fault.SignUpExpired).Because(err)
		}
		if err != nil {
			return audit.Event{}, err
		}
		known, err := device.Recognise(ctx, tx, from.Device)
		if err != nil {
			return audit.Event{}, err
		}
		seen, err := device.SignedIn(ctx, tx, known, u.ID, from.Origin.Agent, now)
		if err != nil {
			return audit.Event{}, err
		}
		if err := insertCredential(tx, u.ID, seen.ID); err != nil {
			return audit.Event{}, err
		}
		place := device.PlaceOf(from.Origin.Addr, from.Origin.Agent)
		if err := device.Vouch(ctx, tx, seen.ID, u.ID, place, now, now); err != nil {
			return audit.Event{}, err
		}
		origin := from.Origin
		origin.Device = seen.ID
		mint := session.Mint{User: u.ID, Account: m.Account, Subaccount: m.Main, Proof: proof, From: origin, Replace: from.Replace}
		minted, err := s.Sessions.Mint(ctx, txn.As[session.Tx](tx), mint)
		if err != nil {
			return audit.Event{}, err
		}
		row := minted.Session
		out = SignedUp{User: u, Session: row, Bearer: minted.Bearer, DeviceCookie: seen.Cookie}
		actor := principal.Principal{Kind: principal.KindUser, User: u.ID, Account: m.Account, Session: row.ID, Proof: proof, Origin: origin}
		facts := map[string]string{"mail": u.Mail}
		return audit.Event{Action: audit.UserSignedUp, Actor: actor, Person: u.ID, Facts: facts},
			s.Follow.Apply(ctx, tx, happening.Happening{Kind: happening.SignedUp, User: u.ID, Session: row.ID})
	})
	return out, err
}
