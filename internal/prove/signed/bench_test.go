package signed_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/hot/memory"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
	"github.com/seed-21c57000/sallyport/sign"
)

// body is 300 bytes, as a long order is.
var body = []byte(`{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000","identifier":"` + strings.Repeat("x", 195) + `"}`)

// poolSize requests are signed before the clock runs; when all are spent, a new nonce store lets them pass again.
const poolSize = 1 << 12

// BenchmarkVerify is a signed request from raw bytes to a principal: parse, find the key, open its secret, check MAC or signature, digest of
// the body, claim the nonce. The floor beside it is the raw primitive over the same bytes, in the same run, so that the ratio tells the truth
// on a noisy machine.
func BenchmarkVerify(b *testing.B) {
	for _, kind := range []struct {
		name      string
		algorithm sign.Algorithm
	}{{"hmac", sign.HMACSHA256}, {"ed25519", sign.Ed25519}} {
		b.Run(kind.name, func(b *testing.B) {
			s := authtest.Start(b)
			key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"orders:write"}, Algorithm: kind.algorithm})
			now := s.Now().Add(5 * time.Second)
			pool := make([]sign.Request, poolSize)
			for i := range pool {
				pool[i] = signedAt(b, key, now)
			}
			b.Run("floor", func(b *testing.B) { floor(b, key, pool[0]) })
			b.Run("verify", func(b *testing.B) { verify(b, s, pool, now) })
		})
	}
}

func signedAt(b *testing.B, key authtest.Key, now time.Time) sign.Request {
	b.Helper()
	r := sign.Request{Method: http.MethodPost, Authority: authtest.APIHost, Target: "/v1/orders", Header: http.Header{}, Body: body}
	headers, err := key.Signer.Headers(&r, now)
	if err != nil {
		b.Fatal(err)
	}
	maps.Copy(r.Header, headers)
	r.Body = nil
	return r
}

func verify(b *testing.B, s *authtest.Stack, pool []sign.Request, now time.Time) {
	deps := s.Verifier.Deps
	deps.Now = func() time.Time { return now }
	fresh := func() *signed.Verifier {
		deps.Nonces = memory.NewNonces(now.Add(-time.Minute), time.Minute)
		return signed.New(deps)
	}
	v, n := fresh(), 0
	read := func() ([]byte, error) { return body, nil }
	from := authtest.PersonOrigin()
	b.ReportAllocs()
	for b.Loop() {
		if n == len(pool) {
			b.StopTimer()
			v, n = fresh(), 0
			b.StartTimer()
		}
		in := signed.Request{Request: pool[n], From: from, Environment: id.Test, ReadBody: read}
		n++
		if _, err := v.Verify(b.Context(), &in); err != nil {
			b.Fatal(err)
		}
	}
}

// floor is what cannot be saved: the MAC or signature over the signature base, and the digest of the body.
func floor(b *testing.B, key authtest.Key, r sign.Request) {
	sig, err := sign.Parse(&r)
	if err != nil {
		b.Fatal(err)
	}
	base := sig.AppendBase(nil, &r)
	b.ReportAllocs()
	if key.Algorithm == sign.Ed25519 {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			b.Fatal(err)
		}
		mark := ed25519.Sign(private, base)
		for b.Loop() {
			sha256.Sum256(body)
			if !ed25519.Verify(public, base, mark) {
				b.Fatal("does not hold")
			}
		}
		return
	}
	for b.Loop() {
		sha256.Sum256(body)
		mac := hmac.New(sha256.New, []byte(key.Secret))
		mac.Write(base)
		mac.Sum(nil)
	}
}
