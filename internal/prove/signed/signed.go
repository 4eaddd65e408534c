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
// is told only to somebody whose signature holds.
package signed

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// Nonces remembers what was spent by signatures that carry a time.
//
// Claim is won by exactly one of all callers with the same key and nonce within the life of such a signature; forgotten says that what was
// spent at that time is no longer known. Birth is when the memory began: what was spent before is forgotten.
type Nonces interface {
	Claim(k id.Key, nonce string, created, now time.Time) (won, forgotten bool)
	Birth() time.Time
}

// Budgets counts failures by source, so that hammering costs the one who hammers. k is zero for the source as a whole.
type Budgets interface {
	// Left says whether the source may still fail.
	Left(k id.Key, addr netip.Addr, now time.Time) bool
	Fail(k id.Key, addr netip.Addr, now time.Time)
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
	Budgets Budgets
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
	// Nil is for a door that sees no bodies: the signature then holds for what it says about one (Accepted.Digest).
	ReadBody func() ([]byte, error)
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
	Retires time.Time
	// Digest is the Content-Digest that the signature covers, of a body that nobody has seen yet. When it is empty the body was seen, or the
	// signature holds for a request without one.
	Digest string
}

// Verify checks a request. On success its nonce is spent; every refusal leaves it unspent.
// Errors: *RefusalError; unavailable when a nonce could not be claimed durably.
func (v *Verifier) Verify(ctx context.Context, in *Request) (Accepted, error) {
	c, _ := checks.Get().(*check)
	defer c.done()
	*c = check{v: v, in: in, now: v.Now()}
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

	whole bool            // the body has been read
	plain [maxSecret]byte // where a secret is opened, cleared after use
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
	return &RefusalError{Fault: f, Live: c.live, Proven: proven, Reason: reason, Dialect: spoken}
}

// fail is a refusal that costs its source.
func (c *check) fail(f *fault.Error, reason sign.Reason) error {
	c.v.Budgets.Fail(id.Key{}, c.in.From.Addr, c.now)
	if c.live != nil {
		c.v.Budgets.Fail(c.live.ID, c.in.From.Addr, c.now)
	}
	return c.refuse(f, false, reason)
}

// parsedSignature: the source has not failed too often, and the headers are one signature in its canonical form.
func (c *check) parsedSignature() error {
	if !c.v.Budgets.Left(id.Key{}, c.in.From.Addr, c.now) {
		return c.refuse(fault.New(fault.RateLimited).After(time.Second), false, sign.TooMany)
	}
	if err := c.headWithBody(); err != nil {
		return err
	}
	var err error
	if c.sig, err = sign.Parse(&c.in.Request); err == nil {
		return nil
	}
	return c.unread(err)
}

// unread is a signature that cannot be read.
func (c *check) unread(err error) error {
	reason := sign.ReasonOf(err)
	if reason == sign.Unsigned {
		return c.refuse(fault.New(fault.Unauthorized), false, reason)
	}
	if reason == sign.TwoSchemes {
		return c.fail(fault.New(fault.SignatureTwoCredentials), reason)
	}
	return c.fail(fault.New(fault.SignatureMalformed, Problem(err)...), reason)
}

// Problem is a refusal of package sign as the fields of a fault: problem is its reason, a word that the catalogue has a text for
// (fact.problem), and seen the header, parameter or claim that is meant.
func Problem(err error) []any {
	e, ok := errors.AsType[*sign.Error](err)
	if !ok {
		return nil
	}
	fields := []any{"problem", string(e.Reason)}
	if e.Seen != "" {
		fields = append(fields, "seen", line.Visible(e.Seen))
	}
	return fields
}

// headWithBody: where the signature cannot be read without the body, the body is there. A door that sees none can tell only of methods that
// have none.
func (c *check) headWithBody() error {
	switch needed := sign.NeedsBody(&c.in.Request); {
	case needed && c.in.ReadBody != nil:
		if err := c.knownHead(); err != nil {
			return err
		}
		return c.readBody()
	case needed && !c.bodiless():
		return c.refuse(fault.New(fault.ForwardBodyUnseen), false, sign.HashMismatch)
	default:
		return nil
	}
}

// knownHead: before anybody waits for the body of a stranger, its head is whole and names a key of ours that this source has not failed with
// too often. An id has 128 bits: who hears here that there is no such key had to have it already.
func (c *check) knownHead() error {
	text, err := sign.HeadKeyID(&c.in.Request)
	if err != nil {
		return c.unread(err)
	}
	if c.live = c.find(text); c.live == nil {
		return c.fail(fault.New(fault.SignatureMismatch), sign.BadSignature)
	}
	if err := c.leftForKey(); err != nil {
		return err
	}
	c.live = nil // until there is a signature that can be read, nothing is told to its owner
	return nil
}

var bodiless = []string{"GET", "HEAD", "DELETE"}

// bodiless says whether a request of this method has no body, or none that is looked at.
func (c *check) bodiless() bool {
	return slices.Contains(bodiless, c.in.Method)
}

// freshRequest: no key could accept an older or younger one. It says nothing about whether the key exists.
func (c *check) freshRequest() error {
	if err := c.sig.Fresh(c.now, c.v.widest, c.v.Windows.Future); err != nil {
		return c.refuse(c.skewed(sign.ReasonOf(err), c.v.widest), false, sign.ReasonOf(err))
	}
	return nil
}

func (c *check) skewed(reason sign.Reason, window time.Duration) *fault.Error {
	code := fault.SignatureTooOld
	if reason == sign.Ahead {
		code = fault.SignatureAhead
	}
	if c.sig.Window > 0 {
		window = min(window, c.sig.Window)
	}
	skew := c.sig.Skew(c.now)
	return fault.New(code, "server_time", c.now.UTC().Format("2006-01-02T15:04:05.000Z"), "skew_ms", skew.Abs().Milliseconds(),
		"signed_skew_ms", skew.Milliseconds(), "window_ms", window.Milliseconds())
}

// knownKey: the key is looked up in memory, and the first thing that is wrong with it is remembered.
func (c *check) knownKey() error {
	if c.live = c.find(c.sig.KeyID); c.live == nil {
		return nil
	}
	if err := c.leftForKey(); err != nil {
		return err
	}
	c.first = c.wrongWithKey()
	return nil
}

func (c *check) find(text string) *apikey.Live {
	kid, ok := id.PeekKey(text)
	if !ok {
		return nil
	}
	live := c.v.Keys.Find(kid)
	if live != nil && live.Text != text {
		return nil // other checksum, or the other environment's prefix: no key is called so
	}
	return live
}

// leftForKey: the source has not failed too often with the key that is named.
func (c *check) leftForKey() error {
	if c.v.Budgets.Left(c.live.ID, c.in.From.Addr, c.now) {
		return nil
	}
	return c.refuse(fault.New(fault.RateLimited).After(time.Second), false, sign.TooMany)
}

func (c *check) wrongWithKey() *fault.Error {
	l := c.live
	if len(c.in.Header["Origin"]) > 0 {
		return fault.New(fault.KeyInBrowser)
	}
	if l.Environment != c.in.Environment {
		return fault.New(fault.KeyWrongEnvironment, "key_environment", l.Environment.String(), "environment", c.in.Environment.String())
	}
	if wrong := l.State(c.now); wrong != nil {
		return wrong
	}
	if !l.Allows(c.in.From.Addr) {
		return fault.New(fault.KeyIPNotAllowed, "seen", c.in.From.Addr.String())
	}
	if !l.AtHome(c.in.From.Addr) {
		return fault.New(fault.KeyOtherNetwork, "seen", c.in.From.Addr.String())
	}
	window := c.window()
	if err := c.sig.Fresh(c.now, window, c.v.Windows.Future); err != nil {
		return c.skewed(sign.ReasonOf(err), window)
	}
	fence := c.v.Nonces.Birth().Add(c.v.Windows.Future)
	if c.sig.Timed() && !c.sig.Created.After(fence) && l.Born.Before(c.v.Nonces.Birth()) {
		// A signature's time is in whole seconds, so the first one beyond the fence can be up to a second after it.
		return fault.New(fault.SignatureSignAgain).After(fence.Add(time.Second).Sub(c.now))
	}
	return nil
}

func (c *check) window() time.Duration {
	window := c.v.Windows.Past[c.live.Dialect]
	if c.live.WindowPast > 0 {
		window = c.live.WindowPast
	}
	if c.live.Environment == id.Test || c.in.Cancels {
		window = max(window, c.v.Windows.TestPast)
	}
	return window
}

// signedRequest: a holder of the key made it. Without a key the same work is done for nothing.
func (c *check) signedRequest() error {
	err := c.verify()
	switch reason := sign.ReasonOf(err); {
	case err == nil:
	case reason == sign.WrongDialect || reason == sign.AlgMismatch:
		f := fault.New(fault.KeyWrongDialect, "dialect", c.live.Dialect.String()+" "+c.live.Algorithm.String())
		return c.refuse(f, true, reason)
	case reason != "" && reason != sign.BadSignature: // it holds, and lacks what the key's dialect wants of it
		return c.refuse(fault.New(fault.SignatureMalformed, Problem(err)...), true, reason)
	default:
		return c.fail(fault.New(fault.SignatureMismatch), sign.BadSignature)
	}
	if c.first != nil {
		if c.first.Code == fault.KeyOtherNetwork {
			c.v.Keys.Strayed(c.live, c.in.From.Addr)
		}
		return c.refuse(c.first, true, reasonOf(c.first.Code))
	}
	return c.retired()
}

// retired: the secret that signed has not been replaced for good. Only somebody who holds it is told.
func (c *check) retired() error {
	if !c.material.Retired(c.now) {
		return nil
	}
	f := fault.New(fault.KeySecretRetired, "retired_at", c.material.Retires.UTC().Format(time.RFC3339))
	return c.refuse(f, true, sign.KeyGone)
}

// reasonOf is what dialects with words of their own call a refusal.
func reasonOf(code fault.Code) sign.Reason {
	switch code {
	case fault.KeyIPNotAllowed, fault.KeyOtherNetwork:
		return sign.AddressNotAllowed
	case fault.KeyExpired:
		return sign.KeyExpired
	case fault.KeyRevoked, fault.KeyOwnerDisabled, fault.KeyBlocked, fault.KeyUnused, fault.KeySecretRetired:
		return sign.KeyGone
	case fault.RateLimited:
		return sign.TooMany
	case fault.SignatureTooOld, fault.SignatureSignAgain: // to be signed again is what a client makes of both
		return sign.TooOld
	case fault.SignatureAhead:
		return sign.Ahead
	default:
		return ""
	}
}

// maxSecret is the longest secret there is, with room for imported ones.
const maxSecret = 256

func (c *check) verify() error {
	if c.live == nil {
		return c.sig.Verify(&c.in.Request, c.sig.Decoy())
	}
	var err error
	for i := range c.live.Materials {
		m := &c.live.Materials[i]
		key := sign.Key{Dialect: c.live.Dialect, Algorithm: c.live.Algorithm, Material: m.Public}
		if m.Sealed != nil {
			if key.Material, err = c.v.Opener.AppendOpen(c.plain[:0], m.AAD, m.Sealed); err != nil {
				return err
			}
		}
		err = c.sig.Verify(&c.in.Request, key)
		clear(c.plain[:])
		if sign.ReasonOf(err) != sign.BadSignature {
			c.material = m
			return err
		}
	}
	return err
}

// boundBody: the body is the one that was signed; one that is not seen has the digest that was signed.
func (c *check) boundBody() error {
	if c.in.ReadBody == nil {
		return c.boundDigest()
	}
	if err := c.readBody(); err != nil {
		return err
	}
	if c.live = c.v.Keys.Find(c.live.ID); c.live == nil {
		return c.refuse(fault.New(fault.KeyNotFound), true, sign.KeyGone)
	}
	if wrong := c.wrongWithKey(); wrong != nil {
		return c.refuse(wrong, true, reasonOf(wrong.Code))
	}
	if err := c.sameSecret(); err != nil {
		return err
	}
	if err := c.sig.CheckBody(&c.in.Request, c.live.Settings); err != nil {
		return c.refuse(fault.New(fault.SignatureBodyMismatch, Problem(err)...), true, sign.ReasonOf(err))
	}
	return nil
}

// sameSecret: the key as it is now still has the secret that signed.
func (c *check) sameSecret() error {
	version := c.material.Version
	for i := range c.live.Materials {
		if c.material = &c.live.Materials[i]; c.material.Version == version {
			return c.retired()
		}
	}
	return c.refuse(fault.New(fault.SignatureMismatch), false, sign.BadSignature)
}

// readBody reads the body, once. It may take its time, and the key may have ended, or the signature grown old, meanwhile.
func (c *check) readBody() error {
	if c.whole {
		return nil
	}
	body, err := c.in.ReadBody()
	if err != nil {
		return err
	}
	c.in.Body, c.whole, c.now = body, true, c.v.Now()
	return nil
}

func (c *check) boundDigest() (err error) {
	if c.sig.Dialect != sign.Native && !c.bodiless() {
		return c.refuse(fault.New(fault.ForwardBodyUnseen), true, sign.HashMismatch)
	}
	if c.digest, err = c.sig.CheckUnseenBody(&c.in.Request, c.live.Settings); err != nil {
		return c.refuse(fault.New(fault.SignatureBodyMismatch, Problem(err)...), true, sign.ReasonOf(err))
	}
	return nil
}

// claimedRequest: this nonce was never used with this key.
func (c *check) claimedRequest(ctx context.Context) error {
	if !c.sig.Timed() {
		return c.claimedForLife(ctx)
	}
	repeatable := c.in.Repeatable && c.sig.Nonce == ""
	if covers := c.sig.Coverage(); repeatable && covers.Method && covers.Path {
		return nil
	}
	won, forgotten := c.v.Nonces.Claim(c.live.ID, c.sig.SingleUse(&c.in.Request), c.sig.Created, c.now)
	switch {
	case repeatable: // whoever won, this one only looks; and where the method is not signed, a look that was delivered is good for nothing else
		return nil
	case forgotten:
		return c.refuse(fault.New(fault.SignatureSignAgain), true, reasonOf(fault.SignatureSignAgain))
	case !won:
		return c.refuse(fault.New(fault.SignatureNonceReused), true, sign.NonceReused)
	}
	return nil
}

// claimedForLife: a nonce without a time is spent for as long as its key lives, or raises the mark that Kraken's must pass.
func (c *check) claimedForLife(ctx context.Context) error {
	won, err := c.claimDurably(ctx)
	if f, refused := errors.AsType[*fault.Error](err); refused && f.Code == fault.KeyUsedUp {
		return c.refuse(f, true, sign.KeyGone)
	}
	if err != nil {
		return fault.New(fault.Unavailable).Because(fmt.Errorf("claim nonce: %w", err))
	}
	if !won {
		return c.refuse(fault.New(fault.SignatureNonceReused), true, sign.NonceReused)
	}
	return nil
}

// claimDurably writes the row. Rows are counted: one key cannot fill the table that all share.
func (c *check) claimDurably(ctx context.Context) (won bool, err error) {
	k, nonce, counter, window, now := c.live.ID, []byte(c.sig.Nonce), c.sig.Counter, c.live.Settings.NonceWindow, c.now
	rises, most := c.sig.Dialect == sign.Kraken, c.v.UntimedNonces
	err = c.v.Durable.Update(ctx, func(tx apikey.Tx) (_ audit.Event, err error) {
		quiet := audit.Quiet(audit.KeyUsed)
		if rises {
			won, err = tx.ClaimKeyCounter(ctx, k, counter, window, now)
		} else {
			won, err = tx.ClaimKeyNonce(ctx, k, nonce, now)
		}
		if err != nil || !won {
			return quiet, err
		}
		within, err := tx.CountKeyNonce(ctx, k, most)
		if err == nil && !within {
			err = fault.New(fault.KeyUsedUp, "limit", most)
		}
		return quiet, err
	})
	return won, err
}

func (c *check) accepted() Accepted {
	l := c.live
	c.v.Keys.Used(l, c.now, c.in.From.Addr)
	l.UsedSecret(c.material, c.now, c.in.From.Addr)
	ceiling := c.v.Keys.Ceiling(l.Dialect, c.sig.Coverage())
	return Accepted{Live: l, Ceiling: ceiling, Retires: c.material.Retires, Digest: c.digest, Principal: principal.Principal{
		Kind: principal.KindKey, User: l.Owner, Account: l.Account, Subaccount: l.Subaccount, Role: l.OwnerRole, Key: l.ID,
		Secret: c.material.Version, Environment: l.Environment, Scopes: l.ScopesAt(c.now).UpTo(ceiling), Name: l.Name, Origin: c.in.From,
	}}
}

// Missing explains why an accepted key may not use a scope: it never had it, it is frozen or asleep, its owner has
// not released it, the time for trading from everywhere is over, or its way of signing cannot carry it.
func (a Accepted) Missing(s scope.Scope) *fault.Error {
	if a.Live.Scopes.Has(s) && s.Class() > scope.Cancel && a.Live.Frozen() {
		return fault.New(fault.KeyFrozen)
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
