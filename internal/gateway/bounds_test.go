package gateway_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// refusedAs is the code of a refusal, empty for what was let through.
func refusedAs(t *testing.T, a *http.Response) fault.Code {
	t.Helper()
	body := authtest.Body(t, a)
	if a.StatusCode < 400 {
		return ""
	}
	if code := a.Header.Get("Sallyport-Refusal"); code != "" {
		return fault.Code(code)
	}
	_, code, _ := strings.Cut(body, `"code":"`)
	code, _, _ = strings.Cut(code, `"`)
	return fault.Code(code)
}

// An order goes on only within the bounds of its key, weighed at its own price or that of the moment, whichever is more.
func TestOrdersStayWithinTheBounds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		issue := func(b apikey.Bounds) authtest.Key {
			return s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes, Bounds: b})
		}
		place := func(k authtest.Key, body string) fault.Code {
			t.Helper()
			return refusedAs(t, s.Do(s.Signed(k, http.MethodPost, authtest.APIHost, "/v1/orders", body)))
		}
		limit := func(market, volume, price string) string {
			return `{"market":"` + market + `","side":"bid","ord_type":"limit","volume":"` + volume + `","price":"` + price + `"}`
		}
		small := issue(apikey.Bounds{OrderMost: "200000"})
		if got := place(small, order); got != fault.KeyPriceUnknown {
			t.Errorf("before any price is known: %q", got)
		}
		if err := s.FetchPrices(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, row := range map[string]struct {
			key  authtest.Key
			body string
			want fault.Code
		}{
			"within":                         {small, order, ""},
			"too much":                       {small, limit("KRW-BTC", "1", "50000000"), fault.KeyOrderTooLarge},
			"far below the price":            {small, limit("KRW-BTC", "1", "1000"), fault.KeyOrderTooLarge},
			"at the market, within":          {small, `{"market":"KRW-BTC","side":"bid","ord_type":"price","price":"100000"}`, ""},
			"at the market, too much":        {small, `{"market":"KRW-BTC","side":"bid","ord_type":"price","price":"300000"}`, fault.KeyOrderTooLarge},
			"an order of another type":       {small, `{"market":"KRW-BTC","side":"bid","ord_type":"LIMIT","volume":"0.001","price":"50000000"}`, fault.KeyOrderTooLarge},
			"a sale at the market, too much": {small, `{"market":"KRW-BTC","side":"ask","ord_type":"market","volume":"1"}`, fault.KeyOrderTooLarge},
			"a market nobody knows":          {small, limit("KRW-NIX", "1", "1"), fault.KeyPriceUnknown},
			"no size":                        {small, `{"market":"KRW-BTC","side":"bid","ord_type":"price"}`, fault.KeyOrderUnreadable},
			"a size of nothing":              {small, `{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"50000000","volume":"0"}`, fault.KeyOrderTooLarge},
			"an exponent":                    {small, `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"1e9","price":"1"}`, fault.KeyOrderUnreadable},
			"another spelling beside":        {small, `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","Volume":"9","price":"50000000"}`, fault.KeyOrderUnreadable},
			"another market":                 {issue(apikey.Bounds{Markets: []string{"KRW-ETH"}}), order, fault.KeyMarketNotAllowed},
			"one of its markets":             {issue(apikey.Bounds{Markets: []string{"KRW-BTC", "KRW-ETH"}}), order, ""},
			"no bounds":                      {issue(apikey.Bounds{}), limit("KRW-BTC", "0.01", "50000000"), ""},
		} {
			if got := place(row.key, row.body); got != row.want {
				t.Errorf("%s: %q, want %q", name, got, row.want)
			}
		}
		look := s.Signed(small, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
		if got := refusedAs(t, s.Do(look)); got != "" {
			t.Errorf("looking: %q", got)
		}
		time.Sleep(2 * time.Minute)
		if got := place(small, order); got != fault.KeyPriceUnknown {
			t.Errorf("with prices two minutes old: %q", got)
		}
	})
}

// The ceiling of a day counts what was let through, in every version of the key and over a restart, until midnight.
func TestTheCeilingOfADay(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: tradeScopes, Bounds: apikey.Bounds{DayMost: "100000"}})
		place := func(amount string) fault.Code {
			t.Helper()
			if err := s.FetchPrices(t.Context()); err != nil {
				t.Fatal(err)
			}
			body := `{"market":"KRW-BTC","side":"bid","ord_type":"price","price":"` + amount + `"}`
			return refusedAs(t, s.Do(s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", body)))
		}
		for i, step := range []struct {
			amount string
			want   fault.Code
		}{{"60000", ""}, {"60000", fault.KeyDayUsedUp}, {"40000", ""}, {"5000", fault.KeyDayUsedUp}} {
			if got := place(step.amount); got != step.want {
				t.Errorf("step %d: %q, want %q", i, got, step.want)
			}
		}
		if err := s.APIKeys.SaveUses(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.APIKeys.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := place("5000"); got != fault.KeyDayUsedUp {
			t.Errorf("after its row was read again: %q", got)
		}
		time.Sleep(24 * time.Hour)
		if got := place("60000"); got != "" {
			t.Errorf("the next day: %q", got)
		}
	})
}

// A key with a rate of its own is asked to wait beyond it, and the same request passes afterwards.
func TestTheOwnRateOfAKey(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Algorithm: sign.HMACSHA256, Bounds: apikey.Bounds{PerSecond: 5}})
		look := func() *http.Request { return s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "") }
		for n := range 5 {
			if got := refusedAs(t, s.Do(look())); got != "" {
				t.Fatalf("request %d: %q", n, got)
			}
		}
		again := look()
		refused := s.Do(again.Clone(t.Context()))
		if got := refusedAs(t, refused); got != fault.KeyTooFast || refused.StatusCode != http.StatusTooManyRequests || refused.Header.Get("Retry-After") == "" {
			t.Fatalf("the sixth: %d %q %v", refused.StatusCode, got, refused.Header)
		}
		cancel := s.Signed(key, http.MethodDelete, authtest.APIHost, "/v1/order?identifier=none", "")
		if got := refusedAs(t, s.Do(cancel)); got == fault.KeyTooFast {
			t.Error("a cancel has to wait")
		}
		time.Sleep(time.Second)
		if got := refusedAs(t, s.Do(again)); got != "" {
			t.Errorf("the same a second later: %q", got)
		}
	})
}

// An order that spends a sum, and says a crumb of volume beside it or one of nothing, weighs what it would spend.
func TestACrumbOfVolumeWeighsTheAmount(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		if err := s.FetchPrices(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, volume := range []string{"0", "0.0", "0.00000000", "0.00000001"} {
			small := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes, Bounds: apikey.Bounds{OrderMost: "200000", DayMost: "200000"}})
			body := `{"market":"KRW-BTC","side":"bid","ord_type":"price","price":"300000","volume":"` + volume + `"}`
			a := s.Do(s.Signed(small, http.MethodPost, authtest.APIHost, "/v1/orders", body))
			status := a.StatusCode
			if got := refusedAs(t, a); got != fault.KeyOrderTooLarge {
				t.Errorf("volume %s: %q, status of the exchange %d, want %q", volume, got, status, fault.KeyOrderTooLarge)
			}
		}
	})
}

// Whoever caught a request of a key sends it again and again. It passes nowhere, and uses up nothing of what the key may do in a second.
func TestARequestSentAgainUsesNothingUp(t *testing.T) {
	for _, d := range []sign.Dialect{sign.Native, sign.Upbit, sign.Kraken} {
		t.Run(d.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *authtest.Stack) {
				key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Dialect: d, Scopes: tradeScopes, Bounds: apikey.Bounds{PerSecond: 5}})
				path, body := "/v1/orders", order
				if d == sign.Kraken {
					path, body = "/0/private/AddOrder", "pair=XBTKRW&type=sell&ordertype=limit&price=50000000&volume=0.001"
				}
				first := s.Signed(key, http.MethodPost, authtest.APIHost, path, body)
				sent, err := io.ReadAll(first.Body)
				if err != nil {
					t.Fatal(err)
				}
				caught := func() *http.Request {
					r := first.Clone(t.Context())
					r.Body, r.RemoteAddr = io.NopCloser(bytes.NewReader(sent)), "198.51.100.66:4000"
					return r
				}
				if got := refusedAs(t, s.Do(caught())); got == fault.SignatureNonceReused {
					t.Fatal("the first is refused as sent again")
				}
				time.Sleep(2 * time.Second)
				for n := range 20 {
					if got := refusedAs(t, s.Do(caught())); got != fault.SignatureNonceReused {
						t.Fatalf("sent again %d: %q", n, got)
					}
				}
				if got := refusedAs(t, s.Do(s.Signed(key, http.MethodPost, authtest.APIHost, path, body))); got == fault.KeyTooFast || got == fault.SignatureNonceReused {
					t.Errorf("the key's own next: %q", got)
				}
			})
		})
	}
}

// Each copy of a request without a time asks the database once, so it costs whoever sends it; the key's own bot, elsewhere, goes on.
func TestCopiesOfAnUntimedRequestCostTheirSource(t *testing.T) {
	s := authtest.Start(t)
	key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Dialect: sign.Kraken, Scopes: tradeScopes})
	balance := func() *http.Request {
		return s.Signed(key, http.MethodPost, authtest.APIHost, "/0/private/Balance", "")
	}
	first := balance()
	sent, err := io.ReadAll(first.Body)
	if err != nil {
		t.Fatal(err)
	}
	slowed := 0
	for range 300 {
		r := first.Clone(t.Context())
		r.Body, r.RemoteAddr = io.NopCloser(bytes.NewReader(sent)), "198.51.100.66:4000"
		if a := s.Do(r); a.StatusCode == http.StatusTooManyRequests {
			slowed++
		}
	}
	if slowed < 50 {
		t.Errorf("%d of 300 copies were slowed down", slowed)
	}
	if a := s.Do(balance()); a.StatusCode != http.StatusOK || strings.Contains(authtest.Body(t, a), "EAPI") {
		t.Errorf("the key's own next: %d", a.StatusCode)
	}
}

// Kraken's volume is a quantity or, with the flag viqc, an amount: whoever reads it as the other must not find more than was weighed.
func TestKrakensVolumeWeighsAsTheMore(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		if err := s.FetchPrices(t.Context()); err != nil {
			t.Fatal(err)
		}
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Dialect: sign.Kraken, Scopes: tradeScopes, Bounds: apikey.Bounds{OrderMost: "200000"}})
		time.Sleep(time.Second)
		for _, row := range []struct {
			name, order string
			fits        bool
		}{
			{"a little", "pair=XBTKRW&type=buy&ordertype=limit&price=50000000&volume=0.001", true},
			{"an amount beyond the ceiling", "pair=XBTKRW&type=buy&ordertype=market&oflags=viqc&volume=300000", false},
			{"an amount that fits, read as a quantity", "pair=XBTKRW&type=buy&ordertype=market&oflags=viqc&volume=100000", false},
			{"a quantity beyond it", "pair=XBTKRW&type=sell&ordertype=market&volume=1", false},
		} {
			a := s.Do(s.Signed(key, http.MethodPost, authtest.APIHost, "/0/private/AddOrder", row.order))
			code, body := fault.Code(a.Header.Get("Sallyport-Refusal")), authtest.Body(t, a)
			switch {
			case row.fits && code != "":
				t.Errorf("%s: %s", row.name, body)
			case !row.fits && (code != fault.KeyOrderTooLarge || !strings.Contains(body, `"error":["EGeneral:Permission denied`)):
				t.Errorf("%s: %q, in Kraken's words %s", row.name, code, body)
			}
		}
	})
}
