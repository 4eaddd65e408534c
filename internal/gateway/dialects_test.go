package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// spoken is a dialect with requests of its own that the paper exchange answers.
type spoken struct {
	dialect                    sign.Dialect
	look, lookBody             string
	order, orderBody           string
	replayed, ahead, elsewhere string // what a client reads
	scope, stranger            string
}

func dialects() []spoken {
	const upbitOrder = `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000"}`
	const own = "GET /v1/accounts"
	return []spoken{
		{sign.Bithumb, own, "", "POST /v1/orders", upbitOrder, "nonce_used", "expired_jwt", "NotAllowIP", "out_of_scope", "jwt_verification"},
		{
			sign.Binance, "GET /api/v3/account", "", "POST /api/v3/order", "symbol=BTCKRW&side=BUY&type=LIMIT&quantity=0.001&price=50000000",
			"-1021", "-1021", "-2015", "-1002", "-1022",
		},
		{
			sign.Kraken, "POST /0/private/Balance", "", "POST /0/private/AddOrder", "pair=XBTKRW&type=buy&ordertype=limit&volume=0.001&price=50000000",
			"EAPI:Invalid nonce", "", "EGeneral:Permission denied", "EGeneral:Permission denied", "EAPI:Invalid key",
		},
		{sign.OKX, own, "", "POST /v1/orders", upbitOrder, "50102", "50102", "50110", "50120", "50113"},
		{sign.Bybit, own, "", "POST /v1/orders", upbitOrder, "10002", "10002", "10010", "10005", "10004"},
		{sign.Coinbase, own, "", "", "", "invalid_token", "expired_token", "PERMISSION_DENIED", "PERMISSION_DENIED", "unauthorized"},
		{sign.KuCoin, own, "", "POST /v1/orders", upbitOrder, "400002", "400002", "400006", "400007", "400005"},
	}
}

// Each dialect, from the key to the exchange and back: what is allowed passes, once; and what is not is told in the words that its clients know.
func TestDialects(t *testing.T) {
	for _, d := range dialects() {
		t.Run(d.dialect.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *authtest.Stack) {
				ada := s.SignUp("ada@example.com")
				scopes := tradeScopes
				if d.dialect == sign.Coinbase {
					scopes = []string{"balances:read"}
				}
				key := s.IssueKey(ada, apikey.IssueInput{Scopes: scopes, Dialect: d.dialect, Allowlist: []string{"203.0.113.0/24"}})
				ask := func(k authtest.Key, line, body string) *http.Request {
					method, target, _ := strings.Cut(line, " ")
					return s.Signed(k, method, authtest.APIHost, target, body)
				}
				says := func(name string, r *http.Request, status int, word string) {
					t.Helper()
					got := s.Do(r)
					if body := authtest.Body(t, got); got.StatusCode != status || !strings.Contains(body, word) || status >= 400 && strings.Contains(body, `"type"`) {
						t.Errorf("%s: %d %s, want %d %s", name, got.StatusCode, body, status, word)
					}
					time.Sleep(10 * time.Millisecond) // a nonce of milliseconds rises
				}
				again := func(r *http.Request) *http.Request {
					second := r.Clone(r.Context())
					if r.GetBody != nil {
						second.Body, _ = r.GetBody()
					}
					return second
				}
				look := ask(key, d.look, d.lookBody)
				second := again(look)
				says("look", look, http.StatusOK, "KRW")
				if look.Method == http.MethodGet && d.dialect != sign.Bithumb && d.dialect != sign.Coinbase {
					says("the same look", second, http.StatusOK, "KRW") // honest in one millisecond, where there is no nonce
				} else {
					says("the same look", second, http.StatusUnauthorized, d.replayed)
				}
				if d.order != "" {
					order := ask(key, d.order, d.orderBody)
					second = again(order)
					got := s.Do(order)
					if body := authtest.Body(t, got); got.StatusCode/100 != 2 {
						t.Errorf("order: %d %s", got.StatusCode, body)
					}
					says("the same order", second, http.StatusUnauthorized, d.replayed)
				} else {
					says("an order", ask(key, "POST /v1/orders", "{}"), http.StatusForbidden, d.scope)
				}
				if d.ahead != "" {
					r := ask(key, d.look, d.lookBody)
					time.Sleep(2 * time.Minute)
					says("two minutes old", r, http.StatusUnauthorized, d.ahead)
				}
				away := ask(key, d.look, d.lookBody)
				away.RemoteAddr = "198.51.100.9:1000"
				says("elsewhere", away, http.StatusUnauthorized, d.elsewhere)

				weak := s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"keys:read"}, Dialect: d.dialect})
				says("beyond its scopes", ask(weak, d.look, d.lookBody), http.StatusForbidden, d.scope)
				forged := ask(key, d.look, d.lookBody)
				for name, lines := range forged.Header {
					for i, line := range lines {
						forged.Header[name][i] = strings.ReplaceAll(line, key.Text(), weak.Text())
					}
				}
				if d.dialect != sign.Bithumb && d.dialect != sign.Coinbase { // whose key is named within what is signed
					says("another key's name", forged, http.StatusUnauthorized, d.stranger)
				}
			})
		})
	}
}

// What a dialect leaves unsigned sets its ceiling, and only the operator lifts it.
func TestCoinbaseLooksUnlessTheCeilingIsLifted(t *testing.T) {
	for _, lifted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			o := authtest.Options{}
			if lifted {
				o.YAML = "dialects: {coinbase: {ceiling: trade}}\n"
			}
			s := authtest.StartWith(t, o)
			time.Sleep(5 * time.Second)
			key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: tradeScopes, Dialect: sign.Coinbase})
			want := http.StatusForbidden
			if lifted {
				want = http.StatusCreated
			}
			if got := s.Do(s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)); got.StatusCode != want {
				t.Errorf("order with ceiling lifted %t: %d %s", lifted, got.StatusCode, authtest.Body(t, got))
			}
		})
	}
}

// Where the method and the path are not signed, what was captured of a request that was delivered changes nothing: a look does not become a
// cancel of everything, however often it was repeated, and a cancel becomes at the most a look.
func TestADeliveredRequestBecomesNoChange(t *testing.T) {
	const look, cancel = "GET /v1/accounts", "DELETE /v1/orders/open"
	for _, row := range []struct {
		name      string
		delivered []string
		captured  string
		refused   bool
	}{
		{"a look", []string{look}, cancel, true},
		{"a look twice", []string{look, look}, cancel, true},
		{"a cancel as a cancel", []string{cancel}, cancel, true},
		{"a cancel as a look", []string{cancel}, look, false},
		{"a cancel as a look as a cancel", []string{cancel, look}, cancel, true},
	} {
		for _, d := range []sign.Dialect{sign.Binance, sign.Bybit} {
			t.Run(row.name+"/"+d.String(), func(t *testing.T) {
				inBubble(t, func(t *testing.T, s *authtest.Stack) {
					ada := s.SignUp("ada@example.com")
					key := s.IssueKey(ada, apikey.IssueInput{Dialect: d, Scopes: tradeScopes, Algorithm: sign.HMACSHA256})
					method, path, _ := strings.Cut(row.delivered[0], " ")
					first := s.Signed(key, method, authtest.APIHost, path, "")
					as := func(line string) *http.Response {
						r := first.Clone(t.Context())
						r.Method, r.URL.Path, _ = strings.Cut(line, " ")
						return s.Do(r)
					}
					for _, line := range row.delivered {
						if got := as(line); got.StatusCode == http.StatusUnauthorized { // parameters of Binance are more than the paper exchange knows
							t.Fatalf("%s: %d %s", line, got.StatusCode, authtest.Body(t, got))
						}
					}
					if got := as(row.captured); (got.StatusCode == http.StatusUnauthorized) != row.refused {
						t.Errorf("captured, as %s: %d %s, want refused %t", row.captured, got.StatusCode, authtest.Body(t, got), row.refused)
					}
				})
			})
		}
	}
}
