package browser_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// send presses the button of a form, as somebody without script does.
func (p *person) send(form string) {
	p.t.Helper()
	p.click(form + " button:not([type])")
}

// TestTheRoadWithoutScript: sign-up with a password, an authenticator app, recovery codes, the check-up, a tip, a language and a sign-in, in a browser
// whose script is off.
func TestTheRoadWithoutScript(t *testing.T) {
	p := newPerson(t, startDemo(t))
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	p.signUp("ada@example.com")
	if shown := p.text("[...document.querySelectorAll('main button')].filter(b => b.checkVisibility()).map(b => b.innerText).join('|')"); strings.Contains(shown, "passkey") {
		t.Errorf("a button that needs script is shown: %s", shown)
	}
	p.fill("#password", authtest.Password)
	p.send("form[action='/sign-up/secure']")
	p.arrive("/")

	p.open(p.demo.Dashboard + "/methods")
	p.send("form[action='/methods/totp']")
	p.until("document.querySelector('#code') !== null")
	secret := p.text("[...document.querySelectorAll('code')].map(c => c.innerText.replace(/\\s/g, '')).find(s => /^[A-Z2-7]{32}$/.test(s)) ?? ''")
	p.fill("#code", "000000")
	p.send("form:has(#code)")
	p.until("document.activeElement.matches('[role=alert]') && document.activeElement.innerText.includes('Nothing was changed')")
	p.fill("#code", codeBefore(secret))
	p.send("form:has(#code)")
	p.arrive("/recovery/codes")

	p.open(p.demo.Dashboard + "/check-up")
	for p.text("String(document.querySelector('#first form[action=\"/check-up\"]') !== null)") == "true" {
		left := p.text("document.querySelector('.progress').innerText")
		p.send("#first form[action='/check-up']")
		p.until(fmt.Sprintf("document.readyState === 'complete' && document.querySelector('footer') !== null && document.querySelector('.progress')?.innerText !== %q", left))
	}
	p.until("document.body.innerText.includes('Everything is as you said it should be')")
	p.open(p.demo.Dashboard + "/keys")
	p.send("form[action='/tips/keys']")
	p.until("location.pathname === '/keys' && document.querySelector('.tip') === null && document.readyState === 'complete'")
	p.open(p.demo.Dashboard + "/activity/pictures")
	p.until("document.querySelectorAll('svg.picture rect').length > 168 && document.body.innerText.includes('UTC+00:00')")

	p.open(p.demo.Dashboard + "/")
	p.click("footer button[value='ko']")
	p.until("document.documentElement.lang === 'ko' && document.readyState === 'complete'")
	p.send(".who form")
	p.arrive("/sign-in")
	p.fill("#mail", "ada@example.com")
	p.fill("#password", authtest.Password)
	p.send("form[action='/sign-in']")
	p.until("document.querySelector('#code') !== null")
	p.fill("#code", authtest.CodeAt(secret, time.Now()))
	p.send("form[action='/sign-in/code']")
	p.arrive("/")
}

// TestTheKeyboardAlone: the first key shows the way past the navigation, and somebody who never touches a mouse answers a question of the check-up.
func TestTheKeyboardAlone(t *testing.T) {
	p := newPerson(t, startDemo(t))
	p.signUp("ada@example.com")
	p.fill("#password", authtest.Password)
	p.submit("form[action='/sign-up/secure']")
	p.arrive("/")
	p.open(p.demo.Dashboard + "/check-up")
	press := func(key string) {
		t.Helper()
		p.do(chromedp.KeyEvent(key))
	}
	press(kb.Tab)
	p.until("document.activeElement.matches('.skip') && document.activeElement.getBoundingClientRect().top >= 0")
	press(kb.Enter)
	p.until("location.hash === '#main'")
	for range 10 {
		press(kb.Tab)
		if p.text("String(document.activeElement.matches('#first form[action=\"/check-up\"] button'))") == "true" {
			break
		}
	}
	if ring := p.text("getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth"); ring != "solid3px" {
		t.Errorf("the focus cannot be seen: %s", ring)
	}
	press(kb.Enter)
	p.until("document.body.innerText.includes('1 of 2 questions answered') && document.readyState === 'complete'")
}

// TestPicturesAreInTheBrowsersZone: script asks for the zone of the browser, once, and leaves one alone that was chosen.
func TestPicturesAreInTheBrowsersZone(t *testing.T) {
	p := newPerson(t, startDemo(t))
	call(p, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Seoul"})
	p.signUp("ada@example.com")
	p.fill("#password", authtest.Password)
	p.submit("form[action='/sign-up/secure']")
	p.arrive("/")
	p.open(p.demo.Dashboard + "/activity/pictures")
	p.until("location.search === '?offset=540' && document.body.innerText.includes('(UTC+09:00)')")
	p.open(p.demo.Dashboard + "/activity/pictures?offset=-300")
	p.until("document.body.innerText.includes('(UTC-05:00)')")
}
