// Package recovery owns the ways back into an account whose factors are lost: the case, what it has shown, how long it waits, and what is left
// of the account when it is over.
//
// It does not check credentials (package factor) or write letters (a Post), and nobody imports it but the doors. What dies with a recovery
// stands in the table of package consequence.
//
//	asked ─mailed code─▶ proven ─recovery code────────────────────────▶ ready ─new credential─▶ completed
//	                            ├─password or app─▶ told ─▶ waiting 72 h ─▶ ready
//	                            └─nothing more────▶ told ─▶ waiting 7–30 d ─▶ ready
//	told, waiting, ready ─another claim─▶ disputed ─two operators─▶ told ─▶ waiting 72 h ─▶ ready
//	                                               ├─recovery code─▶ ready
//	                                               └─an operator───▶ rejected
//	told, waiting, ready, disputed ─owner's proof─▶ cancelled
//	any ─its claimant─▶ withdrawn                   ─time─▶ lapsed
//
// Invariant: an address without a user who may sign in costs the same statements and gets the same answers as one with, and no code ever fits.
// A wait starts when its owner was told, never before. Of any number who complete, cancel or dispute a case one wins, and of several claims to
// one account none goes on beside another. A case is good while its address is the user's.
package recovery

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// Proof is what a claim has shown besides the mailbox. Words are stored and never change.
type Proof string

// The proofs.
const (
	MailboxAlone Proof = ""
	WithPassword Proof = "password"
	WithApp      Proof = "totp"
	WithCode     Proof = "recovery_code"
	// ByPeople: claims met, and operators approved this one.
	ByPeople Proof = "people"
	// Assisted: nothing was shown. An operator opened the case for somebody who says that they lost the mailbox too.
	Assisted Proof = "assisted"
)

// word is how the log names a proof.
func (p Proof) word() string {
	if p == MailboxAlone {
		return "mailbox"
	}
	return string(p)
}

// ProofOf is the proof that word names, as doors and the log name it.
func ProofOf(word string) Proof {
	if word == MailboxAlone.word() {
		return MailboxAlone
	}
	return Proof(word)
}

// State is where a case stands.
type State string

// The states, in the order of the way.
const (
	Asked   State = "asked"
	Proven  State = "proven"
	Told    State = "told" // claimed; the notice that starts the wait is under way
	Waiting State = "waiting"
	Ready   State = "ready"
	// Disputed: another claim was met, and people decide.
	Disputed State = "disputed"
	// Completed and the others below are the ends. Words are stored and never change.
	Completed State = "completed"
	Cancelled State = "cancelled"
	// Suspected: the owner stopped it by hand, which says that somebody tried to take the account over.
	Suspected State = "suspected"
	Rejected  State = "rejected"
	Withdrawn State = "withdrawn"
	Lapsed    State = "lapsed"
)

// Case is one way back, on its way.
type Case struct {
	ID       id.Recovery
	CodeHash [32]byte
	Mail     string
	// Reach is where its letters go instead of that mailbox, which was lost: only Open sets it, and whoever reads there has shown nothing of the account.
	Reach string
	// User is zero where the address has no user who may sign in.
	User id.User
	Lang string
	// Browser is the hash of the pre-session cookie that last showed the mailbox, or is about to.
	Browser [32]byte
	Born    time.Time
	// Expires is when it is over, unfinished.
	Expires time.Time
	// MailCode is what the mailed code is made from; good until MailCodeUntil.
	MailCode      [16]byte
	MailCodeUntil time.Time
	// Shown is when this browser showed the mailbox.
	Shown   time.Time
	Proof   Proof
	Claimed time.Time
	Span    time.Duration
	// Begun is when the owner was told, Ends that plus Span.
	Begun, Ends time.Time
	Ended       time.Time
	Outcome     State
	// In is the dispute that it waits in, or ended in; zero for none.
	In id.Case
	// Asked is where its newest letter was asked for.
	Asked Place
}

// Place is an address and a browser, as they were seen.
type Place struct{ Addr, Agent string }

// Told is State as the claimant is told it: nobody learns from it that operators have their claim as a suspected takeover.
func (c Case) Told(now time.Time) State {
	if state := c.State(now); state != Suspected {
		return state
	}
	return Cancelled
}

// State says where the case stands at now.
func (c Case) State(now time.Time) State {
	switch {
	case c.Outcome != "":
		return c.Outcome
	case !now.Before(c.Expires):
		return Lapsed
	case c.Claimed.IsZero() && c.Shown.IsZero():
		return Asked
	case c.Claimed.IsZero():
		return Proven
	case !c.In.IsZero():
		return Disputed
	case c.Begun.IsZero():
		return Told
	case now.Before(c.Ends):
		return Waiting
	}
	return Ready
}

// Lives are how long the parts of a case last.
const (
	// MailCodeLife is how long a mailed code is good (SP 800-63B-4 §3.1.3).
	MailCodeLife = 10 * time.Minute
	// provenLife is how long a proven mailbox waits for what is claimed with it.
	provenLife = 30 * time.Minute
	// readyLife is how long a case waits to be completed once it may be.
	readyLife = 7 * 24 * time.Hour
	// codeLife is the same after a recovery code, whose owner is there.
	codeLife = 24 * time.Hour
	// untoldLife is how long a claim waits for its notice to arrive. A mail that cannot be delivered for so long never will be.
	untoldLife = 30 * 24 * time.Hour
	// Kept is how long an ended case can still be looked at, and its evidence is kept: whoever was refused can ask why.
	Kept      = 30 * 24 * time.Hour
	mailTries = 5
)

// Tx is what this package asks of a transaction.
type Tx interface {
	factor.Tx
	device.Tx
	txn.Enqueuer
	// ContactOf, PutContactSecond and PutContactPhone are those of package contact.
	ContactOf(ctx context.Context, u id.User) (contact.Contact, error)
	PutContactSecond(ctx context.Context, u id.User, mail string, since time.Time) error
	PutContactPhone(ctx context.Context, u id.User, number string, since time.Time) error
	// ClaimUserRow makes every other transaction that asks for the same user wait for this one.
	ClaimUserRow(ctx context.Context, u id.User) (enabled bool, err error)
	InsertRecovery(ctx context.Context, c Case) error
	RecoveryByID(ctx context.Context, r id.Recovery) (c Case, found bool, err error)
	RecoveryByCode(ctx context.Context, hash [32]byte) (c Case, found bool, err error)
	// ClaimsOf lists what is claimed of a user's account and has not ended, oldest first.
	ClaimsOf(ctx context.Context, u id.User, now time.Time) ([]Case, error)
	// ReopenRecovery hands a case to another browser, which has to show the mailbox with a code of its own.
	ReopenRecovery(ctx context.Context, c Case, now time.Time) (won bool, err error)
	CountRecoveryTry(ctx context.Context, r id.Recovery, limit int64, now time.Time) (won bool, err error)
	ProveRecovery(ctx context.Context, r id.Recovery, now, expires time.Time) (won bool, err error)
	// ClaimRecovery writes proof, span, wait and end of c if nothing is claimed yet.
	ClaimRecovery(ctx context.Context, c Case) (won bool, err error)
	// HastenRecovery makes a case ready, claimed or not.
	HastenRecovery(ctx context.Context, c Case) (won bool, err error)
	BeginRecovery(ctx context.Context, r id.Recovery, begun, ends, expires time.Time) (won bool, err error)
	// EndRecovery names one winner, and keeps the case to be looked at until then, and what was brought to it no longer; of one that was
	// withdrawn nothing that was brought is kept.
	EndRecovery(ctx context.Context, r id.Recovery, outcome State, now, until time.Time) (won bool, err error)
	disputeTx
	// DeletePassword takes a password away that its owner did not confirm.
	DeletePassword(ctx context.Context, u id.User) error
	// DelayPasskeys lets no passkey of a user approve money before then.
	DelayPasskeys(ctx context.Context, u id.User, from time.Time) error
	// CancelMoney cancels every confirmation of a user that has not been executed.
	CancelMoney(ctx context.Context, u id.User, now time.Time) error
	// ForgetDevices makes strangers of all browsers of a user but one.
	ForgetDevices(ctx context.Context, u id.User, keep id.Device, now time.Time) error
	PlanOf(ctx context.Context, u id.User) (p Choice, err error)
	SetMailAlone(ctx context.Context, u id.User, span time.Duration) error
	SetRehearsed(ctx context.Context, u id.User, what string, now time.Time) error
	SetRehearsalFailed(ctx context.Context, u id.User, what string, now time.Time) error
	// AskMailboxTrial begins a trial in place of any other; CountMailboxTry takes a try from it if it was asked for after born, and
	// SpendMailboxTrial ends it for one winner, and dates it.
	AskMailboxTrial(ctx context.Context, u id.User, trial id.Message, now time.Time) error
	CountMailboxTry(ctx context.Context, u id.User, trial id.Message, limit int64, born time.Time) (won bool, err error)
	SpendMailboxTrial(ctx context.Context, u id.User, trial id.Message, now time.Time) (won bool, err error)
	// LosableDevices lists the browsers that a user has signed in with, the one used last first, without what is open in them.
	LosableDevices(ctx context.Context, u id.User) ([]Losable, error)
	// SessionAddresses are those from which a user signed in with a browser, as far as they are kept.
	SessionAddresses(ctx context.Context, u id.User, d id.Device) ([]string, error)
}

// Keys is what this package asks of package apikey.
type Keys interface {
	List(ctx context.Context, p principal.Principal) ([]apikey.Key, error)
}

// Post hands over the letter with a code.
type Post interface {
	// SendRecoveryCode sends the code, of a rehearsal where m is MailboxTrial, or, where m is RecoveryNobody, the word that the address has no account.
	SendRecoveryCode(ctx context.Context, to notify.To, m notify.Message, code secret.Value, life time.Duration) error
}

// Waits are how long a recovery takes.
type Waits struct {
	// WithProof is with one proof besides the mailbox, MailAlone with none.
	WithProof, MailAlone time.Duration
	// Money is how long money stays after a recovery.
	Money time.Duration
	// Decision is within which time people promise to decide over claims that met.
	Decision time.Duration
}

// MaxMailAlone is the longest wait that an owner may choose.
const MaxMailAlone = 30 * 24 * time.Hour

// Deps are what Recoveries is made of. All are needed.
type Deps struct {
	Ledger     audit.Ledger[Tx]
	Now        func() time.Time
	Factors    *factor.Factors
	Sessions   *session.Sessions
	Passkeys   *passkey.Passkeys
	Ceremonies *ceremony.Ceremonies
	StepUps    *stepup.StepUps
	Follow     happening.Applier
	Post       Post
	Keys       Keys
	// Demands says what a session owes because its user demands it of themselves.
	Demands interface {
		Owed(ctx context.Context, tx any, u id.User, proof assurance.Proof) (assurance.Challenge, error)
	}
	Sealer ceremony.Sealer
	Waits  Waits
	Limits throttle.Limits
	// SourceLimits bound what one network may begin over all addresses.
	SourceLimits throttle.Limits
	// Kept gives what may be kept of a stranger's User-Agent header.
	Kept func(header string) string
	// MailKey makes mailed codes; 32 bytes, the same on every node.
	MailKey []byte
}

// Recoveries brings people back.
type Recoveries struct {
	Deps
	took    func(with string, d time.Duration)
	tried   func(with string, worked bool)
	uploads uploads
}

// Measure is called once, while the graph is built: took hears of each completed recovery with what was shown, and how long it took from when it was
// asked for, and tried of each rehearsal, with what, and whether it worked.
func (r *Recoveries) Measure(took func(with string, d time.Duration), tried func(with string, worked bool)) {
	r.took, r.tried = took, tried
}

// New makes a Recoveries.
func New(d Deps) (*Recoveries, error) {
	if len(d.MailKey) != sha256.Size {
		return nil, errors.New("recovery.New: the key of mailed codes has not 32 bytes")
	}
	return &Recoveries{Deps: d, took: func(string, time.Duration) {}, tried: func(string, bool) {}, uploads: uploads{from: map[string]bool{}}}, nil
}

// From is the browser of somebody without a session.
type From struct {
	Origin principal.Origin
	// Browser is the hash of the pre-session cookie.
	Browser [32]byte
	// Device is the cookie of a browser that has been here before.
	Device secret.Value
	// Replace is a session of the same browser, which ends when the case is completed.
	Replace id.Session
}

// place is what is kept of where somebody asks, who may be anybody.
func (r *Recoveries) place(f From) Place {
	return Place{f.Origin.Addr.String(), r.Kept(f.Origin.Agent)}
}

// nobody is the actor of what a claimant does: they have no session.
func nobody(from From, u id.User) principal.Principal {
	return principal.Principal{Kind: principal.KindNobody, User: u, Origin: from.Origin}
}
