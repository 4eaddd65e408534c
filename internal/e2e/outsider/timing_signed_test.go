//go:build timing

package outsider_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// TestTimingOfSignatures asks whether a stranger without a secret could say from the time of the gateway's refusal whether a key is live or
// revoked, as TestTiming asks of addresses. That a key exists costs some microseconds more, in which its owner's record of the refusal is made;
// an id has 128 bits, and who asks about one had to have it already. So of an unknown key only the whole is held to be comparable: it must not
// be refused without the work of a verification. Each sample comes from a network of its own, so that no budget is used up.
func TestTimingOfSignatures(t *testing.T) {
	for _, algorithm := range []sign.Algorithm{sign.HMACSHA256, sign.Ed25519} {
		t.Run(algorithm.String(), func(t *testing.T) { weighSignatures(t, algorithm) })
	}
}

func weighSignatures(t *testing.T, algorithm sign.Algorithm) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now, HashCost: authtest.CheapHash})
	ada := s.SignUp("ada@example.com")
	issue := func() authtest.Key {
		return s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"orders:write"}, Algorithm: algorithm})
	}
	live, revoked := issue(), issue()
	if err := s.APIKeys.Revoke(t.Context(), principal.Host("tests"), revoked.ID); err != nil {
		t.Fatal(err)
	}
	clock.Advance(5 * time.Second)
	// wrong is an order that names a key, and whose signature is over another path: it holds with no key.
	wrong := func(text string) *http.Request {
		r := s.Signed(live, http.MethodPost, authtest.APIHost, "/v1/orders/test", `{"market":"KRW-BTC"}`)
		r.URL.Path, r.RequestURI = "/v1/orders", "/v1/orders"
		r.Header.Set("Signature-Input", strings.ReplaceAll(r.Header.Get("Signature-Input"), live.Text(), text))
		return r
	}
	kinds := map[string]string{"unknown": id.FormatKey(id.Key{1}, id.Test), "wrong signature": live.Text(), "revoked": revoked.Text()}
	taken, n := map[string][]time.Duration{}, 0
	for range 3000 {
		for kind, text := range kinds {
			r := wrong(text)
			r.RemoteAddr, n = fmt.Sprintf("100.%d.%d.7:40000", n>>8, n&255), n+1
			begun := time.Now()
			answer := s.Do(r)
			taken[kind] = append(taken[kind], time.Since(begun))
			if answer.StatusCode != http.StatusUnauthorized {
				t.Fatalf("%s: %d %s", kind, answer.StatusCode, authtest.Body(t, answer))
			}
		}
	}
	for kind, list := range taken {
		t.Logf("%s: median %s, later than an unknown key with p = %.3f", kind, median(list), longer(list, taken["unknown"]))
		if median(list) > 2*median(taken["unknown"]) {
			t.Errorf("%s takes more than twice as long as an unknown key: %s, %s", kind, median(list), median(taken["unknown"]))
		}
	}
	if got := longer(taken["revoked"], taken["wrong signature"]); math.Abs(got-0.5) > 0.06 {
		t.Errorf("a revoked key is refused later than a live one with p = %.3f", got)
	} else {
		t.Logf("revoked, later than a live one: p = %.3f", got)
	}
}
