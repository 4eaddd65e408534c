package sandbox_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
	"github.com/seed-21c57000/sallyport/internal/sandbox/page"
	"github.com/seed-21c57000/sallyport/internal/sandbox/words"
)

// form encodes fields for a POST of the page.
func form(pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values.Encode()
}

func wantTexts(t *testing.T, html string, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(html, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
}

func wantNone(t *testing.T, html string, texts ...string) {
	t.Helper()
	for _, unwanted := range texts {
		if strings.Contains(html, unwanted) {
			t.Errorf("%q is on the page", unwanted)
		}
	}
}

func TestPageInBothLanguages(t *testing.T) {
	for _, lang := range []string{"en", "ko"} {
		t.Run(lang, func(t *testing.T) {
			f := openFloor(t, nil).person(func(c *gate.Claims) { c.Language = lang })
			f.ask("POST", "/orders", form("market", "KRW-XRP", "side", "bid", "type", "market", "spend", "100,000"))
			f.ask("POST", "/orders", form("market", "KRW-BTC", "side", "bid", "type", "limit", "price", "150,000,000", "quantity", "0.01"))
			f.ask("POST", "/withdraw", form("currency", "BTC", "amount", "0.1", "address", "bc1qpaperpaper"))
			answer := f.send(f.request("GET", "/?market=KRW-XRP", ""))
			html, w := answer.Body.String(), words.In(lang)
			if answer.Code != http.StatusOK || answer.Header().Get("Content-Security-Policy") != page.CSP ||
				answer.Header().Get("Content-Type") != "text/html; charset=utf-8" || answer.Header().Get("Cache-Control") != "no-store" ||
				answer.Header().Get("X-Content-Type-Options") != "nosniff" || answer.Header().Get("Referrer-Policy") != "same-origin" {
				t.Errorf("%d %v", answer.Code, answer.Header())
			}
			wantTexts(t, html, `<html lang="`+lang+`">`, w.Title, w.Test, w.Balances, w.Fills, w.Processing, w.CancelOrder,
				"150,000,000", "1,500,750", "bc1qpaperpaper", "Haneul Kim", w.You, map[string]string{"en": "XRP", "ko": "리플"}[lang],
				map[string]string{"en": "21 Nov 21:00:00", "ko": "11월 21일 21:00:00"}[lang])
			if left := regexp.MustCompile(`\{\w+\}`).FindString(html); left != "" {
				t.Errorf("an empty placeholder: %s", left)
			}
		})
	}
}

// The policy forbids inline style and script; a page that needed them would be broken, not only ugly.
var (
	inline   = regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=|javascript:|<base|<iframe`)
	outside  = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
	idAttr   = regexp.MustCompile(`\sid="([^"]*)"`)
	pointers = regexp.MustCompile(`(?:for|aria-labelledby|aria-describedby)="([^"]*)"`)
)

func TestMarkup(t *testing.T) {
	f := openFloor(t, nil).person(nil)
	f.ask("POST", "/orders", form("market", "KRW-BTC", "side", "ask", "type", "limit", "price", "200000000", "quantity", "0.1"))
	f.ask("POST", "/orders", form("market", "KRW-BTC", "side", "ask", "type", "limit", "price", "210000000", "quantity", "0.1"))
	_, desk := f.ask("GET", "/", "")
	_, refused := f.ask("POST", "/orders", form("market", "KRW-BTC", "side", "bid", "type", "limit", "price", "1", "quantity", "1"))
	_, problem := f.ask("GET", "/nothing", "")
	for name, html := range map[string]string{"desk": desk, "refused": refused, "problem": problem} {
		t.Run(name, func(t *testing.T) {
			html = regexp.MustCompile(`<script type="module" src="/assets/withdraw-[0-9a-f]+\.js"></script>`).ReplaceAllString(html, "")
			if found := inline.FindString(html); found != "" {
				t.Errorf("inline: %q", found)
			}
			for _, link := range outside.FindAllStringSubmatch(html, -1) {
				if !strings.HasPrefix(link[1], "/") && !strings.HasPrefix(link[1], "#") || strings.HasPrefix(link[1], "//") {
					t.Errorf("leads outside: %q", link[1])
				}
			}
			ids := map[string]bool{}
			for _, id := range idAttr.FindAllStringSubmatch(html, -1) {
				if ids[id[1]] {
					t.Errorf("id %q twice", id[1])
				}
				ids[id[1]] = true
			}
			for _, pointer := range pointers.FindAllStringSubmatch(html, -1) {
				if !ids[pointer[1]] {
					t.Errorf("points to %q, which is not there", pointer[1])
				}
			}
			if n := strings.Count(html, "<h1"); n != 1 {
				t.Errorf("%d headings of the first level", n)
			}
		})
	}
}

func TestNamesAreEscaped(t *testing.T) {
	f := openFloor(t, nil).person(func(c *gate.Claims) { c.Name = `<img src=x onerror=alert(1)>"'` })
	_, html := f.ask("GET", "/", "")
	wantNone(t, html, "<img src=x")
	wantTexts(t, html, "&lt;img src=x")
	_, html = f.ask("POST", "/withdraw", form("currency", "BTC", "amount", `"><script>`, "address", `"><script>`))
	wantNone(t, html, "<script>")
	wantTexts(t, html, "&#34;&gt;&lt;script&gt;")
}

func TestWhatASessionMayDoShows(t *testing.T) {
	w := words.In("en")
	for name, row := range map[string]struct {
		change        func(*gate.Claims)
		texts, absent []string
	}{
		"everything": {
			func(*gate.Claims) {},
			[]string{w.PlaceOrder, w.PasskeyAsked, w.Add},
			[]string{w.LookingOnly, w.NoTradeScope, w.NoCancelScope, w.NoMoneyScope},
		},
		"a password alone": {
			func(c *gate.Claims) { c.Assurance = gate.AssurancePwd },
			[]string{w.LookingOnly, w.CancelOrder},
			[]string{w.PlaceOrder, w.PasskeyAsked, w.Add, w.NoMoneyScope},
		},
		"an unknown proof": {
			func(c *gate.Claims) { c.Assurance = "tomorrow" }, []string{w.LookingOnly}, []string{w.PlaceOrder},
		},
		"a trader": {
			func(c *gate.Claims) { c.Scopes = "balances:read orders:cancel orders:write" },
			[]string{w.PlaceOrder, w.NoMoneyScope},
			[]string{w.PasskeyAsked, w.LookingOnly},
		},
		"a viewer": {
			func(c *gate.Claims) { c.Scopes = "balances:read" },
			[]string{w.NoTradeScope, w.NoCancelScope},
			[]string{w.PlaceOrder, w.CancelOrder, w.NoMoneyScope},
		},
		"a key": {
			func(c *gate.Claims) { c.Kind, c.Key, c.Assurance = gate.KindKey, "spk_1", gate.AssuranceNone },
			[]string{w.PlaceOrder},
			[]string{w.LookingOnly},
		},
		"live":     {func(c *gate.Claims) { c.Environment = gate.Live }, []string{w.Live}, []string{w.Test}},
		"nameless": {func(c *gate.Claims) { c.Name = "" }, []string{w.Nobody}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := openFloor(t, nil).person(nil)
			order := form("market", "KRW-BTC", "side", "bid", "type", "limit", "price", "100000000", "quantity", "0.01")
			for _, environment := range []gate.Environment{gate.Test, gate.Live} {
				f.claims.Environment = environment
				f.ask("POST", "/orders", order)
			}
			f.claims.Environment = gate.Test
			f.person(row.change)
			_, html := f.ask("GET", "/", "")
			wantTexts(t, html, row.texts...)
			wantNone(t, html, row.absent...)
		})
	}
}

// What was done leads back to the page by an address of ours; what was said in the form never becomes part of it.
func TestFormsThatSucceed(t *testing.T) {
	f := openFloor(t, nil).person(nil)
	post := func(target, body string) string {
		t.Helper()
		answer := f.send(f.request("POST", target, body))
		if answer.Code != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", target, answer.Code, answer.Body.String())
		}
		return answer.Header().Get("Location")
	}
	for _, row := range []struct{ target, body, location, text string }{
		{"/orders", form("market", "KRW-ETH", "side", "bid", "type", "market", "spend", "50,000", "price", "junk"), "/?done=order_filled&market=KRW-ETH", "order_filled"},
		{"/orders", form("market", "KRW-BTC", "side", "ask", "type", "market", "quantity", "0.1"), "/?done=order_filled&market=KRW-BTC", "order_filled"},
		{"/orders", form("market", "KRW-BTC", "side", "bid", "type", "limit", "price", "150 000 000", "quantity", "0.01"), "/?done=order_waits&market=KRW-BTC", "order_waits"},
		{"/orders/cancel", form("all", "yes", "market", "https://evil.example"), "/?done=orders_cancelled&market=KRW-BTC", "orders_cancelled"},
		{"/deposit", form("currency", "SOL", "amount", "3", "market", "KRW-SOL"), "/?done=deposited&market=KRW-SOL", "deposited"},
		{"/withdraw", form("currency", "SOL", "amount", "1", "address", " SoPaperPaper ", "market", "KRW-SOL"), "/?done=withdrawing&market=KRW-SOL", "withdrawing"},
	} {
		if got := post(row.target, row.body); got != row.location {
			t.Errorf("%s: to %q, want %q", row.target, got, row.location)
		}
		_, html := f.ask("GET", row.location, "")
		wantTexts(t, html, words.In("en").Done[row.text])
	}
	post("/orders", form("market", "KRW-BTC", "side", "bid", "type", "limit", "price", "150000000", "quantity", "0.01"))
	_, html := f.ask("GET", "/", "")
	id := regexp.MustCompile(`name="uuid" value="([^"]+)"`).FindStringSubmatch(html)[1]
	if got := post("/orders/cancel", form("uuid", id, "market", "KRW-BTC")); got != "/?done=order_cancelled&market=KRW-BTC" {
		t.Errorf("cancel leads to %q", got)
	}
	_, html = f.ask("GET", "/?done=%3Cb%3E&market=nowhere", "")
	wantNone(t, html, `role="status"`, "&lt;b&gt;", "nowhere")
}

// The market runs out of offers: the page says that a part was cancelled.
func TestOrderInPart(t *testing.T) {
	f := openFloor(t, func(c *sandbox.Config) { c.Opening = map[string]string{"BTC": "100"} }).person(nil)
	answer := f.send(f.request("POST", "/orders", form("market", "KRW-BTC", "side", "ask", "type", "market", "quantity", "6")))
	if got := answer.Header().Get("Location"); got != "/?done=order_part&market=KRW-BTC" {
		t.Errorf("%d to %q", answer.Code, got)
	}
	_, html := f.ask("GET", "/?done=order_part", "")
	wantTexts(t, html, words.In("en").Done["order_part"])
}

func TestFormsThatAreRefused(t *testing.T) {
	w := words.In("en")
	for name, row := range map[string]struct {
		target, body string
		refusal      string
		field        string // the input that is marked
		kept         string // what was typed is still there
	}{
		"price":     {"/orders", form("market", "KRW-ETH", "side", "bid", "type", "limit", "price", "1.5x", "quantity", "2"), "invalid_price_bid", "price", `value="1.5x"`},
		"quantity":  {"/orders", form("market", "KRW-ETH", "side", "ask", "type", "limit", "price", "5,000,000", "quantity", "7"), "insufficient_funds_ask", "quantity", `value="5,000,000"`},
		"no amount": {"/orders", form("market", "KRW-ETH", "side", "ask", "type", "market"), "invalid_volume_ask", "quantity", ``},
		"spend":     {"/orders", form("market", "KRW-ETH", "side", "bid", "type", "market", "spend", "4,999"), "under_min_total_bid", "spend", `value="4,999"`},
		"no spend":  {"/orders", form("market", "KRW-ETH", "side", "bid", "type", "market"), "invalid_amount", "spend", ``},
		"no market": {"/orders", form("market", "KRW-DOGE", "side", "bid", "type", "limit", "price", "5000", "quantity", "2"), "notfoundmarket", "quantity", ``},
		"cancel":    {"/orders/cancel", form("uuid", "x"), "order_not_found", "", ``},
		"cancelled": {"/orders/cancel", form("uuid", "00000000-0000-4000-8000-000000000000"), "order_not_found", "", ``},
		"deposit":   {"/deposit", form("currency", "BTC", "amount", "1000"), "invalid_amount", "deposit-amount", `value="1000"`},
		"currency":  {"/deposit", form("currency", "EUR", "amount", "1"), "currency_not_found", "deposit-amount", ``},
		"address":   {"/withdraw", form("currency", "BTC", "amount", "0.1", "address", "short"), "invalid_withdraw_address", "address", `value="short"`},
		"too much":  {"/withdraw", form("currency", "BTC", "amount", "0.5", "address", "bc1qpaperpaper"), "insufficient_funds_withdraw", "send-amount", `value="bc1qpaperpaper"`},
	} {
		t.Run(name, func(t *testing.T) {
			f := openFloor(t, nil).person(nil)
			status, html := f.ask("POST", row.target, row.body)
			if status != http.StatusUnprocessableEntity {
				t.Errorf("%d", status)
			}
			wantTexts(t, html, w.Refusals[row.refusal]+" "+w.NothingChanged, row.kept)
			marked := regexp.MustCompile(`<input id="([^"]+)"[^>]*aria-invalid="true" aria-describedby="problem" autofocus`).FindStringSubmatch(html)
			if len(marked) == 0 && row.field != "" || len(marked) > 0 && marked[1] != row.field {
				t.Errorf("marked %v, want %q", marked, row.field)
			}
		})
	}
}

func TestPageProblems(t *testing.T) {
	f := openFloor(t, nil).person(func(c *gate.Claims) { c.Language = "ko" })
	for _, row := range []struct {
		method, target, body string
		status               int
		refusal              string
	}{
		{"GET", "/nothing", "", 404, "not_found"},
		{"GET", "/v1", "", 404, "not_found"},
		{"GET", "/orders", "", 405, "method_not_allowed"},
		{"GET", "/assets/none.css", "", 404, "not_found"},
		{"POST", "/orders", "{}", 415, "unsupported_media_type"},
		{"POST", "/deposit", "{}", 415, "unsupported_media_type"},
		{"POST", "/withdraw", "{}", 415, "unsupported_media_type"},
		{"POST", "/orders/cancel", "{}", 415, "unsupported_media_type"},
		{"POST", "/orders", "a=%zz", 400, "validation_error"},
	} {
		status, html := f.ask(row.method, row.target, row.body)
		if status != row.status {
			t.Errorf("%s %s: %d, want %d", row.method, row.target, status, row.status)
		}
		wantTexts(t, html, `<html lang="ko">`, words.In("ko").Refusals[row.refusal], words.In("ko").BackHome)
	}
}

func TestAssets(t *testing.T) {
	f := openFloor(t, nil).person(nil)
	_, html := f.ask("GET", "/", "")
	f.claims.Kind, f.claims.Class = gate.KindPublic, gate.ClassPublic
	for pattern, mediaType := range map[string]string{
		`/assets/exchange-[0-9a-f]{12}\.css`: "text/css; charset=utf-8", `/assets/mark-[0-9a-f]{12}\.svg`: "image/svg+xml",
	} {
		answer := f.send(f.request("GET", regexp.MustCompile(pattern).FindString(html), ""))
		if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != mediaType || len(answer.Body.String()) == 0 ||
			answer.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || answer.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", pattern, answer.Code, answer.Header())
		}
	}
}
