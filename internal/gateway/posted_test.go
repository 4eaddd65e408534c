package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// A backend asks for a confirmation itself, signed with the key that it shares with us; the same call by anybody else says nothing.
func TestABackendPostsATransaction(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		ada.EnrolPasskey()
		bob := s.SignUp("bob@example.com")
		who := ada.Principal()
		transaction := func(change map[string]string) string {
			members := map[string]string{
				"user": who.User.String(), "account": who.Account.String(), "subaccount": who.Subaccount.String(), "environment": "test",
				"action": "withdraw", "asset": "BTC", "network": "BTC", "address": "paper1qposted", "memo": "", "amount": "0.5", "fee_max": "0.001",
				"return_to": authtest.PageOrigin + "/wallet",
			}
			maps.Copy(members, change)
			text, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		post := func(keyID string, secret []byte, body string, at time.Time) (int, string) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, authtest.Origin+"/v1/confirmations", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			signer, err := sign.NewHMACSigner(keyID, secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := sign.Sign(r, []byte(body), signer, at); err != nil {
				t.Fatal(err)
			}
			answer := s.Do(r)
			return answer.StatusCode, authtest.Body(t, answer)
		}
		time.Sleep(3 * time.Second) // what was signed as the server started it refuses
		shared, now := bytes.Repeat([]byte{7}, 32), s.Now()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, authtest.Origin+"/v1/confirmations", strings.NewReader(transaction(nil)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		signer, err := sign.NewHMACSigner("paper", shared)
		if err != nil {
			t.Fatal(err)
		}
		if err := sign.Sign(r, []byte(transaction(nil)), signer, now); err != nil {
			t.Fatal(err)
		}
		for n, want := range []int{http.StatusCreated, http.StatusUnauthorized} { // the very same call, captured
			r := r.Clone(t.Context())
			r.Body = io.NopCloser(strings.NewReader(transaction(nil)))
			if got := s.Do(r); got.StatusCode != want {
				t.Errorf("call %d: %d %s", n+1, got.StatusCode, authtest.Body(t, got))
			}
		}
		for name, row := range map[string]struct {
			keyID  string
			secret []byte
			body   string
			at     time.Time
			status int
			want   string
		}{
			"as it should be":          {"paper", shared, transaction(nil), now, http.StatusCreated, authtest.ConfirmOrigin + "/c/cnf_"},
			"another secret":           {"paper", bytes.Repeat([]byte{8}, 32), transaction(nil), now, http.StatusUnauthorized, "unauthorized"},
			"another name":             {"other", shared, transaction(nil), now, http.StatusUnauthorized, "unauthorized"},
			"too old":                  {"paper", shared, transaction(nil), now.Add(-11 * time.Second), http.StatusUnauthorized, "signature.too_old"},
			"of another user":          {"paper", shared, transaction(map[string]string{"user": bob.User.ID.String()}), now, http.StatusForbidden, "forbidden"},
			"back to somewhere else":   {"paper", shared, transaction(map[string]string{"return_to": "https://evil.example/"}), now, http.StatusUnprocessableEntity, "request.invalid"},
			"an action that is none":   {"paper", shared, transaction(map[string]string{"action": "order"}), now, http.StatusUnprocessableEntity, "request.invalid"},
			"an amount that is none":   {"paper", shared, transaction(map[string]string{"amount": "1e3"}), now, http.StatusUnprocessableEntity, "request.invalid"},
			"an address to be misread": {"paper", shared, transaction(map[string]string{"address": "pаper1qposted"}), now, http.StatusUnprocessableEntity, "request.invalid"},
			"a member that is none":    {"paper", shared, transaction(map[string]string{"fee": "1"}), now, http.StatusBadRequest, "request.malformed"},
		} {
			if status, body := post(row.keyID, row.secret, row.body, row.at); status != row.status || !strings.Contains(body, row.want) {
				t.Errorf("%s: %d %s, want %d %s", name, status, body, row.status, row.want)
			}
		}
	})
}

// A captured call is worth nothing to whoever waits for a restart, which forgets that it was spent.
func TestAPostedCallFromBeforeTheStartIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		s := authtest.StartWith(t, authtest.Options{Folder: folder})
		time.Sleep(5 * time.Second)
		ada := s.SignUp("ada@example.com")
		ada.EnrolPasskey()
		who := ada.Principal()
		body := `{"user":"` + who.User.String() + `","account":"` + who.Account.String() + `","subaccount":"` + who.Subaccount.String() + `","environment":"test",` +
			`"action":"withdraw","asset":"BTC","network":"BTC","address":"paper1qposted","amount":"0.5","fee_max":"0.001"}`
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, authtest.Origin+"/v1/confirmations", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		signer, err := sign.NewHMACSigner("paper", bytes.Repeat([]byte{7}, 32))
		if err != nil {
			t.Fatal(err)
		}
		if err := sign.Sign(r, []byte(body), signer, s.Now()); err != nil {
			t.Fatal(err)
		}
		send := func(want string) {
			t.Helper()
			again := r.Clone(t.Context())
			again.Body = io.NopCloser(strings.NewReader(body))
			answer := s.Do(again)
			if text := authtest.Body(t, answer); !strings.Contains(text, want) {
				t.Errorf("%d %s, want %s", answer.StatusCode, text, want)
			}
		}
		send(authtest.ConfirmOrigin)
		send("signature.nonce_reused")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = authtest.StartWith(t, authtest.Options{Folder: folder})
		for range 5 {
			send("signature.sign_again")
			time.Sleep(time.Second)
		}
	})
}

// Whoever guesses at a backend's signature is slowed down before their body is read.
func TestGuessesAtABackendAreCounted(t *testing.T) {
	s := authtest.Start(t)
	signer, err := sign.NewHMACSigner("paper", bytes.Repeat([]byte{9}, 32)) // not the one that it shares
	if err != nil {
		t.Fatal(err)
	}
	slowed := 0
	for range 300 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, authtest.Origin+"/v1/confirmations", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if err := sign.Sign(r, []byte("{}"), signer, s.Now()); err != nil {
			t.Fatal(err)
		}
		answer := s.Do(r)
		switch code := refusedAs(t, answer); {
		case code == fault.RateLimited && answer.Header.Get("Retry-After") != "":
			slowed++
		case code != fault.Unauthorized:
			t.Fatalf("%d %q", answer.StatusCode, code)
		}
	}
	if slowed < 50 {
		t.Errorf("%d of 300 guesses were slowed down", slowed)
	}
}

// A page that a trader reads makes their browser send forms and ask for images at our doors of strangers, from the trader's own address. The bots
// behind it, and the trader's own pages, go on.
func TestAForeignPageShutsNobodyOut(t *testing.T) {
	s := authtest.Start(t)
	key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"balances:read"}})
	for range 300 {
		for target, method := range map[string]string{authtest.Origin + "/v1/confirmations": http.MethodPost, authtest.Origin + "/v1/leaks": http.MethodPost, authtest.ConfirmOrigin + "/c/x.y": http.MethodGet} {
			r := httptest.NewRequest(method, target, strings.NewReader("a=b"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.RemoteAddr = authtest.PersonOrigin().Addr.String() + ":40000"
			_ = authtest.Body(t, s.Do(r))
		}
	}
	look := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
	look.RemoteAddr = authtest.PersonOrigin().Addr.String() + ":40001"
	if a := s.Do(look); a.StatusCode != http.StatusOK {
		t.Errorf("a bot behind the same address: %d", a.StatusCode)
	}
	page := httptest.NewRequest(http.MethodGet, authtest.ConfirmOrigin+"/c/x.y", nil)
	page.RemoteAddr = authtest.PersonOrigin().Addr.String() + ":40002"
	if a := s.Do(page); a.StatusCode != http.StatusNotFound {
		t.Errorf("the confirmation page: %d", a.StatusCode)
	}
}
