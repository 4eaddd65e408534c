package gateway_test

import (
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
	"github.com/seed-21c57000/sallyport/sign"
)

// inLimits runs a test on a stack whose routes have limits: three looks at the balances in a second, and two at the market in a minute. They come
// with a reload, as a platform would set them.
func inLimits(t *testing.T, test func(*testing.T, *authtest.Stack)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		s := authtest.StartWith(t, authtest.Options{Folder: folder})
		routes := string(sandbox.Routes())
		for path, limit := range map[string]string{"/v1/accounts,": "{per_second: 3}", "/v1/market/all,": "{per_minute: 2, burst: 1}", "/v1/orders/test,": "{per_second: 3}"} {
			routes = strings.Replace(routes, path, path+" limits: "+limit+",", 1)
		}
		if err := os.WriteFile(filepath.Join(folder, "routes.yaml"), []byte(routes), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		s.ReloadRoutes(t.Context())
		time.Sleep(5 * time.Second)
		test(t, s)
	})
}

// A key that is too fast for a route waits as long as it is told, with the same request; other keys and other routes do not wait for it.
func TestALimitOfARouteIsEachKeysOwn(t *testing.T) {
	inLimits(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		key := s.IssueKey(ada, apikey.IssueInput{Algorithm: sign.HMACSHA256, Scopes: tradeScopes})
		other := s.IssueKey(ada, apikey.IssueInput{Algorithm: sign.HMACSHA256})
		look := func(k authtest.Key) *http.Request {
			return s.Signed(k, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
		}
		for n := range 3 {
			if got := refusedAs(t, s.Do(look(key))); got != "" {
				t.Fatalf("look %d: %q", n, got)
			}
		}
		again := look(key)
		refused := s.Do(again.Clone(t.Context()))
		if got := refusedAs(t, refused); got != fault.GatewayTooFast || refused.StatusCode != http.StatusTooManyRequests || refused.Header.Get("Retry-After") != "1" {
			t.Fatalf("the fourth: %d %q %v", refused.StatusCode, got, refused.Header)
		}
		if got := refusedAs(t, s.Do(look(other))); got != "" {
			t.Errorf("another key: %q", got)
		}
		if got := refusedAs(t, s.Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/orders/open", ""))); got != "" {
			t.Errorf("another route: %q", got)
		}
		time.Sleep(time.Second)
		if got := refusedAs(t, s.Do(again)); got != "" {
			t.Errorf("the same a second later: %q", got)
		}
	})
}

// Strangers are told apart by their addresses, of IPv6 by the /64.
func TestALimitOfAPublicRouteIsEachPlacesOwn(t *testing.T) {
	inLimits(t, func(t *testing.T, s *authtest.Stack) {
		ask := func(addr string) fault.Code {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+authtest.APIHost+"/v1/market/all", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.RemoteAddr = addr
			return refusedAs(t, s.Do(r))
		}
		for _, step := range []struct {
			from string
			want fault.Code
		}{
			{"198.51.100.1:1", ""},
			{"198.51.100.1:2", fault.GatewayTooFast},
			{"198.51.100.2:1", ""},
			{"[2001:db8::1]:1", ""},
			{"[2001:db8::2]:1", fault.GatewayTooFast},
			{"[2001:db8:0:1::1]:1", ""},
		} {
			if got := ask(step.from); got != step.want {
				t.Errorf("from %s: %q, want %q", step.from, got, step.want)
			}
		}
		time.Sleep(30 * time.Second)
		if got := ask("198.51.100.1:3"); got != "" {
			t.Errorf("half a minute later: %q", got)
		}
	})
}

// A flood from one network, each address once, fills no memory and shuts the route for that network alone; when it is over it is forgotten.
func TestAFloodShutsTheRouteForItsOwnNetwork(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	limit := gateway.NewLimit()
	from := func(i int) netip.Addr {
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 1, byte(i >> 8), byte(i)})
	}
	waited := 0
	for i := range 20_000 {
		if limit.Take(from(i), now) {
			waited++
		}
	}
	if limit.Places() > 10_001 || waited != 20_000-10_001 {
		t.Errorf("%d places are remembered, %d had to wait", limit.Places(), waited)
	}
	for _, other := range []string{"203.0.113.7", "2001:db8:ff00::1"} {
		if limit.Take(netip.MustParseAddr(other), now) {
			t.Errorf("%s has to wait for a flood from elsewhere", other)
		}
	}
	if limit.Take(from(30_000), now.Add(time.Minute)); limit.Places() != 1 {
		t.Errorf("%d places are remembered after it", limit.Places())
	}
}

// A request that somebody caught and sends again uses up nothing of what its key may do on a route with a limit.
func TestAReplayUsesUpNoLimit(t *testing.T) {
	inLimits(t, func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Algorithm: sign.HMACSHA256, Scopes: tradeScopes})
		place := func() *http.Request {
			return s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders/test", order)
		}
		caught := place()
		body := func(r *http.Request) *http.Request {
			c := r.Clone(t.Context())
			c.Body = io.NopCloser(strings.NewReader(order))
			return c
		}
		var passed atomic.Int64
		var all sync.WaitGroup
		for range 30 { // the original among its copies
			all.Go(func() {
				if answer := s.Do(body(caught)); answer.StatusCode/100 == 2 {
					passed.Add(1)
				}
			})
		}
		if all.Wait(); passed.Load() != 1 {
			t.Fatalf("%d of one request passed", passed.Load())
		}
		for range 10 {
			if got := refusedAs(t, s.Do(body(caught))); got != fault.SignatureNonceReused {
				t.Fatalf("caught and sent again: %q", got)
			}
		}
		for n := range 2 {
			if got := refusedAs(t, s.Do(place())); got != "" {
				t.Errorf("the owner's order %d: %q", n, got)
			}
		}
	})
}
