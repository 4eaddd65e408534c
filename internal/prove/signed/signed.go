// Package signed owns the check of a signed request: from raw bytes to a principal.
//
// It does not know HTTP servers, routes or what the key may do (room decide); bytes and algorithms are those of package sign, keys those of
// package apikey. The gateway and the JSON API ask it alike.
//
// The steps are named after what holds after them, cheap ones first, and a nonce is spent last:
//
//	parsedSignature → freshRequest → knownKey → signedRequest → boundBody → claimedRequest
//
// Invariant: nothing a stranger sends spends a nonce, counts as use of a key or takes from its owner's budget; and what is wrong with a key
// is told only to somebody whose signature holds. A request that is sent again, by whoever caught it, takes nothing from its key's own rate.
package signed

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// Nonces remembers what was spent by signatures that carry a time.
//
// Claim is won by exactly one of all callers with the same key and nonce within the life of such a signature; forgotten says that what was
// spent at that time is no longer known. Spent only looks. Birth is when the memory began: what was spent before is forgotten.
type Nonces interface {
	Claim(k id.Key, nonce string, created, now time.Time) (won, forgotten bool)
	Spent(k id.Key, nonce string) bool
	Birth() time.Time
}

// Opener opens sealed secrets; see keyring.
type Opener interface {
	AppendOpen(dst, aad, sealed []byte) ([]byte, error)
}

// Keys is what this package asks of package apikey.
type Keys interface {
	Find(k id.Key) *apikey.Live
	Ceiling(d sign.Dialect, c sign.Coverage) scope.Class
	Used(l *apikey.Live, now time.Time, from netip.Addr)
	Strayed(l *apikey.Live, from netip.Addr)
}

// Windows are how far a signature's time may be from ours.
type Windows struct {
	// Past is the default of each dialect; TestPast is for test keys and cancels; Future for all.
	Past             [sign.Dialects]time.Duration
	TestPast, Future time.Duration
}

// Widest is how old a signature may be at the most.
func (w Windows) Widest() time.Duration {
	return max(w.TestPast, slices.Max(w.Past[:]))
}

// Deps are what Verifier is made of. All are needed.
type Deps struct {
	Now     func() time.Time
	Keys    Keys
	Opener  Opener
	Nonces  Nonces
	Budgets throttle.Budgets
	// Durable spends the nonces of signatures without a time, for as long as their key lives.
	Durable audit.Ledger[apikey.Tx]
	// UntimedNonces is how many of these one key may spend in its life.
	UntimedNonces int64
	Windows       Windows
}

// Verifier checks signed requests. It is safe for concurrent use.
type Verifier struct {
	Deps
	widest time.Duration
}

// New makes a Verifier.
func New(d Deps) *Verifier { return &Verifier{d, d.Windows.Widest()} }

// Request is one request to check.
type Request struct {
	sign.Request
	From principal.Origin
	// Environment that the address belongs to.
	Environment id.Environment
	// Cancels marks a request that only reduces risk: it may be older.
	Cancels bool
	// Repeatable marks a request that changes nothing: in dialects without a nonce, two equal ones in one millisecond are honest.
	Repeatable bool
	// ReadBody reads the body under its cap. It is called at most once, after the signature holds; before that only in dialects whose
	// signature cannot be read without it (sign.NeedsBody), and only for a head that is whole and names a key of ours. Its bytes are left in Request.Body.
	// named is then that key, of which nobody has proven anything yet, and else nil.
	// Nil is for a door that sees no bodies: the signature then holds for what it says about one (Accepted.Digest).
	ReadBody func(named *apikey.Live) ([]byte, error)
	// Pace is the door's own rate, nil for none: it counts a request of the key that is about to be accepted, once, or refuses it.
	Pace func(*apikey.Live) *fault.Error
	// Unpace takes back what Pace counted; it is there where Pace is.
	Unpace func(*apikey.Live)
}

// RefusalError is why a request was not accepted. Fault is the detail; Proven says that the sender holds the key, and may see it.
type RefusalError struct {
	Fault *fault.Error
	// Live is the key that was named, nil if there is none.
	Live   *apikey.Live
	Proven bool
	// Signature reason, for dialects that have words of their own.
	Reason sign.Reason
	// Dialect that the request spoke, zero if none was recognised.
	Dialect sign.Dialect
	// ToSign is what the signature had to be over, for the owner of a test key; empty for live keys, and where it could not be read.
	ToSign string
}

// Error is for logs.
func (r *RefusalError) Error() string { return r.Fault.Error() }

// Unwrap gives what the sender may see: the detail, or what strangers see.
func (r *RefusalError) Unwrap() error {
	entry, _ := fault.Lookup(r.Fault.Code)
	if entry.Sight == fault.Anyone || (entry.Sight == fault.Owner && r.Proven) {
		return r.Fault
	}
	return fault.New(entry.Outside).After(r.Fault.RetryAfter)
}

// Accepted is a request whose sender is known.
type Accepted struct {
	Principal principal.Principal
	Live      *apikey.Live
	// Ceiling that the signature puts on the scopes, already applied.
	Ceiling scope.Class
	// Retires is when the secret that signed stops to verify, because the key has a newer one; zero for the newest.
	// RetiringSince is when that came.
	Retires, RetiringSince time.Time
	// Digest is the Content-Digest that the signature covers, of a body that nobody has seen yet. When it is empty the body was seen, or the
	// signature holds for a request without one.
	Digest string
}

// Verify checks a request. On success its nonce is spent; every refusal leaves it unspent.
// Errors: *RefusalError; unavailable when a nonce could not be claimed durably.
func (v *Verifier) Verify(ctx context.Context, in *Request) (Accepted, error) {
	c, _ := checks.Get().(*check)
	defer c.done()
	c.v, c.in, c.now = v, in, v.Now() // the rest is zero: done left it so
	if err := c.parsedSignature(); err != nil {
		return Accepted{}, err
	}
	if err := c.freshRequest(); err != nil {
		return Accepted{}, err
	}
	if err := c.knownKey(); err != nil {
		return Accepted{}, err
	}
	if err := c.signedRequest(); err != nil {
		return Accepted{}, err
	}
	if err := c.boundBody(); err != nil {
		return Accepted{}, err
	}
	if err := c.claimedRequest(ctx); err != nil {
		return Accepted{}, err
	}
	return c.accepted(), nil
}

// check is one request on its way through the steps.
type check struct {
	v     *Verifier
	in    *Request
	now   time.Time
	sig   sign.Signature
	live  *apikey.Live
	first *fault.Error // what is wrong with the key, told only when the signature holds
	// material that the signature holds with
	material *apikey.LiveMaterial
	// digest of a body that was not seen
	digest string

	whole   bool            // the body has been read
	counted bool            // it counts in its key's own rate; a transaction may run again
	plain   [maxSecret]byte // where a secret is opened, cleared after use
	aad     [64]byte        // where the secret's place is written
}

// checks lends out checks: a secret is opened behind an interface, so its buffer cannot lie on the stack.
var checks = sync.Pool{New: func() any { return new(check) }}

func (c *check) done() {
	*c = check{} // keeps no request alive
	checks.Put(c)
}

func (c *check) refuse(f *fault.Error, proven bool, reason sign.Reason) error {
	spoken := c.sig.Dialect
	if spoken == 0 {
		spoken = sign.Spoken(c.in.Header)
	}
	return &RefusalError{Fault: f, Live: c.live, Proven: proven, Reason: reason, Dialect: spoken, ToSign: c.base()}
}

// maxBase bounds what is kept of a base to look at.
const maxBase = 4096

// base is what the signature had to be over, of a test key: these are for those who learn to sign.
func (c *check) base() string {
	if c.live == nil || c.live.Environment != id.Test || c.sig.KeyID == "" {
		return ""
	}
	base := c.sig.AppendBase(nil, &c.in.Request)
	return string(base[:min(len(base), maxBase)])
}

// fail is a refusal that costs its source.
func (c *check) fail(f *fault.Error, reason sign.Reason) error {
	c.v.Budgets.Fail(id.Key{}, c.in.From.Addr, c.now)
	if c.live != nil {
		c.v.Budgets.Fail(c.live.ID, c.in.From.Addr, c.now)
	}
	return c.refuse(f, false, reason)
}

func (c *check) accepted() Accepted {
	l := c.live
	c.v.Keys.Used(l, c.now, c.in.From.Addr)
	l.UsedSecret(c.material, c.now, c.in.From.Addr)
	ceiling := c.v.Keys.Ceiling(l.Dialect, c.sig.Coverage())
	return Accepted{Live: l, Ceiling: ceiling, Retires: c.material.Retires(), RetiringSince: c.material.Since(), Digest: c.digest, Principal: principal.Principal{
		Kind: principal.KindKey, User: l.Owner, Account: l.Account, Subaccount: l.Subaccount, Role: l.OwnerRole, Key: l.ID,
		Secret: c.material.Version, Environment: l.Environment, Scopes: l.ScopesAt(c.now).UpTo(ceiling), Name: l.Name, Origin: c.in.From,
	}}
}

// Missing explains why an accepted key may not use a scope: it never had it, it is frozen or asleep, its owner has
// not released it, the time for trading from everywhere is over, or its way of signing cannot carry it.
func (a Accepted) Missing(s scope.Scope) *fault.Error {
	if a.Live.Scopes.Has(s) && s.Class() > scope.Cancel && a.Live.Frozen() {
		return a.Live.FrozenBy()
	}
	if a.Live.Scopes.Has(s) && s.Class() > a.Ceiling {
		return fault.New(fault.KeyCeiling, "scope", s.String())
	}
	if a.Live.Scopes.Has(s) {
		if why := a.Live.Withheld(s); why != nil {
			return why
		}
	}
	return fault.New(fault.KeyScopeMissing, "scope", s.String())
}
