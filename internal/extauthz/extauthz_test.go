package extauthz_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/seed-21c57000/sallyport/internal/extauthz"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
	"github.com/seed-21c57000/sallyport/sign"
)

const order = `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000"}`

// serve puts a handler on a socket as the server does, and gives a client of gRPC for it.
func serve(t *testing.T, h http.Handler) authv3.AuthorizationClient {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	conn, err := grpc.NewClient(s.Listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return authv3.NewAuthorizationClient(conn)
}

// question is what Envoy asks about a request: headers joined, or line by line (encode_raw_headers).
func question(r *http.Request, raw bool) *authv3.CheckRequest {
	host, _, _ := strings.Cut(r.RemoteAddr, ":")
	if host == "" {
		host = "203.0.113.7"
	}
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	asked := &authv3.AttributeContext_HttpRequest{Method: r.Method, Path: target, Host: r.Host, Scheme: "http", Protocol: "HTTP/1.1", Size: -1}
	asked.Headers = map[string]string{":authority": r.Host, ":path": target, ":method": r.Method}
	lines := []*corev3.HeaderValue{{Key: ":path", RawValue: []byte(target)}}
	for name, values := range r.Header {
		asked.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		for _, value := range values {
			lines = append(lines, &corev3.HeaderValue{Key: strings.ToLower(name), RawValue: []byte(value)})
		}
	}
	if raw {
		asked.Headers, asked.HeaderMap = nil, &corev3.HeaderMap{Headers: lines}
	}
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
			Address: host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 40000},
		}}}},
		Request: &authv3.AttributeContext_Request{Http: asked},
	}}
}

// heard is Envoy's side of an answer: whether it lets through, what the client hears otherwise, and what goes on.
type heard struct {
	passed bool
	status int
	body   string
	set    map[string]string
	gone   []string
}

func ask(t *testing.T, c authv3.AuthorizationClient, q *authv3.CheckRequest) heard {
	t.Helper()
	answer, err := c.Check(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	h := heard{passed: codes.Code(answer.GetStatus().GetCode()) == codes.OK, set: map[string]string{}}
	if ok := answer.GetOkResponse(); (ok != nil) != h.passed {
		t.Fatalf("status %v beside %v", answer.GetStatus(), answer.GetHttpResponse())
	}
	h.gone = answer.GetOkResponse().GetHeadersToRemove()
	for _, o := range answer.GetOkResponse().GetHeaders() {
		if o.GetAppendAction() != corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD {
			t.Errorf("%s is added beside the client's own", o.GetHeader().GetKey())
		}
		h.set[o.GetHeader().GetKey()] = o.GetHeader().GetValue()
	}
	h.status, h.body = int(answer.GetDeniedResponse().GetStatus().GetCode()), answer.GetDeniedResponse().GetBody()
	return h
}

func start(t *testing.T, environ ...string) (*authtest.Stack, authv3.AuthorizationClient) {
	t.Helper()
	s := authtest.StartWith(t, authtest.Options{Convention: "x-forwarded", Environ: environ})
	return s, serve(t, s.ExtAuthz)
}

func plain(t *testing.T, method, host, target string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEnvoyHearsTheVerdictOfTheProxy asks about requests of every kind, in both forms of headers, and compares with what the gateway answers
// to the same request itself.
func TestEnvoyHearsTheVerdictOfTheProxy(t *testing.T) {
	s, envoy := start(t)
	ada := s.SignUp("ada@example.com")
	key := s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"balances:read", "orders:write"}, Allowlist: []string{"203.0.113.0/24"}})
	looked := func(spoil func(*http.Request)) func() *http.Request {
		return func() *http.Request {
			r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
			if spoil != nil {
				spoil(r)
			}
			return r
		}
	}
	for name, request := range map[string]func() *http.Request{
		"allowed": looked(nil),
		"public":  func() *http.Request { return plain(t, http.MethodGet, authtest.APIHost, "/v1/ticker?markets=KRW-BTC") },
		"order":   func() *http.Request { return s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order) },

		"unsigned":        looked(func(r *http.Request) { r.Header.Del("Signature") }),
		"two credentials": looked(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }),
		"other method":    looked(func(r *http.Request) { r.Method = http.MethodPost }),
		"foreign host":    looked(func(r *http.Request) { r.Host = "elsewhere.example" }),
		"foreign address": looked(func(r *http.Request) { r.RemoteAddr = "198.51.100.9:1" }),
		"spoofed address": looked(func(r *http.Request) {
			r.RemoteAddr = "198.51.100.9:1"
			r.Header.Set("X-Forwarded-For", "203.0.113.7")
		}),
		"upgrade":        looked(func(r *http.Request) { r.Header.Set("Upgrade", "websocket") }),
		"no route":       looked(func(r *http.Request) { r.RequestURI = "/v1/nothing" }),
		"two slashes":    looked(func(r *http.Request) { r.RequestURI = "/v1//accounts" }),
		"dots":           looked(func(r *http.Request) { r.RequestURI = "/v1/orders/../accounts" }),
		"escaped dots":   looked(func(r *http.Request) { r.RequestURI = "/v1/%2e%2e/v1/accounts" }),
		"escaped slash":  looked(func(r *http.Request) { r.RequestURI = "/v1%2faccounts" }),
		"escaped letter": looked(func(r *http.Request) { r.RequestURI = "/v1/acc%6funts" }),
		"absolute":       looked(func(r *http.Request) { r.RequestURI = "http://" + authtest.APIHost + "/v1/accounts" }),
		"fragment":       looked(func(r *http.Request) { r.RequestURI = "/v1/accounts#x" }),
		"own path":       looked(func(r *http.Request) { r.RequestURI = "/.sallyport/enter" }),
		"page":           func() *http.Request { return plain(t, http.MethodGet, authtest.PageHost, "/v1/accounts") },
		"cross site":     func() *http.Request { return plain(t, http.MethodPost, authtest.PageHost, "/v1/orders") },
	} {
		direct := s.Do(request())
		if name == "own path" {
			direct.StatusCode = http.StatusNotFound // the gateway's own listener has these
		}
		for _, raw := range []bool{false, true} {
			got := ask(t, envoy, question(request(), raw))
			if got.passed != (direct.StatusCode/100 == 2) || !got.passed && got.status != direct.StatusCode {
				t.Errorf("%s (raw headers %v): %v %d %s, the proxy %d", name, raw, got.passed, got.status, got.body, direct.StatusCode)
			}
			if got.passed == (got.set["sallyport-assertion"] == "") {
				t.Errorf("%s: passed %v with the assertion %q", name, got.passed, got.set["sallyport-assertion"])
			}
		}
	}
}

// TestEnvoyHearsWhereAProofIsGiven: a session that lacks one is refused in the words of every door, body and header.
func TestEnvoyHearsWhereAProofIsGiven(t *testing.T) {
	s, envoy := start(t)
	b := s.Browser("203.0.113.7")
	b.SignUp("ada@example.com")
	b.Enter()
	r := plain(t, http.MethodPost, authtest.PageHost, "/v1/orders")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("User-Agent", b.Agent)
	r.AddCookie(&http.Cookie{Name: httpx.SessionCookie, Value: b.Cookies[authtest.PageHost][httpx.SessionCookie]})
	answer, err := envoy.Check(t.Context(), question(r, false))
	if err != nil {
		t.Fatal(err)
	}
	no := answer.GetDeniedResponse()
	heads := map[string]string{}
	for _, o := range no.GetHeaders() {
		heads[o.GetHeader().GetKey()] = o.GetHeader().GetValue()
	}
	const where = authtest.Origin + "/go/" + authtest.PageHost + "?needs=mfa&path=%2F"
	if no.GetStatus().GetCode() != http.StatusForbidden || heads["sallyport-refusal"] != "step_up_required" || heads["sallyport-step-up"] != where {
		t.Errorf("%v %v", no.GetStatus(), heads)
	}
	var told struct {
		Code   string
		Fields struct{ Reason, Needs, URL string }
	}
	if err := json.Unmarshal([]byte(no.GetBody()), &told); err != nil || told.Code != "step_up_required" ||
		told.Fields.Reason != "assurance.too_low" || told.Fields.Needs != "mfa" || told.Fields.URL != where {
		t.Errorf("%v %s", err, no.GetBody())
	}
}

// TestNothingOfTheClientsIdentityIsLeft: what the client says of itself is replaced or removed, and so is what proved who it is.
func TestNothingOfTheClientsIdentityIsLeft(t *testing.T) {
	s, envoy := start(t)
	ada := s.SignUp("ada@example.com")
	key := s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"balances:read"}})
	r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
	for _, name := range []string{"Sallyport-User", "Sallyport-Assertion", "Sallyport-Role", "X-Forwarded-Host", "X-Real-Ip", "X_sallyport_user"} {
		r.Header.Set(name, "spoofed")
	}
	r.Header.Set("Cookie", "theme=dark; __Host-sid=stolen; lang=ko")
	r.Header.Set("X-Kept", "1")
	got := ask(t, envoy, question(r, false))
	if !got.passed {
		t.Fatalf("%d %s", got.status, got.body)
	}
	wantGone := []string{"sallyport-role", "signature", "signature-input", "x-forwarded-host", "x-real-ip", "x_sallyport_user"}
	if diff := cmp.Diff(wantGone, got.gone); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	want := []string{
		"cookie", "sallyport-account", "sallyport-assertion", "sallyport-credential", "sallyport-scopes", "sallyport-subaccount", "sallyport-user", "x-request-id",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got.set))); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
	if got.set["cookie"] != "theme=dark; lang=ko" || got.set["sallyport-user"] != ada.Principal().User.String() {
		t.Errorf("cookie %q, user %q", got.set["cookie"], got.set["sallyport-user"])
	}
}

// TestAHeadThatNamesAnotherRequestIsRefused: whether Envoy takes such a header away, as it is told with a yes, is its configuration.
func TestAHeadThatNamesAnotherRequestIsRefused(t *testing.T) {
	s, envoy := start(t)
	key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"balances:read"}})
	for _, row := range []struct {
		name   string
		values []string
		passes bool
	}{
		{"X-Http-Method-Override", []string{"DELETE"}, false},
		{"X-Original-Url", []string{"/v1/withdraws/coin"}, false},
		{"X-Rewrite-Url", []string{"/v1/withdraws/coin"}, false},
		{"Sallyport_User", []string{"usr_1"}, false},
		{"X-Forwarded-Proto", []string{"https", "http"}, false},
		{"X-Forwarded-Host", []string{"a.example", "b.example"}, false},
		{"X-Forwarded-Host", []string{"a.example"}, true},
		{"X-Kept", []string{"1", "2"}, true},
	} {
		r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
		r.Header[row.name] = row.values
		if got := ask(t, envoy, question(r, true)); got.passed != row.passes || !row.passes && got.status != http.StatusBadRequest {
			t.Errorf("%s %v: passed %t, %d %s", row.name, row.values, got.passed, got.status, got.body)
		}
	}
}

// TestAWholeBodyIsCheckedAndHalfOfOneIsNot: what Envoy sends along is bound as if it had come to the gateway, also in dialects that sign it.
func TestAWholeBodyIsCheckedAndHalfOfOneIsNot(t *testing.T) {
	s, envoy := start(t, "SALLYPORT_GATEWAY_EXT_AUTHZ_BODIES=whole")
	ada := s.SignUp("ada@example.com")
	scopes := []string{"balances:read", "orders:write"}
	native := s.IssueKey(ada, apikey.IssueInput{Scopes: scopes})
	bybit := s.IssueKey(ada, apikey.IssueInput{Scopes: scopes, Dialect: sign.Bybit})
	type asked = *authv3.AttributeContext_HttpRequest
	for _, row := range []struct {
		name   string
		body   func(asked)
		status int // 0 for a yes
	}{
		{"whole", func(a asked) { a.RawBody, a.Headers["x-envoy-auth-partial-body"] = []byte(order), "false" }, 0},
		{"another", func(a asked) {
			a.RawBody, a.Headers["x-envoy-auth-partial-body"] = []byte(strings.Replace(order, "0.001", "9.001", 1)), "false"
		}, 401},
		{"a part", func(a asked) { a.RawBody, a.Headers["x-envoy-auth-partial-body"] = []byte(order[:9]), "true" }, 400},
		{"less than announced", func(a asked) { a.RawBody, a.Headers["x-envoy-auth-partial-body"] = []byte(order[:9]), "false" }, 400},
		{"without Envoy's word", func(a asked) { a.RawBody = []byte(order) }, 400},
		{"as text", func(a asked) { a.Body, a.Headers["x-envoy-auth-partial-body"] = order, "false" }, 400},
		{"none", func(asked) {}, 400},
	} {
		for _, key := range []authtest.Key{native, bybit} {
			r := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)
			r.Header.Set("Content-Length", "88")
			q := question(r, false)
			row.body(q.GetAttributes().GetRequest().GetHttp())
			if got := ask(t, envoy, q); got.passed != (row.status == 0) || got.status != row.status {
				t.Errorf("%s (%s): %v %d %s", row.name, key.Dialect, got.passed, got.status, got.body)
			}
		}
	}
	empty := s.Signed(native, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
	if got := ask(t, envoy, question(empty, false)); !got.passed {
		t.Errorf("without a body: %d %s", got.status, got.body)
	}
}

// TestOnlyA204LetsThrough: an answer that nobody foresaw refuses, whatever class its status is of.
func TestOnlyA204LetsThrough(t *testing.T) {
	for _, row := range []struct{ said, status int }{{200, 403}, {202, 403}, {303, 303}, {401, 401}, {421, 421}, {500, 500}, {503, 503}} {
		door := extauthz.Door{
			Check: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(row.said) }), Clean: func(http.Header) {},
			Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, BodyCap: 1024,
		}
		got := ask(t, serve(t, door.Handler()), question(plain(t, http.MethodGet, "api.example", "/"), false))
		if got.passed || got.status != row.status || len(got.set) > 0 {
			t.Errorf("the check says %d, Envoy hears %v %d", row.said, got.passed, got.status)
		}
	}
}

// TestNobodyElseIsAnswered: a stranger and a question without a source hear nothing about anybody.
func TestNobodyElseIsAnswered(t *testing.T) {
	asked := 0
	door := extauthz.Door{
		Check: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; w.WriteHeader(http.StatusNoContent) }), Clean: func(http.Header) {},
		Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, BodyCap: 1024,
	}
	about := question(plain(t, http.MethodGet, "api.example", "/"), false)
	_, err := serve(t, door.Handler()).Check(t.Context(), about)
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("an undeclared peer hears %v", err)
	}
	door.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	envoy := serve(t, door.Handler())
	about.Attributes.Source = nil
	if _, err = envoy.Check(t.Context(), about); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a question without a source hears %v", err)
	}
	if _, err = envoy.Check(t.Context(), &authv3.CheckRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("an empty question hears %v", err)
	}
	if asked != 0 {
		t.Errorf("the check was asked %d times", asked)
	}
}

// A proxy that asks would hold the tunnel itself, where nobody can close it; so it gets no yes, whatever it shows of the request.
func TestNoTunnelForAProxyThatAsks(t *testing.T) {
	for _, bodies := range []string{"unseen", "whole"} {
		folder := t.TempDir()
		s := authtest.StartWith(t, authtest.Options{
			Convention: "x-forwarded", Folder: folder, Environ: []string{"SALLYPORT_GATEWAY_EXT_AUTHZ_BODIES=" + bodies},
		})
		routes := strings.Replace(string(sandbox.Routes()), "routes:\n",
			"routes:\n  - {method: GET, path: /ws/mine, scope: \"orders:read\", class: look, upgrade: websocket}\n", 1)
		if err := os.WriteFile(filepath.Join(folder, "routes.yaml"), []byte(routes), 0o600); err != nil {
			t.Fatal(err)
		}
		s.ReloadRoutes(t.Context())
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"orders:read"}})
		r := s.Signed(key, http.MethodGet, authtest.APIHost, "/ws/mine", "")
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-WebSocket-Version", "13")
		r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
		got := ask(t, serve(t, s.ExtAuthz), question(r, true))
		if got.passed {
			t.Errorf("bodies %s: Envoy may open a tunnel that nobody can close", bodies)
		}
	}
}
