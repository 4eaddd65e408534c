package gateway_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/ratio"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// BenchmarkAsked measures a question of forward-auth over HTTP: CPU time of the gateway's process alone, for each way of proving who is there,
// beside an empty handler of net/http that gets the same requests.
func BenchmarkAsked(b *testing.B) {
	child := startChild(b, "http://127.0.0.1:1")
	for _, proof := range proofs {
		b.Run(proof, func(b *testing.B) { child.compare(b, "asked", proof) })
	}
}

// BenchmarkProxied measures what the gateway's decision costs over HTTP: CPU time of the gateway's process alone, for each way of proving
// who is there, beside the same proxy code with no check. Client and upstream live in this process and do not count.
func BenchmarkProxied(b *testing.B) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"uuid":"x"}`))
	}))
	defer upstream.Close()
	child := startChild(b, upstream.URL)
	for _, proof := range proofs {
		b.Run(proof, func(b *testing.B) { child.compare(b, "proxied", proof) })
	}
}

var proofs = []string{"session", "hmac", "ed25519"}

// childFacts are what the gateway's process prints when it is ready.
type childFacts struct {
	Floor, API, Page, Asked string
	Bearer                  string
	HMAC, Ed25519           client.KeyFile
}

type child struct {
	childFacts
	client        *http.Client
	hmac, ed25519 sign.Signer
}

const childVariable = "SALLYPORT_TEST_GATEWAY_UPSTREAM"

func startChild(b *testing.B, upstream string) child {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestGatewayProcess$", "-test.v") //nolint:noctx // it ends with its standard input, and cleans up
	cmd.Env = append(os.Environ(), childVariable+"="+upstream, "TMPDIR="+b.TempDir())
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	var facts childFacts
	decoder := json.NewDecoder(skipTo(out, '{'))
	if err := decoder.Decode(&facts); err != nil {
		b.Fatal(err)
	}
	// Every host of the gateway is on this machine, whatever the resolver knows of localhost.
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
	c := child{childFacts: facts, client: &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 8}}}
	for _, k := range []struct {
		file client.KeyFile
		into *sign.Signer
	}{{facts.HMAC, &c.hmac}, {facts.Ed25519, &c.ed25519}} {
		if *k.into, err = k.file.Signer(); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

// skipTo drops what the test framework prints before the first byte that counts.
func skipTo(r io.Reader, first byte) io.Reader {
	one := make([]byte, 1)
	for {
		if _, err := r.Read(one); err != nil || one[0] == first {
			return io.MultiReader(strings.NewReader(string(first)), r)
		}
	}
}

// A gateway that waits for its only client spends most of its time on falling asleep and waking up, which flatters every ratio: so several
// clients ask at once, and enough times for the clock.
const (
	clients = 4
	batch   = 400
)

// compare asks in turns the floor and the door. Beside Ed25519 stands a third: the floor with one verification of a signature in it. On a
// machine at work the primitive costs more than alone, and only there is it the same for both.
func (c child) compare(b *testing.B, door, proof string) {
	names := []string{"floor", door}
	if proof == "ed25519" {
		names = append(names, "primitive")
	}
	var ways []ratio.Way
	for _, name := range names {
		ways = append(ways, ratio.Way{Name: name, Do: func(n int) { c.run(b, func() *http.Request { return c.request(b, door, name, proof) }, n) }})
	}
	medians := ratio.Compare(b, func() time.Duration { return c.cpu(b) }, batch, ways...)
	if proof == "ed25519" {
		b.ReportMetric((medians[1]-medians[0])/(medians[2]-medians[0]), "primitives")
	}
}

func (c child) run(b *testing.B, request func() *http.Request, n int) {
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range n / clients {
				answer, err := c.client.Do(request())
				if err != nil {
					b.Error(err)
					return
				}
				text, _ := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if answer.StatusCode/100 != 2 {
					b.Errorf("%s %s", answer.Status, text)
					return
				}
			}
		})
	}
	all.Wait()
}

// request is an order with one proof, or the question about it, to a door or to the floor.
func (c child) request(b *testing.B, door, to, proof string) *http.Request {
	host := map[string]string{"session": c.Page, "hmac": c.API, "ed25519": c.API}[proof]
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, host+"/v1/orders", strings.NewReader(order))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", authtest.PersonOrigin().Agent)
	switch proof {
	case "session":
		r.Header.Set("Cookie", "__Host-sid="+c.Bearer)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	case "hmac", "ed25519":
		signer := map[string]sign.Signer{"hmac": c.hmac, "ed25519": c.ed25519}[proof]
		if err := sign.Sign(r, []byte(order), signer, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	target := r.URL.String()
	if door == "asked" {
		target = c.Asked + gateway.CheckPath
	}
	switch {
	case to == door:
	case door == "asked":
		target = c.Floor + "/empty"
	default:
		target = c.Floor + "/v1/orders"
	}
	if to == "primitive" {
		target += "?primitive"
	}
	if r.URL, err = url.Parse(target); err != nil {
		b.Fatal(err)
	}
	if door == "asked" {
		r = asQuestion(r, host)
	}
	r.Host = ""
	return r
}

// asQuestion makes of an order the question about it.
func asQuestion(r *http.Request, host string) *http.Request {
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	r.Header.Set("X-Forwarded-Method", r.Method)
	r.Header.Set("X-Forwarded-Uri", "/v1/orders")
	r.Header.Set("X-Forwarded-Host", strings.TrimPrefix(host, "http://"))
	r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
	return r
}

// cpu is the CPU time that the gateway's process has used.
func (c child) cpu(b *testing.B) time.Duration {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, c.Floor+"/cpu", nil)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := c.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var used time.Duration
	if _, err := fmt.Fscan(answer.Body, &used); err != nil {
		b.Fatal(err)
	}
	return used
}

// TestGatewayProcess is the gateway's process of BenchmarkProxied; by itself it checks that this process can be built.
func TestGatewayProcess(t *testing.T) {
	upstream := os.Getenv(childVariable)
	if upstream == "" {
		upstream = "http://127.0.0.1:1"
	}
	gatewayListener, floorListener, askedListener := listen(t), listen(t), listen(t)
	port := gatewayListener.Addr().(*net.TCPAddr).Port
	api, page := fmt.Sprintf("api.localhost:%d", port), fmt.Sprintf("page.localhost:%d", port)
	s := authtest.StartWith(t, authtest.Options{Upstream: upstream, APIHost: api, PageHost: page, Convention: "x-forwarded"})
	ada := s.SignUp("ada@example.com")
	ada.EnrolTOTP()
	code, way := s.Crossing(t, ada.Principal(), page, "/")
	_, bearer, _, err := s.Sessions.RedeemChildCode(t.Context(), code, way, page, authtest.PersonOrigin())
	if err != nil {
		t.Fatal(err)
	}
	facts := childFacts{
		Floor: "http://" + floorListener.Addr().String(), API: "http://" + api, Page: "http://" + page, Asked: "http://" + askedListener.Addr().String(), Bearer: string(bearer.Reveal()),
		HMAC:    s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes, Algorithm: sign.HMACSHA256}).File(),
		Ed25519: s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes}).File(),
	}
	serve(t, gatewayListener, s.Gateway)
	serve(t, askedListener, s.Forward)
	serve(t, floorListener, floorHandler(t, upstream))
	if os.Getenv(childVariable) == "" {
		return
	}
	time.Sleep(3 * time.Second) // until signatures are younger than the nonce store's birth
	_ = json.NewEncoder(os.Stdout).Encode(facts)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func serve(t *testing.T, l net.Listener, h http.Handler) {
	t.Helper()
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
}

// floorHandler is the same kind of proxy with no check at all.
func floorHandler(t *testing.T, upstream string) http.Handler {
	t.Helper()
	target, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.SetXForwarded()
		},
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signature := ed25519.Sign(private, []byte(order))
	verified := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "primitive" && !ed25519.Verify(public, []byte(order), signature) {
				panic("a signature of our own does not hold")
			}
			next.ServeHTTP(w, r)
		})
	}
	mux := http.NewServeMux()
	mux.Handle("/", verified(proxy))
	mux.Handle("/empty", verified(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })))
	mux.HandleFunc("GET /cpu", func(w http.ResponseWriter, _ *http.Request) {
		var usage syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
		fmt.Fprintln(w, usage.Utime.Nano()+usage.Stime.Nano())
	})
	return mux
}
