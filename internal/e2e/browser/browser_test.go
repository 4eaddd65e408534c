// Package browser_test drives the demo with a real Chromium and a virtual authenticator, as a newcomer would.
package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/seed-21c57000/sallyport/internal/demo"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// startDemo runs the real binary and gives what it prints.
func startDemo(t *testing.T) demo.Facts {
	t.Helper()
	p := program.Start(t, program.Build(t, program.Sallyport), "demo", "--json", "--addr", "127.0.0.1:0", "--gateway-addr", "127.0.0.1:0", "--data", t.TempDir())
	line, err := p.Line()
	if err != nil {
		t.Fatalf("the demo did not start: %v\n%s", err, p.Stderr())
	}
	var facts demo.Facts
	if err := json.Unmarshal([]byte(line), &facts); err != nil {
		t.Fatal(err)
	}
	return facts
}

// person is one browser with one user in front of it.
type person struct {
	t    *testing.T
	ctx  context.Context
	demo demo.Facts

	mu         sync.Mutex
	violations []string
}

// newPerson opens a fresh Chromium. Every step has a minute; what hangs fails with a picture of the page.
func newPerson(t *testing.T, facts demo.Facts, more ...chromedp.ExecAllocatorOption) *person {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		path = program.Missing(t, "chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), append(options, more...)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	p := &person{t: t, ctx: ctx, demo: facts}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatal(err)
	}
	call(p, log.Enable, cdp.Empty{})
	return p
}

// hear collects everything that a page's policy forbade.
func (p *person) hear(event any) {
	text := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		text = e.Entry.Text
	case *runtime.EventConsoleAPICalled:
		for _, a := range e.Args {
			text += string(a.Value)
		}
	case *runtime.EventExceptionThrown:
		text = "exception: " + e.ExceptionDetails.Text
	}
	if strings.Contains(text, "Content Security Policy") || strings.Contains(text, "Trusted") || strings.HasPrefix(text, "exception") {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.violations = append(p.violations, text)
	}
}

func (p *person) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%v\non %s", err, p.where())
	}
}

// call sends one command of the browser's protocol.
func call[P, R any](p *person, command cdp.Command[P, R], params P) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, command, params); err != nil {
		p.t.Fatal(err)
	}
}

// text asks the page a question whose answer is text.
func (p *person) text(expression string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v\non %s", expression, err, p.where())
	}
	return got
}

// until waits for the page to say yes. A question that meets a page on its way out is asked again on the next.
func (p *person) until(question string) {
	p.t.Helper()
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
		yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool](question))
		cancel()
		if err == nil && yes {
			return
		}
	}
	p.t.Fatalf("the page never said yes to %s\non %s", question, p.where())
}

// where says which page hangs and what it shows.
func (p *person) where() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	shown, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return shown
}

func (p *person) open(url string) {
	p.t.Helper()
	p.do(chromedp.Navigate(url), chromedp.WaitVisible(chromedp.CSS("h1")))
	p.nothingToSteal()
}

// arrive waits for a page whose path and first heading are there.
func (p *person) arrive(path string) {
	p.t.Helper()
	p.until(fmt.Sprintf("location.pathname === %q && document.readyState === 'complete' && document.querySelector('h1') !== null", path))
	p.nothingToSteal()
}

func (p *person) fill(selector, text string) {
	p.t.Helper()
	p.do(chromedp.WaitVisible(chromedp.CSS(selector)))
	p.text(fmt.Sprintf("(document.querySelector(%q).value = '', '')", selector))
	p.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

func (p *person) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// nothingToSteal: no script of the page can read a credential, and nothing was forbidden on the way.
func (p *person) nothingToSteal() {
	p.t.Helper()
	found := p.text("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
	if found != "{}{}" && found != "lang=en{}{}" && found != "lang=ko{}{}" {
		p.t.Errorf("script can read %q", found)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range p.violations {
		p.t.Errorf("the page's policy was violated: %s", v)
	}
	p.violations = nil
}

// authenticator puts a passkey provider of a phone into the browser: synced, with user verification.
func (p *person) authenticator() webauthn.AuthenticatorID {
	p.t.Helper()
	return p.plug(webauthn.AuthenticatorTransportInternal, true)
}

var mailCode = regexp.MustCompile(`\b\d{4} ?\d{4}\b`)

// code reads the newest letter to an address, as its reader would, and finds the code in it.
func (p *person) code(mail string) string {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		for _, letter := range p.letters() {
			if letter.To == mail {
				if found := mailCode.FindString(letter.Text); found != "" {
					return found
				}
			}
		}
	}
	p.t.Fatalf("no code was mailed to %s", mail)
	return ""
}

type letter struct{ To, Subject, Text string }

func (p *person) letters() (list []letter) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.demo.Mail+"/messages.json", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		p.t.Fatal(err)
	}
	return list
}

// signUp walks from the first page to the choice of a credential.
func (p *person) signUp(mail string) {
	p.t.Helper()
	p.open(p.demo.Dashboard + "/sign-up")
	p.fill("#mail", mail)
	p.fill("#name", "Ada Trader")
	p.click("main form button")
	p.arrive("/sign-up/code")
	p.fill("#code", p.code(mail))
	p.click("main form button")
	p.arrive("/sign-up/secure")
}

func (p *person) signOut() {
	p.t.Helper()
	p.open(p.demo.Dashboard + "/")
	p.submit("form[action='/sign-out']")
	p.arrive("/sign-in")
}

// orderOnTheExchange goes over from the dashboard and places a limit order that stays open.
func (p *person) orderOnTheExchange() {
	p.t.Helper()
	p.open(p.demo.Dashboard + "/")
	p.click("a[href*='/.sallyport/enter']")
	p.until(fmt.Sprintf("location.origin === %q && location.pathname === '/' && document.readyState === 'complete'", p.demo.Exchange))
	p.nothingToSteal()
	p.click("label:has(input[name='type'][value='limit']), input[name='type'][value='limit']")
	p.fill("form[action='/orders'] [name='price']", "50000000")
	p.fill("form[action='/orders'] [name='quantity']", "0.001")
	p.submit("form[action='/orders']")
	p.until("document.querySelector('form[action=\"/orders/cancel\"] input[name=uuid]') !== null")
	p.nothingToSteal()
}

// withdrawOnTheExchange sends coins away, confirms it on the origin of confirmations, and finds itself back on the exchange with the coins on
// their way. show is called on the page of the confirmation, before and after it was given; nil is not.
func (p *person) withdrawOnTheExchange(address string, show func(name string)) {
	p.t.Helper()
	p.until("document.querySelector('form[action=\"/withdraw\"]') !== null")
	p.fill("form[action='/withdraw'] [name='address']", address)
	p.fill("form[action='/withdraw'] [name='amount']", "99")
	p.submit("form[action='/withdraw']") // more than there is: said at once, and nobody is asked for a passkey
	p.until("document.querySelector('#send-problem:not([hidden])') !== null && document.activeElement.matches('[name=amount][aria-invalid]')")
	p.fill("form[action='/withdraw'] [name='amount']", "0.01")
	p.submit("form[action='/withdraw']")
	p.until("location.pathname.startsWith('/c/cnf_') && document.querySelector('[data-confirm] [data-begin]:not([hidden])') !== null")
	page := p.text("location.href")
	if shown := p.text("document.querySelector('main').textContent"); !strings.Contains(shown, address) || !strings.Contains(shown, "0.01 BTC") {
		p.t.Errorf("the page to confirm on does not say what will happen: %s", shown)
	}
	if show != nil {
		show("confirm")
	}
	p.click("[data-confirm] [data-begin]")
	p.until(fmt.Sprintf("location.origin === %q && location.search.includes('done=withdrawing') && document.body.innerText.includes(%q)", p.demo.Exchange, address))
	if show != nil {
		p.open(page)
		show("confirmed")
	}
}

// codeBefore is the app's code of the step before this one, so that a sign-in after it has one left. It counts until this step ends: near that, the next is
// waited for.
func codeBefore(totp string) string {
	if left := time.Until(time.Now().Truncate(30 * time.Second).Add(30 * time.Second)); left < 8*time.Second {
		time.Sleep(left + 100*time.Millisecond)
	}
	return authtest.CodeAt(totp, time.Now().Add(-30*time.Second))
}

// makeKey fills in the form of a new HMAC key, and proves it with a code of the app.
func (p *person) makeKey(totp string) {
	p.t.Helper()
	p.fill("#name", "server bot")
	p.fill("#purpose", "signs on a server")
	p.click("label[for='kind-hmac']")
	p.click("[data-new-key] .actions button")
	p.until("document.querySelector('#proof_code') !== null")
	time.Sleep(time.Until(time.Now().Truncate(30 * time.Second).Add(30*time.Second + 100*time.Millisecond))) // the app's next code: each counts once
	p.fill("#proof_code", authtest.CodeAt(totp, time.Now()))
	p.submit("form:has(#proof_code)")
	p.until("document.body.innerText.includes('sps_test_')")
}

// submit sends a form as its button would.
func (p *person) submit(form string) {
	p.t.Helper()
	p.do(chromedp.Steps(chromedp.WaitReady(chromedp.CSS(form))))
	p.text(fmt.Sprintf("(document.querySelector(%q).requestSubmit(), '')", form))
}
