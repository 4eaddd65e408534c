package signin

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Accounts lists the accounts that the browser of a cookie may show where people sign in: those whose users said so there, at most
// device.MaxRemembered, unless nobody has signed in to them there for device.Memory.
func (s *SignIns) Accounts(ctx context.Context, cookie secret.Value) (list []device.Remembered, err error) {
	if cookie.IsEmpty() {
		return nil, nil
	}
	err = s.Ledger.View(ctx, func(tx Tx) error {
		d, err := device.Recognise(ctx, tx, cookie)
		if err != nil || d.IsZero() {
			return err
		}
		list, err = tx.RememberedOn(ctx, d, s.Now().Add(-device.Memory), device.MaxRemembered)
		return err
	})
	return list, err
}

// Lapsed counts the accounts that the browser of a cookie showed where people sign in and shows no more, until they are signed in to there again.
// Who has another cookie learns nothing.
func (s *SignIns) Lapsed(ctx context.Context, cookie secret.Value) (l device.Lapsed, err error) {
	if cookie.IsEmpty() {
		return l, nil
	}
	err = s.Ledger.View(ctx, func(tx Tx) error {
		d, err := device.Recognise(ctx, tx, cookie)
		if err != nil {
			return err
		}
		if d.IsZero() {
			l.Unused, err = tx.LapsedBrowser(ctx, cookie.Hash())
		} else {
			l, err = tx.LapsedOn(ctx, d, s.Now().Add(-device.Memory))
		}
		if err != nil {
			return fmt.Errorf("count what lapsed: %w", err)
		}
		return nil
	})
	return l, err
}

// Remember lets the principal's browser show their account where people sign in. It proves nothing there. A shared computer keeps nothing,
// and a session that owes a proof leaves no mark. Errors: browser.not_kept, browser.never_kept, rate_limited.
func (s *SignIns) Remember(ctx context.Context, p principal.Principal) error {
	if p.Challenge.Why != "" {
		// An order is the least that such a session may not do.
		if err := s.Decide.Decide(decision.Question{Principal: p, Class: scope.Order, Scope: scope.OrdersRead}).Err(); err != nil {
			return err
		}
	}
	return s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if _, err := tx.ClaimUserRow(ctx, p.User); err != nil {
			return audit.Event{}, fmt.Errorf("claim user: %w", err)
		}
		u, _, err := tx.UserByID(ctx, p.User)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read user: %w", err)
		}
		if u.NeverRemembered {
			return audit.Event{}, fault.New(fault.BrowserNeverKept)
		}
		if err := throttle.CountAct(ctx, tx, p, s.Now()); err != nil {
			return audit.Event{}, err
		}
		won, err := tx.RememberDeviceUser(ctx, p.Origin.Device, p.User, s.Now())
		if err != nil {
			return audit.Event{}, fmt.Errorf("remember account: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.BrowserNotKept)
		}
		return audit.Event{Action: audit.BrowserRemembered, Actor: p, Person: p.User}, nil
	})
}

// NeverRemembered says whether the principal chose that no browser shows their account.
func (s *SignIns) NeverRemembered(ctx context.Context, p principal.Principal) (never bool, err error) {
	err = s.Ledger.View(ctx, func(tx Tx) error {
		u, _, err := tx.UserByID(ctx, p.User)
		never = u.NeverRemembered
		return err
	})
	return never, err
}

// NeverRemember lets no browser show the principal's account from here on; those that do forget it at once. It takes no proof: it only takes away.
func (s *SignIns) NeverRemember(ctx context.Context, p principal.Principal) error {
	return s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		won, err := tx.SetNeverRemembered(ctx, p.User, true)
		if err != nil || !won {
			return audit.Quiet(audit.Housekeeping), err
		}
		if err := tx.UnrememberUser(ctx, p.User, s.Now()); err != nil {
			return audit.Event{}, fmt.Errorf("forget browsers: %w", err)
		}
		return audit.Event{Action: audit.BrowserNeverRemembered, Actor: p, Person: p.User}, nil
	})
}

// MayRemember takes NeverRemember back; no browser shows the account by it. Errors: step_up_required, assurance.too_low.
func (s *SignIns) MayRemember(ctx context.Context, p principal.Principal) error {
	err := s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := s.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.BrowserRememberingAllowed, Floor: assurance.Pwd}); err != nil {
			return audit.Event{}, err
		}
		won, err := tx.SetNeverRemembered(ctx, p.User, false)
		if err != nil || !won {
			return audit.Quiet(audit.Housekeeping), err
		}
		return audit.Event{Action: audit.BrowserRememberingAllowed, Actor: p, Person: p.User}, nil
	})
	return s.StepUps.Ask(ctx, err)
}

// ForgetHere lets the browser of a cookie show an account no more. Whoever sits there may: it takes away what helps them. One that is not shown
// changes nothing.
func (s *SignIns) ForgetHere(ctx context.Context, from From, u id.User) error {
	return s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		quiet := audit.Quiet(audit.Housekeeping)
		d, err := device.Recognise(ctx, tx, from.Device)
		if err != nil || d.IsZero() {
			return quiet, err
		}
		won, err := tx.UnrememberDeviceUser(ctx, d, u, time.Time{})
		if err != nil || !won {
			return quiet, err
		}
		return audit.Event{Action: audit.BrowserForgotten, Actor: principal.Nobody(from.Origin), Person: u}, nil
	})
}

// RememberedBy lists the browsers that show the principal's account where people sign in. One in which they have not signed in for device.Memory
// shows it no more.
func (s *SignIns) RememberedBy(ctx context.Context, p principal.Principal) (list []device.Remembering, err error) {
	err = s.Ledger.View(ctx, func(tx Tx) error {
		list, err = tx.RememberedBy(ctx, p.User, s.Now().Add(-device.Memory))
		return err
	})
	return list, err
}

// ForgetThere lets one of the browsers that RememberedBy lists show the principal's account no more. It takes no proof: it only takes away.
// Errors: not_found.
func (s *SignIns) ForgetThere(ctx context.Context, p principal.Principal, d id.Device) error {
	return s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		won, err := tx.UnrememberDeviceUser(ctx, d, p.User, s.Now())
		if err == nil && !won {
			err = fault.New(fault.NotFound)
		}
		return audit.Event{Action: audit.BrowserForgotten, Actor: p, Person: p.User}, err
	})
}
