// Package notify owns what users are told: which letter, to whom, with which facts; the message centre, in which each of them lies too; and what the
// link "This wasn't me" of a mail stops.
//
// It does not write sentences or speak SMTP: a Post (adapter mail) does, and Texts (adapter texting) where text messages are on. Both are jobs, so that
// a server that is down delays a notice and never the change it reports. A text starts no clock and has no link.
//
// Invariant: a job holds ids and words, never a secret; the code of a sign-up and the link of a notice are made when the letter is sent, and are kept
// nowhere. A notice is addressed when it is written, so who changes an address afterwards does not get it.
package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
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
	SessionCopied       Letter = "session_copied"
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
	KeyFound            Letter = "key_found"
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
	KeyUnneeded         Letter = "key_unneeded"
	KeyRetiring         Letter = "key_retiring"
	KeyUnseen           Letter = "key_unseen"
	KeyExtended         Letter = "key_extended"
	AccountLocked       Letter = "account_locked"
	AccountUnlocked     Letter = "account_unlocked"
	MoneyConfirmed      Letter = "money_confirmed"
	ContactChanged      Letter = "contact_changed"
	Contained           Letter = "contained"
	ContainedOther      Letter = "contained_other"
	ActQuestioned       Letter = "act_questioned"
	SignUpTried         Letter = "sign_up_tried"
	ContactCode         Letter = "contact_code"
	ContactTaken        Letter = "contact_taken"
	SignUpCode          Letter = "sign_up_code"
	RecoveryCode        Letter = "recovery_code"
	RecoveryNobody      Letter = "recovery_nobody"
	MailboxTrial        Letter = "mailbox_trial"

	RecoveryCodesReplaced Letter = "recovery_codes_replaced"
	RecoveryWaiting       Letter = "recovery_waiting"
	RecoveryReady         Letter = "recovery_ready"
	RecoveryCancelled     Letter = "recovery_cancelled"
	RecoveryDisputed      Letter = "recovery_disputed"
	RecoveryCompleted     Letter = "recovery_completed"
	RecoveryOpened        Letter = "recovery_opened"
	RecoveryRejected      Letter = "recovery_rejected"
	RecoveryShortened     Letter = "recovery_shortened"
	RecoveryLengthened    Letter = "recovery_lengthened"
	PhraseChanged         Letter = "phrase_changed"
	DeviceLost            Letter = "device_lost"
	DepartureBegun        Letter = "departure_begun"
	DepartureNear         Letter = "departure_near"
	DepartureStopped      Letter = "departure_stopped"

	MembershipChanged Letter = "membership_changed"
	MemberInvited     Letter = "member_invited"
	MemberJoined      Letter = "member_joined"
	MemberUnfrozen    Letter = "member_unfrozen"
	SponsorsChanged   Letter = "sponsors_changed"
	MemberFrozen      Letter = "member_frozen"
	KeysLeft          Letter = "keys_left"
	KeyTransferred    Letter = "key_transferred"
	KeyOrphaned       Letter = "key_orphaned"

	UserRaised  Letter = "user_raised"
	UserLowered Letter = "user_lowered"

	DemandMade    Letter = "demand_made"
	DemandDropped Letter = "demand_dropped"
)

// Delivery is the job that mails a message to one of its addresses, or texts that it is there.
type Delivery struct {
	Message id.Message `json:"message"`
	User    id.User    `json:"user"`
	Letter  Letter     `json:"letter"`
	// To is the place of the address in the message.
	To int `json:"to"`
}

// Kind names the job.
func (Delivery) Kind() string { return "notice" }

// To is whom a letter goes to.
type To struct {
	Mail, Name, Lang string
	// Phrase is what they know our mails by; empty until they chose one, and for strangers.
	Phrase string
}

// Post writes letters and hands them over. An error means that the letter was not taken and must be tried again.
type Post interface {
	// SendNotice mails a message. link is the path at which its reader says that this was not them; empty for a mail without one.
	SendNotice(ctx context.Context, to To, m Message, link string) error
	// SendCode sends the code of a sign-up: m is SignUpCode, or SignUpTried where the address has a user.
	SendCode(ctx context.Context, to To, m Message, code secret.Value, life time.Duration) error
	// SendContactCode sends the code of a new address: m is ContactCode, or ContactTaken where the address has another user.
	SendContactCode(ctx context.Context, to To, m Message, code secret.Value) error
	// SendInvitation asks somebody into an account.
	SendInvitation(ctx context.Context, i member.Invitation) error
	// SendRecoveryCode sends the code of a recovery, or of a rehearsal: m is RecoveryCode, MailboxTrial, or RecoveryNobody where the address has no account.
	SendRecoveryCode(ctx context.Context, to To, m Message, code secret.Value, life time.Duration) error
}

// Texts sends text messages. An error means that one was not taken and must be tried again; what has the same id is the same text.
type Texts interface {
	// TextNotice says that m lies among the reader's messages, in one sentence without anything that a user typed.
	TextNotice(ctx context.Context, number, lang string, m Message, which int) error
	// TextCode sends the code by which a number takes its place.
	TextCode(ctx context.Context, number, lang string, which id.ContactChange, code secret.Value) error
}

// Holds is what this package asks of package hold.
type Holds interface {
	Begin(ctx context.Context, h id.Hold) error
}

// Told is what this package asks of package session when a message has arrived.
type Told interface {
	Told(ctx context.Context, s id.Session) error
}

// Recoveries is what this package asks of package recovery.
type Recoveries interface {
	BeginWait(ctx context.Context, r id.Recovery) error
}

// Arrivals are those whose clocks start when a user has been told.
type Arrivals struct {
	Holds      Holds
	Sessions   Told
	Recoveries Recoveries
}

// Deps are what Notices is made of. All are needed but Texts.
type Deps struct {
	Ledger   audit.Ledger[Tx]
	Now      func() time.Time
	SignUps  *signup.SignUps
	Contacts *contact.Contacts
	Arrivals Arrivals
	Post     Post
	Reader   Reader
	// Texts sends text messages; nil where the installation sends none.
	Texts Texts
	// Key makes the links by which readers say that it was not them: 32 bytes, the same on every node.
	Key []byte
	// Stops is what such a link stops.
	Stops Stops
	// Follow is room respond's table, for what else follows.
	Follow happening.Applier
}

// Notices does the jobs, and is the message centre.
type Notices struct{ Deps }

// New makes a Notices.
func New(d Deps) (*Notices, error) {
	if len(d.Key) != 32 {
		return nil, fmt.Errorf("notify.New: key of %d bytes, want 32", len(d.Key))
	}
	return &Notices{d}, nil
}

// DoNotice mails a message to one address, and starts the clocks that wait for it once the relay has taken it, if the address is settled; or texts a
// number that it is there, which starts none. A user who is gone is told nothing.
func (n *Notices) DoNotice(ctx context.Context, fields []byte) error {
	var job Delivery
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode notice: %w", err)
	}
	m, to, found, err := n.addressed(ctx, job)
	if err != nil || !found {
		return err
	}
	if number := m.To[job.To].Phone; number != "" {
		return n.text(ctx, number, to.Lang, m, job.To)
	}
	link := ""
	if plan, ok := containments[m.Letter]; ok && !m.To[job.To].Fresh {
		link = n.link(m.ID)
		err := n.quietly(ctx, func(tx Tx) error { return tx.LinkMessage(ctx, m.ID, n.Now().Add(plan.Life())) })
		if err != nil {
			return fmt.Errorf("open link: %w", err)
		}
	}
	if err := n.Post.SendNotice(ctx, to, m, link); err != nil {
		return err
	}
	if err := n.quietly(ctx, func(tx Tx) error { return tx.MailedMessage(ctx, m.ID, n.Now()) }); err != nil {
		return fmt.Errorf("note mail: %w", err)
	}
	if !m.To[job.To].settled(m.Born) {
		return nil
	}
	if err := n.reached(ctx, m, job.To); err != nil {
		return err
	}
	return n.arrived(ctx, m)
}

// text says by text message that m is there. Where text messages are off by now, the mails have to do.
func (n *Notices) text(ctx context.Context, number, lang string, m Message, which int) error {
	if n.Texts == nil {
		return nil
	}
	if err := n.Texts.TextNotice(ctx, number, lang, m, which); err != nil || !m.To[which].settled(m.Born) {
		return err
	}
	return n.reached(ctx, m, which)
}

// addressed reads the message of a job and to whom it goes.
func (n *Notices) addressed(ctx context.Context, job Delivery) (m Message, to To, found bool, err error) {
	err = n.Ledger.View(ctx, func(tx Tx) (err error) {
		if m, found, err = tx.MessageByID(ctx, job.Message); err != nil || !found {
			return err
		}
		if found = job.To < len(m.To); found {
			to, found, err = addressee(ctx, tx, m.User)
		}
		return err
	})
	if found && err == nil {
		to.Mail = m.To[job.To].Mail
	}
	return m, to, found, err
}

func addressee(ctx context.Context, tx Tx, u id.User) (to To, found bool, err error) {
	user, found, err := tx.UserByID(ctx, u)
	if err != nil || !found {
		return to, found, err
	}
	reached, err := tx.ContactOf(ctx, u)
	return To{Mail: user.Mail, Name: user.Name, Lang: user.Lang, Phrase: reached.Phrase}, true, err
}

func (n *Notices) quietly(ctx context.Context, write func(Tx) error) error {
	return n.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) { return audit.Quiet(audit.Housekeeping), write(tx) })
}

// GiveUp records that a notice could not be delivered, where its user sees it: a notice is how they would have learnt of a stranger.
func (n *Notices) GiveUp(ctx context.Context, fields []byte) error {
	var job Delivery
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode notice: %w", err)
	}
	return n.Ledger.Update(ctx, func(Tx) (audit.Event, error) {
		facts := map[string]string{"letter": string(job.Letter)}
		return audit.Event{Action: audit.MailGivenUp, Actor: principal.System("mail"), Person: job.User, Facts: facts}, nil
	})
}
