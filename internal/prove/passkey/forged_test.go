package passkey_test

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
)

// enrolled is a phone whose passkey is kept.
func enrolled(t *testing.T) *phone {
	t.Helper()
	p := newPhone(t)
	state, answer := p.made(t)
	made, err := p.passkeys.FinishEnrol(p.owner, state, answer, now)
	if err != nil {
		t.Fatal(err)
	}
	p.owner.Credentials = []passkey.Credential{{CredentialID: made.CredentialID, Record: made.Record}}
	p.auth.AddCredential(p.cred)
	return p
}

// forgery is one way of answering a sign-in that is not the phone's. A phisher and a malicious authenticator can sign whatever they like with
// keys of their own, and a page can ask for anything: so all of them are rightly signed, but for the last few.
type forgery struct {
	name  string
	spoil func(t *testing.T, p *phone)
	bytes func(a *assertion)
}

// assertion is an answer taken apart. What is changed before the signature is signed with the phone's own key.
type assertion struct {
	client map[string]any
	auth   []byte // RP ID hash ‖ flags ‖ counter, WebAuthn L3 §6.1
	handle []byte
	id     []byte
	key    *ecdsa.PrivateKey
}

// The flags of authenticator data, WebAuthn L3 §6.1.
const (
	flagUP = 1 << iota
	_
	flagUV
	flagBE
	flagBS
)

var forgeries = []forgery{
	{"another origin", func(_ *testing.T, p *phone) { p.rp.Origin = "http://localhost.evil.example:8080" }, nil},
	{"another port of our host", func(_ *testing.T, p *phone) { p.rp.Origin = "http://localhost:8081" }, nil},
	{"our host over another scheme", func(_ *testing.T, p *phone) { p.rp.Origin = "https://localhost:8080" }, nil},
	{"an origin that begins like ours", func(_ *testing.T, p *phone) { p.rp.Origin += "0" }, nil},
	{"no origin", nil, func(a *assertion) { delete(a.client, "origin") }},
	{"within a frame of another site", nil, func(a *assertion) { a.client["crossOrigin"], a.client["topOrigin"] = true, "https://evil.example" }},
	{"another RP ID", func(_ *testing.T, p *phone) { p.rp.ID = "evil.example" }, nil},
	{"an RP ID hash of zeroes", nil, func(a *assertion) { clear(a.auth[:32]) }},
	{"a user who was not verified", nil, func(a *assertion) { a.auth[32] &^= flagUV }},
	{"a user who was not there", nil, func(a *assertion) { a.auth[32] &^= flagUP }},
	{"backed up, yet not eligible", nil, func(a *assertion) { a.auth[32] = flagUP | flagUV | flagBS }},
	{"eligible for a backup, unlike when it was made", nil, func(a *assertion) { a.auth[32] |= flagBE }},
	{"the answer of a registration", nil, func(a *assertion) { a.client["type"] = "webauthn.create" }},
	{"another challenge", nil, func(a *assertion) { a.client["challenge"] = base64.RawURLEncoding.EncodeToString(make([]byte, 32)) }},
	{"no challenge", nil, func(a *assertion) { a.client["challenge"] = "" }},
	{"another's handle", nil, func(a *assertion) { a.handle = make([]byte, 64) }},
	{"no handle", nil, func(a *assertion) { a.handle = nil }},
	{"another's credential id", nil, func(a *assertion) { a.id = []byte("0123456789abcdef") }},
	{"another's key", nil, func(a *assertion) { a.key, _ = ecdsa.GenerateKey(a.key.Curve, rand.Reader) }},
	{"data that is cut short", nil, func(a *assertion) { a.auth = a.auth[:36] }},
	{"data with something behind it", nil, func(a *assertion) { a.auth = append(a.auth, 0) }},
}

// named are the forgeries that a person may meet without a forger: they are told apart, so that there is a next step.
var named = map[string]fault.Code{
	"a user who was not verified": fault.PasskeyUnverified, "eligible for a backup, unlike when it was made": fault.PasskeyChanged,
	"another's credential id": fault.PasskeyUnknown,
}

func TestForgedSignIns(t *testing.T) {
	t.Run("nothing forged", func(t *testing.T) {
		p := enrolled(t)
		state, answer := p.answer(t, forgery{})
		if _, err := p.signIn(state, answer); err != nil {
			t.Fatalf("the genuine answer, built the same way: %v", err)
		}
	})
	for _, f := range forgeries {
		t.Run(f.name, func(t *testing.T) {
			p := enrolled(t)
			state, answer := p.answer(t, f)
			if used, err := p.signIn(state, answer); fault.CodeOf(err) != cmp.Or(named[f.name], fault.PasskeyRefused) {
				t.Errorf("signed in: %+v, %v", used, err)
			}
		})
	}
}

// answer signs what a forgery makes of the phone's answer to a fresh sign-in.
func (p *phone) answer(t *testing.T, f forgery) (passkey.State, []byte) {
	t.Helper()
	options, state, err := p.passkeys.BeginSignIn()
	if err != nil {
		t.Fatal(err)
	}
	var asked struct{ Challenge string }
	if err := json.Unmarshal(options, &asked); err != nil {
		t.Fatal(err)
	}
	if f.spoil != nil {
		f.spoil(t, p)
	}
	hash := sha256.Sum256([]byte(p.rp.ID))
	a := &assertion{
		client: map[string]any{"type": "webauthn.get", "challenge": asked.Challenge, "origin": p.rp.Origin},
		auth:   binary.BigEndian.AppendUint32(append(hash[:], flagUP|flagUV), 0),
		handle: p.owner.Handle, id: p.cred.ID, key: privateKey(t),
	}
	if f.bytes != nil {
		f.bytes(a)
	}
	client, err := json.Marshal(a.client)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(client)
	digest := sha256.Sum256(append(slices.Clip(a.auth), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	response := map[string]any{"clientDataJSON": text(client), "authenticatorData": text(a.auth), "signature": text(signature), "userHandle": text(a.handle)}
	answer, err := json.Marshal(map[string]any{"id": text(a.id), "rawId": text(a.id), "type": "public-key", "response": response})
	if err != nil {
		t.Fatal(err)
	}
	return state, answer
}

func TestForgedRegistrations(t *testing.T) {
	for _, row := range []struct {
		name  string
		spoil func(p *phone)
	}{
		{"another origin", func(p *phone) { p.rp.Origin = "http://localhost.evil.example:8080" }},
		{"another RP ID", func(p *phone) { p.rp.ID = "evil.example" }},
		{"a user who was not verified", func(p *phone) { p.auth.Options.UserNotVerified = true }},
		{"a user who was not there", func(p *phone) { p.auth.Options.UserNotPresent = true }},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newPhone(t)
			row.spoil(p)
			state, answer := p.made(t)
			if _, err := p.passkeys.FinishEnrol(p.owner, state, answer, now); fault.CodeOf(err) != cmp.Or(named[row.name], fault.PasskeyRefused) {
				t.Errorf("enrolled: %v", err)
			}
		})
	}
}

// TestAnAnswerBelongsToItsCeremony: a challenge is good for the ceremony it was made for.
func TestAnAnswerBelongsToItsCeremony(t *testing.T) {
	p := enrolled(t)
	signIn, proof := p.answer(t, forgery{})
	_, elsewhere, err := p.passkeys.BeginProof(p.owner)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.passkeys.FinishProof(p.owner, elsewhere, proof, now); fault.CodeOf(err) != fault.PasskeyRefused {
		t.Errorf("the answer to a sign-in proves for a step-up: %v", err)
	}
	if _, err := p.signIn(elsewhere, proof); fault.CodeOf(err) != fault.PasskeyRefused {
		t.Errorf("the state of a step-up takes the answer to a sign-in: %v", err)
	}
	enrol, made := newPhone(t).made(t)
	if _, err := p.passkeys.FinishEnrol(p.owner, signIn, made, now); fault.CodeOf(err) != fault.PasskeyRefused {
		t.Errorf("the state of a sign-in takes a registration: %v", err)
	}
	if _, err := p.signIn(enrol, proof); fault.CodeOf(err) != fault.PasskeyRefused {
		t.Errorf("the state of a registration takes the answer to a sign-in: %v", err)
	}
	if _, err := p.passkeys.FinishProof(passkey.Owner{Handle: p.owner.Handle}, signIn, proof, now); fault.CodeOf(err) != fault.PasskeyRefused {
		t.Errorf("a passkey that was removed proves: %v", err)
	}
}

// TestACounterThatGoesBack: it tells of a copy where the key cannot leave its device, and of nothing where it may (WebAuthn L3 §6.1.1).
func TestACounterThatGoesBack(t *testing.T) {
	for _, row := range []struct {
		name   string
		synced bool
		last   uint32
		cloned bool
	}{
		{"bound to its device, forwards", false, 6, false},
		{"bound to its device, the same", false, 5, true},
		{"bound to its device, back", false, 4, true},
		{"bound to its device, gone", false, 0, true},
		{"synced, back", true, 4, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newPhone(t)
			p.auth.Options.BackupEligible, p.auth.Options.BackupState = row.synced, row.synced
			state, answer := p.made(t)
			made, err := p.passkeys.FinishEnrol(p.owner, state, answer, now)
			if err != nil {
				t.Fatal(err)
			}
			p.owner.Credentials = []passkey.Credential{{CredentialID: made.CredentialID, Record: made.Record}}
			for n, counter := range []uint32{5, row.last} {
				state, answer := p.answer(t, forgery{bytes: func(a *assertion) {
					binary.BigEndian.PutUint32(a.auth[33:], counter)
					if row.synced {
						a.auth[32] |= flagBE | flagBS
					}
				}})
				used, err := p.signIn(state, answer)
				if err != nil || used.Cloned != (row.cloned && n == 1) {
					t.Fatalf("counter %d: cloned %t, %v", counter, used.Cloned, err)
				}
				p.owner.Credentials[0].Record = used.Credential.Record
			}
		})
	}
}
