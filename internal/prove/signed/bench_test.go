package signed_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/hot/memory"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/ratio"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
	"github.com/seed-21c57000/sallyport/sign"
)

// body is 300 bytes, as a long order is.
var body = []byte(`{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000","identifier":"` + strings.Repeat("x", 195) + `"}`)

// poolSize requests are signed before the clock runs. They fit into a processor's cache, where a request lies that has just been read from
// its connection.
const poolSize = 1 << 8

// BenchmarkVerify is a signed request from raw bytes to a principal: parse, find the key, open its secret, check MAC or signature, digest of
// the body, claim the nonce. The floor is the raw primitive over the same bytes.
func BenchmarkVerify(b *testing.B) {
	for _, kind := range []struct {
		name      string
		algorithm sign.Algorithm
		batch     int
	}{{"hmac", sign.HMACSHA256, poolSize}, {"ed25519", sign.Ed25519, 16}} {
		b.Run(kind.name, func(b *testing.B) {
			s := authtest.Start(b)
			key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"orders:write"}, Algorithm: kind.algorithm})
			now := s.Now().Add(5 * time.Second)
			pool := make([]sign.Request, poolSize)
			for i := range pool {
				pool[i] = signedAt(b, key, now)
			}
			ratio.Compare(b, ratio.Elapsed(), kind.batch, ratio.Each("floor", floor(b, key, pool[0])), ratio.Each("verify", verify(b, s, pool, now)))
		})
	}
}

// BenchmarkVerifyAllocations is what a check leaves to the garbage collector.
func BenchmarkVerifyAllocations(b *testing.B) {
	s := authtest.Start(b)
	key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"orders:write"}, Algorithm: sign.HMACSHA256})
	now := s.Now().Add(5 * time.Second)
	pool := make([]sign.Request, poolSize)
	for i := range pool {
		pool[i] = signedAt(b, key, now)
	}
	once := verify(b, s, pool, now)
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}

// BenchmarkFlood is what a source costs that has used up its failures, beside the one verification that it would like to cause.
func BenchmarkFlood(b *testing.B) {
	s := authtest.Start(b)
	key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Algorithm: sign.Ed25519})
	now := s.Now().Add(5 * time.Second)
	bad := signedAt(b, key, now)
	bad.Target = "/v1/withdraws"
	deps := s.Verifier.Deps
	deps.Now = func() time.Time { return now }
	v := signed.New(deps)
	refused := func() fault.Code {
		_, err := v.Verify(b.Context(), &signed.Request{Request: bad, From: authtest.PersonOrigin(), Environment: id.Test})
		return fault.CodeOf(err)
	}
	checked := 0
	for refused() != fault.RateLimited {
		checked++
	}
	ratio.Compare(b, ratio.Elapsed(), 16, ratio.Each("primitive", floor(b, key, signedAt(b, key, now))), ratio.Each("beyond", func() {
		if refused() != fault.RateLimited {
			b.Fatal("verified beyond the budget")
		}
	}))
	b.ReportMetric(float64(checked), "verified")
}

// BenchmarkReplayStore is what one nonce costs in memory while a minute of 10,000 requests a second is remembered.
func BenchmarkReplayStore(b *testing.B) {
	const minute = 600_000
	now := time.Now()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		before := heap()
		store := &forgetful{Nonces: memory.NewNonces(now, time.Minute)}
		for range minute {
			store.Claim(id.Key{}, "a nonce of 22 letters..", now, now)
		}
		b.ReportMetric(float64(heap()-before)/minute, "B/nonce")
		runtime.KeepAlive(store)
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

func verify(b *testing.B, s *authtest.Stack, pool []sign.Request, now time.Time) func() {
	deps := s.Verifier.Deps
	deps.Now = func() time.Time { return now }
	deps.Nonces = &forgetful{Nonces: memory.NewNonces(now.Add(-time.Minute), time.Minute)}
	v := signed.New(deps)
	read := func(*apikey.Live) ([]byte, error) { return body, nil }
	from := authtest.PersonOrigin()
	n := 0
	return func() {
		in := signed.Request{Request: pool[n%len(pool)], From: from, Environment: id.Test, ReadBody: read}
		n++
		if _, err := v.Verify(b.Context(), &in); err != nil {
			b.Fatal(err)
		}
	}
}

// forgetful takes every claim for one of another key, so that requests pass again and the store grows as it does on a busy day.
type forgetful struct {
	*memory.Nonces
	claims uint64
}

func (f *forgetful) Claim(k id.Key, nonce string, created, now time.Time) (won, forgotten bool) {
	f.claims++
	binary.BigEndian.PutUint64(k[:], f.claims)
	return f.Nonces.Claim(k, nonce, created, now)
}

// floor is what cannot be saved: the MAC or signature over the signature base, and the digest of the body.
func floor(b *testing.B, key authtest.Key, r sign.Request) func() {
	sig, err := sign.Parse(&r)
	if err != nil {
		b.Fatal(err)
	}
	base := sig.AppendBase(nil, &r)
	if key.Algorithm == sign.Ed25519 {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			b.Fatal(err)
		}
		mark := ed25519.Sign(private, base)
		return func() {
			sha256.Sum256(body)
			if !ed25519.Verify(public, base, mark) {
				b.Fatal("does not hold")
			}
		}
	}
	secret := []byte(key.Secret)
	return func() {
		sha256.Sum256(body)
		mac := hmac.New(sha256.New, secret)
		mac.Write(base)
		mac.Sum(nil)
	}
}
