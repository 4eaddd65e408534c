package gateway_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
)

// street is a stack on sockets whose upstream takes the handshake of a WebSocket, and then says everything back until the other side is done.
type street struct {
	*authtest.Stack
	address  string
	ahead    atomic.Int64 // how far the stack's clock is ahead, in nanoseconds
	arrived  atomic.Int64 // handshakes
	lastWord string       // of the upstream, after the client's
}

func newStreet(t *testing.T) *street {
	t.Helper()
	s := &street{lastWord: "bye"}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(gate.Header) == "" || r.Header.Get("Upgrade") != "websocket" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		s.arrived.Add(1)
		conn, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(conn, both)
		_, _ = io.WriteString(conn, s.lastWord)
	}))
	t.Cleanup(upstream.Close)
	folder := t.TempDir()
	now := func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	s.Stack = authtest.StartWith(t, authtest.Options{Upstream: upstream.URL, Folder: folder, Now: now})
	routes := strings.Replace(string(sandbox.Routes()), "routes:\n",
		"routes:\n  - {method: GET, path: /ws/mine, scope: \"orders:read\", class: look, upgrade: websocket}\n", 1)
	if err := os.WriteFile(filepath.Join(folder, "routes.yaml"), []byte(routes), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ReloadRoutes(t.Context())
	door := httptest.NewServer(s.Gateway)
	t.Cleanup(door.Close)
	s.address = door.Listener.Addr().String()
	return s
}

// open sends a handshake, and gives the connection with the status of its answer.
func (s *street) open(t *testing.T, r *http.Request, protocol string) (net.Conn, *bufio.Reader, int) {
	t.Helper()
	conn, err := net.Dial("tcp", s.address) //nolint:noctx // closed with the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", protocol)
	r.Header.Set("Sec-WebSocket-Version", "13")
	r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", authtest.PersonOrigin().Agent)
	}
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, r)
	if err != nil {
		t.Fatal(err)
	}
	return conn, in, answer.StatusCode
}

// echoes says whether what goes in comes back.
func echoes(t *testing.T, conn net.Conn, in io.Reader) {
	t.Helper()
	said := make([]byte, 4)
	if _, err := io.WriteString(conn, "ping"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(in, said); err != nil || string(said) != "ping" {
		t.Fatalf("%q %v", said, err)
	}
}

// closes waits for the end of a connection, which must come from the gateway: long before the connection's own deadline.
func closes(t *testing.T, why string, in io.Reader) {
	t.Helper()
	began := time.Now()
	_, _ = io.ReadAll(in)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("%s: still open after %v", why, took)
	}
}

func (s *street) mine(k authtest.Key) *http.Request {
	r := s.Signed(k, http.MethodGet, authtest.APIHost, "/ws/mine", "")
	r.Body, r.ContentLength = http.NoBody, 0
	return r
}

func TestATunnelLastsAsLongAsItsHandshakeWouldPass(t *testing.T) {
	s := newStreet(t)
	ada := s.SignUp("ada@example.com")
	spare := s.IssueKey(ada, apikey.IssueInput{}) // its end is a change that everybody hears of
	bearer := childOf(t, s.Stack, ada)            // before the clock moves
	scopes := []string{"orders:read"}
	t.Run("the last word is heard", func(t *testing.T) {
		conn, in, status := s.open(t, s.mine(s.IssueKey(ada, apikey.IssueInput{Scopes: scopes})), "websocket")
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("%d", status)
		}
		echoes(t, conn, in)
		half, ok := conn.(*net.TCPConn)
		if !ok || half.CloseWrite() != nil {
			t.Fatal("cannot close one half")
		}
		if rest, err := io.ReadAll(in); err != nil || string(rest) != s.lastWord {
			t.Errorf("%q %v", rest, err)
		}
	})
	t.Run("the key is revoked", func(t *testing.T) {
		key, other := s.IssueKey(ada, apikey.IssueInput{Scopes: scopes}), s.IssueKey(ada, apikey.IssueInput{Scopes: scopes})
		conn, in, _ := s.open(t, s.mine(key), "websocket")
		bystander, heard, _ := s.open(t, s.mine(other), "websocket")
		echoes(t, conn, in)
		if err := s.APIKeys.Revoke(t.Context(), principal.Host("tests"), key.ID); err != nil {
			t.Fatal(err)
		}
		closes(t, "revoked", in)
		echoes(t, bystander, heard)
	})
	t.Run("silence", func(t *testing.T) {
		conn, in, _ := s.open(t, s.mine(s.IssueKey(ada, apikey.IssueInput{Scopes: scopes})), "websocket")
		echoes(t, conn, in)
		s.ahead.Add(int64(3 * time.Minute))
		s.IssueKey(ada, apikey.IssueInput{Scopes: scopes}) // a change that everybody hears of
		closes(t, "silent", in)
	})
	t.Run("the session", func(t *testing.T) {
		page := func() *http.Request {
			r := plain(t, http.MethodGet, authtest.PageHost, "/ws/mine")
			r.Header.Set("Cookie", "__Host-sid="+bearer)
			return r
		}
		before := s.arrived.Load()
		for _, origin := range []string{"", "https://elsewhere.example"} {
			r := page()
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
			if _, _, status := s.open(t, r, "websocket"); status != http.StatusForbidden || s.arrived.Load() != before {
				t.Errorf("from the origin %q: %d", origin, status)
			}
		}
		r := page()
		r.Header.Set("Origin", authtest.PageOrigin)
		conn, in, status := s.open(t, r, "websocket")
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("%d", status)
		}
		echoes(t, conn, in)
		s.ahead.Add(int64(13 * time.Hour)) // its end
		if err := s.APIKeys.Revoke(t.Context(), principal.Host("tests"), spare.ID); err != nil {
			t.Fatal(err)
		}
		closes(t, "ended", in)
	})
}

func TestHandshakesThatAreRefused(t *testing.T) {
	s := newStreet(t)
	ada := s.SignUp("ada@example.com")
	key := s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"orders:read"}})
	narrow := s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"balances:read"}})
	for name, row := range map[string]struct {
		r        *http.Request
		protocol string
		status   int
	}{
		"not signed":               {plain(t, http.MethodGet, authtest.APIHost, "/ws/mine"), "websocket", http.StatusUnauthorized},
		"out of scope":             {s.mine(narrow), "websocket", http.StatusForbidden},
		"another protocol":         {s.mine(key), "h2c", http.StatusBadRequest},
		"two protocols":            {s.mine(key), "websocket, h2c", http.StatusBadRequest},
		"a route that has no such": {s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/orders/open", ""), "websocket", http.StatusBadRequest},
	} {
		if _, _, status := s.open(t, row.r, row.protocol); status != row.status {
			t.Errorf("%s: %d, want %d", name, status, row.status)
		}
	}
	if s.arrived.Load() > 0 {
		t.Errorf("%d arrived", s.arrived.Load())
	}
}

// Neither strangers, on public routes, nor one user can hold all tunnels.
func TestTunnelsHaveShares(t *testing.T) {
	g, err := gateway.New(gateway.Deps{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ada, bob := id.New[id.UserKind](time.Now()), id.New[id.UserKind](time.Now())
	fill := func(whose id.User) (forget func(), count int) {
		for {
			last, err := g.Dig(whose)
			if err != nil {
				if fault.CodeOf(err) != fault.Busy {
					t.Fatal(err)
				}
				return forget, count
			}
			forget = last
			count++
		}
	}
	forget, mine := fill(ada)
	_, strangers := fill(id.User{})
	if mine == 0 || mine > 256 || strangers == 0 || strangers > 2048 {
		t.Errorf("one user holds %d, strangers %d", mine, strangers)
	}
	if _, others := fill(bob); others != mine {
		t.Errorf("beside them another user holds %d, want %d", others, mine)
	}
	forget()
	if _, err := g.Dig(ada); err != nil {
		t.Errorf("in place of one that was closed: %v", err)
	}
}

// A process that ends says so to who holds a tunnel, unless a frame of the upstream is half through, and opens no other.
func TestTunnelsAreToldThatTheServerGoesAway(t *testing.T) {
	s := newStreet(t)
	key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"orders:read"}})
	open := func(first string) (net.Conn, *bufio.Reader) {
		t.Helper()
		conn, in, status := s.open(t, s.mine(key), "websocket")
		if status != http.StatusSwitchingProtocols {
			t.Fatal(status)
		}
		if _, err := io.WriteString(conn, first); err != nil {
			t.Fatal(err)
		}
		said := make([]byte, len(first))
		if _, err := io.ReadFull(in, said); err != nil || string(said) != first {
			t.Fatalf("%q %v", said, err)
		}
		return conn, in
	}
	const whole, half, closed = "\x81\x02hi", "\x81\x05he", "\x88\x02\x03\xe8"
	between, in1 := open(whole)
	_, in2 := open(half)
	_, in3 := open(closed)
	long, in4 := open("\x82\x7e\x00\x80" + strings.Repeat("x", 128) + whole)
	began := time.Now()
	s.EndTunnels(t.Context())
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	for name, row := range map[string]struct {
		in   *bufio.Reader
		want string
	}{
		"between two frames": {in1, "\x88\x02\x03\xe9"}, "within one": {in2, ""}, "after the upstream's own": {in3, ""}, "after a long one": {in4, "\x88\x02\x03\xe9"},
	} {
		if rest, err := io.ReadAll(row.in); string(rest) != row.want || err != nil {
			t.Errorf("%s: %q, %v", name, rest, err)
		}
	}
	_, _ = between.Close(), long.Close()
	if _, _, status := s.open(t, s.mine(key), "websocket"); status != http.StatusServiceUnavailable {
		t.Errorf("another is answered with %d", status)
	}
}
