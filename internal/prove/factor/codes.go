package factor

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/recoverycode"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// RecoverySet is a set of recovery codes as it is kept. A code is 128 random bits, so one keyed hash suffices (SP 800-63B-4 §3.1.2), and the
// pepper lies outside the database.
type RecoverySet struct {
	Pepper string
	Born   time.Time
	// ConfirmedAt is when the owner typed one in, to show that they kept them.
	ConfirmedAt time.Time
	// Left is how many nobody has spent.
	Left int
}

// WaysBack counts what would still prove the user if what they sign in with most were lost: every passkey beyond the first, a password, an
// app, and codes that are left.
func (m Methods) WaysBack() int {
	ways := max(0, len(m.Passkeys)-1)
	for _, has := range []bool{m.Password != nil && len(m.Passkeys) > 0, m.TOTP != nil && len(m.Passkeys) > 0, m.Codes != nil && m.Codes.Left > 0} {
		if has {
			ways++
		}
	}
	return ways
}

// Unfinished says that a second factor's enrolment is not done: its user has shown to have kept no recovery codes, so that a second way back,
// which a lost phone does not take along, is still owed.
func (m Methods) Unfinished() bool {
	return m.Strongest() >= assurance.Mfa && (m.Codes == nil || m.Codes.Left == 0 || m.Codes.ConfirmedAt.IsZero())
}

// dropCodes takes the codes away with the last factor that they stand in for: a password alone cannot have made them.
func (m Methods) dropCodes(ctx context.Context, tx Tx, u id.User) error {
	if m.Codes == nil || m.Strongest() >= assurance.Mfa {
		return nil
	}
	if err := tx.DeleteRecoverySet(ctx, u); err != nil {
		return fmt.Errorf("delete recovery codes: %w", err)
	}
	return nil
}

// Issued is a set of codes, shown once.
type Issued struct {
	Codes  []secret.Value
	Born   time.Time
	Bearer secret.Value
}

// IssueCodes makes a set of recovery codes; a set from before is worth nothing from then on, and replacing one holds money. It needs a step-up by
// more than a password. The codes are never readable again. Errors: step_up_required, assurance.too_low.
func (f *Factors) IssueCodes(ctx context.Context, p principal.Principal) (out Issued, err error) {
	codes := make([]recoverycode.Code, recoverycode.Count)
	for i := range codes {
		codes[i] = recoverycode.Mint()
	}
	pepper := f.Peppers.Current()
	macs := make([][32]byte, len(codes))
	for i, c := range codes {
		if macs[i], err = f.Peppers.MAC(pepper, c[:]); err != nil {
			return out, fmt.Errorf("season recovery code: %w", err)
		}
	}
	now := f.Now()
	err = f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := f.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.RecoveryCodesIssued}); err != nil {
			return audit.Event{}, err
		}
		_, replaced, err := tx.RecoverySetOf(ctx, p.User)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read recovery codes: %w", err)
		}
		if err := tx.PutRecoverySet(ctx, p.User, pepper, macs, now); err != nil {
			return audit.Event{}, fmt.Errorf("put recovery codes: %w", err)
		}
		h := happening.Happening{Kind: happening.FactorAdded, Facts: map[string]string{"kind": "recovery_code"}}
		if replaced {
			h.Kind = happening.RecoveryCodesReplaced
		}
		out.Bearer, err = f.changed(ctx, tx, p, h, assurance.Proof{})
		return event(audit.RecoveryCodesIssued, p, nil), err
	})
	if err != nil {
		return out, f.StepUps.Ask(ctx, err)
	}
	out.Born = now
	for _, c := range codes {
		out.Codes = append(out.Codes, c.Text())
	}
	return out, nil
}

// LookAtCode says whether one of the principal's codes is good, counts the try and spends nothing. refused must be committed with the count.
// Refusals: recovery_code.refused. Errors: sign_in.throttled.
func (f *Factors) LookAtCode(ctx context.Context, tx Tx, p principal.Principal, typed secret.Value) (refused, err error) {
	bucket := throttle.OfDevice(throttle.RecoveryCode, p.User, p.Origin.Device)
	if err := throttle.Count(ctx, tx, bucket, f.Limits, f.Now()); err != nil {
		return nil, err
	}
	mac, open, err := f.findCode(ctx, tx, p.User, typed)
	if err != nil {
		return nil, err
	}
	if open {
		if open, err = tx.RecoveryCodeOpen(ctx, p.User, mac); err != nil {
			return nil, fmt.Errorf("look at recovery code: %w", err)
		}
	}
	if !open {
		return fault.New(fault.RecoveryCodeRefused, "field", "code"), nil
	}
	return nil, tx.ForgetTries(ctx, bucket)
}

// ConfirmCodes takes one code as the sign that its owner kept the set. The code stays good. Errors: recovery_code.refused, sign_in.throttled.
func (f *Factors) ConfirmCodes(ctx context.Context, p principal.Principal, code secret.Value) (err error) {
	var refused error
	err = f.Ledger.Update(ctx, func(tx Tx) (_ audit.Event, err error) {
		if refused, err = f.LookAtCode(ctx, tx, p, code); err != nil || refused != nil {
			return audit.Quiet(audit.ThrottleCounted), err
		}
		if _, err := tx.ConfirmRecoverySet(ctx, p.User, f.Now()); err != nil {
			return audit.Event{}, fmt.Errorf("confirm recovery codes: %w", err)
		}
		return event(audit.RecoveryCodesConfirmed, p, nil), nil
	})
	if err == nil {
		err = refused
	}
	return err
}

// findCode is how a code that somebody typed would be kept in the user's set; known is false for a text that is no code, and for a user without
// a set. It does the same work for all three.
func (f *Factors) findCode(ctx context.Context, tx Tx, u id.User, typed secret.Value) (mac [32]byte, known bool, err error) {
	set, found, err := tx.RecoverySetOf(ctx, u)
	if err != nil {
		return mac, false, fmt.Errorf("read recovery codes: %w", err)
	}
	if !found {
		set.Pepper = f.Peppers.Current()
	}
	code, ok := recoverycode.Parse(string(typed.Reveal()))
	if mac, err = f.Peppers.MAC(set.Pepper, code[:]); err != nil {
		return mac, false, fmt.Errorf("season recovery code: %w", err)
	}
	return mac, ok && found, nil
}

// ProveCode spends a recovery code in the caller's transaction; of any number at once one wins. refused must be committed with the caller's
// count. The caller counts the try. Refusals: recovery_code.refused.
func (f *Factors) ProveCode(ctx context.Context, tx Tx, u id.User, typed secret.Value) (refused, err error) {
	mac, known, err := f.findCode(ctx, tx, u, typed)
	if err != nil {
		return nil, err
	}
	won, err := tx.SpendRecoveryCode(ctx, u, mac, f.Now())
	if err != nil {
		return nil, fmt.Errorf("spend recovery code: %w", err)
	}
	if !won || !known {
		return fault.New(fault.RecoveryCodeRefused, "field", "code"), nil
	}
	return nil, nil
}
