package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
)

// A bot at work on five connections, 50 requests in a second, gives itself a new secret in the middle of each and loses no request: what
// was signed with the old secret and is still under way when the new one comes is served too. Every second request is an order, which is placed
// once. In the last second the overlap of the rotation before ends, with the bot long gone over.
func TestABotRotatesUnderLoad(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := authtest.Options{}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			r := newRotating(t, o)
			var current atomic.Pointer[authtest.Key]
			current.Store(&r.key)
			const seconds, perSecond, connections = 4, 50, 5
			for second := range seconds {
				// Signed before the rotation and after it, asked while it happens.
				work := make(chan func() *http.Request, perSecond)
				var served, lost atomic.Int64
				var bots sync.WaitGroup
				for range connections {
					bots.Go(func() {
						browser := r.Browser("203.0.113.7")
						for sign := range work {
							if got := browser.Do(sign()); got.Status == http.StatusOK || got.Status == http.StatusCreated {
								served.Add(1)
							} else {
								lost.Add(1)
								t.Errorf("lost: %d %s", got.Status, got.Code)
							}
						}
					})
				}
				for i := range perSecond {
					switch {
					case i == perSecond/2 && second == seconds-1:
						r.clock.Advance(time.Second) // the end of the overlap that the second before began; what is under way outlives it
					case i == perSecond/2:
						next, got := r.self(*current.Load())
						if got.Status != http.StatusOK {
							t.Fatalf("rotate: %d %s", got.Status, got.Text)
						}
						current.Store(&next)
					}
					key, identifier := *current.Load(), fmt.Sprintf("%d-%d", second, i)
					work <- func() *http.Request {
						if i%2 == 0 {
							return r.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
						}
						return r.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders",
							`{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"1000000","volume":"0.01","identifier":"`+identifier+`"}`)
					}
				}
				close(work)
				bots.Wait()
				if served.Load() != perSecond || lost.Load() != 0 {
					t.Fatalf("%d served, %d lost", served.Load(), lost.Load())
				}
				switch {
				case second < seconds-2:
					r.clock.Advance(2 * time.Hour) // beyond the overlap, so that it may rotate again
				case second == seconds-2:
					r.clock.Advance(time.Hour - time.Second)
				}
			}
			open := r.Browser("203.0.113.7").Do(r.Signed(*current.Load(), http.MethodGet, authtest.APIHost, "/v1/orders/open?limit=100", ""))
			var placed []struct{ Identifier string }
			if err := json.Unmarshal([]byte(open.Text), &placed); err != nil {
				t.Fatalf("%v: %d %s", err, open.Status, open.Text)
			}
			once := map[string]bool{}
			for _, order := range placed {
				once[order.Identifier] = true
			}
			if len(placed) != seconds*perSecond/2 || len(once) != len(placed) {
				t.Errorf("%d orders are placed with %d identifiers, want %d", len(placed), len(once), seconds*perSecond/2)
			}
		})
	}
}
