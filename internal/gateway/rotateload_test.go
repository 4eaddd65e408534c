package gateway_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
)

// A bot at work on five connections, 50 requests in a second, gives itself a new secret in the middle of each and loses no request: what
// was signed with the old secret and is still under way when the new one comes is served too.
func TestABotRotatesUnderLoad(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			o := authtest.Options{}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			r := newRotating(t, o)
			var current atomic.Pointer[authtest.Key]
			current.Store(&r.key)
			const seconds, perSecond, connections = 4, 50, 5
			for range seconds {
				// Signed before the rotation and after it, asked while it happens.
				work := make(chan func() *http.Request, perSecond)
				var served, lost atomic.Int64
				var bots sync.WaitGroup
				for range connections {
					bots.Go(func() {
						browser := r.Browser("203.0.113.7")
						for sign := range work {
							if got := browser.Do(sign()); got.Status == http.StatusOK {
								served.Add(1)
							} else {
								lost.Add(1)
								t.Errorf("lost: %d %s", got.Status, got.Code)
							}
						}
					})
				}
				for i := range perSecond {
					if i == perSecond/2 {
						next, got := r.self(*current.Load())
						if got.Status != http.StatusOK {
							t.Fatalf("rotate: %d %s", got.Status, got.Text)
						}
						current.Store(&next)
					}
					key := *current.Load()
					work <- func() *http.Request { return r.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "") }
				}
				close(work)
				bots.Wait()
				if served.Load() != perSecond || lost.Load() != 0 {
					t.Fatalf("%d served, %d lost", served.Load(), lost.Load())
				}
				r.clock.Advance(2 * time.Hour) // beyond the overlap, so that it may rotate again
			}
		})
	}
}
