package recovery

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// Trial is a rehearsal of the mailbox whose code was not typed yet; the zero value is none. Its code says that somebody who is signed in reads
// their mailbox, and is worth nothing in a recovery.
type Trial struct {
	// ID is also that of its letter in the message centre.
	ID    id.Message
	Asked time.Time
	Tries int64
}

// GoodUntil is when its code stops to work; zero where there is none.
func (t Trial) GoodUntil() time.Time {
	if t.Asked.IsZero() {
		return time.Time{}
	}
	return t.Asked.Add(MailCodeLife)
}

// Open says whether its code may still be typed.
func (t Trial) Open(now time.Time) bool { return t.Tries < mailTries && now.Before(t.GoodUntil()) }

// TrialMail is the job that sends the letter of a trial. It carries no code: that is made when the letter is sent.
type TrialMail struct {
	User  id.User    `json:"user"`
	Trial id.Message `json:"trial"`
	Asked Place      `json:"asked"`
}

// Kind names the job.
func (TrialMail) Kind() string { return "recovery_trial_mail" }

// AskMailbox mails the principal a code by which they try out that they can read their mailbox, and says until when it is good; a code from before
// stops to work. A code that is typed buys no further letter: whoever reads the mailbox would have us write to it all day. Errors: sign_in.throttled.
func (r *Recoveries) AskMailbox(ctx context.Context, p principal.Principal) (until time.Time, err error) {
	now := r.Now()
	trial := Trial{ID: id.New[id.MessageKind](now), Asked: now}
	err = r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := throttle.Count(ctx, tx, throttle.OfUser(throttle.RehearsalMail, p.User, true), r.Limits, now); err != nil {
			return audit.Event{}, err
		}
		if err := tx.AskMailboxTrial(ctx, p.User, trial.ID, now); err != nil {
			return audit.Event{}, fmt.Errorf("write trial: %w", err)
		}
		job := TrialMail{p.User, trial.ID, Place{p.Origin.Addr.String(), r.Kept(p.Origin.Agent)}}
		return audit.Event{Action: audit.RecoveryMailboxAsked, Actor: p, Person: p.User}, tx.Enqueue(ctx, job)
	})
	return trial.GoodUntil(), err
}

// trialCode is the mailed code of a trial, for one address: after a change of address the code from the old mailbox shows nothing. Only the
// letter may show it. What it is made of begins with a word, so that it is never the code of a case.
func (r *Recoveries) trialCode(u id.User, mail string, trial id.Message) secret.Value {
	mac := hmac.New(sha256.New, r.MailKey)
	mac.Write([]byte("rehearsal of the mailbox"))
	mac.Write(u[:])
	mac.Write(trial[:])
	mac.Write([]byte(mail))
	return secret.FromString("mail code", fmt.Sprintf("%08d", binary.BigEndian.Uint64(mac.Sum(nil))%100_000_000))
}

// trialOf reads a user's address and their trial. Errors: unauthorized.
func trialOf(ctx context.Context, tx Tx, u id.User) (mail string, trial Trial, err error) {
	user, found, err := tx.UserByID(ctx, u)
	if err != nil || !found {
		return "", trial, errors.Join(err, fault.New(fault.Unauthorized))
	}
	plan, err := tx.PlanOf(ctx, u)
	return user.Mail, plan.Trial, err
}

// DoTrialMail sends the letter of a trial, and keeps it without its code in the user's messages. One that is over sends nothing.
func (r *Recoveries) DoTrialMail(ctx context.Context, fields []byte) error {
	var job TrialMail
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode mail of a trial: %w", err)
	}
	var mail string
	var trial Trial
	err := r.Ledger.View(ctx, func(tx Tx) (err error) {
		mail, trial, err = trialOf(ctx, tx, job.User)
		return err
	})
	if fault.CodeOf(err) == fault.Unauthorized {
		return nil // the user is gone
	}
	if err != nil || trial.ID != job.Trial || !trial.Open(r.Now()) {
		return err
	}
	m := notify.Message{ID: trial.ID, User: job.User, Born: trial.Asked, Content: notify.Content{
		Letter: notify.MailboxTrial, Facts: map[string]string{"agent": job.Asked.Agent, "addr": job.Asked.Addr}, To: []notify.Address{{Mail: mail}},
	}}
	to, found, err := notify.Mirror(ctx, r.Ledger, m)
	if err != nil || !found {
		return err
	}
	if err := r.Post.SendRecoveryCode(ctx, to, m, r.trialCode(job.User, mail, trial.ID), MailCodeLife); err != nil {
		return err
	}
	return notify.Mailed(ctx, r.Ledger, m, r.Now())
}

// showTrial takes the code of the principal's trial, spaces between its digits allowed: five tries, and one of them may win. A wrong code is in no,
// and a code for which no trial is open in err, so that nothing is written of it. Errors: recovery.proof_refused.
func (r *Recoveries) showTrial(ctx context.Context, tx Tx, p principal.Principal, typed secret.Value) (no, err error) {
	refused := fault.New(fault.RecoveryProofRefused, "field", "code")
	mail, trial, err := trialOf(ctx, tx, p.User)
	if err != nil {
		return nil, err
	}
	if won, err := tx.CountMailboxTry(ctx, p.User, trial.ID, mailTries, r.Now().Add(-MailCodeLife)); err != nil || !won {
		return nil, errors.Join(err, refused)
	}
	code := strings.NewReplacer(" ", "", "-", "").Replace(string(typed.Reveal()))
	if subtle.ConstantTimeCompare([]byte(code), r.trialCode(p.User, mail, trial.ID).Reveal()) != 1 {
		return refused, nil
	}
	if won, err := tx.SpendMailboxTrial(ctx, p.User, trial.ID, r.Now()); err != nil || !won {
		return nil, errors.Join(err, refused)
	}
	return nil, nil
}
