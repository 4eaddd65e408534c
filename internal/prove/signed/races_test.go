package signed_test

import (
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/hot/memory"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
	"github.com/seed-21c57000/sallyport/sign"
)

// stand is a verifier with a memory of its own, and a key to sign with.
type stand struct {
	*signed.Verifier
	nonces *memory.Nonces
	key    authtest.Key
	now    time.Time
}

func newStand(t *testing.T, a sign.Algorithm) stand {
	t.Helper()
	s := authtest.Start(t)
	key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"orders:write"}, Algorithm: a})
	now := s.Now().Add(5 * time.Second)
	deps := s.Verifier.Deps
	nonces := memory.NewNonces(now.Add(-time.Minute), time.Minute)
	deps.Nonces, deps.Now = nonces, func() time.Time { return now }
	return stand{signed.New(deps), nonces, key, now}
}

// order is a signed order that was not sent yet.
func (s stand) order(t *testing.T) sign.Request {
	t.Helper()
	r := sign.Request{Method: http.MethodPost, Authority: authtest.APIHost, Target: "/v1/orders", Header: http.Header{}, Body: body}
	headers, err := s.key.Signer.Headers(&r, s.now)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, headers)
	r.Body = nil
	return r
}

func (s stand) send(t *testing.T, r sign.Request, bytes []byte) fault.Code {
	t.Helper()
	in := signed.Request{
		Request: r, From: authtest.PersonOrigin(), Environment: id.Test,
		ReadBody: func(*apikey.Live) ([]byte, error) { return bytes, nil },
	}
	_, err := s.Verify(t.Context(), &in)
	if err == nil {
		return ""
	}
	if refused, is := errors.AsType[*signed.RefusalError](err); is {
		return refused.Fault.Code
	}
	return fault.CodeOf(err)
}

// 200 orders, each sent 64 times at once: each is accepted once, and everybody else hears that the nonce was used.
func TestNoOrderPassesTwice(t *testing.T) {
	s := newStand(t, sign.HMACSHA256)
	const orders, racers = 200, 64
	for range orders {
		r := s.order(t)
		var accepted, used atomic.Int64
		var all sync.WaitGroup
		barrier := make(chan struct{})
		for range racers {
			all.Go(func() {
				<-barrier
				code := s.send(t, r, body)
				if code == "" {
					accepted.Add(1)
				}
				if code == fault.SignatureNonceReused {
					used.Add(1)
				}
			})
		}
		close(barrier)
		all.Wait()
		if accepted.Load() != 1 || used.Load() != racers-1 {
			t.Fatalf("%d accepted and %d refused as used, of %d", accepted.Load(), used.Load(), racers)
		}
	}
	if s.nonces.Len() != orders {
		t.Errorf("%d nonces are remembered", s.nonces.Len())
	}
}

// What does not hold leaves nothing behind, however much of it comes; what held is forgotten when no window lets it in any more.
func TestAFloodLeavesNothing(t *testing.T) {
	s := newStand(t, sign.HMACSHA256)
	for range 3_000 {
		if code := s.send(t, s.order(t), []byte("another body")); code == "" {
			t.Fatal("an order with another body passes")
		}
	}
	if s.nonces.Len() != 0 {
		t.Errorf("%d nonces of refused requests are remembered", s.nonces.Len())
	}
	for range 3_000 {
		if code := s.send(t, s.order(t), body); code != "" {
			t.Fatalf("refused: %s", code)
		}
	}
	s.nonces.Sweep(s.now.Add(2 * time.Minute))
	if s.nonces.Len() != 0 {
		t.Errorf("%d nonces are remembered after their end", s.nonces.Len())
	}
}

// opened counts how many secrets are opened: one for each signature that is verified with a key of ours.
type opened struct {
	signed.Opener
	times int
}

func (o *opened) AppendOpen(dst, aad, sealed []byte) ([]byte, error) {
	o.times++
	return o.Opener.AppendOpen(dst, aad, sealed)
}

// A source that has used up its failures causes not one verification more, however often it asks and whatever the algorithm; another source is served.
func TestAFloodIsNotVerifiedBeyondTheBudget(t *testing.T) {
	const budget = 30
	// Each verification by HMAC opens the key's secret; of a key pair there is none.
	for a, opens := range map[sign.Algorithm]int{sign.HMACSHA256: budget, sign.Ed25519: 0} {
		t.Run(a.String(), func(t *testing.T) {
			s := newStand(t, a)
			deps, counted := s.Deps, &opened{Opener: s.Opener}
			deps.Opener = counted
			s.Verifier = signed.New(deps)
			wrong := s.order(t)
			wrong.Target = "/v1/withdraws"
			for n := range 3_000 {
				want := fault.SignatureMismatch
				if n >= budget {
					want = fault.RateLimited
				}
				if code := s.send(t, wrong, body); code != want {
					t.Fatalf("request %d: %q, want %q", n+1, code, want)
				}
			}
			if code := s.send(t, s.order(t), body); code != fault.RateLimited || counted.times != opens {
				t.Errorf("%d secrets opened with a budget of %d; a right signature of this source then: %q", counted.times, budget, code)
			}
			in := signed.Request{
				Request: s.order(t), From: principal.Origin{Addr: netip.MustParseAddr("198.51.100.9")}, Environment: id.Test,
				ReadBody: func(*apikey.Live) ([]byte, error) { return body, nil },
			}
			if _, err := s.Verify(t.Context(), &in); err != nil {
				t.Errorf("another source: %v", err)
			}
		})
	}
}
