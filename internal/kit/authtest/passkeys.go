package authtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/descope/virtualwebauthn"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
)

// NewCredential makes a virtual credential. The library writes a coordinate that begins with a zero byte too short, about one key in a
// hundred, so such keys are thrown back.
func NewCredential() virtualwebauthn.Credential {
	for {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		point, err := key.PublicKey.Bytes() // 4, then 32 bytes of X and of Y
		if err != nil {
			panic(err)
		}
		if point[1] == 0 || point[33] == 0 {
			continue
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			panic(err)
		}
		return virtualwebauthn.NewCredentialWithImportedKey(virtualwebauthn.KeyTypeEC2, der)
	}
}

// Passkey is a passkey of one person, and the authenticator that holds it.
type Passkey struct {
	s    *Stack
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
}

// EnrolPasskey gives the person, who has signed in a moment ago, a passkey.
func (p *Person) EnrolPasskey() *Passkey {
	p.s.t.Helper()
	return p.enrol(nil)
}

// EnrolPasskeyWith gives them another, which they confirm with one that they have.
func (p *Person) EnrolPasskeyWith(old *Passkey) *Passkey {
	p.s.t.Helper()
	return p.enrol(old)
}

// EnrolSecurityKey gives them one that cannot leave its device, as its maker attests; they confirm it with one that they have.
func (p *Person) EnrolSecurityKey(by *Maker, old *Passkey) *Passkey {
	p.s.t.Helper()
	auth := virtualwebauthn.NewAuthenticator()
	auth.Aaguid = by.AAGUID
	return p.enrolIn(auth, by.Attest, old)
}

func (p *Person) enrol(old *Passkey) *Passkey {
	p.s.t.Helper()
	auth := virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{BackupEligible: true, BackupState: true})
	return p.enrolIn(auth, bytes.Clone, old)
}

func (p *Person) enrolIn(auth virtualwebauthn.Authenticator, attest func([]byte) []byte, old *Passkey) *Passkey {
	p.s.t.Helper()
	who := p.Principal()
	begun, err := p.s.Factors.BeginPasskey(p.s.t.Context(), who)
	if err != nil {
		p.s.t.Fatal(err)
	}
	options, err := virtualwebauthn.ParseAttestationOptions(string(begun.Options))
	if err != nil {
		p.s.t.Fatal(err)
	}
	auth.Options.UserHandle = []byte(options.UserID)
	k := &Passkey{s: p.s, cred: NewCredential(), auth: auth}
	answer := attest([]byte(virtualwebauthn.CreateAttestationResponse(relyingParty(Origin), k.auth, k.cred, *options)))
	if old != nil {
		_, _, asked := p.s.Factors.FinishPasskey(p.s.t.Context(), who, begun.State, answer, "key")
		if err := p.StepUp(asked, old); err != nil {
			p.s.t.Fatal(err)
		}
		who = p.Principal()
	}
	if _, p.Bearer, err = p.s.Factors.FinishPasskey(p.s.t.Context(), who, begun.State, answer, "key"); err != nil {
		p.s.t.Fatal(err)
	}
	return k
}

// StepUp satisfies what a refusal asks for with a passkey.
func (p *Person) StepUp(asked error, with *Passkey) error {
	p.s.t.Helper()
	f, _ := errors.AsType[*fault.Error](asked)
	if f == nil {
		p.s.t.Fatalf("no step-up is asked for: %v", asked)
	}
	step, err := id.Parse[id.StepUpKind](fmt.Sprint(f.Fields["step_up"]))
	if err != nil {
		p.s.t.Fatalf("no step-up is asked for: %v", asked)
	}
	begun, err := p.s.Factors.BeginProof(p.s.t.Context(), p.Principal())
	if err != nil {
		p.s.t.Fatal(err)
	}
	bearer, err := p.s.Factors.SatisfyWithPasskey(p.s.t.Context(), p.Principal(), step, begun.State, with.Sign(Origin, begun.Options))
	if err == nil {
		p.Bearer = bearer
	}
	return err
}

// SignIn gives the person another session of the same browser, by password.
func (p *Person) SignIn() {
	p.s.t.Helper()
	in, err := p.s.SignIns.WithPassword(p.s.t.Context(), signin.From{Origin: PersonOrigin(), Device: p.Device}, p.Mail, secret.FromString("password", Password))
	if err != nil {
		p.s.t.Fatal(err)
	}
	p.Bearer = in.Bearer
}

func relyingParty(origin string) virtualwebauthn.RelyingParty {
	return virtualwebauthn.RelyingParty{ID: "localhost", Origin: origin}
}

// Sign answers navigator.credentials.get on a page of origin.
func (k *Passkey) Sign(origin string, options []byte) []byte {
	k.s.t.Helper()
	parsed, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		k.s.t.Fatal(err)
	}
	return []byte(virtualwebauthn.CreateAssertionResponse(relyingParty(origin), k.auth, k.cred, *parsed))
}

// Approve confirms what is at an address of the confirmation pages.
func (k *Passkey) Approve(address string) error {
	k.s.t.Helper()
	options, err := k.s.Confirmations.Begin(k.s.t.Context(), PersonOrigin().Addr, address)
	if err != nil {
		return err
	}
	_, err = k.s.Confirmations.Approve(k.s.t.Context(), PersonOrigin(), address, k.Sign(ConfirmOrigin, options))
	return err
}
