package signed

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// The last two steps: the body that was signed, and a nonce that is spent once.

// boundBody: the body is the one that was signed; one that is not seen has the digest that was signed.
func (c *check) boundBody() error {
	if c.in.ReadBody == nil {
		return c.boundDigest()
	}
	if err := c.readBody(nil); err != nil {
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
func (c *check) readBody(named *apikey.Live) error {
	if c.whole {
		return nil
	}
	body, err := c.in.ReadBody(named)
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
		return c.paced()
	}
	nonce := c.sig.SingleUse(&c.in.Request)
	if (c.live.HasPace() || c.in.Pace != nil) && !repeatable && c.v.Nonces.Spent(c.live.ID, nonce) {
		return c.refuse(fault.New(fault.SignatureNonceReused), true, sign.NonceReused)
	}
	if err := c.paced(); err != nil {
		return err
	}
	won, forgotten := c.v.Nonces.Claim(c.live.ID, nonce, c.sig.Created, c.now)
	switch {
	case repeatable: // whoever won, this one only looks; and where the method is not signed, a look that was delivered is good for nothing else
		return nil
	case forgotten:
		c.unpaced()
		return c.refuse(fault.New(fault.SignatureSignAgain), true, reasonOf(fault.SignatureSignAgain))
	case !won:
		c.unpaced()
		return c.refuse(fault.New(fault.SignatureNonceReused), true, sign.NonceReused)
	}
	return nil
}

// paced: the key has not made as many requests in a second as it may, nor of this route; what one of the two refuses counts in neither. It comes
// before a nonce is spent, so that the same request may be sent again, and after it is known to be unspent, so that whoever caught a request cannot
// use up the rate with it. Cancels pass: they only reduce risk.
func (c *check) paced() error {
	if c.in.Cancels || c.counted {
		return nil
	}
	if c.in.Pace != nil {
		if refused := c.in.Pace(c.live); refused != nil {
			return c.refuse(refused, true, sign.TooMany)
		}
	}
	if most, wait := c.live.Pace(c.now); wait > 0 {
		if c.in.Unpace != nil {
			c.in.Unpace(c.live)
		}
		return c.refuse(fault.New(fault.KeyTooFast, "per_second", most).After(wait), true, sign.TooMany)
	}
	c.counted = true
	return nil
}

// unpaced gives back what a copy took that came beside the request it was made of, before that was spent.
func (c *check) unpaced() {
	if !c.counted {
		return
	}
	c.counted = false
	c.live.Unpace()
	if c.in.Unpace != nil {
		c.in.Unpace(c.live)
	}
}

// claimedForLife: a nonce without a time is spent for as long as its key lives, or raises the mark that Kraken's must pass.
func (c *check) claimedForLife(ctx context.Context) error {
	won, err := c.claimDurably(ctx)
	if refused, is := errors.AsType[*RefusalError](err); is {
		return refused
	}
	if f, refused := errors.AsType[*fault.Error](err); refused && f.Code == fault.KeyUsedUp {
		return c.refuse(f, true, sign.KeyGone)
	}
	if err != nil {
		return fault.New(fault.Unavailable).Because(fmt.Errorf("claim nonce: %w", err))
	}
	if !won { // the try was a write, which whoever caught a request could ask for again and again: not of this key, and not for others from there
		c.v.Budgets.Fail(c.live.ID, c.in.From.Addr, c.now)
		return c.refuse(fault.New(fault.SignatureNonceReused), true, sign.NonceReused)
	}
	return nil
}

// claimDurably writes the row, unless the key is too fast. Rows are counted: one key cannot fill the table that all share.
func (c *check) claimDurably(ctx context.Context) (won bool, err error) {
	k, nonce, counter, now := c.live.ID, []byte(c.sig.Nonce), c.sig.Counter, c.now
	rises, most := c.sig.Dialect == sign.Kraken, c.v.UntimedNonces
	err = c.v.Durable.Update(ctx, func(tx apikey.Tx) (_ audit.Event, err error) {
		quiet := audit.Quiet(audit.KeyUsed)
		if rises {
			won, err = tx.ClaimKeyCounter(ctx, k, counter, now)
		} else {
			won, err = tx.ClaimKeyNonce(ctx, k, nonce, now)
		}
		if err != nil || !won {
			return quiet, err
		}
		if err := c.paced(); err != nil {
			return quiet, err // the claim is undone
		}
		within, err := tx.CountKeyNonce(ctx, k, most)
		if err == nil && !within {
			err = fault.New(fault.KeyUsedUp, "limit", most)
		}
		return quiet, err
	})
	return won, err
}
