// Package notify owns what users are told outside the page: which letter, to whom, with which facts.
//
// It does not write sentences or speak SMTP: a Post (adapter mail) does. Letters are jobs, so that a mail server that is down delays a
// notice and never the change it reports.
//
// Invariant: a job holds ids and words, never a secret; the code of a sign-up is made when its letter is sent.
package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Letter names a notice.
type Letter string

// The notices.
const (
	Welcome             Letter = "welcome"
	NewDevice           Letter = "new_device"
	LimitedSignIn       Letter = "limited_sign_in"
	Disowned            Letter = "session_disowned"
	CookieReplayed      Letter = "cookie_replayed"
	SignedOutEverywhere Letter = "signed_out_everywhere"
	SignedOutOthers     Letter = "signed_out_others"
	PasswordChanged     Letter = "password_changed"
	FactorAdded         Letter = "factor_added"
	FactorRemoved       Letter = "factor_removed"
	CodesGuessed        Letter = "codes_guessed"
	PasskeyCloned       Letter = "passkey_cloned"
	KeyCreated          Letter = "key_created"
	KeyRevoked          Letter = "key_revoked"
	KeyRotated          Letter = "key_rotated"
	KeyFrozen           Letter = "key_frozen"
	KeyUnfrozen         Letter = "key_unfrozen"
	KeyBlocked          Letter = "key_blocked"
	KeyUnblocked        Letter = "key_unblocked"
	KeyLeaked           Letter = "key_leaked"
	KeyWidened          Letter = "key_widened"
	KeyWoken            Letter = "key_woken"
	KeyReleased         Letter = "key_released"
	KeyStrayed          Letter = "key_strayed"
	KeyExpiring         Letter = "key_expiring"
	KeyExpired          Letter = "key_expired"
	KeyLapsing          Letter = "key_lapsing"
	KeyLapsed           Letter = "key_lapsed"
	KeyUnused           Letter = "key_unused"
	KeyNarrowed         Letter = "key_narrowed"
	KeyDisabled         Letter = "key_disabled"
	MoneyConfirmed      Letter = "money_confirmed"

	// The ways back into an account.
	RecoveryCodesReplaced Letter = "recovery_codes_replaced"
	RecoveryWaiting       Letter = "recovery_waiting"
	RecoveryReady         Letter = "recovery_ready"
	RecoveryCancelled     Letter = "recovery_cancelled"
	RecoveryDisputed      Letter = "recovery_disputed"
	RecoveryCompleted     Letter = "recovery_completed"
	RecoveryShortened     Letter = "recovery_shortened"
	DeviceLost            Letter = "device_lost"
)

// Notice is the job that tells a user what happened.
type Notice struct {
	Letter Letter            `json:"letter"`
	User   id.User           `json:"user"`
	Facts  map[string]string `json:"facts,omitzero"`
	At     time.Time         `json:"at"`
	// Hold begins when this notice has arrived; zero if it reports none.
	Hold id.Hold `json:"hold,omitzero"`
	// Session whose challenge lapses a day after this notice has arrived; zero if it reports none.
	Session id.Session `json:"session,omitzero"`
}

// Kind names the job.
func (Notice) Kind() string { return "notice" }

// To is whom a letter goes to.
type To struct{ Mail, Name, Lang string }

// Post writes letters and hands them over. An error means that the letter was not taken and must be tried again.
type Post interface {
	SendNotice(ctx context.Context, to To, l Letter, facts map[string]string, at time.Time) error
	// SendCode sends the code of a sign-up, or with existing the word that the address has a user.
	SendCode(ctx context.Context, to To, code secret.Value, existing bool, life time.Duration) error
}

// Tx is what this package asks of a transaction.
type Tx interface {
	UserByID(ctx context.Context, u id.User) (user account.User, found bool, err error)
}

// Holds is what this package asks of package hold.
type Holds interface {
	Begin(ctx context.Context, h id.Hold) error
}

// Sessions is what this package asks of package session.
type Sessions interface {
	Told(ctx context.Context, s id.Session) error
}

// Arrivals are those whose clocks start when a user has been told.
type Arrivals struct {
	Holds    Holds
	Sessions Sessions
}

// Notices does the jobs.
type Notices struct {
	ledger   audit.Ledger[Tx]
	signUps  *signup.SignUps
	arrivals Arrivals
	post     Post
}

// New makes a Notices.
func New(ledger audit.Ledger[Tx], signUps *signup.SignUps, arrivals Arrivals, post Post) *Notices {
	return &Notices{ledger, signUps, arrivals, post}
}

// DoNotice sends one notice, and starts the clocks that wait for it once the relay has taken it. A user who is gone is told nothing.
func (n *Notices) DoNotice(ctx context.Context, fields []byte) error {
	var job Notice
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode notice: %w", err)
	}
	var u account.User
	var found bool
	err := n.ledger.View(ctx, func(tx Tx) (err error) {
		u, found, err = tx.UserByID(ctx, job.User)
		return err
	})
	if err != nil || !found {
		return err
	}
	if err := n.post.SendNotice(ctx, To{u.Mail, u.Name, u.Lang}, job.Letter, job.Facts, job.At); err != nil {
		return err
	}
	if !job.Session.IsZero() {
		if err := n.arrivals.Sessions.Told(ctx, job.Session); err != nil {
			return err
		}
	}
	if job.Hold.IsZero() {
		return nil
	}
	return n.arrivals.Holds.Begin(ctx, job.Hold)
}

// GiveUp records that a notice could not be delivered, where its user sees it: a notice is how they would have learnt of a stranger.
func (n *Notices) GiveUp(ctx context.Context, fields []byte) error {
	var job Notice
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode notice: %w", err)
	}
	return n.ledger.Update(ctx, func(Tx) (audit.Event, error) {
		facts := map[string]string{"letter": string(job.Letter)}
		return audit.Event{Action: audit.MailGivenUp, Actor: principal.System("mail"), Person: job.User, Facts: facts}, nil
	})
}

// DoCodeMail sends the letter of a sign-up. One that is over sends nothing.
func (n *Notices) DoCodeMail(ctx context.Context, fields []byte) error {
	var job signup.CodeMail
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode code mail: %w", err)
	}
	up, found, err := n.signUps.Letter(ctx, job.SignUp)
	if err != nil || !found {
		return err
	}
	return n.post.SendCode(ctx, To{up.Mail, up.Name, up.Lang}, n.signUps.Code(up.ID), up.Existing, signup.CodeLife)
}
