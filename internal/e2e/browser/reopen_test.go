package browser_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// TestAHeldWithdrawalOutlivesItsTab: a withdrawal that was confirmed waits out a hold. Its user closes the tab and comes back in others: the exchange and
// the page of the confirmation still know it, it goes once when the hold has ended, and never again.
func TestAHeldWithdrawalOutlivesItsTab(t *testing.T) {
	const address = "paper1qheldwithdrawal"
	browser := newPerson(t, startDemo(t))
	p, shut := browser.tab()
	p.authenticator()
	p.withPasskey("ada@example.com")
	p.open(p.demo.Dashboard + "/methods/password")
	p.fill("#password", authtest.Password)
	p.submit("form[action='/methods/password']") // holds what leaves, in the demo for two minutes
	p.confirmWithPasskey()
	p.arrive("/methods")
	p.orderOnTheExchange()
	p.fill("form[action='/withdraw'] [name='address']", address)
	p.fill("form[action='/withdraw'] [name='amount']", "0.01")
	p.submit("form[action='/withdraw']")
	p.until("location.pathname.startsWith('/c/cnf_') && document.querySelector('[data-confirm] [data-begin]:not([hidden])') !== null")
	page := p.text("location.href")
	p.click("[data-confirm] [data-begin]")
	p.waitsOnTheExchange(address)
	confirmation := p.text("Object.keys(localStorage)[0].split(' ').pop()")
	if whose := p.text("Object.keys(localStorage)[0]"); !strings.HasPrefix(whose, "withdrawal usr_") {
		t.Errorf("what waits says not whose it is: %s", whose)
	}
	body := p.text("JSON.parse(localStorage.getItem(Object.keys(localStorage)[0])).body")
	shut()

	p, shut = browser.tab()
	p.do(chromedp.Navigate(p.demo.Exchange + "/"))
	p.waitsOnTheExchange(address)
	p.open(page)
	if shown := p.text("document.querySelector('main').textContent"); !strings.Contains(shown, address) || !strings.Contains(shown, "0.01 BTC") {
		t.Errorf("the page of the confirmation, opened again: %s", shown)
	}
	shut()

	for deadline, gone := time.Now().Add(4*time.Minute), false; !gone; {
		if time.Now().After(deadline) {
			t.Fatal("the hold has not ended")
		}
		p, shut = browser.tab()
		p.do(chromedp.Navigate(p.demo.Exchange + "/"))
		p.until("location.search.includes('done=withdrawing') || document.querySelector('#send-problem:not([hidden])') !== null")
		gone = p.text("String(location.search.includes('done=withdrawing'))") == "true"
		p.text("new Promise(done => setTimeout(() => done(''), 5000))")
		shut()
	}
	p, shut = browser.tab()
	defer shut()
	p.open(p.demo.Exchange + "/") // nothing is kept any more
	again := p.text(fmt.Sprintf(`fetch('/withdraw', {method: 'POST', body: %q, headers: {'Content-Type': 'application/x-www-form-urlencoded',
		Accept: 'application/json', 'Sallyport-Confirmation': %q}}).then(r => r.json()).then(r => r.code)`, body, confirmation))
	if again != "confirmation.void" {
		t.Errorf("sent again with the confirmation %s: %s", confirmation, again)
	}
	p.open(p.demo.Exchange + "/")
	if sent := p.sent(address); sent != "1" {
		t.Errorf("it left %s times", sent)
	}
}

// tab opens another tab of the same browser, and gives it with the way to close it.
func (p *person) tab() (*person, func()) {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx)
	p.t.Cleanup(cancel)
	tab := &person{t: p.t, ctx: ctx, demo: p.demo}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		p.t.Fatal(err)
	}
	call(tab, log.Enable, cdp.Empty{})
	return tab, func() {
		if err := chromedp.Cancel(ctx); err != nil && context.Cause(ctx) == nil {
			p.t.Errorf("close the tab: %v", err)
		}
	}
}

// waitsOnTheExchange: the exchange says that a withdrawal waits, where it is cancelled, and that nothing has left.
func (p *person) waitsOnTheExchange(address string) {
	p.t.Helper()
	p.until(fmt.Sprintf("location.origin === %q && document.querySelector(\"#send-problem:not([hidden]) a[href*='/c/cnf_']\") !== null", p.demo.Exchange))
	if sent := p.sent(address); sent != "0" {
		p.t.Errorf("it left %s times in the hold", sent)
	}
}

// sent counts the withdrawals to an address that the exchange lists.
func (p *person) sent(address string) string {
	p.t.Helper()
	return p.text(fmt.Sprintf("String([...document.querySelectorAll('tr')].filter(row => row.innerText.includes(%q)).length)", address))
}
