package gateway_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
	"github.com/seed-21c57000/sallyport/sign"
)

// withRoutes runs a test on a stack, asked by a proxy too, whose routes file has further members in some routes; route maps the path and comma of
// a line → the members.
func withRoutes(t *testing.T, route map[string]string, more string, test func(*testing.T, *authtest.Stack)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		s := authtest.StartWith(t, authtest.Options{Folder: folder, Convention: "x-forwarded"})
		text := string(sandbox.Routes()) + more
		for line, members := range route {
			changed := strings.Replace(text, line, line+" "+members+",", 1)
			if changed == text {
				t.Fatalf("no route has %q", line)
			}
			text = changed
		}
		if err := os.WriteFile(filepath.Join(folder, "routes.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		s.ReloadRoutes(t.Context())
		time.Sleep(5 * time.Second)
		test(t, s)
	})
}

// A key is worth what the class of a route needs: one that asks for more is for people, at each door, and in each dialect's own words.
func TestARouteForPeopleRefusesKeys(t *testing.T) {
	people := map[string]string{"path: /v1/accounts,": "assurance: mfa", "path: /api/v3/account,": "assurance: phr", "path: /v1/orders,": "assurance: mfa"}
	withRoutes(t, people, "", func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		native := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes})
		binance := s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"balances:read"}, Dialect: sign.Binance, Algorithm: sign.HMACSHA256})
		for _, row := range []struct {
			name, method, target, body string
			key                        authtest.Key
			want                       string
		}{
			{"more than a look needs", http.MethodGet, "/v1/accounts", "", native, string(fault.KeyPersonOnly)},
			{"in the dialect's words", http.MethodGet, "/api/v3/account", "", binance, string(fault.KeyPersonOnly)},
			{"what the class needs anyway", http.MethodPost, "/v1/orders", order, native, ""},
			{"another route", http.MethodGet, "/v1/orders/open", "", native, ""},
		} {
			signed := func() *http.Request { return s.Signed(row.key, row.method, authtest.APIHost, row.target, row.body) }
			direct := s.Do(signed())
			if got := direct.Header.Get("Sallyport-Refusal"); got != row.want || (direct.StatusCode < 300) != (row.want == "") {
				t.Errorf("%s: %d %q, want %q", row.name, direct.StatusCode, got, row.want)
			}
			if body := authtest.Body(t, direct); row.key.ID == binance.ID && !strings.HasPrefix(body, `{"code":-1002,`) {
				t.Errorf("%s: Binance's clients read %s", row.name, body)
			}
			if got := ask(s, question(t, "x-forwarded", signed())).Header.Get("Sallyport-Refusal"); got != row.want {
				t.Errorf("%s, asked: %q, want %q", row.name, got, row.want)
			}
		}
		s.Settle()
		if got := refusedReasons(t, s, ada); !strings.Contains(got, string(fault.KeyPersonOnly)) {
			t.Errorf("Activity tells %q", got)
		}
	})
}

// A route is offered where its line says, and where it is not, no weaker template takes its path.
func TestARouteIsOfferedAtItsPlaceAlone(t *testing.T) {
	places := map[string]string{"path: /v1/accounts,": "environment: live", "path: /v1/orders/chance,": "host: " + authtest.LiveHost}
	const more = "  - {method: GET, path: \"/v1/{any}\", scope: \"orders:read\", class: look}\n" +
		"  - {method: GET, path: /v1/accounts, scope: \"balances:read\", class: look, assurance: mfa, environment: test}\n"
	withRoutes(t, places, more, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		scopes := []string{"balances:read", "orders:read"}
		keys := map[string]authtest.Key{
			authtest.APIHost:  s.IssueKey(ada, apikey.IssueInput{Scopes: scopes}),
			authtest.LiveHost: s.IssueKey(ada, apikey.IssueInput{Scopes: scopes, Environment: id.Live}),
		}
		for _, row := range []struct {
			host, target string
			want         fault.Code
		}{
			{authtest.LiveHost, "/v1/accounts", ""},
			{authtest.APIHost, "/v1/accounts", fault.KeyPersonOnly}, // the other line of the same path
			{authtest.LiveHost, "/v1/orders/chance?market=KRW-BTC", ""},
			{authtest.APIHost, "/v1/orders/chance?market=KRW-BTC", fault.GatewayNoRoute},
		} {
			if got := codeOf(t, s.Do(s.Signed(keys[row.host], http.MethodGet, row.host, row.target, ""))); got != row.want {
				t.Errorf("%s%s: %q, want %q", row.host, row.target, got, row.want)
			}
		}
	})
}

// A file for a host that is not the upstream's is not taken: nobody would ever be offered that route.
func TestRoutesOfAHostThatIsNotThereAreNotTaken(t *testing.T) {
	withRoutes(t, map[string]string{"path: /v1/accounts,": "host: elsewhere.example"}, "", func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"balances:read"}})
		if got := s.Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")); got.StatusCode != http.StatusOK {
			t.Errorf("the old routes are not in force: %d %s", got.StatusCode, authtest.Body(t, got))
		}
	})
}
