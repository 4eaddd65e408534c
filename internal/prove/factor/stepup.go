package factor

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// SatisfyWithTOTP proves for a step-up with a code. The session gets the bearer in the answer.
// A browser with a session is a known one. Errors: step_up.not_found, assurance.too_low, totp.code_refused, totp.not_enrolled,
// sign_in.throttled, password.disabled.
func (f *Factors) SatisfyWithTOTP(ctx context.Context, p principal.Principal, sid id.StepUp, code string) (secret.Value, error) {
	if err := f.passwords(); err != nil {
		return secret.Value{}, err
	}
	return f.satisfy(ctx, p, sid, func(tx Tx) (assurance.Proof, error, error) { return f.ProveTOTP(ctx, tx, GuessWithin(p), code) })
}

// SatisfyWithPassword proves for a step-up with the password, for people who have nothing stronger yet. The hash is compared before the
// transaction, the try is counted before the hash. Errors: step_up.not_found, assurance.too_low, sign_in.refused, sign_in.throttled, busy,
// password.disabled.
func (f *Factors) SatisfyWithPassword(ctx context.Context, p principal.Principal, sid id.StepUp, given secret.Value) (secret.Value, error) {
	if err := f.passwords(); err != nil {
		return secret.Value{}, err
	}
	bucket := throttle.OfDevice(throttle.PasswordWithin, p.User, p.Origin.Device)
	var stored StoredPassword
	err := f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		var found bool
		var err error
		if stored, found, err = tx.PasswordOf(ctx, p.User); err != nil {
			return audit.Event{}, fmt.Errorf("read password: %w", err)
		}
		if !found {
			return audit.Event{}, fault.New(fault.SignInRefused)
		}
		return audit.Quiet(audit.ThrottleCounted), throttle.Count(ctx, tx, bucket, f.Limits, f.Now())
	})
	if err != nil {
		return secret.Value{}, err
	}
	ok, _, err := f.Hasher.Verify(ctx, stored.PHC, given)
	if err != nil {
		return secret.Value{}, err
	}
	return f.satisfy(ctx, p, sid, func(tx Tx) (assurance.Proof, error, error) {
		if !ok {
			return assurance.Proof{}, fault.New(fault.SignInRefused), nil
		}
		return assurance.Proof{Factors: assurance.Password, At: f.Now()}, nil, tx.ForgetTries(ctx, bucket)
	})
}

// SatisfyWithPasskey proves for a step-up with an assertion of the principal's own passkey; the ceremony is spent with it.
// Errors: step_up.not_found, assurance.too_low, passkey.refused, passkey.cloned, passkey.young, sign_in.expired.
func (f *Factors) SatisfyWithPasskey(ctx context.Context, p principal.Principal, sid id.StepUp, token string, response []byte) (secret.Value, error) {
	var state passkey.State
	opened, err := f.Ceremonies.Open(ceremony.PasskeyStepUp, p.Session[:], token, &state)
	if err != nil {
		return secret.Value{}, err
	}
	o, err := f.owner(ctx, p.User)
	if err != nil {
		return secret.Value{}, err
	}
	used, err := f.Passkeys.FinishProof(o, state, response, f.Now())
	if err != nil {
		return secret.Value{}, err
	}
	step, err := f.StepUps.Open(ctx, p, sid)
	if err != nil {
		return secret.Value{}, err
	}
	return f.satisfy(ctx, p, sid, func(tx Tx) (assurance.Proof, error, error) {
		if err := opened.Spend(ctx, txn.As[ceremony.Tx](tx)); err != nil {
			return assurance.Proof{}, nil, err
		}
		refused, err := f.AcceptPasskey(ctx, tx, used)
		if refused == nil && err == nil {
			refused = f.StepUps.Takes(step, used.Credential.ApprovesFrom)
		}
		return used.Proof, refused, err
	})
}

// cloneFacts are those of a passkey.cloned: the name that its owner gave it.
func cloneFacts(refused error) map[string]string {
	f, _ := errors.AsType[*fault.Error](refused)
	name, _ := f.Fields["name"].(string)
	return map[string]string{"name": name}
}

// satisfy runs one proof for one step-up. A refused proof is committed as such, with its count; a good one raises the session.
func (f *Factors) satisfy(ctx context.Context, p principal.Principal, sid id.StepUp, prove func(Tx) (proof assurance.Proof, refused, err error)) (bearer secret.Value, err error) {
	step, err := f.StepUps.Open(ctx, p, sid)
	if err != nil {
		return bearer, err
	}
	facts := map[string]string{"action": string(step.Action)}
	maps.Copy(facts, step.Facts)
	var refused error
	err = f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		var proof assurance.Proof
		proof, refused, err = prove(tx)
		switch {
		case err != nil:
			return audit.Event{}, err
		case refused != nil:
			if fault.CodeOf(refused) == fault.PasskeyCloned {
				return event(audit.PasskeyCloneRefused, p, cloneFacts(refused)), nil
			}
			return event(audit.StepUpFailed, p, facts), nil // a refusal is committed with its count
		}
		if err := f.StepUps.Satisfy(ctx, txn.As[stepup.Tx](tx), p, step, proof); err != nil {
			return audit.Event{}, err
		}
		bearer, err = f.Sessions.Raise(ctx, txn.As[session.Tx](tx), p, proof)
		return event(audit.StepUpSatisfied, p, facts), err
	})
	if err == nil {
		err = refused
	}
	return bearer, err
}
