package recovery

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Choice is what an owner decided about their own recovery, and what they last rehearsed.
type Choice struct {
	// MailAlone is how long a recovery by the mailbox alone takes; zero for what the installation asks.
	MailAlone   time.Duration
	RehearsedAt time.Time
	// Rehearsed is the factor that was shown.
	Rehearsed string
	// FailedAt is when a rehearsal last did not work, and Failed what was tried.
	FailedAt time.Time
	Failed   string
	// MailboxAt is when the mailbox was last shown in a rehearsal, which RehearsedAt says nothing of.
	MailboxAt time.Time
	// Trial is the rehearsal of the mailbox that is under way, or that nobody finished.
	Trial Trial
}

// Loss is what somebody may lose.
type Loss string

// The losses that a plan tells of.
const (
	LostPhone      Loss = "phone"
	LostKey        Loss = "key"
	LostMailbox    Loss = "mailbox"
	LostEverything Loss = "everything"
)

// Way is one way back after a loss.
type Way string

// The ways, the quickest first.
const (
	ByPasskey         Way = "passkey"
	ByPassword        Way = "password"
	ByTwo             Way = "two"
	ByCode            Way = "code"
	ByProof           Way = "proof"
	ByPasswordAndWait Way = "proof_password"
	ByAppAndWait      Way = "proof_totp"
	ByMailbox         Way = "mailbox"
	ByOperators       Way = "operators"
)

// Step is a way with what it costs.
type Step struct {
	Way Way
	// Wait until one is in again; zero for at once.
	Wait time.Duration
	// Holds says that money stays for a while afterwards.
	Holds bool
}

// Answer is what happens after one loss.
type Answer struct {
	Loss  Loss
	Steps []Step
}

// DeadEnd says that nothing but people's help is left.
func (a Answer) DeadEnd() bool { return len(a.Steps) == 0 || a.Steps[0].Way == ByOperators }

// left is what somebody still has after a loss, with their mailbox.
type left struct {
	passkeys             int
	password, app, codes bool
	// asksApp says that their password counts with the app alone.
	asksApp bool
}

func has(m factor.Methods) left {
	return left{len(m.Passkeys), m.Password != nil, m.TOTP != nil, m.Codes != nil && m.Codes.Left > 0, m.TOTP != nil}
}

// steps are the ways that are open with what is left, the quickest first.
func (l left) steps(waits Waits, alone time.Duration) (steps []Step) {
	add := func(has bool, w Way, wait time.Duration, holds bool) {
		if has {
			steps = append(steps, Step{w, wait, holds})
		}
	}
	add(l.passkeys > 0, ByPasskey, 0, false)
	add(l.password && l.app, ByTwo, 0, false)
	add(l.password && !l.asksApp, ByPassword, 0, false)
	add(l.codes, ByCode, 0, true)
	add(l.password && l.app, ByProof, waits.WithProof, true)
	add(l.password && l.asksApp && !l.app, ByPasswordAndWait, waits.WithProof, true)
	add(!l.password && l.app, ByAppAndWait, waits.WithProof, true)
	add(true, ByMailbox, alone, true)
	return steps
}

// Answers says for each loss what this user would do, from what they really have. It assumes the worst: with the phone go the app and one
// passkey that may lie there, with a key one passkey, and with everything all but the mailbox. Who has no passkey that may lie in a key has none to lose.
func Answers(m factor.Methods, waits Waits, chosen Choice) []Answer {
	alone := max(waits.MailAlone, chosen.MailAlone)
	phone, key := has(m), has(m)
	phone.app = false
	if slices.ContainsFunc(m.Passkeys, passkey.Credential.MayBeOnPhone) {
		phone.passkeys--
	}
	key.passkeys--
	mailbox := slices.DeleteFunc(has(m).steps(waits, alone), func(s Step) bool {
		return s.Way != ByPasskey && s.Way != ByTwo && s.Way != ByPassword
	})
	if len(mailbox) == 0 {
		mailbox = append(mailbox, Step{Way: ByOperators})
	}
	answers := []Answer{{LostPhone, phone.steps(waits, alone)}}
	if slices.ContainsFunc(m.Passkeys, passkey.Credential.MayBeKey) {
		answers = append(answers, Answer{LostKey, key.steps(waits, alone)})
	}
	return append(answers, Answer{LostMailbox, mailbox}, Answer{LostEverything, left{}.steps(waits, alone)})
}

// After is the quickest way back for somebody with these methods, and one of a kind that they lost: "passkey", "totp" or "password". They need
// not have had it.
func After(m factor.Methods, lost string) Way {
	l := has(m)
	switch lost {
	case "passkey":
		l.passkeys--
	case "totp":
		l.app, l.asksApp = false, true
	case "password":
		l.password = false
	}
	return l.steps(Waits{}, 0)[0].Way
}

// Readiness is the state of a user's own preparations.
type Readiness struct {
	Methods factor.Methods
	Choice  Choice
	Answers []Answer
	// Claims are those under way.
	Claims []Case
	Waits  Waits
}

// Readiness reads them.
func (r *Recoveries) Readiness(ctx context.Context, p principal.Principal) (out Readiness, err error) {
	err = r.Ledger.View(ctx, func(tx Tx) error {
		if out.Methods, err = r.Factors.MethodsOf(ctx, tx, p.User); err != nil {
			return err
		}
		if out.Choice, err = tx.PlanOf(ctx, p.User); err != nil {
			return fmt.Errorf("read plan: %w", err)
		}
		out.Claims, err = tx.ClaimsOf(ctx, p.User, r.Now())
		return err
	})
	out.Waits = r.Waits
	out.Answers = Answers(out.Methods, r.Waits, out.Choice)
	return out, err
}

// Rehearse checks a recovery code, a code of the app, or, with MailboxAlone, that of a trial, as a recovery would, spends no recovery code and
// changes nothing but the dates of the rehearsals: one that failed is written down as well. Errors: recovery.proof_refused, sign_in.throttled, request.invalid.
func (r *Recoveries) Rehearse(ctx context.Context, p principal.Principal, with Proof, typed secret.Value) error {
	var refused error
	err := r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		refused = nil
		event := audit.Event{Action: audit.RecoveryRehearsed, Actor: p, Person: p.User, Facts: map[string]string{"proof": with.word()}}
		var no, err error
		switch with {
		case WithCode:
			no, err = r.Factors.LookAtCode(ctx, tx, p, typed)
		case WithApp:
			_, no, err = r.Factors.ProveTOTP(ctx, tx, factor.GuessWithin(p), string(typed.Reveal()))
		case MailboxAlone:
			no, err = r.showTrial(ctx, tx, p, typed)
		case WithPassword, ByPeople, Assisted:
			return event, fault.New(fault.RequestInvalid, "field", "proof")
		}
		if no != nil {
			refused = fault.New(fault.RecoveryProofRefused, "field", "code")
			if err != nil {
				return audit.Event{}, err
			}
			event.Action = audit.RecoveryRehearsalFailed
			return event, tx.SetRehearsalFailed(ctx, p.User, with.word(), r.Now())
		}
		if err != nil || with == MailboxAlone {
			return event, err
		}
		return event, tx.SetRehearsed(ctx, p.User, with.word(), r.Now())
	})
	if err == nil {
		r.tried(with.word(), refused == nil)
		err = refused
	}
	return err
}

// SetMailAlone chooses how long a recovery by the mailbox alone takes. It needs a step-up: a thief would make it long for the owner, or short for
// themselves. Shortening it is told and holds money. Errors: request.invalid, step_up_required, assurance.too_low.
func (r *Recoveries) SetMailAlone(ctx context.Context, p principal.Principal, span time.Duration) error {
	if span < r.Waits.MailAlone || span > max(MaxMailAlone, r.Waits.MailAlone) {
		return fault.New(fault.RequestInvalid, "field", "days")
	}
	err := r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		before, err := tx.PlanOf(ctx, p.User)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read plan: %w", err)
		}
		facts := map[string]string{"days": strconv.Itoa(int(span / day))}
		event := audit.Event{Action: audit.RecoveryWaitSet, Actor: p, Person: p.User, Facts: facts}
		content := stepup.Content{Action: audit.RecoveryWaitSet, Input: span, Facts: facts, Floor: assurance.Pwd, Sensitive: true}
		if err := r.StepUps.Require(ctx, tx, p, content); err != nil {
			return event, err
		}
		if stands := max(before.MailAlone, r.Waits.MailAlone); span != stands {
			kind := happening.RecoveryLengthened
			if span < stands {
				kind = happening.RecoveryShortened
			}
			h := happening.Happening{Kind: kind, User: p.User, Session: p.Session, Facts: map[string]string{"wait": span.String()}}
			if err := r.Follow.Apply(ctx, tx, h.SeenFrom(p.Origin)); err != nil {
				return event, err
			}
		}
		return event, tx.SetMailAlone(ctx, p.User, span)
	})
	return r.StepUps.Ask(ctx, err)
}
