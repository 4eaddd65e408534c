package browser_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/client"
)

// TestTheRotationRoad: a key gets its next secret on its page, both sign, the cut-over tells which of them was used, and the old one ends there:
// before the new one was used only for somebody who is sure.
func TestTheRotationRoad(t *testing.T) {
	p := newPerson(t, startDemo(t))
	p.authenticator()
	p.withPasskey("ada@example.com")
	p.open(p.demo.Dashboard + "/keys/new")
	p.fill("#name", "server bot")
	p.fill("#purpose", "signs on a server")
	p.click("label[for='kind-hmac']")
	p.click("[data-new-key] .actions button")
	p.confirmWithPasskey()
	old := p.keyFile()

	p.open(p.demo.Dashboard + "/keys/" + old.KeyID)
	p.text("(document.querySelector('details:has(form[action$=\"/rotate\"])').open = true, '')")
	p.click("form[action$='/rotate'] button")
	p.confirmWithPasskey()
	next := p.keyFile()
	if next.KeyID != old.KeyID || next.Secret == old.Secret {
		t.Fatalf("%s became %s with the same secret: %t", old.KeyID, next.KeyID, next.Secret == old.Secret)
	}
	if got := p.asBot(old); got != http.StatusOK {
		t.Errorf("the old secret within the overlap: %d", got)
	}
	p.open(p.demo.Dashboard + "/keys/" + old.KeyID)
	if said := p.text("document.querySelector('form[action$=\"/retire\"]').innerText"); !strings.Contains(said, "was not used yet") {
		t.Errorf("the cut-over does not warn: %s", said)
	}
	p.submit("form[action$='/retire']")
	p.until("document.querySelector('[role=alert], .problem, .note.bad') !== null || document.body.innerText.includes('was not used yet')")
	if got := p.asBot(old); got != http.StatusOK {
		t.Errorf("the old secret, whose end nobody was sure of: %d", got)
	}
	if got := p.asBot(next); got != http.StatusOK {
		t.Errorf("the new secret: %d", got)
	}
	p.open(p.demo.Dashboard + "/keys/" + old.KeyID)
	if said := p.text("document.querySelector('section:has(#cutover)').innerText"); strings.Contains(said, "was not used yet") || !strings.Contains(said, "127.0.0.1") {
		t.Errorf("the cut-over does not tell who used which: %s", said)
	}
	p.submit("form[action$='/retire']")
	p.until("document.querySelector('form[action$=\"/retire\"]') === null")
	if got := p.asBot(old); got != http.StatusUnauthorized {
		t.Errorf("the old secret after its end: %d", got)
	}
	if got := p.asBot(next); got != http.StatusOK {
		t.Errorf("the new secret after the old one's end: %d", got)
	}
}

// TestAKeyMadeInTheBrowserLivesAsLongAsWasChosen: the pair of the form's usual kind is made by script, which sends what the form says as the form would.
func TestAKeyMadeInTheBrowserLivesAsLongAsWasChosen(t *testing.T) {
	p := newPerson(t, startDemo(t))
	p.authenticator()
	p.withPasskey("ada@example.com")
	for _, choice := range []struct{ text, left string }{{"1 hour", "(in 60 minutes)"}, {"30 days", "(in 30 days)"}} {
		p.open(p.demo.Dashboard + "/keys/new")
		p.fill("#name", choice.text)
		p.fill("#purpose", "signs for a while")
		p.text(fmt.Sprintf("([...document.querySelectorAll('#life option')].find(o => o.textContent.trim() === %q).selected = true, '')", choice.text))
		p.click("[data-new-key] .actions button")
		p.until("document.querySelector('dialog.step-up[open] [data-prove=passkey]') !== null")
		p.click("dialog.step-up [data-prove=passkey]")
		p.until("document.querySelector('#made-id')?.textContent.startsWith('spk_')")
		p.open(p.demo.Dashboard + "/keys/" + p.text("document.querySelector('#made-id').textContent"))
		if got := p.text("document.querySelector('main').innerText"); !strings.Contains(got, choice.left) {
			t.Errorf("chosen to live %s: %s", choice.text, got)
		}
	}
}

// keyFile reads the file that the page of a new secret offers.
func (p *person) keyFile() (k client.KeyFile) {
	p.t.Helper()
	const link = "document.querySelector('a[download][href^=\"data:application/json\"]')"
	p.until(link + " !== null")
	_, encoded, _ := strings.Cut(p.text(link+".href"), ",")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || json.Unmarshal(raw, &k) != nil {
		p.t.Fatalf("the key file: %v", err)
	}
	return k
}

// asBot looks at the balances with a key.
func (p *person) asBot(k client.KeyFile) (status int) {
	p.t.Helper()
	signer, err := k.Signer()
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.demo.Gateway+"/v1/accounts", http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	bot := http.Client{Transport: &client.Transport{Signer: signer, Origin: p.demo.Gateway}}
	answer, err := bot.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
