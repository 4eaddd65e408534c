package gateway_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// TestAStreamEndsWithItsReceiver: events go on for as long as whoever asked for them would be let through, and no longer.
func TestAStreamEndsWithItsReceiver(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_, _ = io.WriteString(w, "data: first\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // it would go on for ever
	}))
	t.Cleanup(upstream.Close)
	s := authtest.StartWith(t, authtest.Options{Upstream: upstream.URL})
	door := httptest.NewServer(s.Gateway)
	t.Cleanup(door.Close)
	ada := s.SignUp("ada@example.com")
	bearer := childOf(t, s, ada)
	key := s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"balances:read"}})
	byPage := httptest.NewRequest(http.MethodGet, authtest.PageOrigin+"/", nil)
	byPage.Header.Set("Cookie", "__Host-sid="+bearer)
	byPage.Header.Set("User-Agent", authtest.PersonOrigin().Agent)
	for name, test := range map[string]struct {
		r   *http.Request
		end func() error
	}{
		"a key that is revoked": {s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""), func() error { return s.APIKeys.Revoke(t.Context(), principal.Host("tests"), key.ID) }},
		"a user who signs out":  {byPage, func() error { return s.Sessions.SignOut(t.Context(), ada.Principal()) }},
	} {
		t.Run(name, func(t *testing.T) {
			r := test.r
			r.URL.Scheme, r.URL.Host, r.RequestURI = "http", door.Listener.Addr().String(), ""
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			in := bufio.NewReader(answer.Body)
			if first, err := in.ReadString('\n'); err != nil || first != "data: first\n" {
				t.Fatalf("%d: %q %v", answer.StatusCode, first, err)
			}
			if err := test.end(); err != nil {
				t.Fatal(err)
			}
			acknowledged := time.Now()
			_, _ = io.ReadAll(in)
			if took := time.Since(acknowledged); took > 2*time.Second {
				t.Errorf("the stream went on for %s", took)
			}
		})
	}
}

// One user holds so many streams and no more; the next one is told to come again, and one that ends makes room for exactly one.
func TestStreamsHaveAShare(t *testing.T) {
	var count atomic.Int64
	enough := make(chan struct{}) // ends the first
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		if count.Add(1) > 1 {
			<-r.Context().Done()
			return
		}
		<-enough
	}))
	t.Cleanup(upstream.Close)
	s := authtest.StartWith(t, authtest.Options{Upstream: upstream.URL})
	door := httptest.NewServer(s.Gateway)
	t.Cleanup(door.Close)
	key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"balances:read"}})
	open := func() *http.Response {
		t.Helper()
		r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
		r.URL.Scheme, r.URL.Host, r.RequestURI = "http", door.Listener.Addr().String(), ""
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = answer.Body.Close() })
		return answer
	}
	full := func() {
		t.Helper()
		answer := open()
		if code := refusedAs(t, answer); code != fault.Busy || answer.Header.Get("Retry-After") == "" {
			t.Errorf("beyond the share: %d %q", answer.StatusCode, code)
		}
	}
	first := open()
	for n := range 255 {
		if got := open(); got.StatusCode != http.StatusOK {
			t.Fatalf("stream %d: %d", n+2, got.StatusCode)
		}
	}
	full()
	close(enough)
	if _, err := io.ReadAll(first.Body); err != nil {
		t.Fatal(err)
	}
	if got := open(); got.StatusCode != http.StatusOK {
		t.Errorf("in place of one that ended: %d", got.StatusCode)
	}
	full()
}
