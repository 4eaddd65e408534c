package gateway_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// A captured request is worth nothing to whoever waits for a restart, which forgets its nonce: the server that starts refuses what was signed
// before it (docs/decisions/0014-birth-fence.md), spent or not, and takes what is signed after.
func TestARequestFromBeforeTheStartIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		s := authtest.StartWith(t, authtest.Options{Folder: folder})
		time.Sleep(5 * time.Second)
		ada := s.SignUp("ada@example.com")
		key := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes})
		send := func(r *http.Request) fault.Code {
			t.Helper()
			again := r.Clone(t.Context())
			again.Body, _ = r.GetBody()
			got := s.Browser("203.0.113.7").Do(again)
			if got.Status/100 == 2 {
				return "passed"
			}
			return got.Code
		}
		expect := func(what string, r *http.Request, want fault.Code) {
			t.Helper()
			if got := send(r); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		spent := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)
		unspent := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)
		expect("a request", spent, "passed")
		expect("the same again", spent, fault.SignatureNonceReused)
		orders := ordersOf(t, s, ada)

		time.Sleep(time.Second)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = authtest.StartWith(t, authtest.Options{Folder: folder})
		for range 5 { // as long as its time alone would let it pass
			expect("the spent one after a restart", spent, fault.SignatureSignAgain)
			time.Sleep(time.Second)
		}
		expect("one that was never sent", unspent, fault.SignatureSignAgain)
		if after := ordersOf(t, s, ada); after != orders {
			t.Errorf("the exchange has %d orders, had %d", after, orders)
		}
		expect("one that is signed now", s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order), "passed")
	})
}

// The one header that is configured is read, and from declared proxies only; the other one is anybody's.
func TestOnlyTheConfiguredHeaderOfADeclaredProxyIsRead(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now, YAML: "proxies: {trusted: [10.0.0.0/8], header: Forwarded}\n"})
	key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Allowlist: []string{"198.51.100.9"}})
	const here, proxy, stranger = "198.51.100.9", "10.0.0.1:5", "203.0.113.66:5"
	for _, row := range []struct {
		name, peer, forwarded, xForwardedFor string
		want                                 int
	}{
		{"the proxy names the allowed address", proxy, "for=" + here + ";proto=https", "", http.StatusOK},
		{"and something else stands in the header that is not read", proxy, "for=" + here, "203.0.113.66", http.StatusOK},
		{"the proxy names another, its client writes the allowed one", proxy, "for=203.0.113.66;proto=https", here, http.StatusForbidden},
		{"the allowed one stands only in the header that is not read", proxy, "", here, http.StatusForbidden},
		{"what the client wrote before the proxy did", proxy, "for=" + here + ", for=203.0.113.66", "", http.StatusForbidden},
		{"a stranger writes the header of the proxy", stranger, "for=" + here, here, http.StatusForbidden},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
			r.RemoteAddr = row.peer
			for name, value := range map[string]string{"Forwarded": row.forwarded, "X-Forwarded-For": row.xForwardedFor} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			if got := s.Do(r); got.StatusCode != row.want {
				t.Errorf("%d %s, want %d", got.StatusCode, authtest.Body(t, got), row.want)
			}
		})
	}
}
