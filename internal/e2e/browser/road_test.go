package browser_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// TestThePasskeyRoad: sign up, verify the mail's code, passkey, sign out, sign in by autofill without typing, make an Ed25519 key in the
// browser, see it listed, go to the exchange on its own host and place an order.
func TestThePasskeyRoad(t *testing.T) {
	p := newPerson(t, startDemo(t))
	phone := p.authenticator()
	p.signUp("ada@example.com")
	p.click("[data-ceremony='sign-up'] [data-begin]")
	p.arrive("/recovery/codes")
	p.open(p.demo.Dashboard + "/methods")
	p.until("document.querySelector('#passkeys-title').innerText.includes('Not done')")
	spare := p.plug(webauthn.AuthenticatorTransportUsb, false)
	p.text("(document.querySelector('#passkey-name').value = 'Spare', '')")
	p.click("[data-ceremony='enrol'] [data-begin]")
	p.click("dialog [data-prove='passkey']")
	p.arrive("/recovery/codes")
	call(p, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: spare})

	p.leave(phone)
	p.open(p.demo.Dashboard + "/sign-in") // nothing is typed or clicked: the browser offers the passkey and the page takes it
	p.arrive("/")

	p.open(p.demo.Dashboard + "/keys/new")
	p.fill("#name", "grid bot")
	p.fill("#purpose", "trades the grid")
	p.click("label[for='scope-orders:write']")
	p.click("label[for='kind-browser']")
	p.click("[data-new-key] .actions button")
	p.click("dialog [data-prove='passkey']")
	p.until("document.body.innerText.includes('PRIVATE KEY')")
	shown := p.text("document.querySelector('main').innerText")
	if !strings.Contains(shown, "spk_test_") {
		t.Errorf("the new key's id is not shown: %s", shown)
	}
	p.open(p.demo.Dashboard + "/keys")
	list := p.text("document.querySelector('main').innerText")
	if !strings.Contains(list, "grid bot") || strings.Contains(list, "PRIVATE KEY") {
		t.Errorf("the list of keys: %s", list)
	}
	p.orderOnTheExchange()
}

// TestTheWithdrawalRoad: coins leave the exchange after a passkey has confirmed exactly that on a page of another origin, and in no other way.
func TestTheWithdrawalRoad(t *testing.T) {
	p := newPerson(t, startDemo(t))
	p.authenticator()
	p.signUp("ada@example.com")
	p.click("[data-ceremony='sign-up'] [data-begin]")
	p.arrive("/recovery/codes")
	p.orderOnTheExchange()
	p.withdrawOnTheExchange("paper1qwithdrawalroad", nil)
	sent := p.text(`fetch('/withdraw', {method: 'POST', headers: {'Content-Type': 'application/x-www-form-urlencoded'},
		body: 'currency=BTC&network=BTC&amount=0.01&address=paper1qwithdrawalroad'}).then(r => r.json()).then(r => r.code)`)
	if sent != "confirmation.required" {
		t.Errorf("without a confirmation: %s", sent)
	}
	p.open(p.demo.Dashboard + "/confirmations")
	p.submit("form[action$='/cancel']")
	p.until("document.querySelector('form[action$=\"/cancel\"]') === null")
}

// TestThePasswordRoad is the same with a password and an authenticator app, and an HMAC key whose step-up is a code.
func TestThePasswordRoad(t *testing.T) {
	p := newPerson(t, startDemo(t))
	p.signUp("grace@example.com")
	p.fill("#password", authtest.Password)
	p.submit("form[action='/sign-up/secure']")
	p.arrive("/")

	p.open(p.demo.Dashboard + "/methods")
	p.submit("form[action='/methods/totp']")
	p.until("document.querySelector('#code') !== null")
	secret := p.text("[...document.querySelectorAll('code')].map(c => c.innerText.replace(/\\s/g, '')).find(s => /^[A-Z2-7]{32}$/.test(s)) ?? ''")
	p.fill("#code", codeBefore(secret))
	p.submit("form:has(#code)")
	p.arrive("/recovery/codes")

	p.signOut()
	p.fill("#mail", "grace@example.com")
	p.fill("#password", authtest.Password)
	p.submit("form[action='/sign-in']")
	p.until("document.querySelector('#code') !== null")
	p.fill("#code", authtest.CodeAt(secret, time.Now()))
	p.submit("form[action='/sign-in/code']")
	p.arrive("/")

	p.open(p.demo.Dashboard + "/keys/new")
	p.makeKey(secret)
	p.open(p.demo.Dashboard + "/keys")
	list := p.text("document.querySelector('main').innerText")
	if !strings.Contains(list, "server bot") || strings.Contains(list, "sps_test_") {
		t.Errorf("the list of keys: %s", list)
	}
	p.orderOnTheExchange()
}
