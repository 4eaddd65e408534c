package sign_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/sign"
)

// Everything that the package signs, it verifies, and nothing else verifies it.
func TestSignersAreVerified(t *testing.T) {
	requests := map[string]sign.Request{
		"order": order(), "balances": balances(),
		"query":      {Method: "DELETE", Authority: "API.example.com:443", Target: "/v1/order?uuid=5f2a&q=%ED%95%9C%20", Header: http.Header{}},
		"plain POST": {Method: "POST", Authority: "api.example.com", Target: "/v1/orders", Header: http.Header{}, Body: []byte(`{"market":"KRW-BTC"}`)},
	}
	for name, c := range map[string]struct {
		signer sign.Signer
		key    sign.Key
		forms  sign.Settings
	}{
		"HMAC":          {hmacSigner(), hmacKey, sign.Settings{}},
		"Ed25519":       {edSigner(), edKey, sign.Settings{}},
		"upbit":         {upbitSigner(), upbitKey, sign.Settings{}},
		"upbit as sent": {must(sign.NewExchangeSigner(sign.ExchangeKey{Dialect: sign.Upbit, KeyID: keyID, Secret: []byte(secret), Settings: sign.Settings{Query: sign.QueryAsSent}})), upbitKey, sign.Settings{Query: sign.QueryAsSent}},
	} {
		for requestName, r := range requests {
			t.Run(name+"/"+requestName, func(t *testing.T) {
				if r.Target == order().Target && c.key.Dialect == sign.Upbit {
					_, err := c.signer.Headers(&r, clock) // a query and another body
					want(t, err, sign.PartsDiffer)
					return
				}
				signed := with(r, c.signer, clock)
				want(t, verify(&signed, c.key, c.forms, clock), "")
				s := must(sign.Parse(&signed))
				if s.KeyID != keyID || !s.Timed() || len(s.Nonce) < 16 {
					t.Errorf("parsed as %+v", s)
				}
				for _, other := range []sign.Key{hmacKey, edKey, upbitKey} {
					if err := verify(&signed, other, c.forms, clock); (err == nil) != (other.Dialect == c.key.Dialect && other.Algorithm == c.key.Algorithm) {
						t.Errorf("under a %v: %v", other, err)
					}
				}
			})
		}
	}
}

func TestSignersNeverRepeatANonce(t *testing.T) {
	for name, signer := range map[string]sign.Signer{"native": hmacSigner(), "upbit": upbitSigner()} {
		t.Run(name, func(t *testing.T) {
			seen := map[string]bool{}
			for range 1000 {
				r := with(balances(), signer, clock)
				s := must(sign.Parse(&r))
				if seen[s.Nonce] {
					t.Fatalf("nonce %s twice", s.Nonce)
				}
				seen[s.Nonce] = true
			}
		})
	}
}

func TestSignInPlace(t *testing.T) {
	body := []byte(`{"market":"KRW-BTC"}`)
	req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example.com/v1/orders?a=1", nil))
	req.Header = nil
	if err := sign.Sign(req, body, hmacSigner(), clock); err != nil {
		t.Fatal(err)
	}
	first := req.Header.Get("Signature")
	if err := sign.Sign(req, body, hmacSigner(), clock); err != nil {
		t.Fatal(err)
	}
	if lines := req.Header["Signature"]; len(lines) != 1 || lines[0] == first {
		t.Errorf("signed again: %q", lines)
	}
	r := sign.Outgoing(req, body)
	want(t, native(r), "")
	req.URL.Path = "/v1/../orders"
	req.URL.RawPath = ""
	want(t, sign.Sign(req, body, hmacSigner(), clock), sign.DotSegment)
	want(t, sign.Sign(req, body, upbitSigner(), clock), sign.DotSegment)
}

// The shape of the token is the one that Upbit documents, so that a client of ours can talk to either.
func TestUpbitTokenShape(t *testing.T) {
	signer := must(sign.NewExchangeSigner(sign.ExchangeKey{Dialect: sign.Upbit, KeyID: keyID, Secret: []byte(secret), Untimed: true}))
	r := with(sign.Request{Method: "GET", Authority: "a", Target: "/v1/orders?market=KRW-BTC", Header: http.Header{}}, signer, clock)
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	var claims map[string]string
	if err := json.Unmarshal(must(base64.RawURLEncoding.DecodeString(parts[1])), &claims); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(claims["nonce"]) {
		t.Errorf("nonce %s is no random UUID", claims["nonce"])
	}
	delete(claims, "nonce")
	wanted := map[string]string{"access_key": keyID, "query_hash": hexSHA512("market=KRW-BTC"), "query_hash_alg": "SHA512"}
	if diff := cmp.Diff(wanted, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	want(t, verify(&r, upbitKey, sign.Settings{}, clock.Add(24*time.Hour)), "")
}
