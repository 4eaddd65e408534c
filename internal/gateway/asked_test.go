package gateway_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/server"
	"github.com/seed-21c57000/sallyport/sign"
)

// withProxy runs a test on a stack whose forward-auth door answers proxies on loopback.
func withProxy(t *testing.T, convention string, test func(*testing.T, *authtest.Stack)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := authtest.StartWith(t, authtest.Options{Convention: convention})
		time.Sleep(5 * time.Second)
		test(t, s)
	})
}

// question is what a proxy asks about a request, in either convention.
func question(t testing.TB, convention string, about *http.Request) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, gateway.CheckPath, nil)
	r.RemoteAddr = "127.0.0.1:50000"
	r.Header = about.Header.Clone()
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", authtest.PersonOrigin().Agent)
	}
	target := about.RequestURI
	if target == "" {
		target = about.URL.RequestURI()
	}
	client := about.RemoteAddr
	if client == "" {
		client = "203.0.113.7:40000"
	}
	client, _, _ = strings.Cut(client, ":")
	r.Header.Set("X-Forwarded-For", client)
	if convention == "x-original" {
		r.Header.Set("X-Original-Method", about.Method)
		r.Header.Set("X-Original-URI", target)
		r.Host = about.Host
		return r
	}
	r.Host = "sallyport.internal:8082"
	r.Header.Set("X-Forwarded-Method", about.Method)
	r.Header.Set("X-Forwarded-Uri", target)
	r.Header.Set("X-Forwarded-Host", about.Host)
	return r
}

// plain is a request that nobody signed.
func plain(t testing.TB, method, host, target string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ask(s *authtest.Stack, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	s.Forward.ServeHTTP(w, r)
	return w.Result()
}

func childOf(t testing.TB, s *authtest.Stack, p *authtest.Person) string {
	t.Helper()
	code, way := s.Crossing(t, p.Principal(), authtest.PageHost, "/")
	_, bearer, _, err := s.Sessions.RedeemChildCode(t.Context(), code, way, authtest.PageHost, authtest.PersonOrigin())
	if err != nil {
		t.Fatal(err)
	}
	return string(bearer.Reveal())
}

// TestNobodyCanSpeakForAProxy: a question that is not whole, from somebody else, or named in a header that only a client would send never gets
// a yes.
func TestNobodyCanSpeakForAProxy(t *testing.T) {
	withProxy(t, "x-forwarded", func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Allowlist: []string{"203.0.113.0/24"}})
		for _, row := range []struct {
			name   string
			spoil  func(r *http.Request)
			status int
			code   string
		}{
			{"undeclared peer", func(r *http.Request) { r.RemoteAddr = "203.0.113.7:1" }, 403, "forward.undeclared"},
			{"mapped undeclared peer", func(r *http.Request) { r.RemoteAddr = "[::ffff:203.0.113.7]:1" }, 403, "forward.undeclared"},
			{"no peer", func(r *http.Request) { r.RemoteAddr = "@" }, 403, "forward.undeclared"},
			{"another path", func(r *http.Request) { r.RequestURI = "/v1/ticker?markets=KRW-BTC" }, 404, "gateway.no_route"},
			{"path with query", func(r *http.Request) { r.RequestURI = gateway.CheckPath + "?x" }, 404, "gateway.no_route"},
			{"no method", func(r *http.Request) { r.Header.Del("X-Forwarded-Method") }, 400, "forward.malformed"},
			{"no target", func(r *http.Request) { r.Header.Del("X-Forwarded-Uri") }, 400, "forward.malformed"},
			{"no host", func(r *http.Request) { r.Header.Del("X-Forwarded-Host") }, 400, "forward.malformed"},
			{"empty target", func(r *http.Request) { r.Header.Set("X-Forwarded-Uri", "") }, 400, "forward.malformed"},
			{"target as hop-by-hop header", func(r *http.Request) {
				r.Header.Set("Connection", "X-Forwarded-Uri")
				r.Header.Del("X-Forwarded-Uri") // what a proxy that obeys does
			}, 400, "forward.malformed"},
			{"client's own target beside the proxy's", func(r *http.Request) { r.Header.Add("X-Forwarded-Uri", "/v1/ticker") }, 400, "forward.malformed"},
			{"client's own host beside the proxy's", func(r *http.Request) { r.Header.Add("X-Forwarded-Host", authtest.APIHost) }, 400, "forward.malformed"},
			{"two hosts in one line", func(r *http.Request) { r.Header.Set("X-Forwarded-Host", authtest.APIHost+", "+authtest.APIHost) }, 400, "forward.malformed"},
			{"client's own headers of another convention", func(r *http.Request) {
				r.Header.Del("X-Forwarded-Uri")
				r.Header.Set("X-Original-Uri", "/v1/ticker?markets=KRW-BTC")
				r.Header["X_Forwarded_Uri"] = []string{"/v1/ticker?markets=KRW-BTC"}
			}, 400, "forward.malformed"},
			{"our own paths", func(r *http.Request) { r.Header.Set("X-Forwarded-Uri", "/.sallyport/enter?code=x") }, 404, "gateway.no_route"},
			{"somebody else's address", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.7, 198.51.100.9") }, 403, "key.ip_not_allowed"},
			{"an identity of its own", func(r *http.Request) {
				r.Header.Del("Signature")
				r.Header.Del("Signature-Input")
				r.Header.Set("Sallyport-User", "usr_x")
				r.Header.Set(gate.Header, "x.y.z")
			}, 401, "unauthorized"},
		} {
			r := question(t, "x-forwarded", s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
			row.spoil(r)
			got := ask(s, r)
			if code := codeOf(t, got); got.StatusCode != row.status || string(code) != row.code {
				t.Errorf("%s: %d %s, want %d %s", row.name, got.StatusCode, code, row.status, row.code)
			}
			if got.Header.Get(gate.Header) != "" {
				t.Errorf("%s: it comes with an assertion", row.name)
			}
		}
	})
}

func TestWithoutAConventionNobodyMayAsk(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		about := plain(t, http.MethodGet, authtest.APIHost, "/v1/ticker?markets=KRW-BTC")
		for _, convention := range []string{"x-forwarded", "x-original"} {
			if got := ask(s, question(t, convention, about)); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %d", convention, got.StatusCode)
			}
		}
	})
}

// TestEveryYesSaysWhoInEveryHeader: a proxy that copies our headers leaves none of the client's standing.
func TestEveryYesSaysWhoInEveryHeader(t *testing.T) {
	withProxy(t, "x-forwarded", func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		who := ada.Principal()
		key := s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"balances:read"}})
		bearer := childOf(t, s, ada)
		page := plain(t, http.MethodGet, authtest.PageHost, "/v1/accounts")
		page.Header.Set("Cookie", "__Host-sid="+bearer)
		public := plain(t, http.MethodGet, authtest.APIHost, "/v1/ticker?markets=KRW-BTC")
		for _, row := range []struct {
			name  string
			about *http.Request
			want  map[string]string
		}{
			{"key", s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""), map[string]string{
				"User": who.User.String(), "Account": who.Account.String(), "Subaccount": who.Subaccount.String(),
				"Credential": key.Text(), "Scopes": "balances:read",
			}},
			{"session", page, map[string]string{
				"User": who.User.String(), "Account": who.Account.String(), "Subaccount": who.Subaccount.String(),
				"Credential": "ses_", "Scopes": who.Scopes.String(),
			}},
			{"public", public, map[string]string{
				"User": "none", "Account": "none", "Subaccount": "none", "Credential": "none", "Scopes": "none",
			}},
		} {
			r := question(t, "x-forwarded", row.about)
			for name := range row.want {
				r.Header.Set("Sallyport-"+name, "spoofed")
			}
			answer := ask(s, r)
			got := map[string]string{}
			for name, lines := range answer.Header {
				if rest, ours := strings.CutPrefix(name, "Sallyport-"); ours && name != gate.Header {
					got[rest] = strings.Join(lines, "|")
				}
			}
			if strings.HasPrefix(got["Credential"], "ses_") {
				got["Credential"] = "ses_"
			}
			if diff := cmp.Diff(row.want, got); diff != "" || answer.StatusCode != http.StatusNoContent {
				t.Errorf("%s: %d (-want +got):\n%s", row.name, answer.StatusCode, diff)
			}
		}
	})
}

// TestNarrowProxiesHearThreeAnswers: nginx takes every status but 2xx, 401 and 403 for a failure of ours.
func TestNarrowProxiesHearThreeAnswers(t *testing.T) {
	withProxy(t, "x-original", func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		key := s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"balances:read"}})
		signed := func(target string) *http.Request {
			return question(t, "x-original", s.Signed(key, http.MethodGet, authtest.APIHost, target, ""))
		}
		page := plain(t, http.MethodGet, authtest.PageHost, "/v1/accounts")
		ambiguous := signed("/v1/accounts")
		ambiguous.Header.Set("X-Original-URI", "/v1//accounts")
		unsigned := signed("/v1/accounts")
		unsigned.Header.Del("Signature")
		for _, row := range []struct {
			name   string
			r      *http.Request
			status int
			code   string // in the header: such a proxy hands on no body
		}{
			{"allowed", signed("/v1/accounts"), 204, ""},
			{"not signed", unsigned, 401, "signature.malformed"},
			{"not found", signed("/v1/nothing"), 403, "gateway.no_route"},
			{"ambiguous", ambiguous, 403, "gateway.path_refused"},
			{"out of scope", signed("/v1/deposits"), 403, "key.scope_missing"},
			{"no session", question(t, "x-original", page), 401, ""},
		} {
			got := ask(s, row.r)
			if got.StatusCode != row.status {
				t.Errorf("%s: %d, want %d", row.name, got.StatusCode, row.status)
			}
			if code := got.Header.Get("Sallyport-Refusal"); code != row.code {
				t.Errorf("%s: the header says %q, want %q", row.name, code, row.code)
			}
			if wants := row.name == "no session"; (got.Header.Get("Location") != "") != wants {
				t.Errorf("%s: the way to the sign-in is %q", row.name, got.Header.Get("Location"))
			}
		}
	})
}

// TestAPersonIsBroughtToTheSignInByOurOwnPath: a proxy may keep cookies of an answer to itself, so the one that binds the way to this browser is
// set where the browser comes to us.
func TestAPersonIsBroughtToTheSignInByOurOwnPath(t *testing.T) {
	withProxy(t, "x-forwarded", func(t *testing.T, s *authtest.Stack) {
		heard := ask(s, question(t, "x-forwarded", plain(t, http.MethodGet, authtest.PageHost, "/v1/accounts?x=1")))
		const own = "/.sallyport/enter?path=%2Fv1%2Faccounts%3Fx%3D1"
		if got := heard.Header.Get("Location"); heard.StatusCode != http.StatusSeeOther || got != authtest.PageOrigin+own {
			t.Fatalf("%d %s", heard.StatusCode, got)
		}
		next := s.Do(plain(t, http.MethodGet, authtest.PageHost, own))
		if way := next.Header.Get("Location"); next.StatusCode != http.StatusSeeOther || !strings.HasPrefix(way, authtest.Origin+"/go/") || next.Header.Get("Set-Cookie") == "" {
			t.Errorf("%d %s", next.StatusCode, way)
		}
	})
}

// TestABodyThatWasNotSeenIsComparedByTheBackend: the digest that was signed travels in the assertion, and package gate compares it.
func TestABodyThatWasNotSeenIsComparedByTheBackend(t *testing.T) {
	withProxy(t, "x-forwarded", func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		ada.EnrolTOTP()
		key := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes})
		bearer := childOf(t, s, ada)
		placed := func() *http.Request { return s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order) }
		clicked := func() *http.Request {
			r := plain(t, http.MethodPost, authtest.PageHost, "/v1/orders")
			r.Header.Set("Cookie", "__Host-sid="+bearer)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			return r
		}
		looked := func() *http.Request { return s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "") }
		for _, row := range []struct {
			name    string
			about   func() *http.Request
			body    string
			unbound bool
			status  int
		}{
			{"signed, the same body", placed, order, false, 200},
			{"signed, another body", placed, strings.Replace(order, "0.001", "0.009", 1), false, 401},
			{"signed, no body", placed, "", false, 401},
			{"signed, another body where bodies may be unbound", placed, "{}", true, 401},
			{"signed without a body, and without a body", looked, "", false, 200},
			{"signed without a body, and with a body", looked, order, true, 401},
			{"session without a body", clicked, "", false, 200},
			{"session, with a body", clicked, order, false, 401},
			{"session, with a body where bodies may be unbound", clicked, order, true, 200},
		} {
			about := row.about()
			answer := ask(s, question(t, "x-forwarded", about))
			if got := behind(t, s, row.unbound, about, answer.Header.Get(gate.Header), row.body); got != row.status {
				t.Errorf("%s: the backend answers %d, want %d", row.name, got, row.status)
			}
		}
	})
}

// behind is what a backend with package gate answers to a request that its proxy passes on.
func behind(t *testing.T, s *authtest.Stack, unbound bool, about *http.Request, assertion, body string) int {
	t.Helper()
	shared := slices.Repeat([]byte{7}, 32)
	key, err := gate.HS256(server.AssertionKeyID(shared), shared)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Issuer: authtest.Origin, Audience: "paper", Keys: []gate.Key{key}, Now: s.Now, UnboundBodies: unbound})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), about.Method, about.URL.RequestURI(), strings.NewReader(body))
	maps.Copy(r.Header, about.Header)
	r.Header.Set(gate.Header, assertion)
	w := httptest.NewRecorder()
	g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
	return w.Code
}

// TestDialectsThatSignTheBodyNeedIt: what cannot be checked without the body is refused, and what was signed without one passes.
func TestDialectsThatSignTheBodyNeedIt(t *testing.T) {
	withProxy(t, "x-forwarded", func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: tradeScopes, Dialect: sign.Upbit, Algorithm: sign.HMACSHA2})
		for _, row := range []struct {
			method, target, body string
			status               int
		}{
			{http.MethodGet, "/v1/accounts", "", 204},
			{http.MethodGet, "/v1/orders/open?market=KRW-BTC", "", 204},
			{http.MethodPost, "/v1/orders", order, 401},
		} {
			got := ask(s, question(t, "x-forwarded", s.Signed(key, row.method, authtest.APIHost, row.target, row.body)))
			if got.StatusCode != row.status {
				t.Errorf("%s %s: %d %s", row.method, row.target, got.StatusCode, authtest.Body(t, got))
			}
		}
	})
}

// What the gateway would have taken away, a proxy may pass on: a question about a request that names another one is refused.
func TestAQuestionThatNamesAnotherRequestIsRefused(t *testing.T) {
	for _, convention := range []string{"x-original", "x-forwarded"} {
		withProxy(t, convention, func(t *testing.T, s *authtest.Stack) {
			key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"balances:read"}})
			for name, refused := range map[string]bool{
				"X-Http-Method-Override": true, "X-Http-Method": true, "X-Method-Override": true, "X-Original-Url": true, "X-Rewrite-Url": true,
				"Sallyport_User": true, "sallyport_assertion": true, "X-Custom": false, "X_Custom": false,
			} {
				r := question(t, convention, s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
				r.Header[name] = []string{"/v1/withdraws/coin"}
				if got := ask(s, r).StatusCode; (got != http.StatusNoContent) != refused {
					t.Errorf("%s: %s: %d", convention, name, got)
				}
			}
		})
	}
}
