// Package passkey owns the two WebAuthn ceremonies: making a credential and proving with one.
//
// It wraps go-webauthn and knows no row, no session and no request: options go out and answers come in as the JSON that browsers
// speak, and what must be remembered between the halves is a State that the caller keeps sealed and spends once.
//
// Invariant: every ceremony asks for user verification and checks it, the origin and the RP ID come from config, and a counter that went
// back on a credential that cannot have been copied on purpose is told as Cloned.
package passkey

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// Credential is a passkey as it is kept. Record is the library's own record, whole, as JSON: the flags of the registration must
// survive, or later sign-ins fail on them.
type Credential struct {
	ID           id.Passkey
	User         id.User
	CredentialID []byte
	Record       string
	Name         string
	Born         time.Time
	LastUsedAt   time.Time
	// ApprovesFrom is when it is old enough to approve money.
	ApprovesFrom time.Time
	// Attested is the model that an accepted attestation named; empty if there was none.
	Attested string
	// Certified is how far FIDO certifies that model today; Uncertified too for a model that nobody attested. It is no column: certifications change, and
	// the metadata says them anew (Passkeys.Certified).
	Certified Grade
	// TestedAt is when its owner last tried it out, TestFailedAt when that last did not work.
	TestedAt, TestFailedAt time.Time
	// Backup: its owner keeps it for when another is lost.
	Backup bool
}

// Owner is whose passkeys they are: what authenticators show, and what is there already.
type Owner struct {
	Handle      []byte
	Mail, Name  string
	Credentials []Credential
}

// State is what must be kept from begin to finish, unchanged.
type State struct {
	Data webauthn.SessionData `json:"data"`
}

// Config says who we are to authenticators. Nothing of it comes from a request.
type Config struct {
	RPID string
	// Name is shown by the browser.
	Name string
	// Origins are the pages on which our ceremonies run.
	Origins []string
	// Apps are the origins of native apps that run them too, as Android writes such: android:apk-key-hash:…, compared byte for byte.
	Apps   []string
	Demand Demand
}

// Life is how long a ceremony may take.
const Life = 5 * time.Minute

// Passkeys runs ceremonies.
type Passkeys struct {
	wa     *webauthn.WebAuthn
	demand Demand
}

// New makes a Passkeys, or says what is wrong with the configuration.
func New(c Config) (*Passkeys, error) {
	timeout := webauthn.TimeoutConfig{Enforce: true, Timeout: Life, TimeoutUVD: Life}
	wa, err := webauthn.New(&webauthn.Config{
		RPID: c.RPID, RPDisplayName: c.Name, RPOrigins: c.Origins, RPOpaqueOrigins: c.Apps,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
		AttestationPreference: c.Demand.conveyance(),
		Timeouts:              webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// Some authenticators answer extensions nobody asked for; failing the ceremony would lock their users out.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("configure passkeys: %w", err)
	}
	return &Passkeys{wa, c.Demand}, nil
}

// BeginEnrol gives the options of navigator.credentials.create: a discoverable credential with user verification, none of those the
// owner has already (WebAuthn L3 §7.1).
func (p *Passkeys) BeginEnrol(o Owner) (options json.RawMessage, s State, err error) {
	u, err := userOf(o)
	if err != nil {
		return nil, s, err
	}
	exclude := make([]protocol.CredentialDescriptor, len(u.credentials))
	for i := range u.credentials {
		exclude[i] = u.credentials[i].Descriptor()
	}
	creation, data, err := p.wa.BeginRegistration(u, webauthn.WithExclusions(exclude), webauthn.WithExtensions(webauthn.WithExtensionCredProps()))
	if err != nil {
		return nil, s, fmt.Errorf("begin registration: %w", err)
	}
	options, err = json.Marshal(creation.Response)
	return options, State{*data}, err
}

// Enrolled is a new credential.
type Enrolled struct {
	CredentialID []byte
	// PublicKey in COSE form (RFC 9052 §7).
	PublicKey []byte
	Record    string
	// Model is the authenticator's name if we know it, or empty; Attested is the one that an accepted attestation proved.
	Model, Attested string
	Proof           assurance.Proof
}

// FinishEnrol checks what the browser answered (WebAuthn L3 §7.1). Errors: passkey.refused, passkey.unverified,
// passkey.unsafe, passkey.unattested.
func (p *Passkeys) FinishEnrol(o Owner, s State, response []byte, now time.Time) (Enrolled, error) {
	u, err := userOf(o)
	if err != nil {
		return Enrolled{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return Enrolled{}, refused(err)
	}
	if !parsed.Response.AttestationObject.AuthData.Flags.UserVerified() {
		return Enrolled{}, fault.New(fault.PasskeyUnverified)
	}
	c, err := p.wa.CreateCredential(u, s.Data, parsed)
	if err != nil {
		return Enrolled{}, refused(err)
	}
	attested, err := p.demand.weigh(c)
	if err != nil {
		return Enrolled{}, err
	}
	record, err := json.Marshal(c)
	if err != nil {
		return Enrolled{}, fmt.Errorf("encode credential: %w", err)
	}
	return Enrolled{
		CredentialID: c.ID, PublicKey: c.PublicKey, Record: string(record), Model: cmp.Or(attested, modelOf(c.Authenticator.AAGUID)), Attested: attested,
		Proof: proofOf(c, attested, now),
	}, nil
}

// BeginSignIn gives the options of navigator.credentials.get without naming anybody: any discoverable passkey of ours will do.
func (p *Passkeys) BeginSignIn() (options json.RawMessage, s State, err error) {
	assertion, data, err := p.wa.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	return begun(assertion, data, err)
}

// BeginProof gives the options for one known owner, as a step-up needs them.
func (p *Passkeys) BeginProof(o Owner) (options json.RawMessage, s State, err error) {
	u, err := userOf(o)
	if err != nil {
		return nil, s, err
	}
	assertion, data, err := p.wa.BeginLogin(u, webauthn.WithUserVerification(protocol.VerificationRequired))
	return begun(assertion, data, err)
}

func begun(assertion *protocol.CredentialAssertion, data *webauthn.SessionData, err error) (json.RawMessage, State, error) {
	if err != nil {
		return nil, State{}, fmt.Errorf("begin assertion: %w", err)
	}
	options, err := json.Marshal(assertion.Response)
	return options, State{*data}, err
}

// Used is a credential that has just proven its owner.
type Used struct {
	Credential Credential
	Proof      assurance.Proof
	// Cloned: the counter went back although the credential cannot leave its device. The proof must be refused.
	Cloned bool
	// Jumped: the counter of a synced credential went back, as those of several devices do. It is worth a word in the log and no more.
	Jumped bool
}

// FinishSignIn checks an assertion whose owner find looks up by user handle (WebAuthn L3 §7.2). Errors: those of find, passkey.unknown if the
// owner has no such credential (any more), passkey.unverified, passkey.changed, passkey.unsafe, passkey.refused.
func (p *Passkeys) FinishSignIn(s State, response []byte, now time.Time, find func(handle []byte) (Owner, error)) (Used, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return Used{}, refused(err)
	}
	var owner *user
	var why error
	_, c, err := p.wa.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		o, err := find(handle)
		if err != nil {
			why = err
			return nil, err
		}
		if owner, err = userOf(o); err != nil {
			why = err
			return nil, err
		}
		why = owner.objection(parsed)
		return owner, nil
	}, s.Data, parsed)
	if err != nil {
		return Used{}, cmp.Or(why, refused(err))
	}
	return p.used(owner, c, now)
}

// FinishProof checks an assertion of one known owner. Errors: passkey.unverified, passkey.changed, passkey.unsafe,
// passkey.refused.
func (p *Passkeys) FinishProof(o Owner, s State, response []byte, now time.Time) (Used, error) {
	u, err := userOf(o)
	if err != nil {
		return Used{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return Used{}, refused(err)
	}
	c, err := p.wa.ValidateLogin(u, s.Data, parsed)
	if err != nil {
		why := u.objection(parsed)
		if fault.CodeOf(why) == fault.PasskeyUnknown {
			why = nil // o may list only some of its owner's, and a browser forgets what it is told to be unknown
		}
		return Used{}, cmp.Or(why, refused(err))
	}
	return p.used(u, c, now)
}

// Synced says whether the credential may live on several devices of its owner (the BE flag, WebAuthn L3 §6.1.3).
func (c Credential) Synced() bool {
	var record webauthn.Credential
	return json.Unmarshal([]byte(c.Record), &record) == nil && record.Flags.BackupEligible
}

// MayBeKey says that the credential may lie in a security key, and MayBeOnPhone that it may lie in a phone or a computer. Both hold where the browser did
// not say how the authenticator is reached; what is synced lies in no key.
func (c Credential) MayBeKey() bool {
	return !c.Synced() && c.reached(protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard)
}

// MayBeOnPhone is said at MayBeKey.
func (c Credential) MayBeOnPhone() bool {
	return c.Synced() || c.reached(protocol.Internal, protocol.Hybrid)
}

func (c Credential) reached(by ...protocol.AuthenticatorTransport) bool {
	var record webauthn.Credential
	if json.Unmarshal([]byte(c.Record), &record) != nil || len(record.Transport) == 0 {
		return true
	}
	return slices.ContainsFunc(record.Transport, func(t protocol.AuthenticatorTransport) bool { return slices.Contains(by, t) })
}

// Certified is how far FIDO certifies the model of a credential by the metadata of today. Of a model that only the authenticator claims it says nothing.
func (p *Passkeys) Certified(c Credential) Grade {
	var record webauthn.Credential
	if c.Attested == "" || json.Unmarshal([]byte(c.Record), &record) != nil {
		return Uncertified
	}
	return p.demand.Metadata.grade(record.Authenticator.AAGUID)
}

// DeviceBound says that an attestation that we accepted names the device, and the credential cannot leave it.
func (c Credential) DeviceBound() bool {
	var record webauthn.Credential
	return c.Attested != "" && json.Unmarshal([]byte(c.Record), &record) == nil && !record.Flags.BackupEligible
}

// Model is what the authenticator calls itself, or was attested to be; empty if we do not know it.
func (c Credential) Model() string {
	if c.Attested != "" {
		return c.Attested
	}
	var record webauthn.Credential
	if err := json.Unmarshal([]byte(c.Record), &record); err != nil {
		return ""
	}
	return modelOf(record.Authenticator.AAGUID)
}

func refused(err error) error { return fault.New(fault.PasskeyRefused).Because(err) }

// user is the library's view of an owner.
type user struct {
	Owner
	credentials []webauthn.Credential
}

func userOf(o Owner) (*user, error) {
	u := &user{Owner: o, credentials: make([]webauthn.Credential, len(o.Credentials))}
	for i, c := range o.Credentials {
		if err := json.Unmarshal([]byte(c.Record), &u.credentials[i]); err != nil {
			return nil, fmt.Errorf("decode passkey %s: %w", c.ID, err)
		}
	}
	return u, nil
}

func (u *user) WebAuthnID() []byte                         { return u.Handle }
func (u *user) WebAuthnName() string                       { return u.Mail }
func (u *user) WebAuthnDisplayName() string                { return u.Name }
func (u *user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

// objection names what is wrong with an assertion that the library refuses, so that its reader gets a next step; nil if it is none of the usual
// things. It reads bytes that nobody has checked: it may say why a proof fails, never that one holds.
func (u *user) objection(a *protocol.ParsedCredentialAssertionData) error {
	at := slices.IndexFunc(u.credentials, func(c webauthn.Credential) bool { return bytes.Equal(c.ID, a.RawID) })
	flags := a.Response.AuthenticatorData.Flags
	switch {
	case at < 0:
		return fault.New(fault.PasskeyUnknown)
	case !flags.UserVerified():
		return fault.New(fault.PasskeyUnverified)
	case flags.HasBackupEligible() != u.credentials[at].Flags.BackupEligible:
		return fault.New(fault.PasskeyChanged)
	}
	return nil
}

// used is a credential that proved its owner, unless it is of a kind that has become unsafe since it was made.
func (p *Passkeys) used(u *user, c *webauthn.Credential, now time.Time) (Used, error) {
	if err := p.demand.safe(c); err != nil {
		return Used{}, err
	}
	record, err := json.Marshal(c)
	if err != nil {
		return Used{}, fmt.Errorf("encode credential: %w", err)
	}
	for _, kept := range u.Credentials {
		if string(kept.CredentialID) == string(c.ID) {
			kept.Record, kept.LastUsedAt = string(record), now
			// Synced passkeys send zero or jumps, so only a credential bound to one device can be called cloned.
			back, synced := c.Authenticator.CloneWarning, c.Flags.BackupEligible
			return Used{Credential: kept, Proof: proofOf(c, kept.Attested, now), Cloned: back && !synced, Jumped: back && synced}, nil
		}
	}
	return Used{}, fault.New(fault.PasskeyRefused)
}

// proofOf claims a bound device only where an attestation that we accepted says what the device is, and the credential cannot leave it.
func proofOf(c *webauthn.Credential, attested string, now time.Time) assurance.Proof {
	return assurance.Proof{
		Factors: assurance.Passkey, UserVerified: c.Flags.UserVerified, PhishingResistant: true,
		DeviceBound: attested != "" && !c.Flags.BackupEligible, At: now,
	}
}
