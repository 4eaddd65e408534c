package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// BenchmarkOpenLoop offers 3,000 questions a second whether or not the ones before were answered, half of them signed by HMAC and half with a
// session, and reports how long they were inside the process. The requests are signed beforehand and answered into memory: the way through
// the kernel is not in it, and the goroutine that makes each request is.
func BenchmarkOpenLoop(b *testing.B) {
	const rate, tick = 3000, time.Millisecond
	s := authtest.StartWith(b, authtest.Options{Convention: "x-forwarded"})
	ada := s.SignUp("ada@example.com")
	key := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes, Algorithm: sign.HMACSHA256})
	bearer := childOf(b, s, ada)
	time.Sleep(3 * time.Second) // until signatures are younger than the nonce store's birth
	var took []time.Duration
	pauses := paused()
	for b.Loop() {
		took = append(took, second(b, s, key, bearer, rate, tick)...)
	}
	slices.Sort(took)
	for _, at := range []struct {
		name  string
		share float64
	}{{"p50-µs", 0.5}, {"p99-µs", 0.99}, {"p99.9-µs", 0.999}} {
		b.ReportMetric(float64(took[int(at.share*float64(len(took)-1))].Microseconds()), at.name)
	}
	after := paused()
	b.ReportMetric(float64((after.total-pauses.total).Microseconds())/float64(max(1, after.count-pauses.count)), "µs/GC-pause")
	b.ReportMetric(float64(after.count-pauses.count)/float64(b.N), "GC/s")
}

// second is one second of load; it gives the time of each request.
func second(b *testing.B, s *authtest.Stack, key authtest.Key, bearer string, rate int, tick time.Duration) []time.Duration {
	questions := make([]*http.Request, rate)
	for i := range questions {
		if i%2 == 0 {
			questions[i] = question(b, "x-forwarded", s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
			continue
		}
		page := plain(b, http.MethodGet, authtest.PageHost, "/v1/accounts")
		page.Header.Set("Cookie", "__Host-sid="+bearer)
		page.Header.Set("User-Agent", authtest.PersonOrigin().Agent)
		questions[i] = question(b, "x-forwarded", page)
	}
	took := make([]time.Duration, rate)
	var all sync.WaitGroup
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	each := rate * int(tick) / int(time.Second)
	for at := 0; at < rate; at += each {
		<-ticker.C
		for i := at; i < at+each; i++ {
			all.Go(func() {
				start := time.Now()
				w := httptest.NewRecorder()
				s.Forward.ServeHTTP(w, questions[i])
				took[i] = time.Since(start)
				if w.Code != http.StatusNoContent {
					b.Errorf("%d", w.Code)
				}
			})
		}
	}
	all.Wait()
	return took
}

type pauses struct {
	total time.Duration
	count uint32
}

func paused() pauses {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return pauses{time.Duration(m.PauseTotalNs), m.NumGC}
}
