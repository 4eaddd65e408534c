package gate_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/gate"
)

const benchBody = `{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"150000000","volume":"0.001"}`

// BenchmarkVerify is one whole passage: parse, verify, read and hash the body, hand on.
func BenchmarkVerify(b *testing.B) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	shared, _ := gate.HS256("k1", secret)
	own, _ := gate.EdDSA("k2", public)
	claims := claimsFor("POST", "/v1/orders", benchBody)
	for name, assertion := range map[string]string{
		"HS256": gate.SignHS256("k1", secret, claims), "EdDSA": gate.SignEdDSA("k2", private, claims),
	} {
		b.Run(name, func(b *testing.B) {
			g := newGate(b, func(c *gate.Config) { c.Keys = []gate.Key{shared, own} })
			h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			r := httptest.NewRequestWithContext(b.Context(), "POST", "/v1/orders", nil)
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				r.Header[gate.Header] = []string{assertion}
				r.Body = io.NopCloser(strings.NewReader(benchBody))
				r.ContentLength = int64(len(benchBody))
				h.ServeHTTP(w, r)
			}
			if w.Code != http.StatusOK {
				b.Fatal("refused")
			}
		})
	}
}

// BenchmarkFloor is what no verifier can save: the MAC over the token and the digest of the body.
func BenchmarkFloor(b *testing.B) {
	assertion := gate.SignHS256("k1", secret, claimsFor("POST", "/v1/orders", benchBody))
	signed, body := []byte(assertion[:strings.LastIndexByte(assertion, '.')]), []byte(benchBody)
	mac := hmac.New(sha256.New, secret)
	var sum [sha256.Size]byte
	b.ReportAllocs()
	for b.Loop() {
		mac.Reset()
		mac.Write(signed)
		mac.Sum(sum[:0])
		sum = sha256.Sum256(body)
	}
}
