package confirm_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
)

// addressBook is a route for new destinations that reads all that a withdrawal has, so that nothing but the action tells the two apart.
const addressBook = `  - method: POST
    path: /v1/addresses
    scope: "withdrawals:write"
    class: destination
    transaction: {asset: currency, network: net_type, address: address, memo: secondary_address, amount: amount, fee: fee_max}
`

// withAddresses is a scene before an exchange that has the route too, and the paths of what the exchange took.
func withAddresses(t *testing.T, o authtest.Options) (s *scene, took *[]string) {
	t.Helper()
	took = new([]string)
	exchange := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/v1/") {
			*took = append(*took, r.URL.Path)
		}
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(exchange.Close)
	o.Upstream, o.Folder = exchange.URL, t.TempDir()
	s = sceneOf(t, o)
	if err := os.WriteFile(filepath.Join(o.Folder, "routes.yaml"), append(sandbox.Routes(), addressBook...), 0o600); err != nil {
		t.Fatal(err)
	}
	s.later(10 * time.Second)
	s.ReloadRoutes(t.Context())
	return s, took
}

// onPage sends the withdrawal's fields from the exchange's own page, in a session that the passkey began just now.
func (s *scene) onPage(path, under string) (a answer) {
	s.t.Helper()
	from := signin.From{Origin: authtest.PersonOrigin(), Browser: [32]byte{1}, Device: s.ada.Device}
	begun, err := s.SignIns.BeginPasskey(from)
	if err != nil {
		s.t.Fatal(err)
	}
	in, err := s.SignIns.WithPasskey(s.t.Context(), from, begun.State, s.passkey.Sign(authtest.Origin, begun.Options))
	if err != nil {
		s.t.Fatal(err)
	}
	s.ada.Bearer = in.Bearer
	code, way := s.Crossing(s.t, s.ada.Principal(), authtest.PageHost, "/")
	_, child, _, err := s.Sessions.RedeemChildCode(s.t.Context(), code, way, authtest.PageHost, authtest.PersonOrigin())
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := json.Marshal(withdrawal())
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, authtest.PageOrigin+path, strings.NewReader(string(text)))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(&http.Cookie{Name: httpx.SessionCookie, Value: string(child.Reveal())})
	if under != "" {
		r.Header.Set("Sallyport-Confirmation", under)
	}
	got := s.Do(r)
	body := authtest.Body(s.t, got)
	if a.status = got.StatusCode; a.status >= http.StatusBadRequest {
		if err := json.Unmarshal([]byte(body), &a); err != nil {
			s.t.Fatalf("%d %s", a.status, body)
		}
	}
	return a
}

// What was confirmed for one action is worth nothing for another, though every field is the same; and each does its own.
func TestAConfirmationIsForOneAction(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			var o authtest.Options
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			s, took := withAddresses(t, o)
			send, add := s.paper().post(), s.onPage("/v1/addresses", "")
			if add.Code != fault.ConfirmationRequired {
				t.Fatalf("a new destination: %+v", add)
			}
			for _, address := range []string{send.address(), add.address()} {
				if err := s.passkey.Approve(address); err != nil {
					t.Fatal(err)
				}
			}
			if got := s.onPage("/v1/addresses", send.Confirmation); got.Code != fault.ConfirmationVoid {
				t.Errorf("a destination under the confirmation of a withdrawal: %+v", got)
			}
			if got := s.onPage("/v1/withdraws/coin", add.Fields.Confirmation.String()); got.Code != fault.ConfirmationVoid {
				t.Errorf("a withdrawal under the confirmation of a destination: %+v", got)
			}
			if len(*took) > 0 {
				t.Fatalf("the exchange took %v", *took)
			}
			if got := s.onPage("/v1/withdraws/coin", send.Confirmation); got.status != http.StatusCreated {
				t.Errorf("the withdrawal: %+v", got)
			}
			if got := s.onPage("/v1/addresses", add.Fields.Confirmation.String()); got.status != http.StatusCreated {
				t.Errorf("the destination: %+v", got)
			}
			if diff := cmp.Diff([]string{"/v1/withdraws/coin", "/v1/addresses"}, *took); diff != "" {
				t.Errorf("the exchange took (-want +got):\n%s", diff)
			}
		})
	}
}

// A new destination goes the way of a withdrawal: asked for, shown as what it is, confirmed, held where money is, and carried out once.
func TestADestinationWaitsOutAHold(t *testing.T) {
	s, took := withAddresses(t, authtest.Options{})
	if got := s.onPage("/v1/addresses", "cnf_00000000000000000000000000"); got.Code != fault.ConfirmationNotFound {
		t.Errorf("under a confirmation that nobody asked for: %+v", got)
	}
	asked := s.onPage("/v1/addresses", "")
	page, err := http.NewRequestWithContext(t.Context(), http.MethodGet, asked.Fields.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if shown := authtest.Body(t, s.Do(page)); !strings.Contains(shown, "Confirm this new destination") || strings.Contains(shown, "withdrawal") {
		t.Errorf("its page: %s", shown)
	}
	under := asked.Fields.Confirmation.String()
	if early := s.onPage("/v1/addresses", under); early.Code != fault.ConfirmationRequired {
		t.Errorf("before it was confirmed: %+v", early)
	}
	if err := s.passkey.Approve(asked.address()); err != nil {
		t.Fatal(err)
	}
	s.changed()
	s.Settle()
	held := s.onPage("/v1/addresses", under)
	if held.Code != fault.ConfirmationHeld || held.Fields.HeldUntil.IsZero() || held.Fields.CancelURL == "" {
		t.Errorf("after the password was changed: %+v", held)
	}
	s.later(24*time.Hour + time.Minute)
	if len(*took) > 0 {
		t.Fatalf("the exchange took %v", *took)
	}
	if done := s.onPage("/v1/addresses", under); done.status != http.StatusCreated || len(*took) != 1 {
		t.Errorf("after the hold: %+v, the exchange took %v", done, *took)
	}
	if twice := s.onPage("/v1/addresses", under); twice.Code != fault.ConfirmationVoid || len(*took) != 1 {
		t.Errorf("twice: %+v, the exchange took %v", twice, *took)
	}
}
