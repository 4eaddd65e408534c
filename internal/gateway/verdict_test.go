package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// asked is one request of the corpus, made anew for each door so that each nonce is fresh.
type asked struct {
	name string
	make func(s *authtest.Stack) *http.Request
}

// corpus is requests of every kind of verdict; keys and bearer belong to one person.
func corpus(t *testing.T, key, revoked, narrow, upbit authtest.Key, bearer string) []asked {
	t.Helper()
	signed := func(k authtest.Key, method, target, body string, spoil func(*http.Request)) func(*authtest.Stack) *http.Request {
		return func(s *authtest.Stack) *http.Request {
			r := s.Signed(k, method, authtest.APIHost, target, body)
			if spoil != nil {
				spoil(r)
			}
			return r
		}
	}
	page := func(method, target string, headers ...string) func(*authtest.Stack) *http.Request {
		return func(*authtest.Stack) *http.Request {
			r := plain(t, method, authtest.PageHost, target)
			for i := 0; i+1 < len(headers); i += 2 {
				r.Header.Add(headers[i], headers[i+1])
			}
			return r
		}
	}
	cookie := "__Host-sid=" + bearer
	return []asked{
		{"accounts", signed(key, http.MethodGet, "/v1/accounts", "", nil)},
		{"order", signed(key, http.MethodPost, "/v1/orders", order, nil)},
		{"query", signed(key, http.MethodGet, "/v1/orders/open?market=KRW-BTC", "", nil)},
		{"public", func(*authtest.Stack) *http.Request {
			return plain(t, http.MethodGet, authtest.APIHost, "/v1/ticker?markets=KRW-BTC")
		}},
		{"upbit looks", signed(upbit, http.MethodGet, "/v1/accounts", "", nil)},
		{"unsigned", signed(key, http.MethodGet, "/v1/accounts", "", func(r *http.Request) { r.Header.Del("Signature"); r.Header.Del("Signature-Input") })},
		{"half signed", signed(key, http.MethodGet, "/v1/accounts", "", func(r *http.Request) { r.Header.Del("Signature-Input") })},
		{"two credentials", signed(key, http.MethodGet, "/v1/accounts", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") })},
		{"other method", signed(key, http.MethodGet, "/v1/orders", "", func(r *http.Request) { r.Method = http.MethodPost })},
		{"other path", signed(key, http.MethodGet, "/v1/accounts", "", func(r *http.Request) { r.RequestURI = "/v1/orders/open" })},
		{"other query", signed(key, http.MethodGet, "/v1/orders/open?market=KRW-BTC", "", func(r *http.Request) { r.RequestURI = "/v1/orders/open?market=KRW-ETH" })},
		{"other host", signed(key, http.MethodGet, "/v1/accounts", "", func(r *http.Request) { r.Host = authtest.LiveHost })},
		{"foreign host", signed(key, http.MethodGet, "/v1/accounts", "", func(r *http.Request) { r.Host = "elsewhere.example:8081" })},
		{"no route", signed(key, http.MethodGet, "/v1/nothing", "", nil)},
		{"no method", signed(key, http.MethodGet, "/v1/accounts", "", func(r *http.Request) { r.Method = "TRACE" })},
		{"upgrade", signed(key, http.MethodGet, "/v1/accounts", "", func(r *http.Request) { r.Header.Set("Upgrade", "websocket") })},
		{"foreign address", signed(key, http.MethodGet, "/v1/accounts", "", func(r *http.Request) { r.RemoteAddr = "198.51.100.9:1" })},
		{"in a browser", signed(key, http.MethodGet, "/v1/accounts", "", func(r *http.Request) { r.Header.Set("Origin", "https://bot.example") })},
		{"revoked key", signed(revoked, http.MethodGet, "/v1/accounts", "", nil)},
		{"missing scope", signed(narrow, http.MethodPost, "/v1/orders", order, nil)},
		{"unknown digest", signed(key, http.MethodPost, "/v1/orders", order, func(r *http.Request) { r.Header.Set("Content-Digest", "md5=:AAAA:") })},
		{"page", page(http.MethodGet, "/v1/accounts", "Cookie", cookie)},
		{"page without session", page(http.MethodGet, "/v1/accounts")},
		{"call without session", page(http.MethodGet, "/v1/accounts", "Sec-Fetch-Mode", "cors")},
		{"two sessions", page(http.MethodGet, "/v1/accounts", "Cookie", cookie, "Cookie", cookie)},
		{"foreign session", page(http.MethodGet, "/v1/accounts", "Cookie", "__Host-sid="+strings.Repeat("x", 43), "Sec-Fetch-Mode", "cors")},
		{"cross site", page(http.MethodPost, "/v1/orders", "Cookie", cookie, "Sec-Fetch-Site", "cross-site")},
		{"from nowhere", page(http.MethodPost, "/v1/orders", "Cookie", cookie)},
		{"too weak", page(http.MethodPost, "/v1/orders", "Cookie", cookie, "Sec-Fetch-Site", "same-origin")},
		{"signed on a page", func(s *authtest.Stack) *http.Request {
			r := s.Signed(key, http.MethodGet, authtest.PageHost, "/v1/accounts", "")
			r.Header.Set("Sec-Fetch-Mode", "cors")
			return r
		}},
	}
}

// encoded are paths with two readings, which no door takes.
var encoded = []string{
	"/v1/../v1/accounts", "/v1//accounts", "/v1/accounts/.", "/v1%2faccounts", "/v1/%2e%2e/accounts", "/v1/accounts%00", "/v1/acc%6funts",
	`/v1\accounts`, "/v1/accounts;x=1", "/v1/%zz", "http://" + authtest.APIHost + "/v1/accounts", "v1/accounts", "*", "?", "/v1/accounts#x", "/v1/accounts x",
}

// TestAskingGivesTheVerdictOfTheProxy: who asks before passing a request on hears what the gateway itself would have said to it.
func TestAskingGivesTheVerdictOfTheProxy(t *testing.T) {
	withProxy(t, "x-forwarded", func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		allow := []string{"203.0.113.0/24"}
		key := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes, Allowlist: allow})
		revoked := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes})
		if err := s.APIKeys.Revoke(t.Context(), principal.Host("tests"), revoked.ID); err != nil {
			t.Fatal(err)
		}
		narrow := s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"balances:read"}})
		upbit := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes, Dialect: sign.Upbit, Algorithm: sign.HMACSHA2})
		bearer := childOf(t, s, ada)
		list := corpus(t, key, revoked, narrow, upbit, bearer)
		for _, path := range encoded {
			list = append(list, asked{"path " + path, func(s *authtest.Stack) *http.Request {
				r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
				r.RequestURI = path
				return r
			}})
		}
		verdicts := map[bool]int{}
		for _, one := range list {
			direct := s.Do(one.make(s))
			heard := ask(s, question(t, "x-forwarded", one.make(s)))
			passed := direct.StatusCode/100 == 2
			verdicts[passed]++
			if passed {
				if heard.StatusCode != http.StatusNoContent || heard.Header.Get(gate.Header) == "" {
					t.Errorf("%s: the proxy passes it on, asked we say %d", one.name, heard.StatusCode)
				}
				continue
			}
			if heard.StatusCode != direct.StatusCode || codeOf(t, heard) != codeOf(t, direct) {
				t.Errorf("%s: the proxy answers %d, asked we say %d %s", one.name, direct.StatusCode, heard.StatusCode, authtest.Body(t, heard))
			}
			if heard.Header.Get(gate.Header) != "" || heard.Header.Get("Sallyport-User") != "" {
				t.Errorf("%s: a refusal vouches for somebody: %v", one.name, heard.Header)
			}
		}
		if verdicts[true] < 5 || verdicts[false] < 20 {
			t.Errorf("the corpus has lost its variety: %v", verdicts)
		}
	})
}
