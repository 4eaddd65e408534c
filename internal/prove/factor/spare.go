package factor

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// BeginTest starts trying out one passkey of the principal, which changes nothing of what it or the session may do. Errors: passkey.not_found.
func (f *Factors) BeginTest(ctx context.Context, p principal.Principal, c id.Passkey) (Begun, error) {
	o, err := f.holderOf(ctx, p, c)
	if err != nil {
		return Begun{}, err
	}
	options, state, err := f.Passkeys.BeginProof(o)
	if err != nil {
		return Begun{}, err
	}
	token, err := f.Ceremonies.Begin(ceremony.PasskeyTest, trial(p, c), passkey.Life, state)
	return Begun{options, token}, err
}

// FinishTest checks what the passkey answered and writes down that it was tried, or that it did not work, and nothing else: neither its counter, nor when it was
// last used, nor the session's proof. Errors: rate_limited, sign_in.expired, passkey.not_found, passkey.unverified, passkey.changed, passkey.cloned, passkey.refused.
func (f *Factors) FinishTest(ctx context.Context, p principal.Principal, c id.Passkey, token string, response []byte) (passkey.Credential, error) {
	var state passkey.State
	opened, err := f.Ceremonies.Open(ceremony.PasskeyTest, trial(p, c), token, &state)
	if err != nil {
		return passkey.Credential{}, err
	}
	o, err := f.holderOf(ctx, p, c)
	if err != nil {
		return passkey.Credential{}, err
	}
	tested := o.Credentials[0]
	used, err := f.Passkeys.FinishProof(o, state, response, f.Now())
	if err != nil {
		return passkey.Credential{}, cmp.Or(f.testFailed(ctx, p, tested, opened), err)
	}
	var refused error
	tested.TestedAt, tested.Certified = f.Now(), f.Passkeys.Certified(tested)
	err = f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := f.spendTrial(ctx, tx, p, opened); err != nil {
			return audit.Event{}, err
		}
		if used.Cloned {
			if refused, err = f.AcceptPasskey(ctx, tx, used); err == nil {
				_, err = tx.FailPasskeyTest(ctx, p.User, c, f.Now())
			}
			return event(audit.PasskeyCloneRefused, p, map[string]string{"name": tested.Name}), err
		}
		won, err := tx.TestPasskey(ctx, p.User, c, tested.TestedAt)
		if err != nil {
			return audit.Event{}, fmt.Errorf("write trial down: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.PasskeyNotFound)
		}
		return event(audit.PasskeyTested, p, map[string]string{"name": tested.Name}), nil
	})
	if err == nil {
		err = refused
	}
	return tested, err
}

// testFailed writes down that a passkey was tried and did not work. One ceremony does so once, so nobody fills the log with one answer.
func (f *Factors) testFailed(ctx context.Context, p principal.Principal, c passkey.Credential, opened ceremony.State) error {
	return f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := f.spendTrial(ctx, tx, p, opened); err != nil {
			return audit.Event{}, err
		}
		_, err := tx.FailPasskeyTest(ctx, p.User, c.ID, f.Now())
		return event(audit.PasskeyTestFailed, p, map[string]string{"name": c.Name}), err
	})
}

// spendTrial uses a ceremony up. A session begins as many as it likes, so the acts are counted too.
func (f *Factors) spendTrial(ctx context.Context, tx Tx, p principal.Principal, opened ceremony.State) error {
	if err := throttle.CountAct(ctx, tx, p, f.Now()); err != nil {
		return err
	}
	return opened.Spend(ctx, txn.As[ceremony.Tx](tx))
}

// trial binds a ceremony to the session and to the passkey that is tried.
func trial(p principal.Principal, c id.Passkey) []byte { return append(p.Session[:], c[:]...) }

// holderOf is the principal as the owner of that one passkey. Errors: passkey.not_found.
func (f *Factors) holderOf(ctx context.Context, p principal.Principal, c id.Passkey) (passkey.Owner, error) {
	o, err := f.owner(ctx, p.User)
	if err != nil {
		return o, err
	}
	o.Credentials = slices.DeleteFunc(o.Credentials, func(kept passkey.Credential) bool { return kept.ID != c })
	if len(o.Credentials) == 0 {
		return o, fault.New(fault.PasskeyNotFound)
	}
	return o, nil
}
