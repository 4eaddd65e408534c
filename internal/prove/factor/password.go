package factor

import (
	"context"
	"fmt"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/password"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// SetPassword gives the principal a new password, or the first one. It needs a step-up for exactly this password; all other sessions end, and this one gets the
// bearer in the answer. How long the password must be depends on whether a second factor stands beside it.
// Errors: those of NewPassword, step_up_required, assurance.too_low.
func (f *Factors) SetPassword(ctx context.Context, p principal.Principal, fresh secret.Value) (bearer secret.Value, err error) {
	m, err := f.Of(ctx, p)
	if err != nil {
		return bearer, err
	}
	var self account.User
	err = f.Ledger.View(ctx, func(tx Tx) error {
		self, _, err = tx.UserByID(ctx, p.User)
		return err
	})
	if err != nil {
		return bearer, fmt.Errorf("read user: %w", err)
	}
	stored, err := f.NewPassword(ctx, fresh, m.TOTP == nil, self.Mail, self.Name)
	if err != nil {
		return bearer, err
	}
	err = f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		action, put := audit.PasswordSet, tx.InsertPassword
		if _, found, err := tx.PasswordOf(ctx, p.User); err != nil {
			return audit.Event{}, fmt.Errorf("read password: %w", err)
		} else if found {
			action, put = audit.PasswordChanged, tx.ChangePassword
		}
		content := stepup.Content{Action: action, Input: fresh.Reveal(), Floor: assurance.Pwd, Sensitive: true}
		if err := f.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		if err := put(ctx, p.User, stored); err != nil {
			return audit.Event{}, fmt.Errorf("put password: %w", err)
		}
		// Whoever guessed codes knew the old one.
		if err := forgetFailures(ctx, tx, p.User); err != nil {
			return audit.Event{}, err
		}
		bearer, err = f.changed(ctx, tx, p, happening.Happening{Kind: happening.PasswordChanged}, assurance.Proof{})
		return event(action, p, nil), err
	})
	return bearer, f.StepUps.Ask(ctx, err)
}

// NewPassword checks a password that somebody chose and hashes it. Errors: password.disabled, those of password.Check, busy.
func (f *Factors) NewPassword(ctx context.Context, fresh secret.Value, alone bool, mail, name string) (StoredPassword, error) {
	if err := f.passwords(); err != nil {
		return StoredPassword{}, err
	}
	choice := password.Choice{Password: fresh, AloneSufficient: alone, Context: []string{mail, name, f.Issuer}}
	if err := password.Check(choice); err != nil {
		return StoredPassword{}, err
	}
	phc, err := f.Hasher.Hash(ctx, fresh)
	if err != nil {
		return StoredPassword{}, err
	}
	return StoredPassword{PHC: phc, Alone: password.LongEnoughAlone(fresh), ChangedAt: f.Now()}, nil
}
