// Package stepup owns the one mechanism by which a signed-in user proves again, for exactly one action with exactly one content.
//
// It does not know how a proof is made (passkey, totp) nor what the action does. The operation that needs a step-up asks Require inside
// its transaction; the refusal names a step-up, the user satisfies it, and the very same request then goes through, once.
//
//	asked → satisfied (by a proof in the same session) → spent (by the same action and content)      each, or its end, is final
//
// Invariant: a step-up is bound to user, session, action and the digest of the content; it is spent by one conditional write; and only
// what the server derived from the content is ever shown as what is being confirmed. It is shown as facts: their words are the door's.
package stepup

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// StepUp is one proof that was asked for.
type StepUp struct {
	ID      id.StepUp
	User    id.User
	Session id.Session
	// Action is the audit action that it is for; Digest is over the content.
	Action audit.Action
	Digest [32]byte
	// Facts say what is being confirmed: names, scopes, dates. Never a secret.
	Facts map[string]string
	// Needs is the assurance that the proof must have.
	Needs       assurance.Level
	ExpiresAt   time.Time
	SatisfiedAt time.Time
	SpentAt     time.Time
}

// Tx is what this package asks of a transaction.
type Tx interface {
	// ClaimUserRow makes every other transaction that asks for the same user wait for this one.
	ClaimUserRow(ctx context.Context, u id.User) (enabled bool, err error)
	InsertStepUp(ctx context.Context, s StepUp, now time.Time) error
	// TrimStepUps forgets the oldest of a session that nobody satisfied yet, but for this many.
	TrimStepUps(ctx context.Context, of id.Session, keep int) error
	StepUpByID(ctx context.Context, s id.StepUp) (step StepUp, found bool, err error)
	// SatisfyStepUp marks one that is open; won is false if it is not, or no more.
	SatisfyStepUp(ctx context.Context, s id.StepUp, by id.Session, factors assurance.Factor, now, expires time.Time) (won bool, err error)
	// SpendStepUp uses up one that is satisfied for exactly this; won is false if there is none.
	SpendStepUp(ctx context.Context, s StepUp, now time.Time) (won bool, err error)
}

// Strongest says what the best proof is that a user can give: phr with a passkey, mfa with an authenticator app, else pwd. tx is the
// running transaction.
type Strongest func(ctx context.Context, tx any, u id.User) (assurance.Level, error)

// Deps are what StepUps is made of.
type Deps struct {
	Ledger    audit.Ledger[Tx]
	Now       func() time.Time
	Strongest Strongest
	// Least says what a sensitive action asks of a user at least, whatever they have; none for most. tx is the running transaction.
	Least Strongest
	// Young says until when none of a user's passkeys is old enough for one of whom more is asked; zero if one is, or there is none.
	Young func(ctx context.Context, tx any, u id.User) (until time.Time, err error)
	// Life is how long a step-up can be satisfied, and then spent.
	Life time.Duration
	// Key of the digests, 32 bytes, the same on every node: a content may hold a password, and whoever reads a row must not be able to
	// try passwords against it.
	Key []byte
}

// StepUps asks for, records and spends step-ups.
type StepUps struct{ Deps }

// New makes a StepUps.
func New(d Deps) (*StepUps, error) {
	if len(d.Key) != sha256.Size {
		return nil, fmt.Errorf("stepup.New: key of %d bytes, want %d", len(d.Key), sha256.Size)
	}
	return &StepUps{d}, nil
}

// asked carries a step-up out of the transaction that needed it: that one rolls back, and asking is a transaction of its own.
type asked struct {
	step    StepUp
	missing []assurance.Property
}

func (a *asked) Error() string { return "step-up required: " + string(a.step.Action) }

// Content is the action and what exactly it will do.
type Content struct {
	Action audit.Action
	// Input is all that the action will use of what the user gave, a new secret too. It is encoded as JSON for the keyed digest, so two
	// different inputs never share one, and a proof given for one is worth nothing for another.
	Input any
	// Facts are shown to the user and kept in the audit log. They follow from Input.
	Facts map[string]string
	// Floor is the weakest proof that will do when the user can give none better; zero means mfa.
	Floor assurance.Level
	// Sensitive: the action hands the account over, or ends it, although its Floor is lower than mfa. All others are sensitive anyway.
	Sensitive bool
	// Protects: the action only stops what somebody else began, so it asks for no more than Floor of whom more is asked elsewhere.
	Protects bool
}

// Require spends a step-up for this content in the caller's transaction. If there is none it answers an error that Ask turns into
// step_up_required. The level asked for is phr if the user has a passkey, else mfa. Somebody who has
// neither yet, and may go on with a password (Floor), needs one given within the life of a step-up; a session with a challenge gives it anew.
// The host's command line and background work need none. It waits for whatever ends the user's access at this moment, so that nothing is made
// behind the back of a recovery that has already looked at what there is; the session's end is seen when the transaction commits.
// Errors: forbidden, assurance.too_low, passkey.young.
func (s *StepUps) Require(ctx context.Context, tx any, p principal.Principal, c Content) error {
	if p.Trusted() {
		return nil
	}
	if p.Kind != principal.KindUser {
		return fault.New(fault.Forbidden)
	}
	now := s.Now()
	step, err := s.stepFor(p, c, now)
	if err != nil {
		return err
	}
	if _, err := txn.As[Tx](tx).ClaimUserRow(ctx, p.User); err != nil {
		return fmt.Errorf("claim user: %w", err)
	}
	won, err := txn.As[Tx](tx).SpendStepUp(ctx, step, now)
	if err != nil {
		return fmt.Errorf("spend step-up: %w", err)
	}
	if won {
		return nil
	}
	if step.Needs, err = s.Strongest(ctx, tx, p.User); err != nil {
		return err
	}
	floor := c.Floor
	if floor == assurance.None {
		floor = assurance.Mfa
	}
	if (floor >= assurance.Mfa || c.Sensitive) && !c.Protects {
		least, err := s.leastOf(ctx, tx, p.User)
		if err != nil {
			return err
		}
		floor = max(floor, least)
	}
	if err := s.settled(ctx, tx, p.User, c.Action); err != nil && step.Needs >= floor {
		return err
	}
	if step.Needs < floor {
		return fault.New(fault.AssuranceTooLow, "needs", floor.String(), "missing", assurance.Words(p.Proof.Missing(floor)))
	}
	if step.Needs == assurance.Pwd && p.Proof.Fresh(now, s.Life) && p.Challenge.Why == "" {
		return nil
	}
	return &asked{step, append(p.Proof.Missing(step.Needs), assurance.Fresh)}
}

// leastOf is Least. Of whom a passkey is asked it must be an old one: a young one was made with what is not enough any more, and whoever made it
// is not sure to be them. Errors: passkey.young.
func (s *StepUps) leastOf(ctx context.Context, tx any, u id.User) (assurance.Level, error) {
	least, err := s.Least(ctx, tx, u)
	if err != nil || least == assurance.None {
		return least, err
	}
	return least, s.notYoung(ctx, tx, u)
}

// ofOld are the actions for which only a passkey is good that is old enough to approve money: whoever has just made itself one gets nothing by it.
var ofOld = map[audit.Action]bool{audit.KeyReleased: true}

// settled refuses what only an old passkey is good for, of somebody who has none. Errors: passkey.young.
func (s *StepUps) settled(ctx context.Context, tx any, u id.User, a audit.Action) error {
	if !ofOld[a] {
		return nil
	}
	return s.notYoung(ctx, tx, u)
}

// notYoung: one of the user's passkeys is old enough, or there is none. Errors: passkey.young.
func (s *StepUps) notYoung(ctx context.Context, tx any, u id.User) error {
	until, err := s.Young(ctx, tx, u)
	if err == nil && !until.IsZero() {
		err = tooYoung(until)
	}
	return err
}

func tooYoung(until time.Time) error {
	return fault.New(fault.PasskeyYoung, "until", until.UTC().Format(time.RFC3339))
}

// Takes says whether an assertion of a passkey that approves from a moment on may satisfy the step-up. Errors: passkey.young.
func (s *StepUps) Takes(step StepUp, approvesFrom time.Time) error {
	if ofOld[step.Action] && s.Now().Before(approvesFrom) {
		return tooYoung(approvesFrom)
	}
	return nil
}

func (s *StepUps) stepFor(p principal.Principal, c Content, now time.Time) (StepUp, error) {
	input, err := json.Marshal(c.Input)
	if err != nil {
		return StepUp{}, fmt.Errorf("encode content of %s: %w", c.Action, err)
	}
	mac := hmac.New(sha256.New, s.Key)
	mac.Write(append([]byte(c.Action+"\x00"), input...))
	return StepUp{
		ID: id.New[id.StepUpKind](now), User: p.User, Session: p.Session, Action: c.Action, Facts: c.Facts,
		Digest: [32]byte(mac.Sum(nil)), ExpiresAt: now.Add(s.Life),
	}, nil
}

// MaxOpen is how many step-ups a session may have that nobody satisfied; a further one replaces the oldest.
const MaxOpen = 20

// Ask turns the answer of an operation that called Require into what its caller sees: a missing step-up is written down and named in
// step_up_required; everything else passes through.
func (s *StepUps) Ask(ctx context.Context, err error) error {
	a, ok := errors.AsType[*asked](err)
	if !ok {
		return err
	}
	insert := func(tx Tx) (audit.Event, error) {
		if err := tx.TrimStepUps(ctx, a.step.Session, MaxOpen-1); err != nil {
			return audit.Event{}, fmt.Errorf("trim step-ups: %w", err)
		}
		return audit.Quiet(audit.StepUpAsked), tx.InsertStepUp(ctx, a.step, s.Now())
	}
	if err := s.Ledger.Update(ctx, insert); err != nil {
		return fmt.Errorf("ask for step-up: %w", err)
	}
	return fault.New(fault.StepUpRequired, "step_up", a.step.ID.String(), "action", string(a.step.Action),
		"needs", a.step.Needs.String(), "missing", assurance.Words(a.missing), "facts", a.step.Facts)
}

// Open reads a step-up that the principal may still satisfy. Errors: step_up.not_found.
func (s *StepUps) Open(ctx context.Context, p principal.Principal, sid id.StepUp) (step StepUp, err error) {
	err = s.Ledger.View(ctx, func(tx Tx) error {
		var found bool
		if step, found, err = tx.StepUpByID(ctx, sid); err != nil {
			return fmt.Errorf("read step-up: %w", err)
		}
		if !found || step.User != p.User || step.Session != p.Session || !step.SatisfiedAt.IsZero() || !s.Now().Before(step.ExpiresAt) {
			return fault.New(fault.StepUpNotFound)
		}
		return nil
	})
	return step, err
}

// Satisfy records a proof for a step-up in the transaction that checked the proof. Errors: step_up.not_found if it is not open in this
// session, assurance.too_low if the proof does not reach what is needed.
func (s *StepUps) Satisfy(ctx context.Context, tx Tx, p principal.Principal, step StepUp, proof assurance.Proof) error {
	// What the session proved at sign-in counts for the level, but the factor itself was shown just now: a TOTP code after a password
	// sign-in is mfa.
	if p.Proof.With(proof).Level() < step.Needs || !proof.Shows(step.Needs) {
		missing := proof.Missing(step.Needs)
		return fault.New(fault.AssuranceTooLow, "needs", step.Needs.String(), "missing", assurance.Words(missing))
	}
	now := s.Now()
	won, err := tx.SatisfyStepUp(ctx, step.ID, p.Session, proof.Factors, now, now.Add(s.Life))
	if err != nil {
		return fmt.Errorf("satisfy step-up: %w", err)
	}
	if !won {
		return fault.New(fault.StepUpNotFound)
	}
	return nil
}
