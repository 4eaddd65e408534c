package signin

import (
	"context"
	"fmt"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
)

// see records the browser of a full sign-in, and that the sign-in is strange where the browser is not known. It says what the session still
// has to show: such a browser, if it proves less than its user can, gets a challenge for the user's best factor. Only that factor makes the
// place known at once; otherwise somebody who relayed a password and a code would be known the second time.
func (s *SignIns) see(ctx context.Context, tx Tx, from From, u id.User, proof assurance.Proof) (device.Seen, assurance.Challenge, error) {
	var none assurance.Challenge
	now := s.Now()
	methods, err := s.Factors.MethodsOf(ctx, tx, u)
	if err != nil {
		return device.Seen{}, none, err
	}
	best := methods.Strongest()
	owed, err := s.Demands.Owed(ctx, tx, u, proof)
	if err != nil {
		return device.Seen{}, none, err
	}
	if from.Shared { // a computer that keeps nothing is known nowhere
		return device.Seen{New: true}, stricter(owed, strange(proof, best)), tx.MarkStrange(ctx, u, now)
	}
	d, err := device.Recognise(ctx, tx, from.Device)
	if err != nil {
		return device.Seen{}, none, err
	}
	place := device.PlaceOf(from.Origin.Addr, from.Origin.Agent)
	known, err := device.KnownFrom(ctx, tx, d, u, place)
	if err != nil {
		return device.Seen{}, none, err
	}
	if from.Vouched == u { // by its bound key, wherever it is now
		known = now
	}
	if known.IsZero() || known.After(now) {
		if err := tx.MarkStrange(ctx, u, now); err != nil {
			return device.Seen{}, none, fmt.Errorf("mark strange sign-in: %w", err)
		}
	}
	seen, err := device.SignedIn(ctx, tx, d, u, from.Origin.Agent, now)
	if err != nil {
		return seen, none, err
	}
	challenge := strange(proof, best)
	if challenge.Why == "" {
		known = now
	} else if challenge.Until = known; !challenge.Open(now) {
		challenge = none
	}
	return seen, stricter(owed, challenge), device.Vouch(ctx, tx, seen.ID, u, place, known, now)
}

// stricter is what the user demands of themselves, and else what the browser owes: the first ends with no wait.
func stricter(owed, strange assurance.Challenge) assurance.Challenge {
	if owed.Why != "" {
		return owed
	}
	return strange
}

// strange is the challenge of a browser nobody vouched for; none if the proof is the best there is.
func strange(proof assurance.Proof, best assurance.Level) assurance.Challenge {
	if proof.Level() >= best {
		return assurance.Challenge{}
	}
	return assurance.Challenge{Why: assurance.Stranger, Needs: best}
}

// noticeOf says what the user is told of a sign-in: nothing of a browser that is recognised, unless it is one in whose place full power waits
// for them to be told.
func noticeOf(seen device.Seen, c assurance.Challenge) happening.Kind {
	switch {
	case c.Why == assurance.Stranger && c.Until.IsZero():
		return happening.LimitedSignIn
	case seen.New:
		return happening.NewDevice
	}
	return ""
}
