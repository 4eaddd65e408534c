package recovery

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// prove checks one proof in the transaction of its claim. A refusal is committed with its count; an error rolls back.
type prove func(tx Tx, c Case) (refused, err error)

// Claim begins the wait with the mailbox alone: seven days, or more if the owner chose so. Errors: recovery.unknown, recovery.over.
func (r *Recoveries) Claim(ctx context.Context, from From, which id.Recovery) error {
	return r.claim(ctx, from, which, MailboxAlone, func(Tx, Case) (error, error) { return nil, nil })
}

// ClaimWithApp begins the shorter wait with a code of the authenticator app. Errors: recovery.unknown, recovery.over,
// recovery.proof_refused, sign_in.throttled, password.disabled.
func (r *Recoveries) ClaimWithApp(ctx context.Context, from From, which id.Recovery, code string) error {
	if r.Factors.Passwordless {
		return fault.New(fault.PasswordDisabled)
	}
	return r.claim(ctx, from, which, WithApp, func(tx Tx, c Case) (error, error) {
		g := factor.Guess{User: c.User, Browser: throttle.OfStranger(throttle.TOTP, c.Mail)}
		_, refused, err := r.Factors.ProveTOTP(ctx, tx, g, code)
		if refused != nil {
			refused = fault.New(fault.RecoveryProofRefused, "field", "app_code") // also of a user without an app
		}
		return refused, err
	})
}

// ClaimWithPassword begins the shorter wait with the password. Errors: recovery.unknown, recovery.over, recovery.proof_refused,
// sign_in.throttled, busy, password.disabled.
func (r *Recoveries) ClaimWithPassword(ctx context.Context, from From, which id.Recovery, given secret.Value) error {
	if r.Factors.Passwordless {
		return fault.New(fault.PasswordDisabled)
	}
	var phc string
	bucket := throttle.Bucket{}
	err := r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		c, err := r.at(ctx, tx, from, which, Proven)
		if err != nil {
			return audit.Event{}, err
		}
		stored, _, err := tx.PasswordOf(ctx, c.User)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read password: %w", err)
		}
		phc, bucket = stored.PHC, throttle.OfStranger(throttle.Password, c.Mail)
		return audit.Quiet(audit.ThrottleCounted), throttle.Count(ctx, tx, bucket, r.Limits, r.Now())
	})
	if err != nil {
		return err
	}
	ok := false
	if phc == "" {
		err = r.Factors.Hasher.VerifyNobody(ctx, given)
	} else {
		ok, _, err = r.Factors.Hasher.Verify(ctx, phc, given)
	}
	if err != nil {
		return err
	}
	return r.claim(ctx, from, which, WithPassword, func(tx Tx, c Case) (error, error) {
		stored, _, err := tx.PasswordOf(ctx, c.User)
		if err != nil || !ok || stored.PHC != phc {
			return fault.New(fault.RecoveryProofRefused, "field", "password"), err
		}
		return nil, tx.ForgetTries(ctx, bucket)
	})
}

// claim runs one proof and starts the wait, or, where another claim stands, stops both.
func (r *Recoveries) claim(ctx context.Context, from From, which id.Recovery, with Proof, prove prove) error {
	var refused error
	err := r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		refused = nil
		c, err := r.take(ctx, tx, from, which, Proven)
		if err != nil {
			return audit.Event{}, err
		}
		event := audit.Event{Actor: nobody(from, c.User), Person: c.User, Facts: map[string]string{"recovery": c.ID.String(), "proof": with.word()}}
		no, err := prove(tx, c)
		if refused = no; err != nil || no != nil {
			event.Action = audit.RecoveryProofFailed
			return event, err
		}
		now := r.Now()
		if c.Span, err = r.spanOf(ctx, tx, c.User, with); err != nil {
			return audit.Event{}, err
		}
		c.Proof, c.Claimed, c.Expires = with, now, now.Add(untoldLife)
		others, err := tx.ClaimsOf(ctx, c.User, now)
		if err != nil {
			return audit.Event{}, fmt.Errorf("list claims: %w", err)
		}
		// What an operator opened shows nothing: until two have approved it, it stops nobody who does.
		others = slices.DeleteFunc(others, func(o Case) bool { return o.Proof == Assisted })
		won, err := tx.ClaimRecovery(ctx, c)
		if err != nil || !won {
			return audit.Event{}, fmt.Errorf("claim recovery: won %t: %w", won, err)
		}
		if with == MailboxAlone && slices.ContainsFunc(others, func(o Case) bool { return o.Proof == ByPeople && o.State(now) != Disputed }) {
			return audit.Event{}, fault.New(fault.RecoveryOver) // the mailbox alone undoes no decision of people; its owner can still cancel
		}
		facts := map[string]string{"agent": from.Origin.Agent, "addr": from.Origin.Addr.String()}
		if len(others) > 0 {
			event.Action = audit.RecoveryDisputed
			return event, r.dispute(ctx, tx, append(others, c), facts)
		}
		event.Action = audit.RecoveryClaimed
		if err := r.Follow.Apply(ctx, tx, happening.Happening{Kind: happening.RecoveryClaimed, User: c.User}); err != nil {
			return audit.Event{}, err
		}
		if err := tell(ctx, tx, c, notify.RecoveryWaiting, facts, now); err != nil {
			return audit.Event{}, err
		}
		return event, tx.EnqueueAt(ctx, Remind{c.ID}, now.Add(day))
	})
	if err == nil {
		err = refused
	}
	return err
}

const day = 24 * time.Hour

// tell tells the owner of a case, at every address that is theirs. The first mail to a settled one starts the wait.
func tell(ctx context.Context, tx Tx, c Case, letter notify.Letter, facts map[string]string, now time.Time) error {
	said := map[string]string{"wait": c.Span.String()}
	if !c.Ends.IsZero() {
		said["ends"] = c.Ends.Format(time.RFC3339)
		said["until"] = c.Expires.Format(time.RFC3339)
	}
	maps.Copy(said, facts)
	content := notify.Content{Letter: letter, Facts: said}
	if letter == notify.RecoveryWaiting {
		content.Recovery = c.ID
	}
	return notify.Write(ctx, tx, notify.Notice{User: c.User, At: now, Content: content})
}

func (r *Recoveries) spanOf(ctx context.Context, tx Tx, u id.User, with Proof) (time.Duration, error) {
	if with != MailboxAlone {
		return r.Waits.WithProof, nil
	}
	chosen, err := tx.PlanOf(ctx, u)
	if err != nil {
		return 0, fmt.Errorf("read plan: %w", err)
	}
	return max(r.Waits.MailAlone, chosen.MailAlone), nil
}

func (r *Recoveries) stop(ctx context.Context, tx Tx, claims []Case, outcome State) error {
	for _, c := range claims {
		if _, err := r.end(ctx, tx, c, outcome, r.Now().Add(Kept)); err != nil {
			return err
		}
	}
	return nil
}

// end ends a case, and the dispute that it was the last of.
func (r *Recoveries) end(ctx context.Context, tx Tx, c Case, outcome State, until time.Time) (won bool, err error) {
	now := r.Now()
	if won, err = tx.EndRecovery(ctx, c.ID, outcome, now, until); err != nil || !won {
		return won, err
	}
	return true, endEmpty(ctx, tx, c.In, outcome, now)
}

// endEmpty ends a dispute that no claim waits in any more.
func endEmpty(ctx context.Context, tx Tx, in id.Case, outcome State, now time.Time) error {
	if in.IsZero() {
		return nil
	}
	return tx.EndEmptyDispute(ctx, in, outcome, now, now.Add(Kept))
}

// WithCode shows a recovery code, which is spent by it, and makes the case ready: the code and the mailbox are two proofs by different ways
// (SP 800-63B-4 §4.2.2). It is stronger than any claim that waits, so it ends them. Errors: recovery.unknown, recovery.over,
// recovery_code.refused, sign_in.throttled.
func (r *Recoveries) WithCode(ctx context.Context, from From, which id.Recovery, typed secret.Value) error {
	var refused error
	err := r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		c, err := r.take(ctx, tx, from, which, Proven, Told, Waiting, Disputed)
		if err != nil {
			return audit.Event{}, err
		}
		if c.Reach != "" { // without the mailbox a code is one proof, and has to be weighed by people
			return audit.Event{}, fault.New(fault.RecoveryOver, "state", string(c.Told(r.Now())))
		}
		now := r.Now()
		bucket := throttle.OfStranger(throttle.RecoveryCode, c.Mail)
		if err := throttle.Count(ctx, tx, bucket, r.Limits, now); err != nil {
			return audit.Event{}, err
		}
		event := audit.Event{Actor: nobody(from, c.User), Person: c.User, Facts: map[string]string{"recovery": c.ID.String(), "proof": WithCode.word()}}
		no, err := r.Factors.ProveCode(ctx, tx, c.User, typed)
		if refused = no; err != nil || no != nil {
			event.Action = audit.RecoveryProofFailed
			return event, err
		}
		others, err := tx.ClaimsOf(ctx, c.User, now)
		if err != nil {
			return audit.Event{}, fmt.Errorf("list claims: %w", err)
		}
		var waiting []Case
		for _, o := range others {
			if o.ID != c.ID {
				waiting = append(waiting, o)
			}
		}
		if err := r.stop(ctx, tx, waiting, Cancelled); err != nil {
			return audit.Event{}, err
		}
		c.Proof, c.Claimed, c.Begun, c.Ends, c.Expires = WithCode, now, now, now, now.Add(codeLife)
		if won, err := tx.HastenRecovery(ctx, c); err != nil || !won {
			return audit.Event{}, fmt.Errorf("hasten recovery: won %t: %w", won, err)
		}
		if err := endEmpty(ctx, tx, c.In, Cancelled, now); err != nil {
			return audit.Event{}, err
		}
		event.Action = audit.RecoveryCodeUsed
		return event, tx.ForgetTries(ctx, bucket)
	})
	if err == nil {
		err = refused
	}
	return err
}

// BeginWait starts the wait of a case whose owner has been told. A second call changes nothing.
func (r *Recoveries) BeginWait(ctx context.Context, which id.Recovery) error {
	return r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		c, found, err := tx.RecoveryByID(ctx, which)
		if err != nil || !found {
			return audit.Quiet(audit.Housekeeping), err
		}
		now := r.Now()
		ends := now.Add(c.Span)
		won, err := tx.BeginRecovery(ctx, which, now, ends, ends.Add(readyLife))
		if err != nil || !won {
			return audit.Quiet(audit.Housekeeping), err
		}
		facts := map[string]string{"until": ends.Format(time.RFC3339)}
		return audit.Event{Action: audit.RecoveryBegun, Actor: principal.System("mail"), Person: c.User, Facts: facts}, nil
	})
}

// Remind is the job that tells the owner of a waiting case again, each day, and once when it is over.
type Remind struct {
	Recovery id.Recovery `json:"recovery"`
}

// Kind names the job.
func (Remind) Kind() string { return "recovery_reminder" }

// DoRemind tells, and plans the next time.
func (r *Recoveries) DoRemind(ctx context.Context, fields []byte) error {
	var job Remind
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode reminder: %w", err)
	}
	return r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		quiet := audit.Quiet(audit.Housekeeping)
		c, found, err := tx.RecoveryByID(ctx, job.Recovery)
		if err != nil || !found {
			return quiet, err
		}
		now := r.Now()
		next := now.Add(day)
		switch c.State(now) {
		case Told, Waiting: // who was not told yet is told again: their address may have settled since
			if !c.Ends.IsZero() && next.After(c.Ends) {
				next = c.Ends
			}
			if err := tell(ctx, tx, c, notify.RecoveryWaiting, nil, now); err != nil {
				return quiet, err
			}
			return quiet, tx.EnqueueAt(ctx, job, next)
		case Ready:
			return quiet, tell(ctx, tx, c, notify.RecoveryReady, nil, now)
		case Asked, Proven, Disputed, Approved, Completed, Cancelled, Suspected, Rejected, Withdrawn, Lapsed:
		}
		return quiet, nil
	})
}

// Claims lists what is claimed of the principal's own account.
func (r *Recoveries) Claims(ctx context.Context, p principal.Principal) (list []Case, err error) {
	err = r.Ledger.View(ctx, func(tx Tx) error {
		list, err = tx.ClaimsOf(ctx, p.User, r.Now())
		return err
	})
	return list, err
}

// Cancel stops a claim to the principal's account, with a proof at least as strong as the claim's, and keeps it as a suspected takeover.
// Errors: recovery.unknown, step_up_required, assurance.too_low.
func (r *Recoveries) Cancel(ctx context.Context, p principal.Principal, which id.Recovery) error {
	err := r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		c, found, err := tx.RecoveryByID(ctx, which)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read recovery: %w", err)
		}
		if !found || c.User != p.User || c.Claimed.IsZero() || !c.Ended.IsZero() {
			return audit.Event{}, fault.New(fault.RecoveryUnknown)
		}
		content := stepup.Content{Action: audit.RecoveryCancelled, Input: which, Floor: floorOf(c.Proof), Protects: true}
		if err := r.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		won, err := r.end(ctx, tx, c, Suspected, r.Now().Add(Kept))
		if err != nil || !won {
			return audit.Event{}, fmt.Errorf("cancel recovery: won %t: %w", won, err)
		}
		facts := map[string]string{"agent": p.Origin.Agent, "addr": p.Origin.Addr.String()}
		h := happening.Happening{Kind: happening.RecoveryCancelled, User: p.User, Session: p.Session, Facts: facts, About: c.ID.String(), Evidence: suspicion(c)}
		return audit.Event{Action: audit.RecoveryCancelled, Actor: p, Person: p.User}, r.Follow.Apply(ctx, tx, h)
	})
	return r.StepUps.Ask(ctx, err)
}

// suspicion is what operators are shown of a claim that the owner stopped.
func suspicion(c Case) map[string]string {
	evidence := map[string]string{
		"recovery": c.ID.String(), "outcome": string(Suspected), "proof": string(c.Proof), "asked": c.Born.UTC().Format(time.RFC3339),
		"claimed": c.Claimed.UTC().Format(time.RFC3339), "claim_addr": c.Asked.Addr, "claim_agent": c.Asked.Agent,
	}
	if !c.In.IsZero() {
		evidence["case"] = c.In.String()
	}
	return evidence
}

// floorOf is the weakest proof that outweighs a claim's. Where the user can give a better one, that is asked for.
func floorOf(with Proof) assurance.Level {
	if with == WithApp || with == WithCode || with == ByPeople {
		return assurance.Mfa
	}
	return assurance.Pwd
}

// Withdraw ends a case by the hand of its claimant. Errors: recovery.unknown, recovery.over.
func (r *Recoveries) Withdraw(ctx context.Context, from From, which id.Recovery) error {
	return r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		c, err := r.at(ctx, tx, from, which, Proven, Told, Waiting, Ready, Disputed)
		if err != nil {
			return audit.Event{}, err
		}
		won, err := r.end(ctx, tx, c, Withdrawn, r.Now().Add(day))
		if err == nil && !won {
			err = fault.New(fault.RecoveryOver)
		}
		return audit.Event{Action: audit.RecoveryWithdrawn, Actor: nobody(from, c.User), Person: c.User}, err
	})
}
