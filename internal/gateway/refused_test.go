package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// Each bound of a key or route that refuses a request is counted by its code, at every door and in every dialect, and no key, market or address
// becomes a label.
func TestRefusalsByBoundsAreCounted(t *testing.T) {
	inLimits(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		if err := s.FetchPrices(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, d := range []sign.Dialect{sign.Native, sign.OKX} {
			place := func(b apikey.Bounds, body string) func() {
				key := s.IssueKey(ada, apikey.IssueInput{Dialect: d, Scopes: tradeScopes, Bounds: b})
				return func() { s.Do(s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", body)) }
			}
			look := func(b apikey.Bounds) func() {
				key := s.IssueKey(ada, apikey.IssueInput{Dialect: d, Scopes: tradeScopes, Bounds: b})
				return func() {
					for range 4 {
						s.Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
					}
				}
			}
			for code, refused := range map[fault.Code]func(){
				fault.KeyOrderTooLarge:    place(apikey.Bounds{OrderMost: "1"}, order),
				fault.KeyDayUsedUp:        place(apikey.Bounds{DayMost: "1"}, order),
				fault.KeyMarketNotAllowed: place(apikey.Bounds{Markets: []string{"KRW-ETH"}}, order),
				fault.KeyOrderUnreadable:  place(apikey.Bounds{OrderMost: "1"}, `{"market":"KRW-BTC","side":"bid"}`),
				fault.KeyPriceUnknown:     place(apikey.Bounds{OrderMost: "1"}, strings.Replace(order, "KRW-BTC", "KRW-NIX", 1)),
				fault.KeyTooFast:          look(apikey.Bounds{PerSecond: 1}),
				fault.GatewayTooFast:      look(apikey.Bounds{}),
			} {
				line := fmt.Sprintf("sallyport_refusals_total{code=%q,door=\"gateway\"}", code)
				before := lineOf(t, s, line)
				if refused(); lineOf(t, s, line) == before {
					t.Errorf("%s: %s is not counted: %q", d, code, before)
				}
			}
		}
		all := metrics(t, s)
		for _, word := range []string{"KRW-", "key_live", "key_test", "203.0.113", "ada@"} {
			if strings.Contains(all, word) {
				t.Errorf("the metrics say %q", word)
			}
		}
	})
}

func metrics(t *testing.T, s *authtest.Stack) string {
	t.Helper()
	answer := httptest.NewRecorder()
	s.Metrics.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	return answer.Body.String()
}

// lineOf is the line of a counter, empty for one that counted nothing.
func lineOf(t *testing.T, s *authtest.Stack, name string) string {
	t.Helper()
	for line := range strings.Lines(metrics(t, s)) {
		if strings.HasPrefix(line, name) {
			return line
		}
	}
	return ""
}
