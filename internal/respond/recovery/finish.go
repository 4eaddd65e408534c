package recovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// Keep names the credentials, and the places for notices, that their owner confirmed. Everything else the account has is removed: a planted one does not
// survive because nobody looked.
type Keep struct {
	Password, App, Codes bool
	// Second is the second address, Number the number.
	Second, Number bool
	Passkeys       []id.Passkey
}

// Review is what a ready case shows before it is completed: every credential that the account still has, and where else its notices go.
type Review struct {
	Case
	Methods factor.Methods
	Reached contact.Contact
	Name    string
}

// Review reads it. Errors: recovery.unknown, recovery.over.
func (r *Recoveries) Review(ctx context.Context, from From, which id.Recovery) (v Review, err error) {
	err = r.Ledger.View(ctx, func(tx Tx) error {
		if v.Case, err = r.at(ctx, tx, from, which, Ready); err != nil {
			return err
		}
		u, found, err := tx.UserByID(ctx, v.User)
		if err != nil {
			return fmt.Errorf("read user: %w", err)
		}
		if !found || !u.DisabledAt.IsZero() {
			return fault.New(fault.RecoveryUnknown)
		}
		v.Name = u.Name
		if v.Methods, err = factor.Stored(ctx, tx, v.User); err != nil {
			return err
		}
		v.Reached, err = tx.ContactOf(ctx, v.User)
		return err
	})
	return v, err
}

// Recovered is a user who is back, with a session.
type Recovered struct {
	Session session.Row
	Bearer  secret.Value
	// DeviceCookie, if the browser had none.
	DeviceCookie secret.Value
}

// FinishWithPassword completes a case with a new password, long enough to stand alone.
// Errors: recovery.unknown, recovery.over, those of password.Check, busy.
func (r *Recoveries) FinishWithPassword(ctx context.Context, from From, which id.Recovery, keep Keep, fresh secret.Value) (Recovered, error) {
	v, err := r.Review(ctx, from, which)
	if err != nil {
		return Recovered{}, err
	}
	stored, err := r.Factors.NewPassword(ctx, fresh, true, v.Mail, v.Name)
	if err != nil {
		return Recovered{}, err
	}
	keep.Password = false
	proof := assurance.Proof{Factors: assurance.Password, At: r.Now()}
	return r.finish(ctx, from, which, keep, proof, func(tx Tx, u id.User, _ id.Device) error { return tx.InsertPassword(ctx, u, stored) })
}

// BeginPasskey starts making the new passkey of a ready case. Errors: recovery.unknown, recovery.over.
func (r *Recoveries) BeginPasskey(ctx context.Context, from From, which id.Recovery) (begun factor.Begun, err error) {
	o, err := r.owner(ctx, from, which)
	if err != nil {
		return begun, err
	}
	options, state, err := r.Passkeys.BeginEnrol(o)
	if err != nil {
		return begun, err
	}
	token, err := r.Ceremonies.Begin(ceremony.PasskeyRecovery, bound(from, which), passkey.Life, state)
	return factor.Begun{Options: options, State: token}, err
}

// bound ties a ceremony to browser and case.
func bound(from From, which id.Recovery) []byte { return append(from.Browser[:], which[:]...) }

func (r *Recoveries) owner(ctx context.Context, from From, which id.Recovery) (o passkey.Owner, err error) {
	err = r.Ledger.View(ctx, func(tx Tx) error {
		c, err := r.at(ctx, tx, from, which, Ready)
		if err != nil {
			return err
		}
		o, _, err = factor.Owner(ctx, tx, c.User)
		return err
	})
	return o, err
}

// FinishWithPasskey completes a case with a new passkey. Errors: recovery.unknown, recovery.over, sign_in.expired, passkey.refused,
// passkey.duplicate.
func (r *Recoveries) FinishWithPasskey(ctx context.Context, from From, which id.Recovery, keep Keep, token string, response []byte) (Recovered, error) {
	var state passkey.State
	opened, err := r.Ceremonies.Open(ceremony.PasskeyRecovery, bound(from, which), token, &state)
	if err != nil {
		return Recovered{}, err
	}
	o, err := r.owner(ctx, from, which)
	if err != nil {
		return Recovered{}, err
	}
	enrolled, err := r.Passkeys.FinishEnrol(o, state, response, r.Now())
	if err != nil {
		return Recovered{}, err
	}
	return r.finish(ctx, from, which, keep, enrolled.Proof, func(tx Tx, u id.User, on id.Device) error {
		if err := opened.Spend(ctx, txn.As[ceremony.Tx](tx)); err != nil {
			return err
		}
		return r.Factors.InsertPasskeyOf(ctx, tx, u, enrolled, on)
	})
}

// finish is the one way in which a case completes: what was not confirmed goes, the new credential comes, everything of before dies, and the
// browser that did it is signed in.
func (r *Recoveries) finish(ctx context.Context, from From, which id.Recovery, keep Keep, proof assurance.Proof, insert func(Tx, id.User, id.Device) error) (out Recovered, err error) {
	var c Case
	err = r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		now := r.Now()
		var err error
		c, err = r.take(ctx, tx, from, which, Ready)
		if err != nil {
			return audit.Event{}, err
		}
		if err := r.win(ctx, tx, c, now); err != nil {
			return audit.Event{}, err
		}
		m, err := membershipOf(ctx, tx, c.User)
		if err != nil {
			return audit.Event{}, err
		}
		removed, err := r.clear(ctx, tx, c.User, keep)
		if err != nil {
			return audit.Event{}, err
		}
		gone, err := dropContacts(ctx, tx, c.User, keep, now)
		if err != nil {
			return audit.Event{}, err
		}
		mint := session.Mint{User: c.User, Account: m.Account, Subaccount: m.Main, Proof: proof, From: from.Origin, Replace: from.Replace}
		if out, err = r.enter(ctx, tx, from, mint); err != nil {
			return audit.Event{}, err
		}
		row := out.Session
		if err := insert(tx, c.User, row.Device); err != nil {
			return audit.Event{}, err
		}
		actor := principal.Principal{Kind: principal.KindUser, User: c.User, Account: m.Account, Session: row.ID, Proof: proof, Origin: from.Origin}
		facts := map[string]string{"proof": c.Proof.word(), "removed": strings.Join(removed, ", ")}
		maps.Copy(facts, gone)
		gone["agent"], gone["addr"] = row.Agent, row.Addr
		h := happening.Happening{Kind: happening.RecoveryCompleted, User: c.User, Session: row.ID, Facts: gone}
		return audit.Event{Action: audit.RecoveryCompleted, Actor: actor, Person: c.User, Facts: facts}, r.Follow.Apply(ctx, tx, h)
	})
	if err == nil {
		r.took(c.Proof.word(), r.Now().Sub(c.Born))
	}
	return out, err
}

// win completes a case, and stops whatever else is claimed of the account.
func (r *Recoveries) win(ctx context.Context, tx Tx, c Case, now time.Time) error {
	won, err := r.end(ctx, tx, c, Completed, now.Add(Kept))
	if err != nil {
		return fmt.Errorf("complete recovery: %w", err)
	}
	if !won {
		return fault.New(fault.RecoveryOver)
	}
	others, err := tx.ClaimsOf(ctx, c.User, now)
	if err != nil {
		return fmt.Errorf("list claims: %w", err)
	}
	return r.stop(ctx, tx, others, Cancelled)
}

func membershipOf(ctx context.Context, tx Tx, u id.User) (m account.Membership, err error) {
	self, found, err := tx.UserByID(ctx, u)
	if err != nil {
		return m, fmt.Errorf("read user: %w", err)
	}
	memberships, err := tx.MembershipsOf(ctx, u)
	if err != nil {
		return m, fmt.Errorf("list memberships: %w", err)
	}
	if !found || !self.DisabledAt.IsZero() || len(memberships) == 0 {
		return m, fault.New(fault.RecoveryUnknown)
	}
	return memberships[0], nil
}

// clear takes away every credential that was not confirmed, and keeps all money where it is: what was confirmed before goes no further, and no
// passkey that stays approves anything until the hold is over.
func (r *Recoveries) clear(ctx context.Context, tx Tx, u id.User, keep Keep) (removed []string, err error) {
	has, err := factor.Stored(ctx, tx, u)
	if err != nil {
		return nil, err
	}
	now := r.Now()
	var problems []error
	drop := func(name string, err error) {
		removed = append(removed, name)
		problems = append(problems, err)
	}
	if has.Password != nil && !keep.Password {
		drop("password", tx.DeletePassword(ctx, u))
	}
	if has.TOTP != nil && !keep.App {
		_, err := tx.DeleteTOTP(ctx, u)
		drop("totp", err)
	}
	if has.Codes != nil && !keep.Codes {
		drop("recovery_code", tx.DeleteRecoverySet(ctx, u))
	}
	for _, c := range has.Passkeys {
		if !slices.Contains(keep.Passkeys, c.ID) {
			_, err := tx.RemovePasskey(ctx, u, c.ID, now)
			drop("passkey "+c.Name, err)
		}
	}
	problems = append(problems, tx.DelayPasskeys(ctx, u, now.Add(r.Waits.Money)), tx.CancelMoney(ctx, u, now))
	return removed, errors.Join(problems...)
}

// dropContacts takes away where notices go beside the address of the case, unless it was confirmed, and names what went: whoever reads there learns that it is
// over, and can stop nothing.
func dropContacts(ctx context.Context, tx Tx, u id.User, keep Keep, now time.Time) (gone map[string]string, err error) {
	reached, err := tx.ContactOf(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("read contact: %w", err)
	}
	gone = map[string]string{}
	if reached.Second != "" && !keep.Second {
		gone[notify.DroppedSecond] = reached.Second
		err = tx.PutContactSecond(ctx, u, "", now)
	}
	if reached.Phone != "" && !keep.Number {
		gone[notify.DroppedNumber] = reached.Phone
		err = errors.Join(err, tx.PutContactPhone(ctx, u, "", now))
	}
	return gone, err
}

// enter signs the claimant's browser in, and makes strangers of all others.
func (r *Recoveries) enter(ctx context.Context, tx Tx, from From, mint session.Mint) (out Recovered, err error) {
	now := r.Now()
	d, err := device.Recognise(ctx, tx, from.Device)
	if err != nil {
		return out, err
	}
	seen, err := device.SignedIn(ctx, tx, d, mint.User, from.Origin.Agent, now)
	if err != nil {
		return out, err
	}
	if err := tx.ForgetDevices(ctx, mint.User, seen.ID, now); err != nil {
		return out, fmt.Errorf("forget devices: %w", err)
	}
	place := device.PlaceOf(from.Origin.Addr, from.Origin.Agent)
	if err := device.Vouch(ctx, tx, seen.ID, mint.User, place, now, now); err != nil {
		return out, err
	}
	mint.From.Device = seen.ID
	if mint.Challenge, err = r.Demands.Owed(ctx, tx, mint.User, mint.Proof); err != nil {
		return out, err
	}
	minted, err := r.Sessions.Mint(ctx, txn.As[session.Tx](tx), mint)
	if err != nil {
		return out, err
	}
	return Recovered{minted.Session, minted.Bearer, seen.Cookie}, nil
}
