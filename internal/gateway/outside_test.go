package gateway_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// codeOf is the code of a refusal, empty for anything else.
func codeOf(t *testing.T, r *http.Response) fault.Code {
	t.Helper()
	var problem struct{ Code fault.Code }
	if body := authtest.Body(t, r); strings.HasPrefix(r.Header.Get("Content-Type"), "application/problem+json") {
		if err := json.Unmarshal([]byte(body), &problem); err != nil {
			t.Fatalf("%d %s: %v", r.StatusCode, body, err)
		}
	}
	return problem.Code
}

// TestAnAllowlistSeesTheConnection: the address counts in whichever dress it comes, and nothing that a client writes beside it (X48, X53).
func TestAnAllowlistSeesTheConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		four := s.IssueKey(ada, apikey.IssueInput{Allowlist: []string{"203.0.113.7"}})
		mapped := s.IssueKey(ada, apikey.IssueInput{Allowlist: []string{"::ffff:203.0.113.7"}})
		six := s.IssueKey(ada, apikey.IssueInput{Allowlist: []string{"2001:db8:1::/48"}})
		for _, row := range []struct {
			name, from string
			key        authtest.Key
			header     http.Header
			want       fault.Code
		}{
			{"the address", "203.0.113.7:1", four, nil, ""},
			{"the same as IPv6", "[::ffff:203.0.113.7]:1", four, nil, ""},
			{"listed as IPv6", "203.0.113.7:1", mapped, nil, ""},
			{"another", "203.0.113.8:1", four, nil, fault.KeyIPNotAllowed},
			{"another as IPv6", "[::ffff:203.0.113.8]:1", four, nil, fault.KeyIPNotAllowed},
			{"its digits in other places", "[2002:cb00:7107::1]:1", four, nil, fault.KeyIPNotAllowed},
			{"a compatible address", "[::203.0.113.7]:1", four, nil, fault.KeyIPNotAllowed},
			{"of the network", "[2001:db8:1:ffff::9]:1", six, nil, ""},
			{"of the next network", "[2001:db8:2::9]:1", six, nil, fault.KeyIPNotAllowed},
			{"an address that nobody vouches for", "198.51.100.1:1", four, http.Header{
				"X-Forwarded-For": {"203.0.113.7"}, "Forwarded": {"for=203.0.113.7"}, "X-Real-Ip": {"203.0.113.7"}, "True-Client-Ip": {"203.0.113.7"},
			}, fault.KeyIPNotAllowed},
		} {
			r := s.Signed(row.key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
			maps.Copy(r.Header, row.header)
			r.RemoteAddr = row.from
			if got := codeOf(t, s.Do(r)); got != row.want {
				t.Errorf("%s: %q, want %q", row.name, got, row.want)
			}
		}
	})
}

// TestADeclaredProxyIsReadInItsOwnHeader: what a client writes into the other one is nothing.
func TestADeclaredProxyIsReadInItsOwnHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.StartWith(t, authtest.Options{YAML: "proxies: {trusted: [127.0.0.1/32], header: Forwarded}\n"})
		time.Sleep(5 * time.Second)
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Allowlist: []string{"203.0.113.7"}})
		for _, row := range []struct {
			forwarded, other string
			want             fault.Code
		}{
			{"for=203.0.113.7;proto=https", "198.51.100.1", ""},
			{"for=198.51.100.1;proto=https", "203.0.113.7", fault.KeyIPNotAllowed},
		} {
			r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
			r.RemoteAddr = "127.0.0.1:1"
			r.Header.Set("Forwarded", row.forwarded)
			r.Header.Set("X-Forwarded-For", row.other)
			if got := codeOf(t, s.Do(r)); got != row.want {
				t.Errorf("%s beside %s: %q, want %q", row.forwarded, row.other, got, row.want)
			}
		}
	})
}

// TestARestartTakesNoRequestTwice: nonces are gone with the process, so what was signed before its successor began is refused.
func TestARestartTakesNoRequestTwice(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: tradeScopes})
		first := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)
		again := first.Clone(first.Context())
		again.Body, _ = first.GetBody()
		if got := s.Do(first); got.StatusCode/100 != 2 {
			t.Fatalf("%d %s", got.StatusCode, authtest.Body(t, got))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Exchange.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		next := authtest.StartWith(t, authtest.Options{Folder: filepath.Dir(s.Config.Store.SQLite.Path)})
		if got := codeOf(t, next.Do(again)); got != fault.SignatureSignAgain {
			t.Errorf("the same request after a restart: %q", got)
		}
		time.Sleep(5 * time.Second)
		if got := next.Do(next.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)); got.StatusCode/100 != 2 {
			t.Errorf("a fresh request after a restart: %d %s", got.StatusCode, authtest.Body(t, got))
		}
	})
}

// TestAnUpstreamDoesNotSwitchProtocols: none of the requests that reach it asked for that, and behind it would lie a tunnel.
func TestAnUpstreamDoesNotSwitchProtocols(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = conn.Close()
	}))
	defer upstream.Close()
	s := authtest.StartWith(t, authtest.Options{Upstream: upstream.URL})
	gate := httptest.NewServer(s.Gateway) // a recorder could not be hijacked
	defer gate.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gate.URL+"/v1/ticker?markets=KRW-BTC", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = authtest.APIHost
	answer, err := gate.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusBadGateway || codeOf(t, answer) != fault.GatewayUpstreamDown {
		t.Errorf("answered with %s", answer.Status)
	}
}

// TestNoCredentialReachesTheUpstream: whatever dialect it is of, and whether or not anybody asked for it.
func TestNoCredentialReachesTheUpstream(t *testing.T) {
	var arrived http.Header
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived = r.Header }))
	defer upstream.Close()
	s := authtest.StartWith(t, authtest.Options{Upstream: upstream.URL})
	ada := s.SignUp("ada@example.com")
	for _, host := range []string{authtest.APIHost, authtest.PageHost} {
		for _, d := range sign.AllDialects() {
			key := s.IssueKey(ada, apikey.IssueInput{Dialect: d, Scopes: []string{"balances:read"}})
			signed := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/accounts", "").Header
			signed.Del("Content-Type") // of the form that Kraken's signer makes
			r := plain(t, http.MethodGet, host, "/v1/ticker?markets=KRW-BTC")
			r.Header = signed.Clone()
			r.Header.Set("X-Kept", "1")
			if got := s.Do(r); got.StatusCode != http.StatusOK || arrived.Get("X-Kept") != "1" {
				t.Fatalf("%s on %s: %d %s", d, host, got.StatusCode, authtest.Body(t, got))
			}
			for name := range signed {
				if len(arrived[name]) > 0 {
					t.Errorf("%s on %s: %s reached the upstream", d, host, name)
				}
			}
		}
	}
}
