package passkey_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/go-webauthn/webauthn/protocol"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
)

// phone makes one passkey for one person and answers with it.
type phone struct {
	rp       virtualwebauthn.RelyingParty
	auth     virtualwebauthn.Authenticator
	cred     virtualwebauthn.Credential
	owner    passkey.Owner
	passkeys *passkey.Passkeys
}

var now = time.Now().UTC()

func newPhone(tb testing.TB) *phone {
	tb.Helper()
	p, err := passkey.New(passkey.Config{RPID: "localhost", Name: "Sallyport", Origins: []string{"http://localhost:8080"}})
	if err != nil {
		tb.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(privateKey(tb))
	if err != nil {
		tb.Fatal(err)
	}
	handle := make([]byte, 64)
	handle[0] = 7
	return &phone{
		rp:       virtualwebauthn.RelyingParty{Name: "Sallyport", ID: "localhost", Origin: "http://localhost:8080"},
		auth:     virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: handle}),
		cred:     virtualwebauthn.NewCredentialWithImportedKey(virtualwebauthn.KeyTypeEC2, key),
		owner:    passkey.Owner{Handle: handle, Mail: "ada@example.com", Name: "Ada"},
		passkeys: p,
	}
}

// privateKey is every phone's, a fixed one: the library writes coordinates that begin with a zero byte too short, about one key in 200.
func privateKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func (p *phone) made(tb testing.TB) (passkey.State, []byte) {
	tb.Helper()
	options, state, err := p.passkeys.BeginEnrol(p.owner)
	if err != nil {
		tb.Fatal(err)
	}
	parsed, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		tb.Fatal(err)
	}
	return state, []byte(virtualwebauthn.CreateAttestationResponse(p.rp, p.auth, p.cred, *parsed))
}

func (p *phone) proven(tb testing.TB) (passkey.State, []byte) {
	tb.Helper()
	options, state, err := p.passkeys.BeginSignIn()
	if err != nil {
		tb.Fatal(err)
	}
	parsed, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		tb.Fatal(err)
	}
	return state, []byte(virtualwebauthn.CreateAssertionResponse(p.rp, p.auth, p.cred, *parsed))
}

func (p *phone) signIn(state passkey.State, response []byte) (passkey.Used, error) {
	return p.passkeys.FinishSignIn(state, response, now, func(handle []byte) (passkey.Owner, error) {
		if !bytes.Equal(handle, p.owner.Handle) {
			return passkey.Owner{}, fault.New(fault.PasskeyRefused)
		}
		return p.owner, nil
	})
}

func refused(_ passkey.Used, err error) bool {
	return slices.Contains([]fault.Code{fault.PasskeyRefused, fault.PasskeyUnknown, fault.PasskeyUnverified, fault.PasskeyChanged}, fault.CodeOf(err))
}

// spliced is an answer with some of its bytes replaced: none at all, a few, or every one. Each process that fuzzes has a phone of its own, so a
// seed says what to change and not what the phone answers.
func spliced(answer []byte, at, cut uint16, with []byte) []byte {
	from := min(int(at), len(answer))
	to := min(from+int(cut), len(answer))
	return slices.Concat(answer[:from], with, answer[to:])
}

// addSplices adds the seeds: the genuine answer, cut short, doubled, and things that are no answer.
func addSplices(f *testing.F) {
	f.Helper()
	const all = 1<<16 - 1
	f.Add(uint16(0), uint16(0), []byte(nil))
	f.Add(uint16(0), uint16(0), []byte(" "))
	f.Add(uint16(100), uint16(1), []byte("A"))
	f.Add(uint16(200), uint16(all), []byte(nil))
	f.Add(uint16(0), uint16(0), []byte(`{}`))
	for _, text := range []string{"", "{}", "null", `[]`, `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`, `{"response":{"clientDataJSON":"e30","attestationObject":"oA","authenticatorData":"AA"}}`} {
		f.Add(uint16(0), uint16(all), []byte(text))
	}
}

// FuzzFinishEnrol: an answer makes a credential that was verified by its user, and which is the phone's own, or is refused in one way.
func FuzzFinishEnrol(f *testing.F) {
	p := newPhone(f)
	state, answer := p.made(f)
	addSplices(f)
	f.Fuzz(func(t *testing.T, at, cut uint16, with []byte) {
		response := spliced(answer, at, cut, with)
		made, err := p.passkeys.FinishEnrol(p.owner, state, response, now)
		if err != nil {
			if fault.CodeOf(err) != fault.PasskeyRefused || bytes.Equal(response, answer) {
				t.Errorf("%q is refused with %v", response, err)
			}
			return
		}
		// Registration asks for no attestation, so the key in it is whatever the client says; what it may not say is that nobody was verified.
		if len(made.CredentialID) == 0 || !made.Proof.UserVerified || !json.Valid([]byte(made.Record)) {
			t.Errorf("%q makes %+v", response, made)
		}
		kept := p.owner
		kept.Credentials = []passkey.Credential{{CredentialID: made.CredentialID, Record: made.Record}}
		if _, _, err := p.passkeys.BeginProof(kept); err != nil {
			t.Errorf("%q makes a credential that cannot be asked for: %v", response, err)
		}
	})
}

// FuzzFinishSignIn: only what the phone signed for this challenge signs in, and then as its owner with their user verified; everything else is
// refused in one way.
func FuzzFinishSignIn(f *testing.F) {
	p := newPhone(f)
	state, answer := p.made(f)
	made, err := p.passkeys.FinishEnrol(p.owner, state, answer, now)
	if err != nil {
		f.Fatal(err)
	}
	p.owner.Credentials = []passkey.Credential{{CredentialID: made.CredentialID, Record: made.Record}}
	p.auth.AddCredential(p.cred)
	state, answer = p.proven(f)
	if _, another := p.proven(f); !refused(p.signIn(state, another)) {
		f.Error("the answer to another challenge signs in")
	}
	addSplices(f)
	f.Fuzz(func(t *testing.T, at, cut uint16, with []byte) {
		response := spliced(answer, at, cut, with)
		used, err := p.signIn(state, response)
		if err != nil {
			if fault.CodeOf(err) != fault.PasskeyRefused || bytes.Equal(response, answer) {
				t.Errorf("%q is refused with %v", response, err)
			}
			return
		}
		if string(used.Credential.CredentialID) != string(made.CredentialID) || !used.Proof.UserVerified || !sameProof(response, answer) {
			t.Errorf("%q signs in as %x", response, used.Credential.CredentialID)
		}
	})
}

// sameProof says whether two answers carry the same signed bytes and the same signature.
func sameProof(a, b []byte) bool {
	one, err := protocol.ParseCredentialRequestResponseBytes(a)
	if err != nil {
		return false
	}
	other, err := protocol.ParseCredentialRequestResponseBytes(b)
	if err != nil {
		return false
	}
	x, y := one.Raw.AssertionResponse, other.Raw.AssertionResponse
	return bytes.Equal(x.Signature, y.Signature) && bytes.Equal(x.AuthenticatorData, y.AuthenticatorData) && bytes.Equal(x.ClientDataJSON, y.ClientDataJSON)
}
