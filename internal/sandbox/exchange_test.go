package sandbox_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
)

var secret = bytes.Repeat([]byte{9}, 32)

// floor is an exchange with a clock, and the gateway's half of every request to it.
type floor struct {
	*sandbox.Exchange
	handler http.Handler
	now     time.Time
	// claims are the usual ones; ask completes them for each request.
	claims gate.Claims
}

func openFloor(t *testing.T, change func(*sandbox.Config)) *floor {
	t.Helper()
	f := &floor{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	key, err := gate.HS256("k1", secret)
	if err != nil {
		t.Fatal(err)
	}
	c := sandbox.Config{
		Seed: 7, Now: func() time.Time { return f.now },
		Gate: gate.Config{Issuer: "https://gate.example", Audience: "paper", Keys: []gate.Key{key}},
	}
	if change != nil {
		change(&c)
	}
	f.Exchange, err = sandbox.Open(filepath.Join(t.TempDir(), "paper.db"), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	f.handler = f.Handler()
	f.claims = gate.Claims{
		Issuer: "https://gate.example", Audience: "paper", Request: "req_1",
		Kind: gate.KindKey, User: "usr_1", Account: "acc_1", Subaccount: "sub_1", Key: "spk_1",
		Environment: gate.Test, Assurance: gate.AssuranceNone, Class: gate.ClassWithdraw, Language: "en",
		Scopes: "balances:read orders:read orders:cancel orders:write transfers:read withdrawals:write",
	}
	return f
}

// person turns the claims into those of somebody with a session in a browser.
func (f *floor) person(change func(*gate.Claims)) *floor {
	f.claims.Kind, f.claims.Key, f.claims.Session, f.claims.Assurance, f.claims.Name = gate.KindUser, "", "ses_1", gate.AssurancePhr, "Haneul Kim"
	if change != nil {
		change(&f.claims)
	}
	return f
}

// request makes what the gateway would send. A body that begins with a brace is JSON, any other is a form.
func (f *floor) request(method, target, body string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if body[0] == '{' {
			r.Header.Set("Content-Type", "application/json")
		}
	}
	f.assert(r, body)
	return r
}

func (f *floor) assert(r *http.Request, body string) {
	c := f.claims
	c.IssuedAt, c.Expires = gate.DateOf(f.now), gate.DateOf(f.now.Add(gate.MaxLife))
	c.Method, c.Target, c.Body = r.Method, r.RequestURI, gate.BodyDigest([]byte(body))
	r.Header.Set(gate.Header, gate.SignHS256("k1", secret, c))
}

func (f *floor) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

// ask sends a request and gives status and body.
func (f *floor) ask(method, target, body string) (int, string) {
	answer := f.send(f.request(method, target, body))
	return answer.Code, answer.Body.String()
}

// routesFile is routes.yaml as the gateway reads it.
type routesFile struct {
	Routes []struct {
		Method, Path, Scope string
		Class               gate.Class
		// Transaction says where the gateway finds what its user confirms.
		Transaction map[string]string
		// Order says where it finds what an order is worth.
		Order any
	}
}

func readRoutes(t *testing.T) routesFile {
	t.Helper()
	var file routesFile
	decoder := yaml.NewDecoder(bytes.NewReader(sandbox.Routes()))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRoutesFileIsTheTable(t *testing.T) {
	var described []sandbox.Route
	for _, r := range readRoutes(t).Routes {
		described = append(described, sandbox.Route{Method: r.Method, Path: r.Path, Class: r.Class})
		if (r.Class == gate.ClassPublic) != (r.Scope == "") {
			t.Errorf("%s %s: scope %q with class %s", r.Method, r.Path, r.Scope, r.Class)
		}
	}
	if diff := cmp.Diff(sandbox.Table(openFloor(t, nil).Exchange), described); diff != "" {
		t.Errorf("routes.yaml differs from the exchange (-table +file):\n%s", diff)
	}
}

// concrete fills the segments of a template.
func concrete(path string) string {
	return strings.NewReplacer("{name}", "x.css", "{unit}", "1", "{timeframe}", "days").Replace(path)
}

func TestNothingIsReachedWithoutAnAssertion(t *testing.T) {
	f := openFloor(t, nil)
	for _, r := range append(readRoutes(t).Routes, readRoutes(t).Routes[0]) {
		request := f.request(r.Method, concrete(r.Path), "")
		request.Header.Del(gate.Header)
		if answer := f.send(request); answer.Code != http.StatusUnauthorized {
			t.Errorf("%s %s: %d", r.Method, r.Path, answer.Code)
		}
	}
	for path, want := range map[string]int{"/health": 200, "/healthz": 401, "/health/": 401, "/v1/health": 401, "//health": 401} {
		request := f.request("GET", "/x", "")
		request.Header.Del(gate.Header)
		request.URL.Path = path
		if answer := f.send(request); answer.Code != want {
			t.Errorf("%s: %d, want %d", path, answer.Code, want)
		}
	}
}

// A gateway whose routes file was loosened cannot lend the exchange its mistake.
func TestWeakerClassIsRefused(t *testing.T) {
	order := []gate.Class{
		gate.ClassPublic, gate.ClassLook, gate.ClassCancel, gate.ClassOrder, gate.ClassSetting, gate.ClassDestination, gate.ClassWithdraw,
	}
	rank := func(c gate.Class) (n int) {
		for i, known := range order {
			if c == known {
				n = i
			}
		}
		return n
	}
	f := openFloor(t, nil)
	for _, r := range readRoutes(t).Routes {
		for _, class := range order {
			f.claims.Class = class
			status, body := f.ask(r.Method, concrete(r.Path), "")
			refused := status == http.StatusForbidden
			if refused != (rank(class) < rank(r.Class)) {
				t.Errorf("%s %s as %s: %d %s", r.Method, r.Path, class, status, body)
			}
		}
		if r.Class == gate.ClassPublic {
			continue
		}
		f.claims.Class, f.claims.Kind = gate.ClassWithdraw, gate.KindPublic
		if status, _ := f.ask(r.Method, concrete(r.Path), ""); status != http.StatusForbidden {
			t.Errorf("%s %s as nobody: %d", r.Method, r.Path, status)
		}
		f.claims.Kind = gate.KindKey
	}
}

func TestCrossSite(t *testing.T) {
	f := openFloor(t, nil)
	for name, row := range map[string]struct {
		method, target, body, site, origin string
		refused                            bool
	}{
		"form of another site":      {"POST", "/orders/cancel", "all=yes", "cross-site", "https://evil.example", true},
		"sibling's form":            {"POST", "/orders/cancel", "all=yes", "same-site", "https://other.example.com", true},
		"API from another site":     {"POST", "/v1/orders", "{}", "cross-site", "https://evil.example", true},
		"old browser, other origin": {"POST", "/orders/cancel", "all=yes", "", "https://evil.example", true},
		"own form":                  {"POST", "/orders/cancel", "all=yes", "same-origin", "http://example.com", false},
		"bot":                       {"POST", "/v1/orders/test", "{}", "", "", false},
		"link from anywhere":        {"GET", "/", "", "cross-site", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := f.request(row.method, row.target, row.body)
			if row.site != "" {
				r.Header.Set("Sec-Fetch-Site", row.site)
			}
			if row.origin != "" {
				r.Header.Set("Origin", row.origin)
			}
			if answer := f.send(r); (answer.Code == http.StatusForbidden) != row.refused {
				t.Errorf("%d %s", answer.Code, answer.Body.String())
			}
		})
	}
}

// Run in a bubble: a resting order is filled and a withdrawal sent by nothing but time, and Run ends with its context.
func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	synctest.Test(t, func(t *testing.T) {
		f := openFloor(t, func(c *sandbox.Config) { c.Now = time.Now })
		ask := func(method, target, body string) string {
			f.now = time.Now()
			status, answer := f.ask(method, target, body)
			if status/100 != 2 {
				t.Fatalf("%s %s: %d %s", method, target, status, answer)
			}
			return answer
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			f.Run(ctx)
		}()
		ask("POST", "/v1/withdraws/coin", `{"currency":"BTC","net_type":"BTC","amount":0.1,"address":"bc1qpaperpaper"}`)
		btc, _ := market.ByID("KRW-BTC")
		walk, now := market.NewWalk(7), market.StepAt(time.Now())
		reached := walk.Bid(btc, now)
		for s := now; s < now+30; s++ {
			reached = max(reached, walk.Bid(btc, s))
		}
		placed := ask("POST", "/v1/orders", `{"market":"KRW-BTC","side":"ask","ord_type":"limit","price":"`+reached.String()+`","volume":"0.001"}`)
		if !strings.Contains(placed, `"state":"wait"`) {
			t.Fatalf("the order does not wait: the test would show nothing: %s", placed)
		}
		time.Sleep(30 * time.Second)
		if order := ask("GET", "/v1/order?uuid="+idOf(t, placed), ""); !strings.Contains(order, `"state":"done"`) {
			t.Errorf("not filled: %s", order)
		}
		if sent := ask("GET", "/v1/withdraw", ""); !strings.Contains(sent, `"state":"DONE"`) {
			t.Errorf("not sent: %s", sent)
		}
		stop()
		<-ended
	})
}

func TestOpenRefuses(t *testing.T) {
	key, _ := gate.HS256("k1", secret)
	good := sandbox.Config{Now: time.Now, Gate: gate.Config{Issuer: "i", Audience: "a", Keys: []gate.Key{key}}}
	for name, change := range map[string]func(*sandbox.Config){
		"no clock":         func(c *sandbox.Config) { c.Now = nil },
		"no key":           func(c *sandbox.Config) { c.Gate.Keys = nil },
		"unknown currency": func(c *sandbox.Config) { c.Opening = map[string]string{"DOGE": "1"} },
		"malformed amount": func(c *sandbox.Config) { c.Opening = map[string]string{"KRW": "1e6"} },
		"nothing of it":    func(c *sandbox.Config) { c.Opening = map[string]string{"KRW": "0"} },
		"too much":         func(c *sandbox.Config) { c.Opening = map[string]string{"BTC": "101"} },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			if x, err := sandbox.Open(filepath.Join(t.TempDir(), "paper.db"), c); err == nil {
				t.Error("accepted", x.Close())
			}
		})
	}
	c := good
	c.Opening = map[string]string{}
	x, err := sandbox.Open(filepath.Join(t.TempDir(), "paper.db"), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
}

// One book per environment and subaccount, whoever in the account asks.
func TestBooksFollowTheAssertion(t *testing.T) {
	f := openFloor(t, func(c *sandbox.Config) { c.Opening = map[string]string{"KRW": "100000"} })
	if status, body := f.ask("POST", "/v1/deposits/paper", `{"currency":"SOL","amount":"1"}`); status != 201 {
		t.Fatal(status, body)
	}
	sees := func(change func(*gate.Claims)) bool {
		saved := f.claims
		defer func() { f.claims = saved }()
		change(&f.claims)
		_, body := f.ask("GET", "/v1/accounts", "")
		return strings.Contains(body, `"SOL"`)
	}
	if !sees(func(c *gate.Claims) { c.Key, c.User = "spk_2", "usr_2" }) {
		t.Error("another key of the subaccount sees another book")
	}
	if sees(func(c *gate.Claims) { c.Environment = gate.Live }) || sees(func(c *gate.Claims) { c.Subaccount = "sub_2" }) {
		t.Error("another environment or subaccount sees this book")
	}
}
