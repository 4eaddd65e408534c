// Package factor owns the credentials of a person: password, authenticator app, passkeys and recovery codes; how they are enrolled, proven with
// and removed.
//
// It does not know sessions beyond giving them a new bearer, nor what a factor may open. Ceremonies and hashes are those of packages
// passkey, password, recoverycode and totp; what is spent here is spent by one conditional write.
//
// Invariant: the last way in is never removed, and every change of a factor needs a step-up, gives the session a new bearer and has its
// consequences in the same transaction.
package factor

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/password"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// StoredPassword is a password as it is kept.
type StoredPassword struct {
	// PHC is the peppered hash.
	PHC string
	// Alone says that it is long enough to be the only factor.
	Alone     bool
	ChangedAt time.Time
}

// UserPassword is whose hash it is.
type UserPassword struct {
	User id.User
	PHC  string
}

// StoredTOTP is an authenticator app as it is kept.
type StoredTOTP struct {
	Sealed      []byte
	LastStep    int64
	Born        time.Time
	ConfirmedAt time.Time
	// Failures is how many codes in a row were wrong from browsers that the user has not signed in with.
	Failures int64
	// Backup: its owner keeps it for when another is lost.
	Backup bool
}

// Tx is what this package asks of a transaction.
type Tx interface {
	// ClaimUserRow makes every other transaction that asks for the same user wait for this one.
	ClaimUserRow(ctx context.Context, u id.User) (enabled bool, err error)
	account.Tx
	throttle.Tx
	PasswordOf(ctx context.Context, u id.User) (p StoredPassword, found bool, err error)
	InsertPassword(ctx context.Context, u id.User, p StoredPassword) error
	ChangePassword(ctx context.Context, u id.User, p StoredPassword) error
	// PasswordsByPage lists stored passwords by user, a page after the given one.
	PasswordsByPage(ctx context.Context, after id.User, limit int) ([]UserPassword, error)
	// RehashPassword replaces a hash that is still the old one.
	RehashPassword(ctx context.Context, u id.User, old, fresh string) error
	TOTPOf(ctx context.Context, u id.User) (t StoredTOTP, found bool, err error)
	// PutTOTP begins an enrolment anew; won is false if one is confirmed.
	PutTOTP(ctx context.Context, u id.User, sealed []byte, now time.Time) (won bool, err error)
	ConfirmTOTP(ctx context.Context, u id.User, now time.Time) (won bool, err error)
	// SpendTOTPStep uses a step up; won is false for that step and every earlier one from then on.
	SpendTOTPStep(ctx context.Context, u id.User, step int64) (won bool, err error)
	CountTOTPFailure(ctx context.Context, u id.User) (failures int64, err error)
	ForgetTOTPFailures(ctx context.Context, u id.User) error
	DeleteTOTP(ctx context.Context, u id.User) (won bool, err error)
	// RecoverySetOf reads the user's set of recovery codes.
	RecoverySetOf(ctx context.Context, u id.User) (s RecoverySet, found bool, err error)
	// PutRecoverySet replaces the set and all its codes.
	PutRecoverySet(ctx context.Context, u id.User, pepper string, macs [][32]byte, now time.Time) error
	// RecoveryCodeOpen says whether the user has that code and nobody has spent it.
	RecoveryCodeOpen(ctx context.Context, u id.User, mac [32]byte) (bool, error)
	ConfirmRecoverySet(ctx context.Context, u id.User, now time.Time) (won bool, err error)
	// SpendRecoveryCode uses a code up; won is false for all but the first.
	SpendRecoveryCode(ctx context.Context, u id.User, mac [32]byte, now time.Time) (won bool, err error)
	DeleteRecoverySet(ctx context.Context, u id.User) error
	// Recovered says whether the user recovered their account after since.
	Recovered(ctx context.Context, u id.User, since time.Time) (bool, error)
	// InsertPasskey is won unless somebody has a credential of that id already.
	InsertPasskey(ctx context.Context, c passkey.Credential) (won bool, err error)
	PasskeysOf(ctx context.Context, u id.User) ([]passkey.Credential, error)
	// NotePasskeyDevice says in which browser a passkey was made; PasskeysMadeOn lists those of one.
	NotePasskeyDevice(ctx context.Context, c id.Passkey, d id.Device) error
	PasskeysMadeOn(ctx context.Context, u id.User, d id.Device) ([]id.Passkey, error)
	UsePasskey(ctx context.Context, c passkey.Credential) (won bool, err error)
	// TestPasskey writes down that its owner tried it out.
	TestPasskey(ctx context.Context, u id.User, c id.Passkey, now time.Time) (won bool, err error)
	// FailPasskeyTest writes down that its owner tried it out and it did not work.
	FailPasskeyTest(ctx context.Context, u id.User, c id.Passkey, now time.Time) (won bool, err error)
	RenamePasskey(ctx context.Context, u id.User, c id.Passkey, name string) (won bool, err error)
	RemovePasskey(ctx context.Context, u id.User, c id.Passkey, now time.Time) (won bool, err error)
	// MarkPasskey and MarkTOTP write the label of one that is there.
	MarkPasskey(ctx context.Context, u id.User, c id.Passkey, l Label) (won bool, err error)
	MarkTOTP(ctx context.Context, u id.User, l Label) (won bool, err error)
}

// Deps are what Factors is made of. All are needed.
type Deps struct {
	Ledger audit.Ledger[Tx]
	Now    func() time.Time
	Hasher *password.Hasher
	// Peppers season recovery codes.
	Peppers    password.Pepper
	Passkeys   *passkey.Passkeys
	Ceremonies *ceremony.Ceremonies
	Sealer     ceremony.Sealer
	Sessions   *session.Sessions
	StepUps    *stepup.StepUps
	Follow     happening.Applier
	Limits     throttle.Limits
	// Ages are how old a passkey must be to approve money.
	Ages Ages
	// Passwordless says that passwords, and authenticator apps beside them, count for nothing and cannot be had.
	Passwordless bool
	// Issuer is the product's name in authenticator apps.
	Issuer string
}

// Ages are how long a new passkey waits before it may approve money: Usual, and Wary within a day of a sign-in from where its user was not known.
// A passkey with which a user is made waits for nothing: there was nobody before it to be robbed.
type Ages struct{ Usual, Wary time.Duration }

// Factors enrols, proves and removes credentials.
type Factors struct{ Deps }

// New makes a Factors.
func New(d Deps) *Factors { return &Factors{d} }

// Methods is everything a user can sign in with, and what brings them back.
type Methods struct {
	Password *StoredPassword
	TOTP     *StoredTOTP
	Passkeys []passkey.Credential
	Codes    *RecoverySet
}

// Strongest is the best level these methods reach.
func (m Methods) Strongest() assurance.Level {
	switch {
	case len(m.Passkeys) > 0:
		return assurance.Phr
	case m.TOTP != nil:
		return assurance.Mfa
	case m.Password != nil:
		return assurance.Pwd
	}
	return assurance.None
}

// Young are the passkeys that are too new to approve money at now.
func (m Methods) Young(now time.Time) (young []passkey.Credential) {
	for _, c := range m.Passkeys {
		if c.ApprovesFrom.After(now) {
			young = append(young, c)
		}
	}
	return young
}

// Reaching names the methods that can satisfy a step-up of the level, the best first: "passkey", "totp", "password".
func (m Methods) Reaching(needs assurance.Level) []string {
	words := []string{}
	if len(m.Passkeys) > 0 {
		words = append(words, "passkey")
	}
	if m.TOTP != nil && needs <= assurance.Mfa {
		words = append(words, "totp")
	}
	if m.Password != nil && needs <= assurance.Pwd {
		words = append(words, "password")
	}
	return words
}

// Of lists the principal's own methods.
func (f *Factors) Of(ctx context.Context, p principal.Principal) (m Methods, err error) {
	err = f.Ledger.View(ctx, func(tx Tx) error {
		m, err = f.MethodsOf(ctx, tx, p.User)
		return err
	})
	for i, c := range m.Passkeys {
		m.Passkeys[i].Certified = f.Passkeys.Certified(c)
	}
	return m, err
}

// Strongest is the best level that the user could prove; it serves package stepup.
func (f *Factors) Strongest(ctx context.Context, tx any, u id.User) (assurance.Level, error) {
	m, err := f.MethodsOf(ctx, txn.As[Tx](tx), u)
	return m.Strongest(), err
}

// Young says until when none of a user's passkeys approves; zero if one does, or there is none. It serves package stepup.
func (f *Factors) Young(ctx context.Context, tx any, u id.User) (until time.Time, err error) {
	m, err := f.MethodsOf(ctx, txn.As[Tx](tx), u)
	for _, c := range m.Passkeys {
		if !f.Now().Before(c.ApprovesFrom) {
			return time.Time{}, err
		}
		if until.IsZero() || c.ApprovesFrom.Before(until) {
			until = c.ApprovesFrom
		}
	}
	return until, err
}

// MethodsOf reads what a user can sign in with here; for nobody it runs the same statements and finds nothing.
func (f *Factors) MethodsOf(ctx context.Context, tx Tx, u id.User) (Methods, error) {
	m, err := Stored(ctx, tx, u)
	if f.Passwordless {
		m.Password, m.TOTP = nil, nil
	}
	return m, err
}

// passwords refuses what there is only where people have passwords. Errors: password.disabled.
func (f *Factors) passwords() error {
	if f.Passwordless {
		return fault.New(fault.PasswordDisabled)
	}
	return nil
}

// Stored reads which credentials a user has, whether or not the installation takes them all.
func Stored(ctx context.Context, tx Tx, u id.User) (m Methods, err error) {
	if p, found, err := tx.PasswordOf(ctx, u); err != nil {
		return m, fmt.Errorf("read password: %w", err)
	} else if found {
		m.Password = &p
	}
	if t, found, err := tx.TOTPOf(ctx, u); err != nil {
		return m, fmt.Errorf("read authenticator app: %w", err)
	} else if found && !t.ConfirmedAt.IsZero() {
		m.TOTP = &t
	}
	if m.Passkeys, err = tx.PasskeysOf(ctx, u); err != nil {
		return m, fmt.Errorf("list passkeys: %w", err)
	}
	if s, found, err := tx.RecoverySetOf(ctx, u); err != nil {
		return m, fmt.Errorf("read recovery codes: %w", err)
	} else if found {
		m.Codes = &s
	}
	return m, nil
}

// changed is what every change of a factor ends with: the consequences, and a new bearer for the session that made it. shown is what the
// change itself proved: whoever enrols a factor has just used it.
func (f *Factors) changed(ctx context.Context, tx Tx, p principal.Principal, h happening.Happening, shown assurance.Proof) (secret.Value, error) {
	h.User, h.Session = p.User, p.Session
	if err := f.Follow.Apply(ctx, tx, h.SeenFrom(p.Origin)); err != nil {
		return secret.Value{}, err
	}
	if p.Session.IsZero() {
		return secret.Value{}, nil
	}
	return f.Sessions.Raise(ctx, txn.As[session.Tx](tx), p, shown)
}

// event is a change of the principal's own credentials, told to them alone.
func event(a audit.Action, p principal.Principal, facts map[string]string) audit.Event {
	return audit.Event{Action: a, Actor: p, Person: p.User, Facts: facts}
}

// fewer is MethodsOf for a transaction that takes one away: it waits for others that do, so that two at once do not take the last.
func (f *Factors) fewer(ctx context.Context, tx Tx, u id.User) (Methods, error) {
	if _, err := tx.ClaimUserRow(ctx, u); err != nil {
		return Methods{}, fmt.Errorf("claim user: %w", err)
	}
	return f.MethodsOf(ctx, tx, u)
}

// stands refuses a set of methods that nobody could, or should, sign in with: what a removal leaves must be a way in, and a password
// that is left alone must be long enough to be (SP 800-63B-4 §3.1.1.2). A single passkey must leave another way back than the delayed one.
// Errors: factor.last, factor.last_way_back, password.too_short_alone.
func (m Methods) stands() error {
	if len(m.Passkeys) == 0 && m.Password == nil {
		return fault.New(fault.FactorLast)
	}
	if m.WaysBack() == 0 && m.Password == nil {
		return fault.New(fault.FactorLastWayBack)
	}
	if m.Password != nil && m.TOTP == nil && !m.Password.Alone {
		return fault.New(fault.PasswordTooShortAlone)
	}
	return nil
}
