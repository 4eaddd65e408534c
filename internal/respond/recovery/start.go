package recovery

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
	"github.com/seed-21c57000/sallyport/internal/prove/recoverycode"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// CodeMail is the job that sends the letter of a case. It carries no code: that is made when the letter is sent.
type CodeMail struct {
	Recovery id.Recovery `json:"recovery"`
	// Message is what the letter is in the message centre: one of a case that is opened again is another.
	Message id.Message `json:"message"`
}

// Kind names the job.
func (CodeMail) Kind() string { return "recovery_mail" }

// Begun is a case that was asked for. Its code is never readable again.
type Begun struct {
	ID   id.Recovery
	Code secret.Value
}

// Begin writes a case down and sends its letter: a code, or word that the address has no account. The answer is the same.
// Errors: mail_address.*, sign_in.throttled.
func (r *Recoveries) Begin(ctx context.Context, from From, mail, lang string) (Begun, error) {
	addr, err := mailaddr.Parse(mail)
	if err != nil {
		return Begun{}, err
	}
	if lang != "ko" {
		lang = "en"
	}
	now, code := r.Now(), recoverycode.Mint()
	c := Case{
		ID: id.New[id.RecoveryKind](now), CodeHash: hashOf(code), Mail: addr.String(), Lang: lang, Browser: from.Browser, Born: now,
		Expires: now.Add(MailCodeLife), MailCodeUntil: now.Add(MailCodeLife), Asked: r.place(from),
	}
	rand.Read(c.MailCode[:])
	err = r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		c := c
		u, found, err := tx.UserByMail(ctx, c.Mail)
		if err != nil {
			return audit.Event{}, fmt.Errorf("find user: %w", err)
		}
		if found && u.DisabledAt.IsZero() {
			c.User, c.Lang = u.ID, u.Lang
		}
		if err := r.count(ctx, tx, from, c); err != nil {
			return audit.Event{}, err
		}
		if err := tx.InsertRecovery(ctx, c); err != nil {
			return audit.Event{}, fmt.Errorf("insert recovery: %w", err)
		}
		return audit.Quiet(audit.RecoveryAsked), tx.Enqueue(ctx, CodeMail{c.ID, id.New[id.MessageKind](now)})
	})
	return Begun{c.ID, code.Text()}, err
}

// count takes a try from whoever makes us send a letter. A browser that its user has signed in with has a bucket that nobody else fills.
func (r *Recoveries) count(ctx context.Context, tx Tx, from From, c Case) error {
	d, err := device.Recognise(ctx, tx, from.Device)
	if err != nil {
		return err
	}
	known, err := device.Known(ctx, tx, d, c.User)
	if err != nil {
		return err
	}
	now := r.Now()
	if known {
		return throttle.Count(ctx, tx, throttle.OfDevice(throttle.RecoveryMail, c.User, d), r.Limits, now)
	}
	if err := throttle.Count(ctx, tx, throttle.OfSource(throttle.RecoveryMail, from.Origin.Addr), r.SourceLimits, now); err != nil {
		return err
	}
	return throttle.Count(ctx, tx, throttle.OfStranger(throttle.RecoveryMail, c.Mail), r.Limits, now)
}

func hashOf(c recoverycode.Code) [32]byte { return sha256.Sum256(c[:]) }

// Reopen finds a case by its code, for a browser that has not shown the mailbox, and sends a new letter. Errors: recovery.unknown,
// sign_in.throttled.
func (r *Recoveries) Reopen(ctx context.Context, from From, typed string) (which id.Recovery, err error) {
	code, ok := recoverycode.Parse(typed)
	if !ok {
		return which, fault.New(fault.RecoveryUnknown, "field", "case_code")
	}
	var mailCode [16]byte
	rand.Read(mailCode[:])
	found := false
	err = r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		now := r.Now()
		if err := throttle.Count(ctx, tx, throttle.OfSource(throttle.RecoveryCode, from.Origin.Addr), r.SourceLimits, now); err != nil {
			return audit.Event{}, err
		}
		c, there, err := tx.RecoveryByCode(ctx, hashOf(code))
		if err != nil {
			return audit.Event{}, fmt.Errorf("find recovery: %w", err)
		}
		if found = there && now.Before(c.Expires); !found {
			return audit.Quiet(audit.ThrottleCounted), nil
		}
		if err := r.count(ctx, tx, from, c); err != nil {
			return audit.Event{}, err
		}
		which, c.Browser, c.MailCode, c.MailCodeUntil = c.ID, from.Browser, mailCode, now.Add(MailCodeLife)
		c.Asked = r.place(from)
		if found, err = tx.ReopenRecovery(ctx, c, now); err != nil || !found {
			return audit.Quiet(audit.ThrottleCounted), err
		}
		return audit.Quiet(audit.RecoveryAsked), tx.Enqueue(ctx, CodeMail{c.ID, id.New[id.MessageKind](now)})
	})
	if err == nil && !found {
		err = fault.New(fault.RecoveryUnknown, "field", "case_code")
	}
	return which, err
}

// codeOf is the mailed code of a case. Only the letter may show it.
func (r *Recoveries) codeOf(c Case) secret.Value {
	mac := hmac.New(sha256.New, r.MailKey)
	mac.Write(c.ID[:])
	mac.Write(c.MailCode[:])
	return secret.FromString("mail code", fmt.Sprintf("%08d", binary.BigEndian.Uint64(mac.Sum(nil))%100_000_000))
}

// DoCodeMail sends the letter of a case, and keeps it without its code in the messages of the user whom it is for. One whose code is over sends
// nothing, and one whose address is no longer its user's has no reader.
func (r *Recoveries) DoCodeMail(ctx context.Context, fields []byte) error {
	var job CodeMail
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode recovery mail: %w", err)
	}
	c, found, err := r.read(ctx, job.Recovery)
	if err != nil || !found || !r.Now().Before(c.MailCodeUntil) {
		return err
	}
	m := notify.Message{ID: job.Message, User: c.User, Born: r.Now(), Content: notify.Content{
		Letter: notify.RecoveryCode, Facts: map[string]string{"agent": c.Asked.Agent, "addr": c.Asked.Addr}, To: []notify.Address{{Mail: c.Mail}},
	}}
	if c.User.IsZero() {
		m.Letter = notify.RecoveryNobody
		return r.Post.SendRecoveryCode(ctx, notify.To{Mail: c.Mail, Lang: c.Lang}, m, r.codeOf(c), MailCodeLife)
	}
	if c.Reach != "" { // no mailbox of the owner's: nothing goes there that our mails to them are known by
		m.ID, m.To = id.Message{}, []notify.Address{{Mail: c.Reach}}
		return r.Post.SendRecoveryCode(ctx, notify.To{Mail: c.Reach, Lang: c.Lang}, m, r.codeOf(c), MailCodeLife)
	}
	to, found, err := notify.Mirror(ctx, r.Ledger, m)
	if err != nil || !found || to.Mail != c.Mail {
		return err
	}
	if err := r.Post.SendRecoveryCode(ctx, to, m, r.codeOf(c), MailCodeLife); err != nil {
		return err
	}
	return notify.Mailed(ctx, r.Ledger, m, r.Now())
}

func (r *Recoveries) read(ctx context.Context, which id.Recovery) (c Case, found bool, err error) {
	err = r.Ledger.View(ctx, func(tx Tx) error {
		c, found, err = tx.RecoveryByID(ctx, which)
		return err
	})
	return c, found, err
}

// ShowMailbox takes the code from the mail, spaces between its digits allowed. Five tries, then another letter is needed, and asking for one is
// throttled in turn. Errors: recovery.mail_code_refused.
func (r *Recoveries) ShowMailbox(ctx context.Context, from From, which id.Recovery, typed string) error {
	typed = strings.NewReplacer(" ", "", "-", "").Replace(typed)
	accepted := false
	err := r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		accepted = false
		now := r.Now()
		c, found, err := tx.RecoveryByID(ctx, which)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read recovery: %w", err)
		}
		if !found || c.Browser != from.Browser {
			return audit.Event{}, fault.New(fault.RecoveryMailCodeRefused, "field", "code")
		}
		won, err := tx.CountRecoveryTry(ctx, which, mailTries, now)
		if err != nil {
			return audit.Event{}, fmt.Errorf("count try: %w", err)
		}
		right := subtle.ConstantTimeCompare([]byte(typed), r.codeOf(c).Reveal()) == 1
		if !won || !right || c.User.IsZero() {
			return audit.Quiet(audit.ThrottleCounted), nil
		}
		expires := c.Expires
		if c.Claimed.IsZero() {
			expires = now.Add(provenLife)
		}
		if accepted, err = tx.ProveRecovery(ctx, which, now, expires); err != nil {
			return audit.Event{}, fmt.Errorf("prove recovery: %w", err)
		}
		return audit.Event{Action: audit.RecoveryMailboxShown, Actor: nobody(from, c.User), Person: c.User},
			tx.ForgetTries(ctx, throttle.OfStranger(throttle.RecoveryMail, c.Mail))
	})
	if err == nil && !accepted {
		err = fault.New(fault.RecoveryMailCodeRefused, "field", "code")
	}
	return err
}

// Mine reads a case in the browser that showed its mailbox. Errors: recovery.unknown.
func (r *Recoveries) Mine(ctx context.Context, from From, which id.Recovery) (c Case, err error) {
	err = r.Ledger.View(ctx, func(tx Tx) error {
		c, err = r.mine(ctx, tx, from, which)
		return err
	})
	return c, err
}

func (r *Recoveries) mine(ctx context.Context, tx Tx, from From, which id.Recovery) (Case, error) {
	c, found, err := tx.RecoveryByID(ctx, which)
	if err != nil {
		return c, fmt.Errorf("read recovery: %w", err)
	}
	if !found || c.Browser != from.Browser || c.Shown.IsZero() {
		return c, fault.New(fault.RecoveryUnknown)
	}
	return c, nil
}

// at reads a case that must stand in one of these states, and whose address is still its user's. Errors: recovery.unknown, recovery.over.
func (r *Recoveries) at(ctx context.Context, tx Tx, from From, which id.Recovery, states ...State) (Case, error) {
	c, err := r.mine(ctx, tx, from, which)
	if err != nil {
		return c, err
	}
	u, found, err := tx.UserByID(ctx, c.User)
	if err != nil {
		return c, fmt.Errorf("read user: %w", err)
	}
	if !found || u.Mail != c.Mail {
		return c, fault.New(fault.RecoveryOver, "state", string(Cancelled))
	}
	now := c.State(r.Now())
	if slices.Contains(states, now) {
		return c, nil
	}
	return c, fault.New(fault.RecoveryOver, "state", string(now))
}

// take is at for whoever decides over the claims to an account: everybody else who does waits for this transaction.
func (r *Recoveries) take(ctx context.Context, tx Tx, from From, which id.Recovery, states ...State) (Case, error) {
	c, err := r.mine(ctx, tx, from, which)
	if err != nil {
		return c, err
	}
	if _, err := tx.ClaimUserRow(ctx, c.User); err != nil {
		return c, fmt.Errorf("claim user: %w", err)
	}
	return r.at(ctx, tx, from, which, states...)
}
