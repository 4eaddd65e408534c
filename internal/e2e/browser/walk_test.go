package browser_test

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// walk meets every page there is, as somebody new does, and calls show on each. Each page that show is called on can be loaded again.
func walk(p *person, show func(name string)) {
	p.t.Helper()
	visit := func(name, at string) {
		p.t.Helper()
		p.open(p.demo.Dashboard + at)
		show(name)
	}
	visit("sign-in", "/sign-in")
	visit("sign-up", "/sign-up")
	visit("lost", "/lost")
	visit("errors", "/errors")
	visit("error", "/errors/key.expired")
	p.fillIn("/sign-up", map[string]string{"#mail": "ada@example.com", "#name": "Ada Trader"})
	p.arrive("/sign-up/code")
	show("sign-up-code")
	p.fill("#code", p.code("ada@example.com"))
	p.click("main form button")
	p.arrive("/sign-up/secure")
	show("sign-up-secure")
	p.fill("#password", authtest.Password)
	p.submit("form[action='/sign-up/secure']")
	p.arrive("/")
	show("overview-new")
	visit("keys-none", "/keys")
	visit("members", "/members")
	visit("subaccounts", "/subaccounts")
	visit("contact", "/contact")
	p.fill("form[action='/contact/second'] [name='second']", "ada@work.example.com")
	p.submit("form[action='/contact/second']")
	p.arrive("/contact/code")
	show("contact-code")
	visit("password", "/methods/password")

	p.open(p.demo.Dashboard + "/methods")
	p.submit("form[action='/methods/totp']")
	p.until("document.querySelector('#code') !== null")
	secret := p.text("[...document.querySelectorAll('code')].map(c => c.innerText.replace(/\\s/g, '')).find(s => /^[A-Z2-7]{32}$/.test(s)) ?? ''")
	p.fill("#code", codeBefore(secret))
	p.submit("form:has(#code)")
	p.arrive("/recovery/codes")
	show("recovery-codes-none")
	visit("methods", "/methods")
	p.signOut()
	p.fill("#mail", "ada@example.com")
	p.fill("#password", authtest.Password)
	p.submit("form[action='/sign-in']")
	p.until("document.querySelector('#code') !== null")
	show("sign-in-code")
	p.fill("#code", authtest.CodeAt(secret, time.Now()))
	p.submit("form[action='/sign-in/code']")
	p.arrive("/")

	visit("recovery", "/recovery")
	visit("new-phone", "/new-phone")
	visit("recover", "/recover")
	p.readMailbox("ada@example.com", 1)
	show("recover-case")

	visit("keys-new", "/keys/new")
	p.makeKey(secret)
	p.open(p.demo.Dashboard + "/keys")
	p.text("([...document.querySelectorAll('main a')].find(a => a.innerText.startsWith('More about')).click(), '')")
	p.until("document.querySelector(\"a[href$='/edit']\") !== null && document.readyState === 'complete'")
	show("key")
	p.click("a[href$='/timeline']")
	p.until("location.pathname.endsWith('/timeline') && document.readyState === 'complete'")
	show("key-timeline")
	p.click("main p a[href^='/keys/']")
	p.until("document.querySelector(\"a[href$='/edit']\") !== null && document.readyState === 'complete'")
	p.click("a[href$='/edit']")
	p.until("location.pathname.endsWith('/edit') && document.readyState === 'complete'")
	show("key-edit")
	p.open(strings.Replace(p.text("location.href"), "/edit", "/promote", 1))
	show("key-promote")
	visit("overview", "/")
	visit("sessions", "/sessions")
	visit("lost-devices", "/lost-device")
	p.click("main li p a")
	p.until("location.pathname.startsWith('/lost-device/') && document.readyState === 'complete'")
	show("lost-device")
	visit("activity", "/activity")
	visit("disowned", "/disowned")
	visit("privacy", "/privacy")
	visit("requests", "/requests?id=req_069g9r2kt0f7s8w3a5q1z7y6xc")
	p.open(p.demo.Dashboard + "/lab")
	p.fill("#request", "GET /v1/accounts HTTP/1.1\nHost: 127.0.0.1\n")
	p.submit("form[action='/lab']")
	p.until("document.querySelector('.note.bad') !== null")
	visit("lab", "/lab")
	visit("pictures", "/activity/pictures")
	visit("check-up", "/check-up")
	visit("confirmations", "/confirmations")
	visit("contacted", "/contacted")
	visit("proof", "/go/"+strings.TrimPrefix(p.demo.Exchange, "http://")+"?path=/&needs=phr")
	p.open(p.demo.Dashboard + "/genuine")
	p.fill("#text", "https://exchange.example.com.evil.test/")
	p.submit("form[action='/genuine']")
	p.until("document.querySelector('.note.bad') !== null")
	visit("genuine", "/genuine")
	visit("messages", "/messages")
	p.click("main li h2 a")
	p.until("location.pathname.startsWith('/messages/msg_')")
	show("message")
	p.open(p.notMe("ada@example.com"))
	show("not-me")
	for n := range 2 { // two claims meet
		p.open(p.demo.Dashboard + "/recover")
		p.readMailbox("ada@example.com", n+2)
		p.submit("section[aria-labelledby='by-mail'] form")
		p.until("document.querySelector('#by-mail') === null && document.readyState === 'complete'")
	}
	show("recover-disputed")
	visit("not-found", "/no-such-page")
	p.comeBack("grace@example.com")
	show("recover-ready")
}

// comeBack signs somebody up with a passkey and recovery codes, and brings a case of theirs with one of these to where they are in again.
func (p *person) comeBack(mail string) {
	p.t.Helper()
	p.signOut()
	p.signUp(mail)
	p.authenticator()
	p.click("[data-ceremony='sign-up'] [data-begin]")
	p.arrive("/recovery/codes")
	p.submit("form[action='/recovery/codes']")
	p.click("[data-ceremony='step-up'] [data-begin]")
	p.until("document.querySelector('ol.codes code') !== null")
	code := p.text("document.querySelector('ol.codes code').innerText")
	p.readMailbox(mail, 1)
	p.fill("form[action='/recover/recovery-code'] [name='code']", code)
	p.submit("form[action='/recover/recovery-code']")
	p.until("document.querySelector('form[data-recovery] input[type=checkbox]') !== null && document.readyState === 'complete'")
}

// readMailbox goes from the page that begins a recovery to the case, with the nth code of one.
func (p *person) readMailbox(mail string, nth int) {
	p.t.Helper()
	p.fillIn("/recover", map[string]string{"#mail": mail})
	p.until("document.querySelector('#code') !== null")
	p.fill("#code", p.recoveryCode(mail, nth))
	p.submit("form[action='/recover/code']")
	p.arrive("/recover/case")
}

var notMeLink = regexp.MustCompile(`https?://[^\s]+/not-me/[^\s]+`)

// notMe is the link of the newest mail to an address by which its reader says that it was not them.
func (p *person) notMe(mail string) string {
	p.t.Helper()
	for _, letter := range p.letters() {
		if found := notMeLink.FindString(letter.Text); letter.To == mail && found != "" {
			return found
		}
	}
	p.t.Fatalf("no mail to %s has a link to say that it was not them", mail)
	return ""
}

// recoveryCode waits for the nth code of a recovery, which is not the first code that somebody is mailed.
func (p *person) recoveryCode(mail string, nth int) string {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var codes []string // the newest first
		for _, letter := range p.letters() {
			if found := mailCode.FindString(letter.Text); letter.To == mail && strings.Contains(letter.Subject, "come back") && found != "" {
				codes = append(codes, found)
			}
		}
		if len(codes) >= nth {
			return codes[0]
		}
	}
	p.t.Fatalf("no code of a recovery was mailed to %s", mail)
	return ""
}

// fillIn opens a page, fills its form in and sends it.
func (p *person) fillIn(page string, fields map[string]string) {
	p.t.Helper()
	p.open(p.demo.Dashboard + page)
	for field, text := range fields {
		p.fill(field, text)
	}
	p.click("main form button")
}

// look is one way of looking at a page.
type look struct {
	lang, theme string
	width       int64
	// contrast is what the reader prefers: "more", or nothing.
	contrast string
}

func (l look) String() string { return fmt.Sprintf("%s-%s-%d%s", l.lang, l.theme, l.width, l.contrast) }

// wear shows the current page as l.
func (p *person) wear(l look) {
	p.t.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		// Colours on their way from one theme to the other belong to neither.
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.theme}, {Name: "prefers-reduced-motion", Value: "reduce"}, {Name: "prefers-contrast", Value: l.contrast}},
	})
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: l.width, Height: 900, DeviceScaleFactor: 1, Mobile: l.width < 600,
	})
	if p.text("document.documentElement.lang") != l.lang {
		p.text(fmt.Sprintf("(document.cookie = 'lang=%s; path=/', location.reload(), '')", l.lang))
		p.until(fmt.Sprintf("document.documentElement.lang === %q && document.readyState === 'complete'", l.lang))
	}
}

// TestNothingOnAnyPageIsOutOfReach: axe finds nothing serious on any page in either language and theme, and nothing is wider than a phone.
func TestNothingOnAnyPageIsOutOfReach(t *testing.T) {
	p := newPerson(t, startDemo(t))
	seen := map[string]bool{}
	walk(p, func(name string) {
		seen[p.text("location.pathname")] = true
		inReach(p, name)
	})
	everyPageWasSeen(t, seen)
}

// TestTheConfirmationIsInReach: the one page that lies on an origin of its own, before and after it was used.
func TestTheConfirmationIsInReach(t *testing.T) {
	p := newPerson(t, startDemo(t))
	confirmation(p, func(name string) { inReach(p, name) })
}

// confirmation signs somebody up with a passkey who then sends coins away.
func confirmation(p *person, show func(name string)) {
	p.t.Helper()
	p.authenticator()
	p.signUp("ada@example.com")
	p.click("[data-ceremony='sign-up'] [data-begin]")
	p.arrive("/recovery/codes")
	p.orderOnTheExchange()
	p.withdrawOnTheExchange("paper1qconfirmation", show)
}

// inReach looks at the current page as six readers do.
func inReach(p *person, name string) {
	t := p.t
	t.Helper()
	script, err := os.ReadFile(axe)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("axe-core is not installed (make setup): %v", err)
	}
	for _, l := range []look{
		{"ko", "dark", 360, ""}, {"ko", "light", 360, ""}, {"en", "light", 1280, ""}, {"en", "dark", 1280, ""}, {"en", "light", 1280, "more"}, {"en", "dark", 1280, "more"},
	} {
		p.wear(l)
		p.text(string(script) + "; ''")
		for problem := range strings.SplitSeq(p.text(axeProblems), "\n") {
			if problem != "" {
				t.Errorf("%s %s: %s", name, l, problem)
			}
		}
		if over := p.text("String(document.documentElement.scrollWidth - innerWidth)"); l.width == 360 && !strings.HasPrefix(over, "-") && over != "0" {
			t.Errorf("%s %s: the page is %s px wider than the screen", name, l, over)
		}
	}
	p.wear(look{"en", "light", 1280, ""})
}

const axe = "../../kit/peers/node_modules/axe-core/axe.min.js"

// axeProblems runs axe in the page and tells what is serious or critical, a line each.
const axeProblems = `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations
	.filter(v => ['serious', 'critical'].includes(v.impact))
	.map(v => v.id + ': ' + v.help + ': ' + v.nodes.map(n => n.target.join(' ')).slice(0, 3).join(' | ')).join('\n'))`

// apart are pages that a walk cannot stand on: those that lead on at once, and bytes that are no page.
var apart = map[string]bool{"/.well-known/change-password": true, "/go/{host}": true, "/sign-in/code": true, "/assets/{name}": true}

// everyPageWasSeen compares with the route table, so that no page is added without being walked over.
func everyPageWasSeen(t *testing.T, seen map[string]bool) {
	t.Helper()
	table, err := os.ReadFile("../../../spec/routes.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		cells := strings.Split(line, "\t")
		if len(cells) < 3 || cells[0] != "web" || cells[1] != "GET" || apart[cells[2]] {
			continue
		}
		pattern := strings.TrimSuffix(cells[2], "{$}")
		for i := strings.Index(pattern, "{"); i >= 0; i = strings.Index(pattern, "{") {
			pattern = pattern[:i] + "*" + pattern[i+strings.Index(pattern[i:], "}")+1:]
		}
		met := false
		for at := range seen {
			matched, _ := path.Match(pattern, at)
			met = met || matched
		}
		if !met {
			t.Errorf("no walk meets %s: add it to walk", cells[2])
		}
	}
}
