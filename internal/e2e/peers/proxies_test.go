package peers_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// examples is where the configurations lie that docs/forward-auth.md shows.
const examples = "../../../examples"

// front is a proxy in front of the paper exchange, which asks Sallyport before it passes a request on.
type front struct {
	*authtest.Stack
	proxy string                       // address of the proxy
	door  atomic.Pointer[http.Handler] // what answers its questions

	mu      sync.Mutex
	arrived []*http.Request // at the exchange; guarded by mu
}

// TestProxies puts real proxies with the configurations of examples/ in front of the paper exchange.
func TestProxies(t *testing.T) {
	t.Run("nginx", func(t *testing.T) {
		nginx := program.Missing(t, "nginx")
		f := standUp(t, "x-original", "nginx/nginx.conf", func(file string) {
			// One process: the workers of a master that is killed would live on.
			program.Start(t, nginx, "-p", t.TempDir(), "-c", file, "-g", "master_process off;")
		})
		f.test(t)
		f.retiring(t, true)
	})
	t.Run("caddy", func(t *testing.T) {
		caddy := program.Missing(t, "caddy")
		t.Setenv("XDG_DATA_HOME", t.TempDir())
		t.Setenv("XDG_CONFIG_HOME", t.TempDir())
		f := standUp(t, "x-forwarded", "caddy/Caddyfile", func(file string) {
			program.Start(t, caddy, "run", "--adapter", "caddyfile", "--config", file)
		})
		f.test(t)
		f.retiring(t, true)
	})
	t.Run("haproxy", func(t *testing.T) {
		haproxy := program.Missing(t, "haproxy")
		f := standUp(t, "x-forwarded", "haproxy/haproxy.cfg", func(file string) {
			program.Start(t, haproxy, "-db", "-C", filepath.Dir(file), "-f", file)
		})
		f.test(t)
		f.retiring(t, true)
	})
	t.Run("traefik", func(t *testing.T) {
		f := standUp(t, "x-forwarded", "traefik/dynamic.yaml", nil)
		f.test(t)
		f.retiring(t, false) // nothing of an answer's headers reaches its client
	})
}

// standUp starts a stack with its doors on sockets, and a proxy between, whose configuration is the example's with these sockets in it.
func standUp(t *testing.T, convention, example string, start func(file string)) *front {
	t.Helper()
	f := &front{proxy: program.FreeAddress(t)}
	upstream := listen(t, func(w http.ResponseWriter, r *http.Request) {
		f.note(r)
		f.Exchange.Handler().ServeHTTP(w, r)
	})
	f.Stack = authtest.StartWith(t, authtest.Options{
		Convention: convention, Upstream: "http://" + upstream, APIHost: f.proxy, PageHost: "exchange.localhost:1", // the page's port is nobody's
	})
	f.door.Store(&f.Forward)
	asked := listen(t, func(w http.ResponseWriter, r *http.Request) { (*f.door.Load()).ServeHTTP(w, r) })
	own := listen(t, f.Gateway.ServeHTTP)
	folder := t.TempDir()
	ports := strings.NewReplacer(":8090", port(f.proxy), ":8082", port(asked), ":9000", port(upstream), ":8081", port(own))
	files, err := filepath.Glob(filepath.Join(examples, filepath.Dir(example), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(path)), []byte(ports.Replace(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(folder, filepath.Base(example))
	if start == nil {
		asTraefik(t, f.proxy, file)
	} else {
		start(file)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		if conn, err := net.Dial("tcp", f.proxy); err == nil { //nolint:noctx // bounded by the loop
			_ = conn.Close()
			return f
		}
	}
	t.Fatalf("%s does not listen", example)
	return nil
}

func listen(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func port(address string) string { return address[strings.LastIndexByte(address, ':'):] }

func (f *front) note(r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.arrived = append(f.arrived, r.Clone(r.Context())) // the exchange takes away what it has read
}

// taken gives what arrived at the exchange since it was last asked.
func (f *front) taken() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.arrived = nil }()
	return f.arrived
}

// spoken is a request as its bytes go out.
type spoken struct {
	method, target, body string
	headers              []string // whole lines
}

func speak(r *http.Request, body string) spoken {
	s := spoken{method: r.Method, target: r.URL.RequestURI(), body: body}
	for name, values := range r.Header {
		for _, value := range values {
			s.headers = append(s.headers, name+": "+value)
		}
	}
	return s
}

func (s spoken) with(headers ...string) spoken {
	s.headers = append(slices.Clone(s.headers), headers...)
	return s
}

// send writes a request to an address and reads the answer.
func (s spoken) send(t *testing.T, address, host string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", address) //nolint:noctx // closed below
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nUser-Agent: peers\r\n", s.method, s.target, host, len(s.body))
	for _, line := range s.headers {
		text.WriteString(line + "\r\n")
	}
	if _, err := io.WriteString(conn, text.String()+"\r\n"+s.body); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return &http.Response{StatusCode: http.StatusBadGateway, Body: http.NoBody, Status: "hung up: " + err.Error()}
	}
	body, _ := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(strings.NewReader(string(body)))
	return answer
}

// knock is one request of the corpus, made anew for each way so that each nonce is fresh.
type knock struct {
	name string
	make func() spoken
	// strict proxies may refuse what the gateway lets through: headers that a client calls its connection's own are lost on the way.
	tricky bool
}

func (f *front) test(t *testing.T) {
	ada := f.SignUp("ada@example.com")
	key := f.IssueKey(ada, apikey.IssueInput{Scopes: []string{"balances:read", "orders:read", "orders:write"}})
	pinned := f.IssueKey(ada, apikey.IssueInput{Scopes: []string{"balances:read"}, Allowlist: []string{"203.0.113.0/24"}})
	t.Run("verdicts", func(t *testing.T) { f.verdicts(t, key) })
	t.Run("identity", func(t *testing.T) { f.identity(t, key, ada.Principal().User.String()) })
	t.Run("cookies", func(t *testing.T) { f.cookies(t, key) })
	t.Run("address", func(t *testing.T) {
		got := f.signed(pinned, http.MethodGet, "/v1/accounts", "").with("X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.7").send(t, f.proxy, f.proxy)
		if got.StatusCode/100 != 4 || len(f.taken()) > 0 {
			t.Errorf("an address of the client's own choice: %s", got.Status)
		}
	})
	t.Run("failures", func(t *testing.T) { f.failures(t, key) })
}

// retiring says that answers to a secret that was replaced tell so, where the proxy can, and that no client and no other key makes them.
func (f *front) retiring(t *testing.T, told bool) {
	t.Run("retiring", func(t *testing.T) {
		key := f.IssueKey(f.SignUp("eve@example.com"), apikey.IssueInput{Scopes: []string{"balances:read"}, Algorithm: sign.HMACSHA256})
		ask := func() string {
			got := f.signed(key, http.MethodGet, "/v1/accounts", "").with("Sallyport-Key-Retires: tomorrow").send(t, f.proxy, f.proxy)
			if got.StatusCode != http.StatusOK {
				t.Errorf("balances: %s", got.Status)
			}
			return strings.Join(got.Header.Values("Sallyport-Key-Retires"), ", ")
		}
		if said := ask(); said != "" {
			t.Errorf("a secret that stays is said to retire at %q", said)
		}
		out, err := f.APIKeys.Rotate(t.Context(), principal.Host("tests"), apikey.RotateInput{Key: key.ID, Overlap: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if told {
			want = out.Retires.UTC().Format(http.TimeFormat)
		}
		if said := ask(); said != want {
			t.Errorf("the old secret is said to retire at %q, not %q", said, want)
		}
	})
}

func (f *front) signed(k authtest.Key, method, target, body string) spoken {
	return speak(f.Signed(k, method, f.proxy, target, body), body)
}

const bid = `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000"}`

func (f *front) corpus(key authtest.Key) []knock {
	looks := func(change func(*spoken), extra ...string) func() spoken {
		return func() spoken {
			s := f.signed(key, http.MethodGet, "/v1/accounts", "").with(extra...)
			if change != nil {
				change(&s)
			}
			return s
		}
	}
	public := spoken{method: http.MethodGet, target: "/v1/ticker?markets=KRW-BTC"}
	private := spoken{method: http.MethodGet, target: "/v1/accounts"}
	list := []knock{
		{"look", looks(nil), false},
		{"order", func() spoken { return f.signed(key, http.MethodPost, "/v1/orders", bid) }, false},
		{"query", func() spoken {
			return f.signed(key, http.MethodGet, "/v1/orders/open?market=KRW-BTC&states[]=wait", "")
		}, false},
		{"public", func() spoken { return public }, false},
		{"unsigned", func() spoken { return private }, false},
		{"another body", func() spoken {
			s := f.signed(key, http.MethodPost, "/v1/orders", bid)
			s.body = strings.Replace(bid, "0.001", "0.009", 1)
			return s
		}, false},
		{"another method", looks(func(s *spoken) { s.method = http.MethodDelete }), false},
		{"another query", looks(func(s *spoken) { s.target += "?x=1" }), false},
		{"no route", looks(func(s *spoken) { s.target = "/v1/nothing" }), false},
		{"out of scope", func() spoken { return f.signed(key, http.MethodGet, "/v1/deposits", "") }, false},
		{"identity of its own", func() spoken {
			return private.with("Sallyport-User: usr_x", "Sallyport-Assertion: a.b.c", "X-Auth-Request-User: root", "Remote-User: root")
		}, false},
		{"another request named", func() spoken {
			return private.with("X-Original-URI: /v1/ticker?markets=KRW-BTC", "X-Original-Method: GET", "X-Forwarded-Uri: /v1/ticker?markets=KRW-BTC",
				"X-Forwarded-Method: GET", "X-Original-URL: /v1/ticker", "X-Rewrite-URL: /v1/ticker", "X-HTTP-Method-Override: GET")
		}, false},
		{"another host named", func() spoken { return private.with("X-Forwarded-Host: exchange.localhost:1", "X-Host: x") }, false},
		{"upgrade", looks(nil, "Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"), false},
		{"question of its own", func() spoken { return spoken{method: http.MethodGet, target: "/check"} }, false},
		{"question inside", func() spoken { return spoken{method: http.MethodGet, target: "/_sallyport"} }, false},
	}
	for _, name := range []string{
		"Sallyport-Assertion", "Sallyport-User", "X-Original-URI", "X-Original-Method", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Host",
		"X-Forwarded-For", "Host", "Signature", "Signature-Input", "Content-Length", "Cookie", "close, Sallyport-Assertion, X-Forwarded-Uri, X-Original-URI",
	} {
		list = append(list,
			knock{"hop by hop " + name, looks(nil, "Connection: "+name), true},
			knock{"unsigned, hop by hop " + name, func() spoken { return private.with("Connection: " + name) }, false})
	}
	for _, path := range []string{
		"/v1/../v1/accounts", "/v1/orders/../accounts", "/v1//accounts", "//v1/accounts", "/v1/accounts/.", "/v1/accounts/", "/v1%2faccounts", "/v1%2Faccounts",
		"/v1/%2e%2e/v1/accounts", "/%2e/v1/accounts", "/v1/accounts%00", "/v1/acc%6funts", "/v1/%61ccounts", `/v1\accounts`, "/v1/accounts;x=1", "/v1/%zz",
		"/.sallyport/../v1/accounts", "/v1/../.sallyport/enter", "/%2esallyport/enter", "/v1/accounts#x", "/v1/accounts?", "/V1/accounts", "v1/accounts", "*",
	} {
		list = append(list,
			knock{"path " + path, looks(func(s *spoken) { s.target = path }), true},
			knock{"unsigned path " + path, func() spoken { return spoken{method: http.MethodGet, target: path} }, false})
	}
	return list
}

// verdicts: what the gateway refuses does not get through the proxy, and what the gateway lets through does, byte for byte.
func (f *front) verdicts(t *testing.T, key authtest.Key) {
	gateway := listen(t, f.Gateway.ServeHTTP)
	passed := 0
	for _, one := range f.corpus(key) {
		direct := one.make().send(t, gateway, f.proxy)
		f.taken()
		said := one.make()
		got := said.send(t, f.proxy, f.proxy)
		arrived := f.taken()
		if got.StatusCode/100 == 2 {
			passed++
			if direct.StatusCode/100 != 2 {
				t.Errorf("%s: the gateway says %s, the proxy %s", one.name, direct.Status, got.Status)
			}
			if len(arrived) != 1 || arrived[0].RequestURI != said.target || arrived[0].Method != said.method {
				t.Errorf("%s: %s %s arrived as %v", one.name, said.method, said.target, arrived)
			}
			continue
		}
		if direct.StatusCode/100 == 2 && !one.tricky {
			body, _ := io.ReadAll(got.Body)
			t.Errorf("%s: the gateway says %s, the proxy %s %s", one.name, direct.Status, got.Status, body)
		}
	}
	if passed < 5 {
		t.Errorf("%d requests passed: the corpus has lost its variety", passed)
	}
}

// identity: what arrives at the exchange says who sent it in our words alone, and proves nothing to anybody but us.
func (f *front) identity(t *testing.T, key authtest.Key, user string) {
	s := f.signed(key, http.MethodGet, "/v1/accounts", "").with("Sallyport-User: usr_spoofed", "Sallyport-Assertion: a.b.c", "Sallyport-Scopes: all",
		"Cookie: theme=dark; __Host-sid=stolen; lang=ko")
	if got := s.send(t, f.proxy, f.proxy); got.StatusCode != http.StatusOK {
		t.Fatalf("%s", got.Status)
	}
	arrived := f.taken()
	if len(arrived) != 1 {
		t.Fatalf("%d requests arrived", len(arrived))
	}
	h := arrived[0].Header
	for _, name := range []string{gate.Header, "Sallyport-User", "Sallyport-Account", "Sallyport-Subaccount", "Sallyport-Credential", "Sallyport-Scopes"} {
		if len(h[name]) != 1 || strings.Contains(h[name][0], "spoofed") || h[name][0] == "all" || h[name][0] == "a.b.c" {
			t.Errorf("%s: %q", name, h[name])
		}
	}
	if h.Get("Sallyport-User") != user || h.Get("Sallyport-Credential") != key.Text() {
		t.Errorf("user %q, credential %q", h.Get("Sallyport-User"), h.Get("Sallyport-Credential"))
	}
	for _, d := range sign.AllDialects() {
		for _, name := range d.Headers() {
			for _, value := range h[http.CanonicalHeaderKey(name)] {
				if value != "" {
					t.Errorf("%s of %s reached the exchange", name, d)
				}
			}
		}
	}
	if cookie := h.Get("Cookie"); !strings.Contains(cookie, "theme=dark") || !strings.Contains(cookie, "lang=ko") ||
		strings.Contains(cookie, "__Host") && !strings.HasPrefix(t.Name(), "TestProxies/traefik") {
		t.Errorf("cookies %q", cookie)
	}
}

// cookies: ours stay with us, also where another site of the domain set some whose names end as ours do, or the same once more.
func (f *front) cookies(t *testing.T, key authtest.Key) {
	if strings.HasPrefix(t.Name(), "TestProxies/traefik") {
		return // takes none away, which its example says
	}
	for _, name := range []string{"sid", "bs", "pre", "dev", "way"} {
		for _, sent := range []string{
			"__Host-%s=BEARER", "theme=dark; __Host-%s=BEARER", "__Host-%s=BEARER; lang=ko", "theme=dark;__Host-%s=BEARER;lang=ko", "theme=dark;  \t__Host-%s=BEARER",
			"x__Host-%[1]s=a; __Host-%[1]s=BEARER", "__Host-%[1]s=BEARER; x__Host-%[1]s=a", "__Host-%[1]s=a; __Host-%[1]s=BEARER", "__Host-%[1]s=a; theme=dark; __Host-%[1]s=BEARER; __Host-%[1]s=b",
		} {
			line := fmt.Sprintf(sent, name)
			if got := f.signed(key, http.MethodGet, "/v1/accounts", "").with("Cookie: "+line).send(t, f.proxy, f.proxy); got.StatusCode != http.StatusOK {
				t.Errorf("%q: %s", line, got.Status)
			}
			for _, r := range f.taken() {
				if arrived := r.Header.Get("Cookie"); strings.Contains(arrived, "BEARER") {
					t.Errorf("%q reached the exchange as %q", line, arrived)
				}
			}
		}
	}
}

// failures: while the door does not answer, or answers what it never does, nothing gets through.
func (f *front) failures(t *testing.T, key authtest.Key) {
	for name, door := range map[string]http.HandlerFunc{
		"an error":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"not ready":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"a teapot":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"elsewhere":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) },
		"hangs up":          func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"without our words": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	} {
		h := http.Handler(door)
		f.door.Store(&h)
		for _, target := range []string{"/v1/accounts", "/v1/ticker?markets=KRW-BTC"} {
			got := f.signed(key, http.MethodGet, target, "").with(gate.Header+": a.b.c").send(t, f.proxy, f.proxy)
			if got.StatusCode/100 == 2 {
				t.Errorf("the door %s, the client hears %s", name, got.Status)
			}
		}
	}
	f.door.Store(&f.Forward)
	if got := f.signed(key, http.MethodGet, "/v1/accounts", "").send(t, f.proxy, f.proxy); got.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %s", got.Status)
	}
}
