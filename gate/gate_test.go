package gate_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/gate"
)

var (
	now    = time.Date(2026, 11, 21, 9, 0, 0, 123456000, time.UTC)
	secret = bytes.Repeat([]byte{0x5a}, 32)
)

// claimsFor is the assertion the gateway would write for a user's request.
func claimsFor(method, target, body string) gate.Claims {
	return gate.Claims{
		Issuer: "https://gate.example", Audience: "exchange",
		IssuedAt: gate.DateOf(now), Expires: gate.DateOf(now.Add(gate.MaxLife)),
		Request: "req_1", Method: method, Target: target, Body: gate.BodyDigest([]byte(body)),
		Kind: gate.KindUser, User: "usr_1", Account: "acc_1", Subaccount: "sub_1", Role: "owner", Session: "ses_1",
		Environment: gate.Live, Assurance: gate.AssurancePhr, Scopes: "balances:read orders:write", Class: gate.ClassOrder,
		Language: "ko", Name: "김하늘 \"Sky\"",
	}
}

func newGate(t testing.TB, change func(*gate.Config)) *gate.Gate {
	t.Helper()
	key, err := gate.HS256("k1", secret)
	if err != nil {
		t.Fatal(err)
	}
	c := gate.Config{
		Issuer: "https://gate.example", Audience: "exchange", Keys: []gate.Key{key},
		Now: func() time.Time { return now },
	}
	if change != nil {
		change(&c)
	}
	g, err := gate.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// passage is what came of a request: the answer, the reason of a refusal, and what the backend saw.
type passage struct {
	*httptest.ResponseRecorder
	reason error
	seen   *http.Request
}

// pass sends r through the gate.
func pass(t testing.TB, r *http.Request, change func(*gate.Config)) passage {
	t.Helper()
	p := passage{ResponseRecorder: httptest.NewRecorder()}
	g := newGate(t, func(c *gate.Config) {
		c.OnRefuse = func(_ *http.Request, err error) { p.reason = err }
		if change != nil {
			change(c)
		}
	})
	g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { p.seen = r })).ServeHTTP(p, r)
	return p
}

func asserted(c gate.Claims, body string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), c.Method, c.Target, strings.NewReader(body))
	r.Header.Set(gate.Header, gate.SignHS256("k1", secret, c))
	return r
}

func TestWrapHandsOnWhatWasAsserted(t *testing.T) {
	const body = `{"market":"KRW-BTC"}`
	r := asserted(claimsFor("POST", "/v1/orders?x=%41", body), body)
	r.Trailer = http.Header{"X-Late": {"1"}}
	passed := pass(t, r, nil)
	seen := passed.seen
	if seen == nil || passed.Code != http.StatusOK {
		t.Fatalf("refused: %d, %v", passed.Code, passed.reason)
	}
	got, err := io.ReadAll(seen.Body)
	if err != nil || string(got) != body || seen.ContentLength != int64(len(body)) {
		t.Errorf("body %q (length %d), %v", got, seen.ContentLength, err)
	}
	if seen.Header.Get(gate.Header) != "" || seen.Trailer != nil {
		t.Error("the assertion or a trailer reached the backend")
	}
	p, ok := gate.From(seen.Context())
	want := gate.Principal{
		Kind: gate.KindUser, User: "usr_1", Account: "acc_1", Subaccount: "sub_1", Role: "owner", Session: "ses_1",
		Environment: gate.Live, Assurance: gate.AssurancePhr, Scopes: "balances:read orders:write", Class: gate.ClassOrder,
		Language: "ko", Name: "김하늘 \"Sky\"", Request: "req_1",
	}
	if diff := cmp.Diff(want, p); diff != "" || !ok {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
}

// The digest of no bytes is written down in docs/upstream.md.
func TestBodyDigest(t *testing.T) {
	if got := gate.BodyDigest(nil); got != "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU" {
		t.Error(got)
	}
}

func TestFromWithoutGate(t *testing.T) {
	if p, ok := gate.From(t.Context()); ok {
		t.Errorf("a principal from nowhere: %+v", p)
	}
}

// Each row breaks one thing of a good request; the reason names what.
func TestWrapRefuses(t *testing.T) {
	edit := func(change func(*gate.Claims)) func() *http.Request {
		return func() *http.Request {
			c := claimsFor("POST", "/v1/orders", "{}")
			change(&c)
			return changed(c)
		}
	}
	request := func(change func(*http.Request)) func() *http.Request {
		return func() *http.Request {
			r := asserted(claimsFor("POST", "/v1/orders", "{}"), "{}")
			change(r)
			return r
		}
	}
	for name, row := range map[string]struct {
		request func() *http.Request
		want    error
	}{
		"no header":       {request(func(r *http.Request) { r.Header.Del(gate.Header) }), gate.ErrMissing},
		"two headers":     {request(func(r *http.Request) { r.Header.Add(gate.Header, r.Header.Get(gate.Header)) }), gate.ErrMissing},
		"empty header":    {request(func(r *http.Request) { r.Header.Set(gate.Header, "") }), gate.ErrMalformed},
		"other method":    {request(func(r *http.Request) { r.Method = "PUT" }), gate.ErrRequest},
		"other path":      {request(func(r *http.Request) { r.RequestURI = "/v1/withdraws/coin" }), gate.ErrRequest},
		"added query":     {request(func(r *http.Request) { r.RequestURI += "?a=1" }), gate.ErrRequest},
		"no request URI":  {request(func(r *http.Request) { r.RequestURI = "" }), gate.ErrRequest},
		"other spelling":  {request(func(r *http.Request) { r.RequestURI = "/v1/%6frders" }), gate.ErrRequest},
		"other body":      {request(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{ }")) }), gate.ErrBody},
		"no body":         {request(func(r *http.Request) { r.Body = http.NoBody }), gate.ErrBody},
		"body cut off":    {request(func(r *http.Request) { r.Body = io.NopCloser(brokenReader{}) }), gate.ErrBody},
		"other issuer":    {edit(func(c *gate.Claims) { c.Issuer += "/" }), gate.ErrAddressee},
		"other audience":  {edit(func(c *gate.Claims) { c.Audience = "wallet" }), gate.ErrAddressee},
		"expired":         {edit(shift(-2 * time.Second)), gate.ErrTime},
		"from the future": {edit(shift(time.Second + time.Microsecond)), gate.ErrTime},
		"too long a life": {edit(func(c *gate.Claims) { c.Expires++ }), gate.ErrTime},
		"life of nothing": {edit(func(c *gate.Claims) { c.Expires = c.IssuedAt }), gate.ErrTime},
		"no expiry":       {edit(func(c *gate.Claims) { c.Expires = 0 }), gate.ErrTime},
		"no birth":        {edit(func(c *gate.Claims) { c.IssuedAt = 0 }), gate.ErrTime},
		"no request id":   {edit(func(c *gate.Claims) { c.Request = "" }), gate.ErrMalformed},
		"no method":       {edit(func(c *gate.Claims) { c.Method = "" }), gate.ErrMalformed},
		"no target":       {edit(func(c *gate.Claims) { c.Target = "" }), gate.ErrMalformed},
		"body of nobody":  {edit(func(c *gate.Claims) { c.Body = "" }), gate.ErrBody},
		"two bodies":      {edit(func(c *gate.Claims) { c.BodySigned = digestOfBraces }), gate.ErrMalformed},
		"other signed body": {edit(func(c *gate.Claims) {
			c.Body, c.BodySigned = "", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
		}), gate.ErrBody},
		"one of two signed": {edit(func(c *gate.Claims) { c.Body, c.BodySigned = "", digestOfBraces+", sha-512=:AAAA:" }), gate.ErrBody},
		"unknown digest":    {edit(func(c *gate.Claims) { c.Body, c.BodySigned = "", "md5=:AAAA:" }), gate.ErrBody},
		"unverified body":   {edit(func(c *gate.Claims) { c.Body = "unverified:" + c.Body }), gate.ErrBody},
		"no kind":           {edit(func(c *gate.Claims) { c.Kind = "" }), gate.ErrMalformed},
		"unknown kind":      {edit(func(c *gate.Claims) { c.Kind = "robot" }), gate.ErrMalformed},
		"no user":           {edit(func(c *gate.Claims) { c.User = "" }), gate.ErrMalformed},
		"no account":        {edit(func(c *gate.Claims) { c.Account = "" }), gate.ErrMalformed},
		"no subaccount":     {edit(func(c *gate.Claims) { c.Subaccount = "" }), gate.ErrMalformed},
		"no session":        {edit(func(c *gate.Claims) { c.Session = "" }), gate.ErrMalformed},
		"key without id":    {edit(func(c *gate.Claims) { c.Kind = gate.KindKey }), gate.ErrMalformed},
		"no environment":    {edit(func(c *gate.Claims) { c.Environment = "" }), gate.ErrMalformed},
		"other environment": {edit(func(c *gate.Claims) { c.Environment = "LIVE" }), gate.ErrMalformed},
		"no assurance":      {edit(func(c *gate.Claims) { c.Assurance = "" }), gate.ErrMalformed},
		"no class":          {edit(func(c *gate.Claims) { c.Class = "" }), gate.ErrMalformed},
		"unknown class":     {edit(func(c *gate.Claims) { c.Class = "everything" }), gate.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			p := pass(t, row.request(), nil)
			if !errors.Is(p.reason, row.want) {
				t.Errorf("reason %v, want %v", p.reason, row.want)
			}
			wantRefusal(t, p)
		})
	}
}

func shift(d time.Duration) func(*gate.Claims) {
	return func(c *gate.Claims) {
		c.IssuedAt, c.Expires = gate.DateOf(now.Add(d)), gate.DateOf(now.Add(d+gate.MaxLife))
	}
}

// changed sends the request that the unchanged claims describe, with the changed ones asserted.
func changed(c gate.Claims) *http.Request {
	r := asserted(claimsFor("POST", "/v1/orders", "{}"), "{}")
	r.Header.Set(gate.Header, gate.SignHS256("k1", secret, c))
	return r
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func wantRefusal(t *testing.T, p passage) {
	t.Helper()
	if p.seen != nil {
		t.Error("the request reached the backend")
	}
	const want = `{"type":"about:blank","title":"Unauthorized","status":401,"code":"assertion.invalid"}` + "\n"
	if p.Body.String() != want || p.Code != http.StatusUnauthorized || p.Header().Get("Content-Type") != "application/problem+json" ||
		p.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v\n%s", p.Code, p.Header(), p.Body)
	}
}

func TestTimesAtTheirEdges(t *testing.T) {
	for name, row := range map[string]struct {
		shift time.Duration
		lives bool
	}{
		"just born":          {0, true},
		"last microsecond":   {-gate.MaxLife + time.Microsecond, true},
		"the end is outside": {-gate.MaxLife, false},
		"clock behind":       {gate.MaxFuture, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := claimsFor("GET", "/", "")
			shift(row.shift)(&c)
			if p := pass(t, asserted(c, ""), nil); (p.seen != nil) != row.lives {
				t.Errorf("lives: %v, %v", p.seen != nil, p.reason)
			}
		})
	}
}

func TestKindsThatNeedLess(t *testing.T) {
	for name, change := range map[string]func(*gate.Claims){
		"public": func(c *gate.Claims) {
			*c = gate.Claims{
				Issuer: c.Issuer, Audience: c.Audience, IssuedAt: c.IssuedAt, Expires: c.Expires, Request: "req_1",
				Method: c.Method, Target: c.Target, Body: c.Body,
				Kind: gate.KindPublic, Environment: gate.Live, Assurance: gate.AssuranceNone, Class: gate.ClassPublic,
			}
		},
		"key":       func(c *gate.Claims) { c.Kind, c.Session, c.Key = gate.KindKey, "", "spk_1" },
		"no name":   func(c *gate.Claims) { c.Name, c.Role, c.Scopes, c.Language = "", "", "", "" },
		"newer acr": func(c *gate.Claims) { c.Assurance = "tomorrow" },
	} {
		t.Run(name, func(t *testing.T) {
			c := claimsFor("GET", "/", "")
			change(&c)
			if p := pass(t, asserted(c, ""), nil); p.seen == nil {
				t.Errorf("refused: %v", p.reason)
			}
		})
	}
}

func TestBodyCap(t *testing.T) {
	for name, row := range map[string]struct {
		size    int
		chunked bool
		want    error
	}{
		"at the cap":              {64, false, nil},
		"at the cap, unannounced": {64, true, nil},
		"above":                   {65, false, gate.ErrBodySize},
		"above, unannounced":      {65, true, gate.ErrBodySize},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.Repeat("b", row.size)
			r := asserted(claimsFor("POST", "/", body), body)
			if row.chunked {
				r.ContentLength = -1
				r.TransferEncoding = []string{"chunked"}
			}
			p := pass(t, r, func(c *gate.Config) { c.MaxBody = 64 })
			if !errors.Is(p.reason, row.want) {
				t.Errorf("reason %v, want %v", p.reason, row.want)
			}
		})
	}
}

// A stranger cannot make the backend read a body: it stays untouched until the signature has been verified.
func TestBodyIsReadLast(t *testing.T) {
	r := asserted(claimsFor("POST", "/", ""), "")
	r.Header.Set(gate.Header, gate.SignHS256("k1", bytes.Repeat([]byte{1}, 32), claimsFor("POST", "/", "")))
	r.Body = io.NopCloser(untouchable{t})
	if p := pass(t, r, nil); !errors.Is(p.reason, gate.ErrSignature) {
		t.Errorf("reason %v", p.reason)
	}
}

type untouchable struct{ t *testing.T }

func (u untouchable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// The handler sees the same over a real connection, where RequestURI comes from the wire.
func TestOverLoopback(t *testing.T) {
	const body, target = "a=1", "/v1/orders?states%5B0%5D=wait&q=%2F"
	g := newGate(t, nil)
	server := httptest.NewServer(g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(gate.Header, gate.SignHS256("k1", secret, claimsFor("POST", target, body)))
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if got, _ := io.ReadAll(answer.Body); string(got) != body || answer.StatusCode != http.StatusOK {
		t.Errorf("%d %q", answer.StatusCode, got)
	}
}

func TestNewRefuses(t *testing.T) {
	key, _ := gate.HS256("k1", secret)
	good := gate.Config{Issuer: "i", Audience: "a", Keys: []gate.Key{key}, Now: func() time.Time { return now }}
	for name, change := range map[string]func(*gate.Config){
		"no issuer":    func(c *gate.Config) { c.Issuer = "" },
		"no audience":  func(c *gate.Config) { c.Audience = "" },
		"no clock":     func(c *gate.Config) { c.Now = nil },
		"no key":       func(c *gate.Config) { c.Keys = nil },
		"zero key":     func(c *gate.Config) { c.Keys = []gate.Key{{}} },
		"one id twice": func(c *gate.Config) { c.Keys = []gate.Key{key, key} },
		"negative cap": func(c *gate.Config) { c.MaxBody = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			if _, err := gate.New(c); err == nil {
				t.Error("accepted")
			}
		})
	}
	if _, err := gate.New(good); err != nil {
		t.Errorf("the unchanged one: %v", err)
	}
}

func TestRotation(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := gate.HS256("k1", secret)
	after, _ := gate.EdDSA("k2", public)
	g := newGate(t, nil)
	c := claimsFor("GET", "/", "")
	first, second := gate.SignHS256("k1", secret, c), gate.SignEdDSA("k2", private, c)

	lives := func(token string) bool { _, err := g.Parse(token); return err == nil }
	for _, step := range []struct {
		keys          []gate.Key
		first, second bool
	}{{[]gate.Key{before}, true, false}, {[]gate.Key{before, after}, true, true}, {[]gate.Key{after}, false, true}} {
		if err := g.SetKeys(step.keys...); err != nil {
			t.Fatal(err)
		}
		if lives(first) != step.first || lives(second) != step.second {
			t.Errorf("with %d keys: first %v, second %v", len(step.keys), lives(first), lives(second))
		}
	}
	if err := g.SetKeys(); err == nil || !lives(second) {
		t.Error("an empty set must be refused and leave the old keys")
	}
}
