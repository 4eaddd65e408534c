package sign_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	"github.com/seed-21c57000/sallyport/sign"
)

// benchmarkVerify measures all that the package does for one POST of 300 bytes: parse, window, base, signature, digest of the body.
func benchmarkVerify(b *testing.B, r sign.Request, k sign.Key, forms sign.Settings) {
	b.ReportAllocs()
	for b.Loop() {
		s, err := sign.Parse(&r)
		if err == nil {
			err = s.Fresh(clock, past, future)
		}
		if err == nil {
			err = s.Verify(&r, k)
		}
		if err == nil {
			err = s.CheckBody(&r, forms)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyHMAC(b *testing.B) {
	r := with(order(), hmacSigner(), clock)
	s := must(sign.Parse(&r))
	base := s.AppendBase(nil, &r)
	b.Run("request", func(b *testing.B) { benchmarkVerify(b, r, hmacKey, sign.Settings{}) })
	b.Run("floor", func(b *testing.B) { // the MAC by the standard library and the hash of the body, nothing read or compared
		b.ReportAllocs()
		for b.Loop() {
			mac := hmac.New(sha256.New, hmacKey.Material)
			mac.Write(base)
			mac.Sum(nil)
			sha256.Sum256(r.Body)
		}
	})
}

func BenchmarkVerifyEd25519(b *testing.B) {
	r := with(order(), edSigner(), clock)
	s := must(sign.Parse(&r))
	base := s.AppendBase(nil, &r)
	value := ed25519.Sign(private, base)
	b.Run("request", func(b *testing.B) { benchmarkVerify(b, r, edKey, sign.Settings{}) })
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !ed25519.Verify(edKey.Material, base, value) {
				b.Fatal("refused")
			}
			sha256.Sum256(r.Body)
		}
	})
}

func BenchmarkVerifyUpbit(b *testing.B) {
	r := order()
	r.Target = "/v1/orders"
	benchmarkVerify(b, with(r, upbitSigner(), clock), upbitKey, sign.Settings{})
}

func BenchmarkSignHMAC(b *testing.B) {
	r := order()
	signer := hmacSigner()
	b.ReportAllocs()
	for b.Loop() {
		must(signer.Headers(&r, clock))
	}
}

func BenchmarkCheckTarget(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := sign.CheckTarget("/v1/orders/KRW-BTC/%ED%95%9C?states[]=wait&states[]=watch"); err != nil {
			b.Fatal(err)
		}
	}
}

// The budget of the hot path: nothing of ours is allocated for a native request.
func TestNativeVerifyDoesNotAllocate(t *testing.T) {
	for name, c := range map[string]struct {
		signer sign.Signer
		key    sign.Key
	}{"HMAC": {hmacSigner(), hmacKey}, "Ed25519": {edSigner(), edKey}} {
		t.Run(name, func(t *testing.T) {
			r := with(order(), c.signer, clock)
			r.Header.Set("X-Other", "1")
			if n := testing.AllocsPerRun(100, func() {
				if err := verify(&r, c.key, sign.Settings{}, clock); err != nil {
					t.Fatal(err)
				}
			}); n > 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
