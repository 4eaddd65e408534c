package gateway_test

import (
	"context"
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
	"syscall"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// BenchmarkProxied measures what the gateway's decision costs over HTTP: CPU time of the gateway's process alone, for each way of proving
// who is there, beside the same proxy code with no check. Client and upstream live in this process and do not count. Compare cpu-ns/op.
func BenchmarkProxied(b *testing.B) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"uuid":"x"}`))
	}))
	defer upstream.Close()
	child := startChild(b, upstream.URL)
	for _, way := range []string{"floor", "session", "hmac", "ed25519"} {
		b.Run(way, func(b *testing.B) { child.run(b, way) })
	}
}

// childFacts are what the gateway's process prints when it is ready.
type childFacts struct {
	Floor, API, Page string
	Bearer           string
	HMAC, Ed25519    client.KeyFile
}

type child struct {
	childFacts
	client *http.Client
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
	return child{facts, &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 8}}}
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

func (c child) run(b *testing.B, way string) {
	before := c.cpu(b)
	b.ReportAllocs()
	for b.Loop() {
		answer, err := c.client.Do(c.request(b, way))
		if err != nil {
			b.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			b.Fatalf("%s: %s %s", way, answer.Status, text)
		}
	}
	b.ReportMetric(float64((c.cpu(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

func (c child) request(b *testing.B, way string) *http.Request {
	base := map[string]string{"floor": c.Floor, "session": c.Page, "hmac": c.API, "ed25519": c.API}[way]
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, base+"/v1/orders", strings.NewReader(order))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	switch way {
	case "session":
		r.Header.Set("Cookie", "__Host-sid="+c.Bearer)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	case "hmac", "ed25519":
		key := c.HMAC
		if way == "ed25519" {
			key = c.Ed25519
		}
		signer, err := key.Signer()
		if err != nil {
			b.Fatal(err)
		}
		if err := sign.Sign(r, []byte(order), signer, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
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
	gatewayListener, floorListener := listen(t), listen(t)
	port := gatewayListener.Addr().(*net.TCPAddr).Port
	api, page := fmt.Sprintf("api.localhost:%d", port), fmt.Sprintf("page.localhost:%d", port)
	s := authtest.StartWith(t, authtest.Options{Upstream: upstream, APIHost: api, PageHost: page})
	ada := s.SignUp("ada@example.com")
	ada.EnrolTOTP()
	code, err := s.Sessions.IssueChildCode(t.Context(), ada.Principal(), page, "/")
	if err != nil {
		t.Fatal(err)
	}
	_, bearer, _, err := s.Sessions.RedeemChildCode(t.Context(), code, page, authtest.PersonOrigin())
	if err != nil {
		t.Fatal(err)
	}
	facts := childFacts{
		Floor: "http://" + floorListener.Addr().String(), API: "http://" + api, Page: "http://" + page, Bearer: string(bearer.Reveal()),
		HMAC:    s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes, Algorithm: sign.HMACSHA256}).File(),
		Ed25519: s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes}).File(),
	}
	serve(t, gatewayListener, s.Gateway)
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
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	mux.HandleFunc("GET /cpu", func(w http.ResponseWriter, _ *http.Request) {
		var usage syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
		fmt.Fprintln(w, usage.Utime.Nano()+usage.Stime.Nano())
	})
	return mux
}
