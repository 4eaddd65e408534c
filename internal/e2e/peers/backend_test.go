package peers_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// The backend of examples/go-backend takes what the gateway let through, keeps the books of each subaccount apart, and nothing that comes past
// the gateway.
func TestTheExampleBackend(t *testing.T) {
	at, folder := program.FreeAddress(t), t.TempDir()
	s := authtest.StartWith(t, authtest.Options{Upstream: "http://" + at, Folder: folder})
	routes, err := os.ReadFile(filepath.Join(examples, "go-backend", "routes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "routes.yaml"), routes, 0o600); err != nil {
		t.Fatal(err)
	}
	s.ReloadRoutes(t.Context())
	path := program.Build(t, "../../../examples/go-backend")
	program.Start(t, path, "-listen", at, "-issuer", string(s.Config.Dashboard.Issuer), "-audience", "paper", "-key-file", filepath.Join(folder, "paper.key"))

	scopes := []string{"orders:read", "orders:write", "withdrawals:write"}
	ada, bob := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: scopes}), s.IssueKey(s.SignUp("bob@example.com"), apikey.IssueInput{Scopes: scopes})
	ask := func(k authtest.Key, method, target, body string) authtest.Reply {
		t.Helper()
		return s.Browser("203.0.113.7").Do(s.Signed(k, method, authtest.APIHost, target, body))
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); ask(ada, http.MethodGet, "/v1/orders", "").Status != http.StatusOK; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("the backend does not answer")
		}
	}
	if got := ask(ada, http.MethodPost, "/v1/orders", `{"market":"KRW-BTC","quantity":"0.5"}`); got.Status != http.StatusCreated {
		t.Fatalf("an order: %d %s", got.Status, got.Text)
	}
	for name, row := range map[string]struct {
		key  authtest.Key
		want int
	}{"hers": {ada, 1}, "his": {bob, 0}} {
		var list struct {
			Orders []struct{ Market, Key, Request string }
		}
		got := ask(row.key, http.MethodGet, "/v1/orders", "")
		if err := json.Unmarshal([]byte(got.Text), &list); err != nil || len(list.Orders) != row.want {
			t.Errorf("%s: %d %s, %v", name, got.Status, got.Text, err)
		}
		if row.want == 1 && (list.Orders[0].Key != ada.Text() || !strings.HasPrefix(list.Orders[0].Request, "req_")) {
			t.Errorf("%s: %+v", name, list.Orders[0])
		}
	}
	if got := ask(ada, http.MethodPost, "/v1/withdrawals", `{"asset":"BTC","address":"bc1q","amount":"0.1"}`); got.Code != fault.ConfirmationNoPasskey {
		t.Errorf("a withdrawal that nobody confirmed: %d %s", got.Status, got.Text)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at+"/v1/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sallyport-User", "usr_1")
	past, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = past.Body.Close()
	if past.StatusCode != http.StatusUnauthorized {
		t.Errorf("past the gateway: %d", past.StatusCode)
	}
}
