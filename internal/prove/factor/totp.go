package factor

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/totp"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// BeginTOTP makes a secret for an authenticator app and shows it. Until a code confirms it, it proves nothing and beginning again
// replaces it. Errors: totp.already_enrolled, password.disabled.
func (f *Factors) BeginTOTP(ctx context.Context, p principal.Principal) (key totp.Key, err error) {
	if err := f.passwords(); err != nil {
		return key, err
	}
	fresh := totp.MintSecret()
	err = f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		self, found, err := tx.UserByID(ctx, p.User)
		if err != nil || !found {
			return audit.Event{}, fmt.Errorf("read user: %w", err)
		}
		if key, err = totp.NewKey(fresh, f.Issuer, self.Mail); err != nil {
			return audit.Event{}, fmt.Errorf("write key: %w", err)
		}
		won, err := tx.PutTOTP(ctx, p.User, f.Sealer.Seal(totpPlace(p.User), fresh.Reveal()), f.Now())
		if err != nil {
			return audit.Event{}, fmt.Errorf("put authenticator app: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.TOTPAlreadyEnrolled)
		}
		return audit.Event{Action: audit.TOTPStarted, Actor: p}, nil
	})
	return key, err
}

// ConfirmTOTP finishes an enrolment with one code, which is thereby spent. It needs a step-up for exactly this secret.
// Errors: totp.not_enrolled, totp.already_enrolled, totp.code_refused, sign_in.throttled, step_up_required,
// password.disabled.
func (f *Factors) ConfirmTOTP(ctx context.Context, p principal.Principal, code string) (bearer secret.Value, err error) {
	if err := f.passwords(); err != nil {
		return bearer, err
	}
	var refused error
	err = f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		stored, found, err := tx.TOTPOf(ctx, p.User)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read authenticator app: %w", err)
		}
		if !found {
			return audit.Event{}, fault.New(fault.TOTPNotEnrolled)
		}
		if !stored.ConfirmedAt.IsZero() {
			return audit.Event{}, fault.New(fault.TOTPAlreadyEnrolled)
		}
		// The code first: a wrong one leaves its count and nothing else, and a step-up that is asked for rolls the right one back.
		if refused, err = f.spendCode(ctx, tx, stored, GuessWithin(p), code); err != nil {
			return audit.Event{}, err
		}
		if refused != nil {
			return audit.Quiet(audit.ThrottleCounted), nil //nolint:nilerr // a refusal is committed with its count
		}
		secretHash := sha256.Sum256(stored.Sealed)
		content := stepup.Content{Action: audit.TOTPEnrolled, Input: secretHash[:], Floor: assurance.Pwd}
		if err := f.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		if won, err := tx.ConfirmTOTP(ctx, p.User, f.Now()); err != nil || !won {
			return audit.Event{}, fmt.Errorf("confirm authenticator app: won %t: %w", won, err)
		}
		bearer, err = f.changed(ctx, tx, p, happening.Happening{Kind: happening.FactorAdded, Facts: map[string]string{"kind": "totp"}},
			assurance.Proof{Factors: assurance.TOTP, At: f.Now()})
		return event(audit.TOTPEnrolled, p, nil), err
	})
	if err == nil {
		err = refused
	}
	return bearer, f.StepUps.Ask(ctx, err)
}

// RemoveTOTP takes the authenticator app away. It needs a step-up. Errors: totp.not_enrolled, step_up_required.
func (f *Factors) RemoveTOTP(ctx context.Context, p principal.Principal) (bearer secret.Value, err error) {
	err = f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		m, err := f.fewer(ctx, tx, p.User)
		if err != nil {
			return audit.Event{}, err
		}
		if m.TOTP == nil {
			return audit.Event{}, fault.New(fault.TOTPNotEnrolled)
		}
		m.TOTP = nil
		if err := m.stands(); err != nil {
			return audit.Event{}, err
		}
		if err := f.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.TOTPRemoved}); err != nil {
			return audit.Event{}, err
		}
		if won, err := tx.DeleteTOTP(ctx, p.User); err != nil || !won {
			return audit.Event{}, fmt.Errorf("delete authenticator app: won %t: %w", won, err)
		}
		if err := m.dropCodes(ctx, tx, p.User); err != nil {
			return audit.Event{}, err
		}
		bearer, err = f.changed(ctx, tx, p, happening.Happening{Kind: happening.FactorRemoved, Facts: map[string]string{"kind": "totp"}}, assurance.Proof{})
		return event(audit.TOTPRemoved, p, nil), err
	})
	return bearer, f.StepUps.Ask(ctx, err)
}

func totpPlace(u id.User) secret.Place {
	return secret.Place{Table: "totp", Column: "sealed", Row: string(u[:])}
}
