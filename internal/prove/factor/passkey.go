package factor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Begun is the first half of a ceremony: options for the browser, and the sealed state to bring back.
type Begun struct {
	Options json.RawMessage `json:"options"`
	State   string          `json:"state"`
}

// ownerOf is a user as authenticators know them.
func ownerOf(ctx context.Context, tx Tx, u account.User) (passkey.Owner, error) {
	credentials, err := tx.PasskeysOf(ctx, u.ID)
	return passkey.Owner{Handle: u.Handle[:], Mail: u.Mail, Name: u.Name, Credentials: credentials}, err
}

func (f *Factors) owner(ctx context.Context, u id.User) (o passkey.Owner, err error) {
	err = f.Ledger.View(ctx, func(tx Tx) error {
		self, found, err := tx.UserByID(ctx, u)
		if err != nil {
			return fmt.Errorf("read user: %w", err)
		}
		if !found {
			return fault.New(fault.Unauthorized)
		}
		o, err = ownerOf(ctx, tx, self)
		return err
	})
	return o, err
}

// Signal is what the principal's browsers should know of their passkeys.
func (f *Factors) Signal(ctx context.Context, p principal.Principal) (passkey.Signal, error) {
	o, err := f.owner(ctx, p.User)
	return f.Passkeys.Signal(o), err
}

// BeginPasskey starts adding a passkey to the principal.
func (f *Factors) BeginPasskey(ctx context.Context, p principal.Principal) (Begun, error) {
	o, err := f.owner(ctx, p.User)
	if err != nil {
		return Begun{}, err
	}
	options, state, err := f.Passkeys.BeginEnrol(o)
	if err != nil {
		return Begun{}, err
	}
	token, err := f.Ceremonies.Begin(ceremony.PasskeyEnrol, p.Session[:], passkey.Life, state)
	return Begun{options, token}, err
}

// newcomer is a passkey as a step-up is bound to it: a credential id is the authenticator's choice, and only with its public key does it
// name one key pair.
type newcomer struct {
	CredentialID []byte `json:"credential_id"`
	PublicKey    []byte `json:"public_key"`
	Name         string `json:"name"`
}

// FinishPasskey adds the passkey that the browser made. It needs a step-up for exactly this passkey; asking for one uses nothing up, so
// that the same answer of the browser can be sent again. An empty name becomes the model's.
// Errors: passkey.refused, passkey.unverified, passkey.unsafe, passkey.unattested, passkey.duplicate, request.invalid, sign_in.expired, step_up_required, assurance.too_low.
func (f *Factors) FinishPasskey(ctx context.Context, p principal.Principal, token string, response []byte, name string) (c passkey.Credential, bearer secret.Value, err error) {
	var state passkey.State
	opened, err := f.Ceremonies.Open(ceremony.PasskeyEnrol, p.Session[:], token, &state)
	if err != nil {
		return c, bearer, err
	}
	o, err := f.owner(ctx, p.User)
	if err != nil {
		return c, bearer, err
	}
	enrolled, err := f.Passkeys.FinishEnrol(o, state, response, f.Now())
	if err != nil {
		return c, bearer, err
	}
	if slices.ContainsFunc(o.Credentials, func(kept passkey.Credential) bool { return bytes.Equal(kept.CredentialID, enrolled.CredentialID) }) {
		return c, bearer, fault.New(fault.PasskeyDuplicate)
	}
	if name, err = givenName(name); err != nil {
		return c, bearer, err
	}
	c = f.newPasskey(p.User, enrolled, name)
	facts := map[string]string{"kind": "passkey", "name": c.Name}
	content := stepup.Content{Action: audit.PasskeyEnrolled, Input: newcomer{enrolled.CredentialID, enrolled.PublicKey, c.Name}, Facts: facts, Floor: assurance.Pwd}
	err = f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := f.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		if err := opened.Spend(ctx, txn.As[ceremony.Tx](tx)); err != nil {
			return audit.Event{}, err
		}
		if c.ApprovesFrom, err = f.approvesFrom(ctx, tx, c); err != nil {
			return audit.Event{}, err
		}
		if err := insertPasskey(ctx, tx, c, p.Origin.Device); err != nil {
			return audit.Event{}, err
		}
		told := maps.Clone(facts)
		told["settles"] = c.ApprovesFrom.Sub(c.Born).String()
		bearer, err = f.changed(ctx, tx, p, happening.Happening{Kind: happening.FactorAdded, Facts: told}, enrolled.Proof)
		return event(audit.PasskeyEnrolled, p, facts), err
	})
	return c, bearer, f.StepUps.Ask(ctx, err)
}

// givenName checks what somebody calls a new passkey; they may leave it to us. Errors: request.invalid.
func givenName(name string) (string, error) {
	if strings.TrimSpace(name) == "" {
		return "", nil
	}
	clean, ok := line.Filled(name)
	if !ok {
		return "", fault.New(fault.RequestInvalid, "field", "name")
	}
	return clean, nil
}

func (f *Factors) newPasskey(u id.User, e passkey.Enrolled, name string) passkey.Credential {
	now := f.Now()
	if name == "" {
		name = cmp.Or(e.Model, "Passkey")
	}
	c := passkey.Credential{
		ID: id.New[id.PasskeyKind](now), User: u, CredentialID: e.CredentialID, Record: e.Record, Name: name, Born: now, ApprovesFrom: now, Attested: e.Attested,
	}
	c.Certified = f.Passkeys.Certified(c)
	return c
}

// wary is how long after a strange sign-in or a recovery a new passkey waits longer.
const wary = 24 * time.Hour

// approvesFrom is when a passkey that is being added may approve money. A new device, a shared computer and one that was forgotten are all
// strange at their first sign-in; where the user is made they are known.
func (f *Factors) approvesFrom(ctx context.Context, tx Tx, c passkey.Credential) (time.Time, error) {
	since := c.Born.Add(-wary)
	self, _, err := tx.UserByID(ctx, c.User)
	if err != nil {
		return time.Time{}, fmt.Errorf("read user: %w", err)
	}
	recovered, err := tx.Recovered(ctx, c.User, since)
	if err != nil {
		return time.Time{}, fmt.Errorf("look for a recovery: %w", err)
	}
	if recovered || self.StrangeAt.After(since) {
		return c.Born.Add(f.Ages.Wary), nil
	}
	return c.Born.Add(f.Ages.Usual), nil
}

// InsertFirstPasskey adds the passkey with which a user is made, in the caller's transaction.
func (f *Factors) InsertFirstPasskey(ctx context.Context, tx Tx, u id.User, e passkey.Enrolled, on id.Device) error {
	return insertPasskey(ctx, tx, f.newPasskey(u, e, ""), on)
}

// InsertPasskeyOf adds the passkey with which a user comes back, in the caller's transaction. It approves money as late as any that is added then.
// Errors: passkey.duplicate.
func (f *Factors) InsertPasskeyOf(ctx context.Context, tx Tx, u id.User, e passkey.Enrolled, on id.Device) (err error) {
	c := f.newPasskey(u, e, "")
	if c.ApprovesFrom, err = f.approvesFrom(ctx, tx, c); err != nil {
		return err
	}
	return insertPasskey(ctx, tx, c, on)
}

// insertPasskey writes one down with the browser that it was made in, for when that is lost.
func insertPasskey(ctx context.Context, tx Tx, c passkey.Credential, on id.Device) error {
	won, err := tx.InsertPasskey(ctx, c)
	if err != nil {
		return fmt.Errorf("insert passkey: %w", err)
	}
	if !won {
		return fault.New(fault.PasskeyDuplicate)
	}
	if err := tx.NotePasskeyDevice(ctx, c.ID, on); err != nil {
		return fmt.Errorf("note device: %w", err)
	}
	return nil
}

// RenamePasskey gives a passkey another name. The name that it has changes nothing. Errors: passkey.not_found, request.invalid, rate_limited.
func (f *Factors) RenamePasskey(ctx context.Context, p principal.Principal, c id.Passkey, name string) error {
	name, ok := line.Filled(name)
	if !ok {
		return fault.New(fault.RequestInvalid, "field", "name")
	}
	return f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if was, err := passkeyName(ctx, tx, p.User, c); err != nil || was == name {
			return audit.Quiet(audit.Housekeeping), err
		}
		if err := throttle.CountAct(ctx, tx, p, f.Now()); err != nil {
			return audit.Event{}, err
		}
		won, err := tx.RenamePasskey(ctx, p.User, c, name)
		if err == nil && !won {
			err = fault.New(fault.PasskeyNotFound)
		}
		return event(audit.PasskeyRenamed, p, map[string]string{"name": name}), err
	})
}

// RemovePasskey takes a passkey away. It needs a step-up for exactly this one; other sessions end. Errors: passkey.not_found, factor.last,
// step_up_required.
func (f *Factors) RemovePasskey(ctx context.Context, p principal.Principal, c id.Passkey) (bearer secret.Value, err error) {
	err = f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		m, err := f.fewer(ctx, tx, p.User)
		if err != nil {
			return audit.Event{}, err
		}
		at := slices.IndexFunc(m.Passkeys, func(kept passkey.Credential) bool { return kept.ID == c })
		if at < 0 {
			return audit.Event{}, fault.New(fault.PasskeyNotFound)
		}
		name := m.Passkeys[at].Name
		m.Passkeys = slices.Delete(m.Passkeys, at, at+1)
		if err := m.stands(); err != nil {
			return audit.Event{}, err
		}
		facts := map[string]string{"kind": "passkey", "name": name}
		if err := f.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.PasskeyRemoved, Input: c, Facts: facts}); err != nil {
			return audit.Event{}, err
		}
		if won, err := tx.RemovePasskey(ctx, p.User, c, f.Now()); err != nil || !won {
			return audit.Event{}, fmt.Errorf("remove passkey: won %t: %w", won, err)
		}
		if err := m.dropCodes(ctx, tx, p.User); err != nil {
			return audit.Event{}, err
		}
		bearer, err = f.changed(ctx, tx, p, happening.Happening{Kind: happening.FactorRemoved, Facts: facts}, assurance.Proof{})
		return event(audit.PasskeyRemoved, p, facts), err
	})
	return bearer, f.StepUps.Ask(ctx, err)
}

// AcceptPasskey writes a proven passkey back in the caller's transaction. A cloned one is refused, and its owner told, with an event that must
// be committed: refused is what is answered.
func (f *Factors) AcceptPasskey(ctx context.Context, tx Tx, used passkey.Used) (refused, err error) {
	if used.Cloned {
		facts := map[string]string{"name": used.Credential.Name}
		h := happening.Happening{Kind: happening.PasskeyCloned, User: used.Credential.User, Facts: facts}
		return fault.New(fault.PasskeyCloned, "name", used.Credential.Name), f.Follow.Apply(ctx, tx, h)
	}
	won, err := tx.UsePasskey(ctx, used.Credential)
	if err != nil {
		return nil, fmt.Errorf("use passkey: %w", err)
	}
	if !won {
		return fault.New(fault.PasskeyRefused), nil
	}
	return nil, forgetFailures(ctx, tx, used.Credential.User)
}

// Owner is a user as authenticators know them, in the caller's transaction. Errors: unauthorized if there is no such user, or they are
// disabled.
func Owner(ctx context.Context, tx Tx, u id.User) (passkey.Owner, account.User, error) {
	self, found, err := tx.UserByID(ctx, u)
	if err != nil {
		return passkey.Owner{}, self, fmt.Errorf("read user: %w", err)
	}
	if !found || !self.DisabledAt.IsZero() {
		return passkey.Owner{}, self, fault.New(fault.Unauthorized)
	}
	o, err := ownerOf(ctx, tx, self)
	return o, self, err
}

// FindByHandle looks up whose passkey it is, for a sign-in that names nobody. Errors: passkey.unknown if there is nobody, passkey.refused if they
// are disabled: their passkey is good again once they are not.
func (f *Factors) FindByHandle(ctx context.Context, handle []byte) (u account.User, o passkey.Owner, err error) {
	err = f.Ledger.View(ctx, func(tx Tx) error {
		var found bool
		if u, found, err = tx.UserByHandle(ctx, handle); err != nil {
			return err
		}
		if !found {
			return fault.New(fault.PasskeyUnknown)
		}
		if !u.DisabledAt.IsZero() {
			return fault.New(fault.PasskeyRefused)
		}
		o, err = ownerOf(ctx, tx, u)
		return err
	})
	return u, o, err
}

// BeginProof starts a passkey proof of one user, for a step-up in one session. Errors: passkey.not_found if there is none.
func (f *Factors) BeginProof(ctx context.Context, p principal.Principal) (Begun, error) {
	o, err := f.owner(ctx, p.User)
	if err != nil {
		return Begun{}, err
	}
	if len(o.Credentials) == 0 {
		return Begun{}, fault.New(fault.PasskeyNotFound)
	}
	options, state, err := f.Passkeys.BeginProof(o)
	if err != nil {
		return Begun{}, err
	}
	token, err := f.Ceremonies.Begin(ceremony.PasskeyStepUp, p.Session[:], passkey.Life, state)
	return Begun{options, token}, err
}
