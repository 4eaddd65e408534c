package gateway_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/sign"
)

// A backend says of its user that they hold much, once and in its own name; nobody else can, whatever they sign with.
func TestABackendTellsOfHighValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.StartWith(t, authtest.Options{YAML: "high_value: {value: \"50000000\"}\n"})
		u := s.SignUp("ada@example.com").User.ID
		time.Sleep(3 * time.Second) // what was signed as the server started it refuses
		shared := bytes.Repeat([]byte{7}, 32)
		signed := func(keyID string, secret []byte, body string) *http.Request {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, authtest.Origin+"/v1/high-value", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			signer, err := sign.NewHMACSigner(keyID, secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := sign.Sign(r, []byte(body), signer, s.Now()); err != nil {
				t.Fatal(err)
			}
			return r
		}
		body := `{"user":"` + u.String() + `","value":"50000000"}`
		expect := func(name string, r *http.Request, want string) {
			t.Helper()
			if got := authtest.Body(t, s.Do(r)); !strings.Contains(got, want) {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
		again := func(r *http.Request, body string) *http.Request {
			r = r.Clone(t.Context())
			r.Body = io.NopCloser(strings.NewReader(body))
			return r
		}
		good := signed("paper", shared, body)
		expect("another secret", signed("paper", bytes.Repeat([]byte{8}, 32), body), `"unauthorized"`)
		expect("another name", signed("nobody", shared, body), `"unauthorized"`)
		expect("another body", again(good, strings.Replace(body, "50000000", "0", 1)), `"unauthorized"`)
		expect("a member that nobody knows", signed("paper", shared, `{"user":"`+u.String()+`","value":"1","from":"now"}`), `"request.malformed"`)
		expect("as it is", good, `{"high":true,"from":"`+s.Now().Add(7*24*time.Hour).UTC().Format("2006-01-02T15:04:05Z"))
		expect("once more", again(good, body), `"signature.nonce_reused"`)
	})
}
