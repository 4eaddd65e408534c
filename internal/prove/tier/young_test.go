package tier_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
)

// Of a user of high value who has an app only, a forged page that passes codes on can make itself a passkey; it is too young to make a key with.
func TestACodeDoesNotMakeTheProofThatReplacesIt(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	const home, mail = "203.0.113.7", "ada@example.com"
	b := s.Browser(home)
	b.Wait = clock.Advance
	b.SignUp(mail)
	secret := b.EnrolTOTP()
	if err := s.Tiers.Raise(t.Context(), principal.Host("tests"), b.Principal().User); err != nil {
		t.Fatal(err)
	}
	clock.Advance(8 * 24 * time.Hour)
	clock.Advance(30 * time.Second)
	thief := s.Browser("198.51.100.66")
	thief.Wait = clock.Advance
	if got := thief.SignIn(mail, authtest.Password, secret); got.Status != http.StatusOK { // both passed on
		t.Fatalf("sign-in: %d %s", got.Status, got.Text)
	}
	site := virtualwebauthn.RelyingParty{ID: "localhost", Origin: authtest.Origin}
	var c struct {
		State   string
		Options json.RawMessage
	}
	thief.Into(thief.Call(http.MethodPost, "/v1/passkeys/begin", nil), &c)
	options, err := virtualwebauthn.ParseAttestationOptions(string(c.Options))
	if err != nil {
		t.Fatal(err)
	}
	cred, auth := authtest.NewCredential(), virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(options.UserID)})
	made := virtualwebauthn.CreateAttestationResponse(site, auth, cred, *options)
	if got := thief.StepUp(http.MethodPost, "/v1/passkeys", map[string]any{"state": c.State, "response": json.RawMessage(made), "name": "mine"}, secret); got.Status >= 400 {
		t.Fatalf("no passkey: %d %s", got.Status, got.Text)
	}
	wanted := map[string]any{"name": "bot", "purpose": "tests", "environment": "test", "dialect": "native", "algorithm": "hmac-sha256", "scopes": []string{"orders:write"}}
	refused := thief.Call(http.MethodPost, "/v1/keys", wanted)
	var asked struct {
		Fields struct {
			StepUp string `json:"step_up"`
		}
	}
	thief.Into(refused, &asked)
	at := "/v1/step-ups/" + asked.Fields.StepUp + "/passkey"
	thief.Into(thief.Call(http.MethodPost, at+"/begin", nil), &c)
	request, err := virtualwebauthn.ParseAssertionOptions(string(c.Options))
	if err != nil {
		t.Fatal(refused.Text, err)
	}
	signed := virtualwebauthn.CreateAssertionResponse(site, auth, cred, *request)
	thief.Call(http.MethodPost, at, map[string]any{"state": c.State, "response": json.RawMessage(signed)})
	if got := thief.Call(http.MethodPost, "/v1/keys", wanted); got.Status == http.StatusCreated {
		t.Error("a passkey that a code made a minute ago makes a key of a user of high value")
	}
}

// What hands the account over, or ends it, is as sensitive as a key.
func TestWhatIsSensitiveToo(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	const mail = "ada@example.com"
	b := s.Browser("203.0.113.7")
	b.Wait = clock.Advance
	b.SignUp(mail)
	secret := b.EnrolTOTP()
	if err := s.Tiers.Raise(t.Context(), principal.Host("tests"), b.Principal().User); err != nil {
		t.Fatal(err)
	}
	clock.Advance(8*24*time.Hour + 30*time.Second)
	if got := b.SignIn(mail, authtest.Password, secret); got.Status != http.StatusOK {
		t.Fatalf("sign-in: %d %s", got.Status, got.Text)
	}
	for path, body := range map[string]any{
		"/v1/privacy/departure": map[string]string{"own_mail": mail},
		"/v1/privacy/copy":      nil,
	} {
		if got := b.StepUp(http.MethodPost, path, body, secret); got.Status < 400 {
			t.Errorf("%s with a code: %d", path, got.Status)
		}
	}
}
