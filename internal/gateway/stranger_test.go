package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// openDoor is a gateway with public routes of several methods before an upstream that says how much it got, on a real listener.
func openDoor(t *testing.T) (address string) {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n)
	}))
	t.Cleanup(upstream.Close)
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	asserter, err := gateway.NewHMACAsserter("issuer", "paper", "key", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	var routes strings.Builder
	routes.WriteString("routes:\n")
	for _, method := range []string{"GET", "POST", "DELETE"} {
		routes.WriteString("  - {method: " + method + ", path: /open, class: public}\n")
	}
	table, err := gateway.ParseRoutes([]byte(routes.String()))
	if err != nil {
		t.Fatal(err)
	}
	up := &gateway.Upstream{Name: "paper", URL: target, Assert: asserter}
	up.Routes.Store(table)
	l := listen(t)
	s := authtest.Start(t)
	g, err := gateway.New(gateway.Deps{
		Now: time.Now, Hosts: []*gateway.Host{{Authority: l.Addr().String(), Environment: id.Test, Upstream: up}}, Verifier: s.Verifier,
		Sessions: s.Sessions, Decide: s.Policy, Uses: s.APIKeys, Tally: s.Tally, BodyCap: 1 << 20, Transport: http.DefaultTransport,
	})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, g)
	return l.Addr().String()
}

// send opens a connection, writes what is given and gives the connection and a reader of its answer.
func send(t *testing.T, address, method, headers, body string) (net.Conn, func() (int, string)) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "%s /open HTTP/1.1\r\nHost: %s\r\n%s\r\n%s", method, address, headers, body); err != nil {
		t.Fatal(err)
	}
	return conn, func() (int, string) {
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		text, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != http.StatusOK && !answer.Close {
			t.Errorf("%s: %d, and the connection stays open for the rest of the body", method, answer.StatusCode)
		}
		return answer.StatusCode, string(text)
	}
}

func TestStrangersBodies(t *testing.T) {
	address := openDoor(t)
	half := "Content-Length: 1000\r\n"
	for name, row := range map[string]struct {
		method, headers, body string
		status                int
		says                  string
	}{
		"none":                   {"GET", "", "", http.StatusOK, "0"},
		"small":                  {"POST", "Content-Length: 5\r\n", "hello", http.StatusOK, "5"},
		"chunked":                {"POST", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", http.StatusOK, "5"},
		"of a GET, unfinished":   {"GET", half, "x", http.StatusBadRequest, "no body is taken here"},
		"of a GET, chunked":      {"GET", "Transfer-Encoding: chunked\r\n", "5\r\n", http.StatusBadRequest, "no body is taken here"},
		"of a DELETE":            {"DELETE", half, "x", http.StatusBadRequest, "no body is taken here"},
		"too large, and said so": {"POST", "Content-Length: 100000\r\n", "x", http.StatusRequestEntityTooLarge, "65536"},
		"too large":              {"POST", "Transfer-Encoding: chunked\r\n", "186a0\r\n" + strings.Repeat("x", 70_000), http.StatusRequestEntityTooLarge, "65536"},
	} {
		t.Run(name, func(t *testing.T) {
			_, answer := send(t, address, row.method, row.headers, row.body)
			if status, text := answer(); status != row.status || !strings.Contains(text, row.says) {
				t.Errorf("%d %s, want %d and %q", status, text, row.status, row.says)
			}
		})
	}
}

// Senders who begin a body and do not end it hold so many places, for so long, and everybody else is served meanwhile.
func TestSlowStrangersHoldFewBodies(t *testing.T) {
	address := openDoor(t)
	const slow, places = 70, 64
	began := time.Now()
	answers := make([]func() (int, string), slow)
	for i := range answers {
		_, answers[i] = send(t, address, "POST", "Content-Length: 1000\r\n", "x")
	}
	_, answer := send(t, address, "GET", "", "")
	if status, _ := answer(); status != http.StatusOK {
		t.Errorf("a GET beside them: %d", status)
	}
	counts := map[int]int{}
	for _, answer := range answers {
		status, _ := answer()
		counts[status]++
	}
	if counts[http.StatusServiceUnavailable] != slow-places || counts[http.StatusBadRequest] != places {
		t.Errorf("answers %v, want %d busy and %d given up", counts, slow-places, places)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("they were waited for %v", took)
	}
	_, answer = send(t, address, "POST", "Content-Length: 5\r\n", "hello")
	if status, _ := answer(); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}
