package signed

import (
	"errors"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// The steps that cost no memory of what was spent, in the order in which they are taken.

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
		named, err := c.knownHead()
		if err != nil {
			return err
		}
		if err := c.readBody(named); err != nil {
			return c.lost(named, err)
		}
		return nil
	case needed && !c.bodiless():
		return c.refuse(fault.New(fault.ForwardBodyUnseen), false, sign.HashMismatch)
	default:
		return nil
	}
}

// knownHead: before anybody waits for the body of a stranger, its head is whole and names a key of ours that this source has not failed with
// too often. An id has 128 bits: who hears here that there is no such key had to have it already.
func (c *check) knownHead() (*apikey.Live, error) {
	text, err := sign.HeadKeyID(&c.in.Request)
	if err != nil {
		return nil, c.unread(err)
	}
	if c.live = c.find(text); c.live == nil {
		return nil, c.fail(fault.New(fault.SignatureMismatch), sign.BadSignature)
	}
	if err := c.leftForKey(); err != nil {
		return nil, err
	}
	named := c.live
	c.live = nil // until there is a signature that can be read, nothing is told to its owner
	return named, nil
}

// lost: a body that did not arrive in time, or is too large, costs its source as a wrong signature does; that we had no room for it does not.
func (c *check) lost(named *apikey.Live, err error) error {
	if code := fault.CodeOf(err); code == fault.RequestMalformed || code == fault.RequestTooLarge {
		c.v.Budgets.Fail(id.Key{}, c.in.From.Addr, c.now)
		c.v.Budgets.Fail(named.ID, c.in.From.Addr, c.now)
	}
	return err
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
	if live != nil && !live.Is(text) {
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
	if c.sig.Timed() && !c.sig.Created.After(fence) && l.BornBefore(c.v.Nonces.Birth()) {
		// A signature's time is in whole seconds, so the first one beyond the fence can be up to a second after it.
		return fault.New(fault.SignatureSignAgain).After(fence.Add(time.Second).Sub(c.now))
	}
	return nil
}

func (c *check) window() time.Duration {
	own := c.live.WindowPast
	switch {
	case c.in.Cancels: // nothing that reduces risk is refused for being late
		return max(own, c.v.Windows.Past[c.live.Dialect], c.v.Windows.TestPast)
	case own > 0:
		return own
	case c.live.Environment == id.Test:
		return max(c.v.Windows.Past[c.live.Dialect], c.v.Windows.TestPast)
	}
	return c.v.Windows.Past[c.live.Dialect]
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
	f := fault.New(fault.KeySecretRetired, "retired_at", c.material.Retires().Format(time.RFC3339))
	return c.refuse(f, true, sign.KeyGone)
}

// reasonOf is what dialects with words of their own call a refusal.
func reasonOf(code fault.Code) sign.Reason {
	switch code {
	case fault.KeyIPNotAllowed, fault.KeyOtherNetwork:
		return sign.AddressNotAllowed
	case fault.KeyExpired:
		return sign.KeyExpired
	case fault.KeyRevoked, fault.KeyOwnerDisabled, fault.KeyBlocked, fault.KeyDialectOff, fault.KeyUnused, fault.KeySecretRetired:
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
		key := sign.Key{Dialect: c.live.Dialect, Algorithm: c.live.Algorithm, Material: m.Bytes}
		if m.Sealed {
			aad := apikey.MaterialPlace(c.live.ID, m.Version).AppendAAD(c.aad[:0])
			if key.Material, err = c.v.Opener.AppendOpen(c.plain[:0], aad, m.Bytes); err != nil {
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
