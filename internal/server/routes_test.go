package server_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
)

// TestRoutesAreReplacedUnderLoad: while requests flow, the routes file is replaced again and again, by good files and by broken ones. No
// request of a route that both files have is lost, a new route is offered and withdrawn, and a broken file changes nothing.
func TestRoutesAreReplacedUnderLoad(t *testing.T) {
	folder := t.TempDir()
	s := authtest.StartWith(t, authtest.Options{Folder: folder})
	key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"balances:read"}})
	base := string(sandbox.Routes())
	extra := strings.Replace(base, "routes:\n", "routes:\n  - {method: GET, path: /v1/news, class: public}\n", 1)
	write := func(text string) {
		t.Helper()
		path := filepath.Join(folder, "routes.yaml")
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		s.ReloadRoutes(t.Context())
	}
	offered := func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+authtest.APIHost+"/v1/news", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		return !strings.Contains(authtest.Body(t, s.Do(r)), "gateway.no_route")
	}
	var passed, lost atomic.Int64
	var load sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				w := httptest.NewRecorder()
				r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
				r.RequestURI, r.RemoteAddr = "/v1/accounts", "203.0.113.7:40000"
				s.Gateway.ServeHTTP(w, r)
				if w.Code == http.StatusOK {
					passed.Add(1)
				} else {
					lost.Add(1)
				}
			}
		})
	}
	for range 20 {
		write(extra)
		if !offered() {
			t.Error("the new route is not offered")
		}
		write("routes:\n  - {method: GET, path: /v1/news, class: nothing}\n")
		if !offered() {
			t.Error("a broken file took a route away")
		}
		write(base)
		if offered() {
			t.Error("a route that is gone is offered")
		}
	}
	close(stop)
	load.Wait()
	if lost.Load() > 0 || passed.Load() < 20 {
		t.Errorf("%d passed, %d lost", passed.Load(), lost.Load())
	}
}

// A reload is held to what the start is: no routes offer a client the path at which we alone tell the platform of keys.
func TestAReloadDoesNotOfferThePathOfKeys(t *testing.T) {
	folder, clock := t.TempDir(), storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Folder: folder, Now: clock.Now})
	ada := s.SignUp("ada@example.com")
	bot := s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"orders:read", "orders:write", "orders:cancel"}})
	clock.Advance(3 * time.Second)
	routes := strings.Replace(string(sandbox.Routes()), "routes:\n",
		"routes:\n  - {method: POST, path: \"/keys/{what}\", scope: \"orders:cancel\", class: cancel}\n", 1)
	if err := os.WriteFile(filepath.Join(folder, "routes.yaml"), []byte(routes), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ReloadRoutes(t.Context())
	got := s.Browser("203.0.113.7").Do(s.Signed(bot, http.MethodPost, authtest.APIHost, "/keys/ended",
		`{"key_id":"`+bot.Text()+`","on_end":"cancel_all","why":"key_revoked","at":"2026-11-22T00:00:00Z"}`))
	if got.Code != fault.GatewayNoRoute {
		t.Errorf("a client told the platform that a key ended: %d %s", got.Status, got.Text)
	}
}
