package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// answered sends one command of the browser's protocol and gives its result.
func answered[P, R any](p *person, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	r, err := chromedp.Call(p.ctx, command, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// plug puts an authenticator in: over usb it is a security key, else a part of the device.
func (p *person) plug(transport webauthn.AuthenticatorTransport, synced bool) webauthn.AuthenticatorID {
	p.t.Helper()
	call(p, webauthn.Enable, webauthn.EnableParams{})
	return answered(p, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: transport,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		DefaultBackupEligibility: synced, DefaultBackupState: synced,
	}}).AuthenticatorID
}

func (p *person) held(in webauthn.AuthenticatorID) []*webauthn.Credential {
	p.t.Helper()
	return answered(p, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: in}).Credentials
}

// addCredential is webauthn.AddCredential without the members that this release of Chromium refuses even when they say nothing.
var addCredential = cdp.Command[addCredentialParams, cdp.Empty]{Method: webauthn.CommandAddCredential}

type addCredentialParams struct {
	AuthenticatorID webauthn.AuthenticatorID `json:"authenticatorId"`
	Credential      map[string]any           `json:"credential"`
}

// put has the authenticator hold a credential, as it was read from it.
func (p *person) put(into webauthn.AuthenticatorID, c *webauthn.Credential) {
	p.t.Helper()
	call(p, addCredential, addCredentialParams{into, map[string]any{
		"credentialId": c.CredentialID, "isResidentCredential": c.IsResidentCredential, "rpId": c.RpID, "privateKey": c.PrivateKey,
		"userHandle": c.UserHandle, "signCount": c.SignCount, "backupEligibility": c.BackupEligibility, "backupState": c.BackupState,
		"userName": c.UserName, "userDisplayName": c.UserDisplayName,
	}})
}

// leave signs out with the hand off the authenticator: the page that comes next would sign in again at once.
func (p *person) leave(held webauthn.AuthenticatorID) {
	p.t.Helper()
	touch := func(on bool) {
		call(p, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: held, Enabled: on})
	}
	touch(false)
	p.signOut()
	p.open(p.demo.Dashboard + "/errors") // where nothing waits for a touch
	touch(true)
}

// withPasskey signs somebody up with the authenticator that is plugged in.
func (p *person) withPasskey(mail string) {
	p.t.Helper()
	p.signUp(mail)
	p.click("[data-ceremony='sign-up'] [data-begin]")
	p.arrive("/recovery/codes")
}

// refusedWith waits until the page's passkey button says why nothing came of it.
func (p *person) refusedWith(ceremony, words string) {
	p.t.Helper()
	p.until(fmt.Sprintf("(document.querySelector(\"[data-ceremony='%s'] [data-failure]\")?.innerText ?? '').includes(%q)", ceremony, words))
}

// TestEveryKindOfAuthenticator: each signs its owner up and in, is listed as what it is, and can be tried out.
func TestEveryKindOfAuthenticator(t *testing.T) {
	facts := startDemo(t)
	for _, kind := range []struct {
		name      string
		transport webauthn.AuthenticatorTransport
		synced    bool
		listed    string
	}{
		{"platform", webauthn.AuthenticatorTransportInternal, false, "This device only"},
		{"security key", webauthn.AuthenticatorTransportUsb, false, "This device only"},
		{"synced", webauthn.AuthenticatorTransportInternal, true, "Synced"},
	} {
		t.Run(kind.name, func(t *testing.T) {
			p := newPerson(t, facts)
			key := p.plug(kind.transport, kind.synced)
			p.withPasskey(strings.ReplaceAll(kind.name, " ", "-") + "@example.com")
			p.open(p.demo.Dashboard + "/methods")
			if list := p.text("document.querySelector('#passkeys .rows').innerText"); !strings.Contains(list, kind.listed) {
				t.Errorf("listed as %s", list)
			}
			p.text("(document.querySelector('[data-passkey]').closest('details').open = true, '')")
			p.click("[data-ceremony='test'] [data-begin]")
			p.until("document.querySelector('[data-tested]').hidden === false")
			p.leave(key)
			p.open(p.demo.Dashboard + "/sign-in")
			p.arrive("/")
		})
	}
}

// TestTheListOfPasskeysIsInReach: the page of the walk, whose reader has no passkey, shows less of it.
func TestTheListOfPasskeysIsInReach(t *testing.T) {
	p := newPerson(t, startDemo(t))
	p.plug(webauthn.AuthenticatorTransportUsb, false)
	p.withPasskey("ada@example.com")
	p.open(p.demo.Dashboard + "/methods")
	p.text("(document.querySelectorAll('#passkeys details').forEach(d => { d.open = true }), '')")
	inReach(p, "methods with a passkey")
}

// TestAPasskeyThatChecksNobody: an authenticator that was only touched is told apart, with what to do next.
func TestAPasskeyThatChecksNobody(t *testing.T) {
	p := newPerson(t, startDemo(t))
	key := p.plug(webauthn.AuthenticatorTransportUsb, false)
	p.withPasskey("ada@example.com")
	p.leave(key)
	bad := true
	call(p, webauthn.SetResponseOverrideBits, webauthn.SetResponseOverrideBitsParams{AuthenticatorID: key, IsBadUV: &bad})
	p.open(p.demo.Dashboard + "/sign-in")
	p.refusedWith("sign-in", "did not check that it is you")
	p.refusedWith("sign-in", "Set up a screen lock")
}

// TestACopiedSecurityKey: its counter went back, so it is refused, and its owner is told by mail.
func TestACopiedSecurityKey(t *testing.T) {
	p := newPerson(t, startDemo(t))
	key := p.plug(webauthn.AuthenticatorTransportUsb, false)
	p.withPasskey("ada@example.com")
	p.leave(key)
	p.open(p.demo.Dashboard + "/sign-in")
	p.arrive("/")
	p.leave(key)
	held := p.held(key)[0]
	call(p, webauthn.RemoveCredential, webauthn.RemoveCredentialParams{AuthenticatorID: key, CredentialID: held.CredentialID})
	held.SignCount = 1
	p.put(key, held)
	p.open(p.demo.Dashboard + "/sign-in")
	p.refusedWith("sign-in", "could not be checked")
	told := func() bool {
		for _, l := range p.letters() {
			if l.To == "ada@example.com" && strings.Contains(l.Subject, "there may be a copy of it") {
				return true
			}
		}
		return false
	}
	for range 100 {
		if told() {
			return
		}
		p.text("new Promise(done => setTimeout(() => done(''), 100))")
	}
	t.Error("no letter about the copy")
}

// TestADeletedPasskey: the browser hears of it twice, when it is removed and when it is offered all the same.
func TestADeletedPasskey(t *testing.T) {
	p := newPerson(t, startDemo(t))
	phone := p.plug(webauthn.AuthenticatorTransportInternal, true)
	p.withPasskey("ada@example.com")
	p.open(p.demo.Dashboard + "/methods/password")
	p.fill("#password", authtest.Password)
	p.submit("form[action='/methods/password']")
	p.confirmWithPasskey()
	p.arrive("/methods")
	kept := p.held(phone)[0]
	p.text("(document.querySelector(\"form[action$='/remove'][action^='/methods/passkeys']\").requestSubmit(), '')")
	p.confirmWithPasskey()
	p.arrive("/methods")
	p.forgotten(phone)

	p.leave(phone)
	p.put(phone, kept)
	p.open(p.demo.Dashboard + "/sign-in")
	p.refusedWith("sign-in", "We do not know this passkey")
	p.forgotten(phone)
}

// confirmWithPasskey answers the page that asks for one more proof.
func (p *person) confirmWithPasskey() {
	p.t.Helper()
	p.until("document.querySelector('[data-step-up] [data-begin]:not([hidden])') !== null")
	p.click("[data-step-up] [data-begin]")
}

// forgotten waits until the authenticator holds nothing any more.
func (p *person) forgotten(in webauthn.AuthenticatorID) {
	p.t.Helper()
	for range 100 {
		if len(p.held(in)) == 0 {
			return
		}
		p.text("new Promise(done => setTimeout(() => done(''), 50))")
	}
	p.t.Error("the browser goes on offering a passkey that was removed")
}

// TestTwoPeopleOfOneAuthenticator: each has a passkey on it, and neither comes in as the other.
func TestTwoPeopleOfOneAuthenticator(t *testing.T) {
	p := newPerson(t, startDemo(t))
	shared := p.plug(webauthn.AuthenticatorTransportUsb, false)
	mails := []string{"ada@example.com", "bea@example.com"}
	for _, mail := range mails {
		p.withPasskey(mail)
		p.leave(shared)
	}
	all := p.held(shared)
	if len(all) != 2 || string(all[0].UserHandle) == string(all[1].UserHandle) {
		t.Fatalf("the authenticator holds %d passkeys", len(all))
	}
	for i, c := range all {
		call(p, webauthn.ClearCredentials, webauthn.ClearCredentialsParams{AuthenticatorID: shared})
		p.put(shared, c)
		p.open(p.demo.Dashboard + "/sign-in")
		p.arrive("/")
		got := p.text("fetch('/v1/methods').then(r => r.json()).then(r => r.signal.name + ' ' + r.passkeys.length)")
		if got != c.UserName+" 1" {
			t.Errorf("passkey %d of %s signed in as %s", i, c.UserName, got)
		}
		p.leave(shared)
	}
}
