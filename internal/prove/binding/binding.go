// Package binding owns the tie between a session and a key of its browser's device (Device Bound Session Credentials, w3c/webappsec-dbsc).
//
// It does not know headers and cookies (door dbsc) nor what a session without its proof may do (package session): it checks proofs, and gives
// out the short cookie that goes with the session's own.
//
//	signed in ─offer─▶ registered (once, within a minute) ─▶ proven ⇄ due (a proof each ten minutes)
//	                                                          │        └─ no proof: the cookie lapses, package session refuses
//	                                                          └─ a wrong signature beside the right bearer: the session dies
//
// Everything that is given out is derived: challenge and code of an offer from the session's id, a bound cookie from the challenge that was
// proven, each under a key of the server. So an offer that nobody takes costs no row, and a proof that is sent twice gets one answer.
//
// Invariant: a bound session keeps the key it was first given; each challenge brings one new cookie, decided by one conditional write; and
// only the key's holder moves anything: nobody can spend, replace or wear out a challenge from outside.
package binding

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

const (
	// offered is how long after its birth a session may be bound: later somebody else could bring a key of their own.
	offered = time.Minute
	// Overlap is how long a challenge that was proven gets the same answer again, and the cookie before still counts.
	Overlap = time.Minute
)

// Row is a binding as it is kept.
type Row struct {
	Session id.Session
	Key     Key
	Renewal
	// Spent are the two challenges before, the newer first; the first of all is that of the registration.
	Spent [2]Spent
	// Before is the hash of the cookie before, which counts until BeforeUntil.
	Before      [32]byte
	BeforeUntil time.Time
	ProvenAt    time.Time
	ExpiresAt   time.Time
}

// Renewal is what a proof brings.
type Renewal struct {
	// Challenge is the next one; Cookie is the hash of the bound cookie that counts before Until.
	Challenge string
	Cookie    [32]byte
	Until     time.Time
	// Agent is what the browser called itself.
	Agent string
}

// Spent is a challenge that was proven.
type Spent struct {
	Challenge string
	At        time.Time
}

// Tx is what this package asks of a transaction.
type Tx interface {
	txn.Announcer
	SessionByID(ctx context.Context, s id.Session) (r session.Row, found bool, err error)
	// InsertBinding binds a session that is not bound; won is false for all but the first.
	InsertBinding(ctx context.Context, r Row) (won bool, err error)
	BindingBySession(ctx context.Context, s id.Session) (r Row, found bool, err error)
	// RenewBinding spends a challenge, if it is still the one that counts, and moves everything on by one.
	RenewBinding(ctx context.Context, s id.Session, used string, r Renewal, now time.Time) (won bool, err error)
}

// Sessions is what this package asks of package session.
type Sessions interface {
	Authenticate(bearer []byte, host string, from principal.Origin) (principal.Principal, error)
	// Holder is the session of a bearer, by what is in memory.
	Holder(bearer secret.Value, host string) id.Session
}

// Deps are what Bindings is made of. All are needed.
type Deps struct {
	Ledger   audit.Ledger[Tx]
	Now      func() time.Time
	Sessions Sessions
	Follow   happening.Applier
	// Key derives what is given out.
	Key []byte
	// Life is how long a bound cookie counts.
	Life time.Duration
	// Budgets count what strangers ask about sessions.
	Budgets throttle.Budgets
}

// Bindings binds sessions and renews what they are bound with. It is safe for concurrent use.
type Bindings struct {
	Deps
	counts [outcomes]atomic.Int64
}

// New makes a Bindings.
func New(d Deps) *Bindings { return &Bindings{Deps: d} }

// Outcome is how a registration or a refresh ended.
type Outcome int

// The outcomes.
const (
	// Registered and Renewed bring a cookie; Repeated is the answer of a proof that was sent before.
	Registered Outcome = iota
	Renewed
	Repeated
	// Challenged asks for a proof over the challenge that counts.
	Challenged
	// Ended says that the session is over.
	Ended
	// Refused is a proof that does not hold, Replayed one that ended the session, Failed our own fault.
	Refused
	Replayed
	Failed

	outcomes
)

var outcomeWords = [outcomes]string{"registered", "renewed", "repeated", "challenged", "ended", "refused", "replayed", "failed"}

// String is the word of the outcome, for measurements.
func (o Outcome) String() string { return outcomeWords[o] }

// Counts says how often each outcome came, by its word, since the start.
func (b *Bindings) Counts() map[string]int64 {
	counts := make(map[string]int64, outcomes)
	for o, word := range outcomeWords {
		counts[word] = b.counts[o].Load()
	}
	return counts
}

// Answer is what the browser is told.
type Answer struct {
	Outcome Outcome
	Session id.Session
	// Cookie is the bound one, to be kept for Life; with Registered, Renewed and Repeated.
	Cookie secret.Value
	Life   time.Duration
	// Challenge is the one to sign next; with all but Ended.
	Challenge string
}

// Offer is what a browser that has just signed in may answer with a key, once.
type Offer struct {
	Challenge, Authorization string
	// Cookie counts while the registration is on its way, if there is one.
	Cookie secret.Value
}

// Offer makes the offer for a session. It is the same each time: what is single about it is the row that its answer makes.
func (b *Bindings) Offer(s id.Session) Offer {
	return Offer{b.derive(s, "challenge", ""), b.derive(s, "authorization", ""), b.cookie(s, "")}
}

// cookie is the bound cookie that a proof over a challenge brings.
func (b *Bindings) cookie(s id.Session, challenge string) secret.Value {
	return secret.FromString("bound cookie", b.derive(s, "cookie", challenge))
}

func (b *Bindings) derive(s id.Session, what, over string) string {
	mac := hmac.New(sha256.New, b.Key)
	mac.Write(s[:])
	mac.Write([]byte(what + "\x00" + over))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// renewal is what a proof over a challenge brings. The cookie counts a little longer than its browser keeps it, so that no request is refused
// that left in time.
func (b *Bindings) renewal(s id.Session, over, agent string, now time.Time) Renewal {
	var next [32]byte
	rand.Read(next[:])
	return Renewal{
		Challenge: base64.RawURLEncoding.EncodeToString(next[:]), Cookie: b.cookie(s, over).Hash(), Until: now.Add(b.Life + b.Life/60), Agent: agent,
	}
}

// Shown is what came with a registration or a refresh.
type Shown struct {
	// Session is what a refresh names: an address and no secret.
	Session id.Session
	// Bearer is the session cookie that came along; Proof the header as it came.
	Bearer secret.Value
	Proof  string
	// Host is that of the session, "" for the dashboard, and URL where the request was sent.
	Host, URL string
	From      principal.Origin
}

// meant says whether a proof is for this endpoint. Browsers do not say so yet (only behind a flag), so what says nothing counts.
func (in Shown) meant(p Proof) bool { return p.Audience == "" || p.Audience == in.URL }

// Register binds the session of a bearer to the key that its proof brings. Errors: session.ended, session.unproven, binding.refused.
func (b *Bindings) Register(ctx context.Context, in Shown) (Answer, error) {
	answer, err := b.register(ctx, in)
	return b.counted(answer, err)
}

func (b *Bindings) register(ctx context.Context, in Shown) (answer Answer, err error) {
	who, err := b.Sessions.Authenticate(in.Bearer.Reveal(), in.Host, in.From)
	if err != nil {
		return answer, err
	}
	sid, offer := who.Session, b.Offer(who.Session)
	proof, err := ParseProof(in.Proof)
	if err != nil || proof.Key == nil || !proof.SignedBy(*proof.Key) || !in.meant(proof) ||
		!same(proof.Challenge, offer.Challenge) || !same(proof.Authorization, offer.Authorization) {
		return answer, fault.New(fault.BindingRefused).Because(err)
	}
	err = b.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		now := b.Now()
		row, found, err := tx.SessionByID(ctx, sid)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read session: %w", err)
		}
		if !found || over(row, now) {
			return audit.Event{}, fault.New(fault.SessionEnded)
		}
		if now.Sub(row.Born) > offered {
			return audit.Event{}, fault.New(fault.BindingRefused)
		}
		made := Row{
			Session: sid, Key: *proof.Key, Renewal: b.renewal(sid, offer.Challenge, in.From.Agent, now), Spent: [2]Spent{{Challenge: offer.Challenge, At: now}},
			Before: offer.Cookie.Hash(), BeforeUntil: now.Add(Overlap), ProvenAt: now, ExpiresAt: row.ExpiresAt,
		}
		won, err := tx.InsertBinding(ctx, made)
		if err != nil {
			return audit.Event{}, fmt.Errorf("insert binding: %w", err)
		}
		if !won { // a second key would be somebody else's
			return audit.Event{}, fault.New(fault.BindingRefused)
		}
		tx.Announce(txn.Change{Subject: txn.SubjectSession, ID: sid})
		answer = Answer{Outcome: Registered, Session: sid, Cookie: b.cookie(sid, offer.Challenge), Life: b.Life, Challenge: made.Challenge}
		return audit.Event{Action: audit.SessionBound, Actor: who, Person: who.User}, nil
	})
	return answer, err
}

func same(got, want string) bool { return hmac.Equal([]byte(got), []byte(want)) }

// over says whether a session is at its end, whatever its key proves.
func over(row session.Row, now time.Time) bool {
	return !row.RevokedAt.IsZero() || !now.Before(row.ExpiresAt) || row.Role == principal.NoRole
}

// Refresh gives a bound session its next cookie for a proof over the challenge that counts. A proof over one of the two before is answered for a
// minute as it was, to who also shows the bearer; any other right signature, and none at all, is challenged. A wrong signature beside the right
// bearer is a copied cookie in another browser: the session ends, with all that hangs on it.
// Who does not show the bearer costs their source, before any row is read: the address of a session is no secret.
// Errors: rate_limited, request.malformed, binding.refused; anything else is a fault of ours.
func (b *Bindings) Refresh(ctx context.Context, in Shown) (answer Answer, err error) {
	if err = b.admit(in); err == nil {
		answer, err = b.refresh(ctx, in)
	}
	return b.counted(answer, err)
}

func (b *Bindings) admit(in Shown) error {
	if b.Sessions.Holder(in.Bearer, in.Host) == in.Session {
		return nil
	}
	if err := throttle.Admit(b.Budgets, in.From.Addr, b.Now()); err != nil {
		return err
	}
	b.Budgets.Fail(id.Key{}, in.From.Addr, b.Now())
	return nil
}

// counted counts how it ended.
func (b *Bindings) counted(answer Answer, err error) (Answer, error) {
	switch f, ok := errors.AsType[*fault.Error](err); {
	case err != nil && !ok:
		answer.Outcome = Failed
	case ok && answer.Outcome != Replayed:
		answer.Outcome = Refused
		if entry, known := fault.Lookup(f.Code); known && entry.Status >= 500 {
			answer.Outcome = Failed
		}
	}
	b.counts[answer.Outcome].Add(1)
	return answer, err
}

// state is a bound session as it was read.
type state struct {
	session session.Row
	binding Row
}

func (b *Bindings) read(ctx context.Context, in Shown) (s state, err error) {
	err = b.Ledger.View(ctx, func(tx Tx) error {
		row, found, err := tx.SessionByID(ctx, in.Session)
		if err != nil {
			return fmt.Errorf("read session: %w", err)
		}
		bound, isBound, err := tx.BindingBySession(ctx, in.Session)
		if err != nil {
			return fmt.Errorf("read binding: %w", err)
		}
		if !found || !isBound || row.Host != in.Host {
			return fault.New(fault.BindingRefused)
		}
		s = state{row, bound}
		return nil
	})
	return s, err
}

func (b *Bindings) refresh(ctx context.Context, in Shown) (answer Answer, err error) {
	s, err := b.read(ctx, in)
	if err != nil {
		return answer, err
	}
	if over(s.session, b.Now()) {
		return Answer{Outcome: Ended, Session: in.Session}, nil
	}
	if in.Proof == "" {
		return s.challenge(), nil
	}
	proof, err := ParseProof(in.Proof)
	if err != nil {
		return answer, fault.New(fault.RequestMalformed, "problem", "proof").Because(err)
	}
	if proof.Key != nil || !proof.SignedBy(s.binding.Key) {
		if in.Bearer.Hash() != s.session.TokenHash {
			return answer, fault.New(fault.BindingRefused) // whoever knows the address of a session may say anything about it
		}
		return b.replayed(ctx, in, s.session)
	}
	if !in.meant(proof) {
		return answer, fault.New(fault.BindingRefused)
	}
	if proof.Challenge == s.binding.Challenge {
		won, err := b.renew(ctx, in, proof.Challenge, &answer)
		if err != nil || won {
			return answer, err
		}
		if s, err = b.read(ctx, in); err != nil { // another proof over it was faster
			return answer, err
		}
	}
	return b.again(in, s, proof), nil
}

// challenge asks for the challenge that counts. It is not another one each time: who asks without a proof changes nothing.
func (s state) challenge() Answer {
	return Answer{Outcome: Challenged, Session: s.session.ID, Challenge: s.binding.Challenge}
}

// again answers a right signature over a challenge that is not the one that counts.
func (b *Bindings) again(in Shown, s state, proof Proof) Answer {
	now := b.Now()
	for _, spent := range s.binding.Spent {
		if spent.Challenge == proof.Challenge && now.Sub(spent.At) < Overlap && in.Bearer.Hash() == s.session.TokenHash && now.Before(s.binding.Until) {
			cookie := b.cookie(in.Session, s.binding.Spent[0].Challenge)
			life := min(b.Life, s.binding.Until.Sub(now).Truncate(time.Second))
			return Answer{Outcome: Repeated, Session: in.Session, Cookie: cookie, Life: life, Challenge: s.binding.Challenge}
		}
	}
	return s.challenge()
}

func (b *Bindings) renew(ctx context.Context, in Shown, used string, answer *Answer) (won bool, err error) {
	var made Renewal
	err = b.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		now := b.Now()
		made = b.renewal(in.Session, used, in.From.Agent, now)
		if won, err = tx.RenewBinding(ctx, in.Session, used, made, now); err != nil {
			return audit.Event{}, fmt.Errorf("renew binding: %w", err)
		}
		if won {
			tx.Announce(txn.Change{Subject: txn.SubjectSession, ID: in.Session})
		}
		return audit.Quiet(audit.SessionBindingRenewed), nil
	})
	if err == nil && won {
		*answer = Answer{Outcome: Renewed, Session: in.Session, Cookie: b.cookie(in.Session, used), Life: b.Life, Challenge: made.Challenge}
	}
	return won, err
}

// replayed ends the family of a session whose bearer was shown with the proof of another key: the session on the dashboard, and what came of it.
func (b *Bindings) replayed(ctx context.Context, in Shown, row session.Row) (answer Answer, err error) {
	family := row.ID
	if !row.Parent.IsZero() {
		family = row.Parent
	}
	err = b.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if now, found, err := tx.SessionByID(ctx, row.ID); err != nil || !found || !now.RevokedAt.IsZero() {
			return audit.Quiet(audit.SessionBindingRenewed), err // it has died of this already
		}
		facts := map[string]string{"agent": in.From.Agent, "addr": in.From.Addr.String()}
		h := happening.Happening{Kind: happening.CookieReplayed, User: row.User, Session: family, Facts: facts}
		return audit.Event{Action: audit.SessionCookieReplayed, Actor: principal.Nobody(in.From), Person: row.User, Facts: facts}, b.Follow.Apply(ctx, tx, h)
	})
	if err != nil {
		return answer, err
	}
	return Answer{Outcome: Replayed}, fault.New(fault.BindingRefused)
}
