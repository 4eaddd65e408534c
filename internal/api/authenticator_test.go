package api_test

import (
	"encoding/json"
	"testing"

	"github.com/descope/virtualwebauthn"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// authenticator is somebody's phone: it makes one passkey and answers with it.
type authenticator struct {
	t    *testing.T
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
}

func newAuthenticator(t *testing.T) *authenticator {
	return &authenticator{
		t: t, rp: virtualwebauthn.RelyingParty{Name: "Sallyport", ID: "localhost", Origin: authtest.Origin},
		auth: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{BackupEligible: true, BackupState: true}),
		cred: authtest.NewCredential(),
	}
}

// options is the first half as it came, ready for the authenticator.
func options(t *testing.T, a answer) string {
	t.Helper()
	b, err := json.Marshal(a.body["options"])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// made answers navigator.credentials.create.
func (p *authenticator) made(begun answer) map[string]any {
	p.t.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(options(p.t, begun))
	if err != nil {
		p.t.Fatal(err)
	}
	p.auth.Options.UserHandle = []byte(o.UserID)
	p.auth.AddCredential(p.cred)
	return finish(begun, virtualwebauthn.CreateAttestationResponse(p.rp, p.auth, p.cred, *o))
}

// proven answers navigator.credentials.get.
func (p *authenticator) proven(begun answer) map[string]any {
	p.t.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(options(p.t, begun))
	if err != nil {
		p.t.Fatal(err)
	}
	p.cred.Counter++
	return finish(begun, virtualwebauthn.CreateAssertionResponse(p.rp, p.auth, p.cred, *o))
}

func finish(begun answer, response string) map[string]any {
	return map[string]any{"state": begun.text("state"), "response": json.RawMessage(response)}
}
