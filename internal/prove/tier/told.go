package tier

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Terms are what an installation sets.
type Terms struct {
	// Notice is how long users are told ahead.
	Notice time.Duration
	// Value is from how much on a user is of high value, in the currency of all ceilings; nil for no such sum.
	Value *big.Rat
	// Roles are those, in the platform's words, whose holders are so.
	Roles []string
	// Stays is how long a user stays so after a backend last told a value or role that makes them so.
	Stays time.Duration
}

// Told is what the backend of an upstream says of a user.
type Told struct {
	User id.User `json:"user" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
	// Value is what the user has there. It may be empty where no value is set.
	Value string `json:"value,omitempty" doc:"What the user has with you, a plain decimal in the currency of all ceilings; it is weighed and not kept. Needed where high_value.value is set" example:"152000000"`
	// Role is empty for none.
	Role string `json:"role,omitempty" doc:"Your own word for what the user is" example:"treasurer"`
}

// Standing is how a user stands after that.
type Standing struct {
	// From is when more is asked of the user; zero for never.
	From time.Time
	// Until is the first moment at which this upstream can end that, told nothing else in between; zero where it does not say it.
	Until time.Time
}

// StandingShown is what the backend is answered.
type StandingShown struct {
	High  bool      `json:"high" doc:"Whether more is asked of the user, or will be"`
	From  time.Time `json:"from,omitzero" doc:"From when"`
	Until time.Time `json:"until,omitzero" doc:"The first moment at which you can end it"`
}

// Shown is the standing to the second.
func (s Standing) Shown() StandingShown {
	return StandingShown{High: !s.From.IsZero(), From: s.From.UTC().Truncate(time.Second), Until: s.Until.UTC().Truncate(time.Second)}
}

// high weighs. Errors: tier.no_threshold, request.invalid with the field.
func (t Terms) high(told Told) (bool, error) {
	value, ok := apikey.Decimal(told.Value)
	switch {
	case t.Value == nil && len(t.Roles) == 0:
		return false, fault.New(fault.TierNoThreshold)
	case told.Value != "" && !ok, told.Value == "" && t.Value != nil:
		return false, fault.New(fault.RequestInvalid, "field", "value")
	}
	return ok && t.Value != nil && value.Cmp(t.Value) >= 0 || slices.Contains(t.Roles, told.Role), nil
}

// Tell takes what an upstream's backend says of a user and does what follows: the user is told, once, that a passkey will be asked of them, or that it is
// no more. An upstream takes back only its own word, and not before it was true no more for a while: whoever empties an account with a stolen session does
// not also end what protects it, and a value around the threshold sends no letter a day. The value itself is not kept.
// Errors: tier.no_threshold; request.invalid for a value that is none, or a user who is not there.
func (t *Tiers) Tell(ctx context.Context, upstream string, told Told) (s Standing, err error) {
	high, err := t.terms.high(told)
	if err != nil {
		return s, err
	}
	err = t.ledger.Update(ctx, func(tx Tx) (e audit.Event, err error) {
		enabled, err := tx.ClaimUserRow(ctx, told.User)
		if err != nil {
			return e, fmt.Errorf("lock user: %w", err)
		}
		if !enabled {
			return e, fault.New(fault.RequestInvalid, "field", "user")
		}
		if high {
			s, e, err = t.said(ctx, tx, upstream, told.User)
		} else {
			s, e, err = t.unsaid(ctx, tx, upstream, told.User)
		}
		return e, err
	})
	return s, err
}

// said is after an upstream said that u is of high value.
func (t *Tiers) said(ctx context.Context, tx Tx, upstream string, u id.User) (s Standing, e audit.Event, err error) {
	first, err := tx.SayHighValue(ctx, u, upstream, t.now())
	if err != nil {
		return s, e, fmt.Errorf("say high value: %w", err)
	}
	s.Until = t.now().Add(t.terms.Stays)
	if !first {
		s.From, _, err = tx.RaisedFrom(ctx, u)
		return s, audit.Quiet(audit.UserWeighed), err
	}
	s.From, e, err = t.raise(ctx, tx, principal.System(upstream), u)
	return s, e, err
}

// unsaid is after an upstream said that u is not.
func (t *Tiers) unsaid(ctx context.Context, tx Tx, upstream string, u id.User) (s Standing, e audit.Event, err error) {
	quiet := audit.Quiet(audit.UserWeighed)
	last, found, err := tx.HighValueSaid(ctx, u, upstream)
	if err != nil {
		return s, e, fmt.Errorf("read who said high value: %w", err)
	}
	if until := last.Add(t.terms.Stays); found && t.now().Before(until) {
		s.Until, found = until, false
	}
	if found {
		others, err := tx.UnsayHighValue(ctx, u, upstream)
		if err != nil {
			return s, e, fmt.Errorf("take back high value: %w", err)
		}
		if others == 0 {
			e, err = t.lower(ctx, tx, principal.System(upstream), u)
			return s, e, err
		}
	}
	s.From, _, err = tx.RaisedFrom(ctx, u)
	return s, quiet, err
}
