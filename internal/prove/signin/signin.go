// Package signin owns the way from a browser to a session: password, then a second factor if the user has one, or a passkey at once.
//
// It does not know how credentials are checked (package factor) nor what a session may do. It is the only caller of Sessions.Mint besides
// sign-up.
//
//	stranger ──password──▶ half (sealed, in the browser) ──code──▶ session (mfa)
//	        ├─password, no second factor ─────────────────────────▶ session (pwd: may look and cancel)
//	        └─passkey ────────────────────────────────────────────▶ session (phr)
//
// Invariant: an address without a user, a disabled user and one without a password cost the same hash and the same statements, and get the
// same answer, as a wrong password.
package signin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/password"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Tx is what this package asks of a transaction.
type Tx interface {
	factor.Tx
	device.Tx
}

// Deps are what SignIns is made of. All are needed.
type Deps struct {
	Ledger     audit.Ledger[Tx]
	Now        func() time.Time
	Factors    *factor.Factors
	Sessions   *session.Sessions
	StepUps    *stepup.StepUps
	Ceremonies *ceremony.Ceremonies
	Follow     happening.Applier
	Limits     throttle.Limits
	// SourceLimits bound what one network may try over all users.
	SourceLimits throttle.Limits
	Tally        *audit.Tally
	// Decide is room decide.
	Decide decision.Decider
	// Demands says what a session owes because its user demands it of themselves.
	Demands interface {
		Owed(ctx context.Context, tx any, u id.User, proof assurance.Proof) (assurance.Challenge, error)
	}
}

// SignIns opens sessions.
type SignIns struct{ Deps }

// New makes a SignIns.
func New(d Deps) *SignIns { return &SignIns{d} }

// halfLife is how long the second factor may take after the password.
const halfLife = 5 * time.Minute

// From is the browser that signs in.
type From struct {
	Origin principal.Origin
	// Browser is the hash of the pre-session cookie, which binds both halves to one browser.
	Browser [32]byte
	// Device is the cookie of a browser that has been here before.
	Device secret.Value
	// Shared says that the computer is not the user's own: nothing is kept of it.
	Shared bool
	// Vouched is the user for whom the session in this browser vouches with its device's key (session.Vouches); zero is nobody.
	Vouched id.User
	// Replace is the session that this browser had, which ends.
	Replace id.Session
}

// SignedIn is the end of a sign-in, or its half.
type SignedIn struct {
	// Half is set when a second factor is still needed: the sealed state to bring back with the code.
	Half string

	Session session.Row
	Bearer  secret.Value
	// DeviceCookie, if the browser had none.
	DeviceCookie secret.Value
	Lang         string
}

// half is what a right password is worth: nothing yet but the right to try a second factor.
type half struct {
	User id.User `json:"user"`
	At   int64   `json:"at"`
	// Password is the hash of the stored form that held: a half dies with a change of the password.
	Password []byte `json:"password"`
	// Shared is what was said of the computer with the password.
	Shared bool `json:"shared,omitzero"`
}

// WithPassword takes an address and a password. Errors: password.disabled, sign_in.refused, sign_in.throttled, busy.
func (s *SignIns) WithPassword(ctx context.Context, from From, mail string, given secret.Value) (SignedIn, error) {
	if s.Factors.Passwordless {
		return SignedIn{}, fault.New(fault.PasswordDisabled) // to everybody, whoever has one
	}
	t, err := s.begin(ctx, from, mail)
	if err != nil {
		return SignedIn{}, err
	}
	ok, err := s.verify(ctx, t, given)
	if err != nil {
		return SignedIn{}, err
	}
	if !ok {
		s.Tally.Note(audit.Refusal{Action: audit.SignInFailed, Person: t.user.ID, Reason: "password", Addr: from.Origin.Addr},
			principal.Nobody(from.Origin), nil)
		return SignedIn{}, fault.New(fault.SignInRefused)
	}
	if t.methods.TOTP != nil {
		return s.half(ctx, from, t)
	}
	var out SignedIn
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := unchanged(ctx, tx, t.user.ID, fingerprint(t.methods.Password.PHC)); err != nil {
			return audit.Event{}, err
		}
		var event audit.Event
		out, event, err = s.mint(ctx, tx, from, t.user, assurance.Proof{Factors: assurance.Password, At: s.Now()})
		if err != nil {
			return event, err
		}
		return event, tx.ForgetTries(ctx, t.bucket)
	})
	return out, err
}

// half answers a right password that a second factor has to follow. The password was proven, so its tries are forgotten; those of the second
// factor are counted apart.
func (s *SignIns) half(ctx context.Context, from From, t try) (SignedIn, error) {
	err := s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		return audit.Quiet(audit.ThrottleCounted), tx.ForgetTries(ctx, t.bucket)
	})
	if err != nil {
		return SignedIn{}, err
	}
	token, err := s.Ceremonies.Begin(ceremony.SignIn, from.Browser[:], halfLife, half{User: t.user.ID, At: s.Now().UnixMicro(), Password: fingerprint(t.methods.Password.PHC), Shared: from.Shared})
	return SignedIn{Half: token, Lang: t.user.Lang}, err
}

// try is a password on its way: counted, not yet compared.
type try struct {
	user    account.User
	methods factor.Methods
	bucket  throttle.Bucket
}

// begin finds the user and counts the try, with the same statements whether there is one or not.
func (s *SignIns) begin(ctx context.Context, from From, mail string) (t try, err error) {
	canonical := "malformed"
	if addr, err := mailaddr.Parse(mail); err == nil {
		canonical = addr.String()
	}
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		t = try{}
		u, found, err := tx.UserByMail(ctx, canonical)
		if err != nil {
			return audit.Event{}, fmt.Errorf("find user: %w", err)
		}
		if found && u.DisabledAt.IsZero() {
			t.user = u
		}
		if t.methods, err = s.Factors.MethodsOf(ctx, tx, t.user.ID); err != nil {
			return audit.Event{}, err
		}
		var known bool
		if t.bucket, known, err = s.bucket(ctx, tx, from, t.user.ID, canonical); err != nil {
			return audit.Event{}, err
		}
		now := s.Now()
		// A known device has a bucket of its own, which no neighbour in its network can fill.
		if !known {
			if err := throttle.Count(ctx, tx, throttle.OfSource(throttle.Password, from.Origin.Addr), s.SourceLimits, now); err != nil {
				return audit.Event{}, err
			}
		}
		return audit.Quiet(audit.ThrottleCounted), throttle.Count(ctx, tx, t.bucket, s.Limits, now)
	})
	return t, err
}

// bucket is the known device's own, or the one that all strangers to this address share.
func (s *SignIns) bucket(ctx context.Context, tx Tx, from From, u id.User, canonical string) (b throttle.Bucket, known bool, err error) {
	d, err := device.Recognise(ctx, tx, from.Device)
	if err != nil {
		return b, false, err
	}
	if known, err = device.Known(ctx, tx, d, u); err != nil {
		return b, false, err
	}
	if known {
		return throttle.OfDevice(throttle.Password, u, d), true, nil
	}
	return throttle.OfStranger(throttle.Password, canonical), false, nil
}

func (s *SignIns) verify(ctx context.Context, t try, given secret.Value) (bool, error) {
	if t.methods.Password == nil {
		return false, s.Factors.Hasher.VerifyNobody(ctx, given)
	}
	ok, rehash, err := s.Factors.Hasher.Verify(ctx, t.methods.Password.PHC, given)
	if errors.Is(err, password.ErrPepper) {
		// A wrong password, to whoever asks: another answer would tell that the address has a user. The operator hears of it from doctor.
		return false, nil
	}
	if err == nil && ok && rehash {
		err = s.rehash(ctx, t, given)
	}
	return ok, err
}

// rehash brings an old hash up to today's cost and pepper, now that the password is at hand.
func (s *SignIns) rehash(ctx context.Context, t try, given secret.Value) error {
	fresh, err := s.Factors.Hasher.Hash(ctx, given)
	if err != nil {
		return err
	}
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		return audit.Quiet(audit.PasswordRehashed), tx.RehashPassword(ctx, t.user.ID, t.methods.Password.PHC, fresh)
	})
	t.methods.Password.PHC = fresh // what the rest of this sign-in must find unchanged
	return err
}

// WithCode finishes a half with a code of the authenticator app. The half is spent by the code that works.
// Errors: password.disabled, sign_in.expired, totp.code_refused, totp.resting, sign_in.throttled.
func (s *SignIns) WithCode(ctx context.Context, from From, token, code string) (out SignedIn, err error) {
	if s.Factors.Passwordless {
		return out, fault.New(fault.PasswordDisabled)
	}
	var h half
	opened, err := s.Ceremonies.Open(ceremony.SignIn, from.Browser[:], token, &h)
	if err != nil {
		return out, err
	}
	from.Shared = h.Shared
	var refused error
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		u, found, err := tx.UserByID(ctx, h.User)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read user: %w", err)
		}
		if !found || !u.DisabledAt.IsZero() {
			return audit.Event{}, fault.New(fault.SignInExpired)
		}
		if err := unchanged(ctx, tx, u.ID, h.Password); err != nil {
			return audit.Event{}, err
		}
		guess, err := s.guess(ctx, tx, from, u)
		if err != nil {
			return audit.Event{}, err
		}
		proof, no, err := s.Factors.ProveTOTP(ctx, tx, guess, code)
		if refused = no; err != nil || no != nil {
			actor := principal.Principal{Kind: principal.KindNobody, User: u.ID, Origin: from.Origin}
			return audit.Event{Action: audit.SignInSecondFactorFailed, Actor: actor, Person: u.ID}, err
		}
		if err := opened.Spend(ctx, txn.As[ceremony.Tx](tx)); err != nil {
			return audit.Event{}, err
		}
		var event audit.Event
		out, event, err = s.mint(ctx, tx, from, u, proof.With(assurance.Proof{Factors: assurance.Password, At: time.UnixMicro(h.At)}))
		return event, err
	})
	if err == nil {
		err = refused
	}
	return out, err
}

// guess counts codes apart from passwords, and a known device apart from strangers.
func (s *SignIns) guess(ctx context.Context, tx Tx, from From, u account.User) (g factor.Guess, err error) {
	d, err := device.Recognise(ctx, tx, from.Device)
	if err != nil {
		return g, err
	}
	g = factor.Guess{User: u.ID, Browser: throttle.OfStranger(throttle.TOTP, u.Mail)}
	if g.Known, err = device.Known(ctx, tx, d, u.ID); g.Known {
		g.Browser = throttle.OfDevice(throttle.TOTP, u.ID, d)
	}
	return g, err
}

// BeginPasskey starts a sign-in that names nobody, for a button or for autofill.
func (s *SignIns) BeginPasskey(from From) (factor.Begun, error) {
	options, state, err := s.Factors.Passkeys.BeginSignIn()
	if err != nil {
		return factor.Begun{}, err
	}
	token, err := s.Ceremonies.Begin(ceremony.PasskeySignIn, from.Browser[:], passkey.Life, state)
	return factor.Begun{Options: options, State: token}, err
}

// WithPasskey signs in with an assertion. It is never throttled by what others try: a forged one costs a signature check and nothing of
// the user's. Errors: sign_in.expired, passkey.refused, passkey.cloned.
func (s *SignIns) WithPasskey(ctx context.Context, from From, token string, response []byte) (out SignedIn, err error) {
	var state passkey.State
	opened, err := s.Ceremonies.Open(ceremony.PasskeySignIn, from.Browser[:], token, &state)
	if err != nil {
		return out, err
	}
	var u account.User
	used, err := s.Factors.Passkeys.FinishSignIn(state, response, s.Now(), func(handle []byte) (o passkey.Owner, err error) {
		u, o, err = s.Factors.FindByHandle(ctx, handle)
		return o, err
	})
	if err != nil {
		return out, err
	}
	var refused error
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := opened.Spend(ctx, txn.As[ceremony.Tx](tx)); err != nil {
			return audit.Event{}, err
		}
		no, err := s.Factors.AcceptPasskey(ctx, tx, used)
		if refused = no; err != nil || no != nil {
			actor := principal.Principal{Kind: principal.KindNobody, User: u.ID, Origin: from.Origin}
			facts := map[string]string{"name": used.Credential.Name}
			action := audit.PasskeyRemovedRefused // between its check and here
			if used.Cloned {
				action = audit.PasskeyCloneRefused
			}
			return audit.Event{Action: action, Actor: actor, Person: u.ID, Facts: facts}, err
		}
		var event audit.Event
		out, event, err = s.mint(ctx, tx, from, u, used.Proof)
		if used.Jumped {
			if event.Facts == nil {
				event.Facts = map[string]string{}
			}
			event.Facts["counter"] = "back"
		}
		return event, err
	})
	if err == nil {
		err = refused
	}
	return out, err
}

// fingerprint names a stored form of a password without holding it.
func fingerprint(phc string) []byte {
	sum := sha256.Sum256([]byte(phc))
	return sum[:]
}

// unchanged refuses a sign-in whose password was changed while it was under way. Errors: sign_in.expired.
func unchanged(ctx context.Context, tx Tx, u id.User, password []byte) error {
	stored, found, err := tx.PasswordOf(ctx, u)
	if err != nil {
		return fmt.Errorf("read password: %w", err)
	}
	if !found || !bytes.Equal(fingerprint(stored.PHC), password) {
		return fault.New(fault.SignInExpired)
	}
	return nil
}

// mint opens the session of a user who has proven enough, remembers the device and tells the user of a new one.
func (s *SignIns) mint(ctx context.Context, tx Tx, from From, u account.User, proof assurance.Proof) (out SignedIn, event audit.Event, err error) {
	// Read again where the session is made: an operator may have disabled the user since the proof began.
	now, found, err := tx.UserByID(ctx, u.ID)
	if err != nil {
		return out, event, fmt.Errorf("read user: %w", err)
	}
	if !found || !now.DisabledAt.IsZero() {
		return out, event, fault.New(fault.SignInRefused)
	}
	memberships, err := tx.MembershipsOf(ctx, u.ID)
	if err != nil {
		return out, event, fmt.Errorf("list memberships: %w", err)
	}
	if len(memberships) == 0 {
		return out, event, fault.New(fault.SignInRefused)
	}
	seen, challenge, err := s.see(ctx, tx, from, u.ID, proof)
	if err != nil {
		return out, event, err
	}
	origin := from.Origin
	origin.Device = seen.ID
	m := memberships[0]
	mint := session.Mint{
		User: u.ID, Account: m.Account, Subaccount: m.Main, Proof: proof, From: origin, Challenge: challenge, Shared: from.Shared, Replace: from.Replace,
	}
	minted, err := s.Sessions.Mint(ctx, txn.As[session.Tx](tx), mint)
	if err != nil {
		return out, event, err
	}
	row := minted.Session
	if kind := noticeOf(seen, challenge); kind != "" {
		if err := s.Follow.Apply(ctx, tx, happening.Happening{Kind: kind, User: u.ID, Session: row.ID, Facts: map[string]string{"agent": row.Agent, "addr": row.Addr}}); err != nil {
			return out, event, err
		}
	}
	actor := principal.Principal{Kind: principal.KindUser, User: u.ID, Account: m.Account, Session: row.ID, Proof: proof, Origin: origin}
	out = SignedIn{Session: row, Bearer: minted.Bearer, DeviceCookie: seen.Cookie, Lang: u.Lang}
	event = audit.Event{Action: audit.SessionSignedIn, Actor: actor, Person: u.ID}
	switch {
	case challenge.Why != "":
		event.Action = audit.SessionSignedInLimited
	case len(minted.Ended) > 0:
		event.Action, event.Facts = audit.SessionSignedInCrowded, map[string]string{"device": minted.Ended[0].Agent, "limit": fmt.Sprint(session.MaxPerUser)}
	}
	return out, event, nil
}
