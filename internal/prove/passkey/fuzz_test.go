package passkey_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

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
	handle := make([]byte, 64)
	handle[0] = 7
	return &phone{
		rp:       virtualwebauthn.RelyingParty{Name: "Sallyport", ID: "localhost", Origin: "http://localhost:8080"},
		auth:     virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: handle}),
		cred:     virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2),
		owner:    passkey.Owner{Handle: handle, Mail: "ada@example.com", Name: "Ada"},
		passkeys: p,
	}
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

// changed are spellings of an answer that a stranger would try.
func changed(answer []byte) [][]byte {
	var tree map[string]any
	if err := json.Unmarshal(answer, &tree); err != nil {
		panic(err)
	}
	delete(tree, "type")
	untyped, err := json.Marshal(tree)
	if err != nil {
		panic(err)
	}
	return [][]byte{answer, untyped, answer[:len(answer)-1], append([]byte(" "), answer...), []byte("{}"), []byte("null"), nil}
}

// FuzzFinishEnrol: an answer makes a credential that was verified by its user, and which is the phone's own, or is refused in one way.
func FuzzFinishEnrol(f *testing.F) {
	p := newPhone(f)
	state, answer := p.made(f)
	for _, seed := range changed(answer) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, response []byte) {
		made, err := p.passkeys.FinishEnrol(p.owner, state, response, now)
		if err != nil {
			if fault.CodeOf(err) != fault.PasskeyRefused {
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
	for _, seed := range changed(answer) {
		f.Add(seed)
	}
	_, another := p.proven(f) // of another challenge
	f.Add(another)
	f.Fuzz(func(t *testing.T, response []byte) {
		used, err := p.passkeys.FinishSignIn(state, response, now, func(handle []byte) (passkey.Owner, error) {
			if string(handle) != string(p.owner.Handle) {
				return passkey.Owner{}, fault.New(fault.PasskeyRefused)
			}
			return p.owner, nil
		})
		if err != nil {
			if fault.CodeOf(err) != fault.PasskeyRefused {
				t.Errorf("%q is refused with %v", response, err)
			}
			return
		}
		if string(used.Credential.CredentialID) != string(made.CredentialID) || !used.Proof.UserVerified || !sameProof(response, answer) {
			t.Errorf("%q signs in as %x", response, used.Credential.CredentialID)
		}
	})
}

// sameProof says whether two answers carry the same signature: then the signed bytes are the same too, or ECDSA is broken.
func sameProof(a, b []byte) bool {
	type proof struct {
		Response struct{ Signature, AuthenticatorData, ClientDataJSON string }
	}
	var one, other proof
	return json.Unmarshal(a, &one) == nil && json.Unmarshal(b, &other) == nil && one == other
}
