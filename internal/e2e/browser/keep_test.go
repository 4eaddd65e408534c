package browser_test

import (
	"strings"
	"testing"
)

// TestAHalfFilledFormIsSentAfterThePasskey: the session ended while somebody was typing. One touch in the same tab, and what they typed arrives.
func TestAHalfFilledFormIsSentAfterThePasskey(t *testing.T) {
	p := newPerson(t, startDemo(t))
	p.authenticator()
	p.signUp("ada@example.com")
	p.click("[data-ceremony='sign-up'] [data-begin]")
	p.arrive("/recovery/codes")
	p.open(p.demo.Dashboard + "/contact")
	p.fill("[name=second]", "second@example.org")
	p.text(`fetch('/sign-out', {method: 'POST', body: new URLSearchParams({form_token: document.querySelector('[name=form_token]').value})}).then(r => r.url)`)
	p.submit("form[action='/contact/second']") // nothing is clicked: the browser offers the passkey and the page takes it
	p.until("document.querySelector('[data-step-up] [data-begin]:not([hidden])') !== null")
	if asked := p.text("document.querySelector('.summary').innerText"); !strings.Contains(asked, "second@example.org") {
		t.Errorf("what is confirmed: %s", asked)
	}
	p.confirmWithPasskey()
	p.arrive("/contact/code")
}

// TestTheWarningBeforeASessionRestsOrEnds: two minutes before, and what is being typed stays.
func TestTheWarningBeforeASessionRestsOrEnds(t *testing.T) {
	p := newPerson(t, startDemo(t))
	p.authenticator()
	p.signUp("ada@example.com")
	p.click("[data-ceremony='sign-up'] [data-begin]")
	p.arrive("/recovery/codes")
	p.open(p.demo.Dashboard + "/contact")
	p.fill("[name=second]", "second@exa")
	const seen = "[...document.querySelectorAll('[data-ending] [data-when]')].filter(e => e.checkVisibility()).map(e => e.dataset.when).join()"
	if now := p.text(seen); now != "" {
		t.Fatalf("a fresh session warns of %q", now)
	}
	p.text("(window.ahead = 0, Date.now = (real => () => real() + window.ahead)(Date.now.bind(Date)), '')")
	p.text("(window.ahead = 28.5 * 60_000, '')")
	p.until(seen + " === 'idle'")
	p.click("[data-stay]")
	p.until(seen + " === ''")
	p.text("(window.ahead = (12 * 60 - 1) * 60_000, '')")
	p.until(seen + " === 'ends'")
	if got := p.text("document.querySelector('[name=second]').value + document.querySelector('[data-stay]').checkVisibility()"); got != "second@exafalse" {
		t.Errorf("in the field, and whether staying is offered: %s", got)
	}
}
