package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/sign"
)

const (
	keyID  = "spk_test_0QXEgX2jWA7pyIQetVgSzs09R2xp"
	secret = "sps_test_5F3qm6skVUn5VxsuNWpGKFYIYhYkwY7XyZC8lD0ZBNA2iocvj"
)

var (
	serverClock = time.Date(2026, 11, 21, 12, 0, 0, 500e6, time.UTC)
	nativeKey   = sign.Key{Dialect: sign.Native, Algorithm: sign.HMACSHA256, Material: []byte(secret)}
	upbitKey    = sign.Key{Dialect: sign.Upbit, Algorithm: sign.HMACSHA2, Material: []byte(secret)}
)

// gate verifies what it gets at its own fixed clock, as the gateway would, and answers with the body it read.
type gate struct {
	key sign.Key
	// refusal is the body of the answer to a request outside the window.
	refusal string

	mu     sync.Mutex
	nonces map[string]bool
	seen   []sign.Reason // outcome of each request, empty for accepted
}

func (g *gate) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Date", serverClock.Format(http.TimeFormat))
	r := sign.Received(req)
	r.Body, _ = io.ReadAll(req.Body)
	s, err := sign.Parse(&r)
	if err == nil {
		err = s.Fresh(serverClock, 10*time.Second, time.Second)
	}
	if err == nil {
		err = s.Verify(&r, g.key)
	}
	if err == nil {
		err = s.CheckBody(&r, sign.Settings{})
	}
	reason := sign.ReasonOf(err)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil && g.nonces[s.Nonce] {
		reason = sign.NonceReused
	}
	g.nonces[s.Nonce] = true
	g.seen = append(g.seen, reason)
	if reason == sign.TooOld || reason == sign.Ahead {
		if g.refusal == byProxy {
			w.Header().Set("Sallyport-Refusal", "signature."+string(reason))
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, g.refusal)
	} else if reason != "" {
		w.WriteHeader(http.StatusForbidden)
	} else {
		_, _ = w.Write(r.Body)
	}
}

func serve(t *testing.T, key sign.Key, refusal string) (*gate, *httptest.Server) {
	t.Helper()
	g := &gate{key: key, refusal: refusal, nonces: map[string]bool{}}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return g, server
}

func signer(t *testing.T, dialect sign.Dialect) sign.Signer {
	t.Helper()
	if dialect == sign.Upbit {
		s, err := sign.NewExchangeSigner(sign.ExchangeKey{Dialect: sign.Upbit, KeyID: keyID, Secret: []byte(secret)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s, err := sign.NewHMACSigner(keyID, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// byProxy is the body of a proxy that asked the gateway and hands on no more than its status and a header.
const byProxy = "<html><h1>401 Authorization Required</h1></html>"

// tooOld is the problem that the gateway answers with.
func tooOld(serverTime string) string {
	return fmt.Sprintf(`{"code":"signature.too_old","status":401,"fields":{"server_time":%q,"skew_ms":60000}}`, serverTime)
}

func clockAt(offset time.Duration) func() time.Time {
	return func() time.Time { return serverClock.Add(offset) }
}

// do sends a request by c, or only by a transport, and gives status and body.
func do(t *testing.T, c http.RoundTripper, method, url string, body io.Reader) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	answer, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer), nil
}

func post(t *testing.T, c http.RoundTripper, url string) (int, string) {
	t.Helper()
	status, body, err := do(t, c, http.MethodPost, url+"/v1/orders", strings.NewReader(`{"market":"KRW-BTC"}`))
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

// following is an http.Client as a RoundTripper: it follows redirects.
type following struct{ *http.Client }

func (f following) RoundTrip(req *http.Request) (*http.Response, error) { return f.Do(req) }

func TestTransportSigns(t *testing.T) {
	for _, key := range []sign.Key{nativeKey, upbitKey} {
		t.Run(key.Dialect.String(), func(t *testing.T) {
			g, server := serve(t, key, "")
			c := &client.Transport{Signer: signer(t, key.Dialect), Origin: server.URL, Now: clockAt(0)}
			for range 2 {
				if status, body := post(t, c, server.URL); status != http.StatusOK || body != `{"market":"KRW-BTC"}` {
					t.Errorf("got %d %s", status, body)
				}
			}
			if status, _, err := do(t, c, http.MethodGet, server.URL+"/v1/accounts?a=%20b", nil); err != nil || status != http.StatusOK {
				t.Fatalf("GET: %d, %v", status, err)
			}
			if len(g.seen) != 3 {
				t.Errorf("the gate saw %q", g.seen)
			}
		})
	}
}

// A clock that is off costs one extra request, once: the offset is kept.
func TestTransportCorrectsItsClock(t *testing.T) {
	type c struct {
		dialect sign.Key
		refusal string
		off     time.Duration
	}
	for name, c := range map[string]c{
		"problem":         {nativeKey, tooOld(serverClock.Format("2006-01-02T15:04:05.000Z")), -time.Hour},
		"problem, ahead":  {nativeKey, strings.Replace(tooOld(serverClock.Format(time.RFC3339)), "too_old", "ahead", 1), 9 * time.Hour},
		"Date header":     {nativeKey, `{"code":"signature.too_old"}`, -time.Minute},
		"a proxy's words": {nativeKey, byProxy, -time.Hour},
		"unreadable time": {nativeKey, tooOld("noon"), time.Minute},
		"exchange's name": {upbitKey, `{"error":{"name":"expired_jwt","message":"x"}}`, 14 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			g, server := serve(t, c.dialect, c.refusal)
			transport := &client.Transport{Signer: signer(t, c.dialect.Dialect), Origin: server.URL, Now: clockAt(c.off)}
			for range 3 {
				if status, body := post(t, transport, server.URL); status != http.StatusOK || body != `{"market":"KRW-BTC"}` {
					t.Errorf("got %d %s", status, body)
				}
			}
			if len(g.seen) != 4 || g.seen[0] == "" || g.seen[1] != "" {
				t.Errorf("the gate saw %q, want one refusal and three", g.seen)
			}
		})
	}
}

// What is no refusal of the time, or makes no sense, is handed to the caller whole and not sent again.
func TestTransportLeavesOtherAnswersAlone(t *testing.T) {
	for name, body := range map[string]string{
		"other code": `{"code":"unauthorized","fields":{"server_time":"2026-11-21T12:00:00Z"}}`, "no JSON": `<html>`, "nothing": "",
		"error as text": `{"error":"invalid_token"}`, "error of another name": `{"error":{"name":"jwt_verification"}}`,
		"ten years off": tooOld(serverClock.AddDate(10, 0, 0).Format(time.RFC3339)), "long": strings.Repeat("x", 100<<10),
	} {
		t.Run(name, func(t *testing.T) {
			g, server := serve(t, nativeKey, body)
			c := &client.Transport{Signer: signer(t, sign.Native), Origin: server.URL, Now: clockAt(time.Minute)}
			if status, got := post(t, c, server.URL); status != http.StatusUnauthorized || got != body {
				t.Errorf("got %d and %d bytes", status, len(got))
			}
			if len(g.seen) != 1 {
				t.Errorf("the gate saw %q", g.seen)
			}
		})
	}
}

// A server that goes on refusing gets two requests, not an endless number.
func TestTransportRetriesOnce(t *testing.T) {
	g, server := serve(t, nativeKey, tooOld(serverClock.Add(time.Hour).Format(time.RFC3339)))
	c := &client.Transport{Signer: signer(t, sign.Native), Origin: server.URL, Now: clockAt(time.Minute)}
	if status, _ := post(t, c, server.URL); status != http.StatusUnauthorized {
		t.Errorf("got %d", status)
	}
	if len(g.seen) != 2 {
		t.Errorf("the gate saw %q, want two requests", g.seen)
	}
}

// answering gives one answer after the other and remembers when and how each request came.
type answering struct {
	answers []http.Response
	nonces  map[string]bool
	at      []time.Time
}

func (a *answering) RoundTrip(req *http.Request) (*http.Response, error) {
	a.nonces[req.Header.Get("Signature-Input")] = true
	a.at = append(a.at, time.Now())
	answer := a.answers[min(len(a.at), len(a.answers))-1]
	if answer.Body == nil {
		answer.Body = http.NoBody
	}
	return &answer, nil
}

func busy(status int, retryAfter, body string) http.Response {
	h := http.Header{}
	if retryAfter != "" {
		h.Set("Retry-After", retryAfter)
	}
	return http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// What the server asks to be sent again is signed anew and sent again, once, after the wait it asks for; what it may have carried out is not.
func TestTransportComesBackWhenAsked(t *testing.T) {
	const signAgain = `{"code":"signature.sign_again","status":401}`
	done := http.Response{StatusCode: http.StatusOK}
	tests := []struct {
		name    string
		method  string
		answers []http.Response
		maxWait time.Duration
		sent    int
		took    time.Duration
		status  int
	}{
		{"signed before the start", http.MethodPost, []http.Response{busy(401, "2", signAgain), done}, 0, 2, 2 * time.Second, 200},
		{"signed before the start, twice", http.MethodPost, []http.Response{busy(401, "2", signAgain)}, 0, 2, 2 * time.Second, 401},
		{"without a time to come back", http.MethodPost, []http.Response{busy(401, "", signAgain), done}, 0, 1, 0, 401},
		{"busy, and the request only reads", http.MethodGet, []http.Response{busy(503, "1", ""), done}, 0, 2, time.Second, 200},
		{"too many, and the request only reads", http.MethodHead, []http.Response{busy(429, "0", ""), done}, 0, 2, 0, 200},
		{"busy until a date", http.MethodGet, []http.Response{busy(503, "Sat, 01 Jan 2000 00:00:03 GMT", ""), done}, 0, 2, 3 * time.Second, 200},
		{"busy for ever", http.MethodGet, []http.Response{busy(503, "1", "")}, 0, 2, time.Second, 503},
		{"busy, and the request does something", http.MethodPost, []http.Response{busy(503, "1", ""), done}, 0, 1, 0, 503},
		{"busy, and the request ends something", http.MethodDelete, []http.Response{busy(429, "1", ""), done}, 0, 1, 0, 429},
		{"busy for long", http.MethodGet, []http.Response{busy(503, "6", ""), done}, 0, 1, 0, 503},
		{"busy for long, with patience", http.MethodGet, []http.Response{busy(503, "6", ""), done}, time.Minute, 2, 6 * time.Second, 200},
		{"busy, without patience", http.MethodGet, []http.Response{busy(503, "1", ""), done}, -1, 1, 0, 503},
		{"busy until nonsense", http.MethodGet, []http.Response{busy(503, "soon", ""), done}, 0, 1, 0, 503},
		{"broken", http.MethodGet, []http.Response{busy(500, "1", ""), done}, 0, 1, 0, 500},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := &answering{answers: test.answers, nonces: map[string]bool{}}
				c := &client.Transport{Signer: signer(t, sign.Native), Origin: "https://api.example.com", Next: next, MaxWait: test.maxWait}
				begin := time.Now()
				status, _, err := do(t, c, test.method, "https://api.example.com/v1/orders", nil)
				if err != nil || status != test.status || len(next.at) != test.sent || len(next.nonces) != test.sent || time.Since(begin) != test.took {
					t.Errorf("%d after %v, %d sent with %d signatures, %v; want %d after %v, %d sent", status, time.Since(begin), len(next.at), len(next.nonces), err,
						test.status, test.took, test.sent)
				}
			})
		})
	}
}

// Whoever gives a request up does not wait for the server's sake.
func TestAWaitEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &answering{answers: []http.Response{busy(503, "4", "")}, nonces: map[string]bool{}}
		c := &client.Transport{Signer: signer(t, sign.Native), Origin: "https://api.example.com", Next: next}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/v1/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.RoundTrip(req); !errors.Is(err, context.DeadlineExceeded) || len(next.at) != 1 {
			t.Errorf("got %v, %d sent", err, len(next.at))
		}
	})
}

// A redirect must not take a signature to a stranger: most dialects do not sign the host.
func TestTransportStaysAtItsOrigin(t *testing.T) {
	stranger, strangersServer := serve(t, upbitKey, "")
	home := httptest.NewServer(http.RedirectHandler(strangersServer.URL+"/v1/orders", http.StatusTemporaryRedirect))
	defer home.Close()
	transport := &client.Transport{Signer: signer(t, sign.Upbit), Origin: strings.ToUpper(home.URL[:4]) + home.URL[4:], Now: clockAt(0)}
	c := following{&http.Client{Transport: transport}}
	if _, _, err := do(t, c, http.MethodPost, home.URL+"/v1/orders", strings.NewReader("{}")); !errors.Is(err, client.ErrOtherOrigin) {
		t.Errorf("got %v", err)
	}
	if len(stranger.seen) != 0 {
		t.Errorf("the stranger saw %q", stranger.seen)
	}
	req := request(t, home.URL, nil)
	req.Host = "other.example.com"
	if _, err := transport.RoundTrip(req); !errors.Is(err, client.ErrOtherOrigin) {
		t.Errorf("other Host: %v", err)
	}
}

func TestTransportRefusals(t *testing.T) {
	never := roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return nil, errors.New("sent")
	})
	transport := &client.Transport{Signer: signer(t, sign.Native), Origin: "https://api.example.com", Next: never, Now: clockAt(0), MaxBody: 4}
	body := &closing{Reader: strings.NewReader("12345")}
	_, err := transport.RoundTrip(request(t, "https://api.example.com/v1/orders", body))
	if !errors.Is(err, client.ErrBodyTooLarge) || !body.closed {
		t.Errorf("got %v, closed %v", err, body.closed)
	}
	_, err = transport.RoundTrip(request(t, "https://api.example.com/v1/orders", &closing{Reader: failing{}}))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("broken body: %v", err)
	}
	_, err = transport.RoundTrip(request(t, "https://api.example.com/v1//orders", nil))
	if sign.ReasonOf(err) != sign.EmptySegment {
		t.Errorf("path: %v", err)
	}
}

// The caller's request stays as it was, so that it can be sent again.
func TestTransportLeavesTheRequestAlone(t *testing.T) {
	var sent *http.Request
	next := roundTrip(func(req *http.Request) (*http.Response, error) {
		sent = req
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
	})
	transport := &client.Transport{Signer: signer(t, sign.Native), Origin: "https://api.example.com", Next: next}
	req := request(t, "https://api.example.com/v1/orders", io.NopCloser(strings.NewReader("1234")))
	if _, err := transport.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	if len(req.Header) != 0 || sent.Header.Get("Signature") == "" || sent.ContentLength != 4 {
		t.Errorf("given %v, sent %v", req.Header, sent.Header)
	}
	again, err := sent.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(again); string(text) != "1234" {
		t.Errorf("body again %q", text)
	}
	if text := fmt.Sprintf("%+v %#v", transport, transport); strings.Contains(text, secret) {
		t.Error("the transport prints the secret")
	}
}

func TestTransportIsSafeForConcurrentUse(t *testing.T) {
	g, server := serve(t, nativeKey, tooOld(serverClock.Format(time.RFC3339)))
	c := &client.Transport{Signer: signer(t, sign.Native), Origin: server.URL, Now: clockAt(time.Hour)}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if status, _ := post(t, c, server.URL); status != http.StatusOK {
				t.Errorf("got %d", status)
			}
		})
	}
	all.Wait()
	if len(g.seen) < 21 || len(g.seen) > 40 {
		t.Errorf("%d requests for 20", len(g.seen))
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func request(t *testing.T, url string, body io.ReadCloser) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Body = body
	return req
}
