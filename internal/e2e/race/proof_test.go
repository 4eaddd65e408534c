package race_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/sign"
)

// authenticator is a security key with one credential.
type authenticator struct {
	virtualwebauthn.Authenticator
	credential virtualwebauthn.Credential
}

var relyingParty = virtualwebauthn.RelyingParty{ID: "localhost", Origin: authtest.Origin}

// attest answers navigator.credentials.create, assert navigator.credentials.get.
func (a *authenticator) attest(t *testing.T, begun factor.Begun) []byte {
	t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(string(begun.Options))
	if err != nil {
		t.Fatal(err)
	}
	a.Options.UserHandle = []byte(options.UserID)
	return []byte(virtualwebauthn.CreateAttestationResponse(relyingParty, a.Authenticator, a.credential, *options))
}

func (a *authenticator) assert(t *testing.T, begun factor.Begun) []byte {
	t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(string(begun.Options))
	if err != nil {
		t.Fatal(err)
	}
	a.credential.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(relyingParty, a.Authenticator, a.credential, *options))
}

// enrolPasskey gives somebody who has just signed up with a password a passkey, racing over the ceremony.
func (c *course) enrolPasskey(p *authtest.Person) *authenticator {
	c.t.Helper()
	who := p.Principal()
	begun, err := c.Factors.BeginPasskey(c.t.Context(), who)
	if err != nil {
		c.t.Fatal(err)
	}
	key := &authenticator{virtualwebauthn.NewAuthenticator(), authtest.NewCredential()}
	answer := key.attest(c.t, begun)
	oneWins(c.t, func(int) fault.Code {
		_, _, err := c.Factors.FinishPasskey(c.t.Context(), who, begun.State, answer, "key")
		return answerOf(err)
	}, fault.SignInExpired, fault.StepUpRequired, fault.PasskeyRefused, fault.PasskeyDuplicate)
	methods, err := c.Factors.Of(c.t.Context(), who)
	if err != nil || len(methods.Passkeys) != 1 {
		c.t.Fatalf("%d passkeys: %v", len(methods.Passkeys), err)
	}
	return key
}

// sessions counts the live sessions of a person.
func (c *course) sessions(p *authtest.Person) int {
	c.t.Helper()
	list, err := c.Sessions.List(c.t.Context(), principal.Principal{Kind: principal.KindUser, User: p.User.ID})
	if err != nil {
		c.t.Fatal(err)
	}
	return len(list)
}

// withTOTP is somebody who has an authenticator app, at a step that was never used.
func (c *course) withTOTP(mail string) *authtest.Person {
	c.t.Helper()
	p := c.SignUp(mail)
	p.EnrolTOTP()
	c.later(time.Minute)
	return p
}

var newKey = apikey.IssueInput{
	Name: "grid", Purpose: "grid bot", Environment: id.Test, Scopes: tradeScopes, Dialect: sign.Native, Algorithm: sign.HMACSHA256,
}

// asked gives the step-up that a refusal names.
func asked(t *testing.T, err error) id.StepUp {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code != fault.StepUpRequired {
		t.Fatalf("want step_up_required, got %v", err)
	}
	text, _ := f.Fields["step_up"].(string)
	sid, err := id.Parse[id.StepUpKind](text)
	if err != nil {
		t.Fatal(err)
	}
	return sid
}

func (c *course) askForKey(p *authtest.Person) id.StepUp {
	c.t.Helper()
	_, err := c.APIKeys.Issue(c.t.Context(), p.Principal(), newKey)
	return asked(c.t, err)
}

// TestOneCodeSatisfiesOneStepUp: one step of the app, brought 100 times to as many step-ups as one session can have open.
func TestOneCodeSatisfiesOneStepUp(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		ada := c.withTOTP("ada@example.com")
		var open [stepup.MaxOpen]id.StepUp
		for i := range open {
			open[i] = c.askForKey(ada)
		}
		who, code := ada.Principal(), ada.Code()
		oneWins(t, func(racer int) fault.Code {
			_, err := c.Factors.SatisfyWithTOTP(t.Context(), who, open[racer%len(open)], code)
			return answerOf(err)
		}, fault.TOTPCodeRefused, fault.SignInThrottled, fault.StepUpNotFound, fault.SessionEnded)
	})
}

// TestOneAssertionSatisfiesOnce: one step-up, one passkey ceremony, one answer of the authenticator.
func TestOneAssertionSatisfiesOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		ada := c.SignUp("ada@example.com")
		key := c.enrolPasskey(ada)
		who := c.signInWithPasskey(ada, key)
		_, err := c.APIKeys.Issue(t.Context(), who, newKey)
		step := asked(t, err)
		begun, err := c.Factors.BeginProof(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		answer := key.assert(t, begun)
		oneWins(t, func(int) fault.Code {
			_, err := c.Factors.SatisfyWithPasskey(t.Context(), who, step, begun.State, answer)
			return answerOf(err)
		}, fault.SignInExpired, fault.StepUpNotFound)
	})
}

// TestOneStepUpMakesOneKey: a satisfied step-up, spent by 100 requests for exactly what it was given for.
func TestOneStepUpMakesOneKey(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		ada := c.withTOTP("ada@example.com")
		bearer, err := c.Factors.SatisfyWithTOTP(t.Context(), ada.Principal(), c.askForKey(ada), ada.Code())
		if err != nil {
			t.Fatal(err)
		}
		ada.Bearer = bearer
		who := ada.Principal()
		oneWins(t, func(int) fault.Code {
			_, err := c.APIKeys.Issue(t.Context(), who, newKey)
			return answerOf(err)
		}, fault.StepUpRequired)
		if list, err := c.APIKeys.List(t.Context(), who); err != nil || len(list) != 1 {
			t.Errorf("%d keys: %v", len(list), err)
		}
	})
}

// TestOneProofOfPossessionMakesOneKey: the challenge that the holder of an Ed25519 key signed.
func TestOneProofOfPossessionMakesOneKey(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		ada := c.withTOTP("ada@example.com")
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		in := newKey
		in.Algorithm, in.PublicKey = sign.Ed25519, base64.StdEncoding.EncodeToString(public)
		prove := func() {
			if in.Challenge, err = c.APIKeys.Challenge(ada.Principal()); err != nil {
				t.Fatal(err)
			}
			in.Possession = base64.StdEncoding.EncodeToString(ed25519.Sign(private, apikey.ProofText(in.Challenge)))
		}
		prove()
		// Two step-ups for the same content are satisfied, so that a second key would fail on nothing but the spent challenge.
		var steps [2]id.StepUp
		for i := range steps {
			_, err := c.APIKeys.Issue(t.Context(), ada.Principal(), in)
			steps[i] = asked(t, err)
		}
		for _, step := range steps {
			if ada.Bearer, err = c.Factors.SatisfyWithTOTP(t.Context(), ada.Principal(), step, ada.Code()); err != nil {
				t.Fatal(err)
			}
			c.later(30 * time.Second)
		}
		prove()
		who := ada.Principal()
		oneWins(t, func(int) fault.Code {
			_, err := c.APIKeys.Issue(t.Context(), who, in)
			return answerOf(err)
		}, fault.SignInExpired, fault.StepUpRequired)
	})
}

func (c *course) signInWithPasskey(p *authtest.Person, key *authenticator) principal.Principal {
	c.t.Helper()
	begun, err := c.SignIns.BeginPasskey(from(p))
	if err != nil {
		c.t.Fatal(err)
	}
	in, err := c.SignIns.WithPasskey(c.t.Context(), from(p), begun.State, key.assert(c.t, begun))
	if err != nil {
		c.t.Fatal(err)
	}
	p.Bearer = in.Bearer
	return p.Principal()
}

// TestOneConfirmationLetsOneRequestThrough: one confirmed withdrawal, sent by 100 at once; and one address, approved by 100 at once.
func TestOneConfirmationLetsOneRequestThrough(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		ada := c.SignUp("ada@example.com")
		passkey := ada.EnrolPasskey()
		who := ada.Principal()
		key := c.IssueKey(ada, apikey.IssueInput{})
		c.later(24 * time.Hour)
		asked, err := c.Confirmations.Ask(t.Context(), confirm.Asking{
			Content: confirm.Content{Action: scope.Withdraw, Environment: id.Test, Upstream: "paper", Asset: "BTC", Address: "paper1qracer", Amount: "0.01"},
			User:    who.User, Account: who.Account, Subaccount: who.Subaccount, Request: []byte("request"),
		})
		if err != nil {
			t.Fatal(err)
		}
		address := c.Confirmations.Address(asked.ID)
		options, err := c.Confirmations.Begin(t.Context(), authtest.PersonOrigin().Addr, address)
		if err != nil {
			t.Fatal(err)
		}
		answer := passkey.Sign(authtest.ConfirmOrigin, options)
		oneWins(t, func(int) fault.Code {
			_, err := c.Confirmations.Approve(t.Context(), authtest.PersonOrigin(), address, answer)
			return answerOf(err)
		}, fault.ConfirmationVoid, fault.PasskeyRefused)
		bot := principal.Principal{Kind: principal.KindKey, User: who.User, Account: who.Account, Subaccount: who.Subaccount, Key: key.ID}
		order := confirm.Order{Confirmation: asked.ID, Content: asked.Content, Request: []byte("request")}
		oneWins(t, func(int) fault.Code { return answerOf(c.Confirmations.Execute(t.Context(), bot, order)) }, fault.ConfirmationVoid)
	})
}
