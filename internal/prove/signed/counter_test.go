package signed_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// A nonce that must rise passes once, above all before it or within the window below the highest, up to the last number of 64 bits.
func TestCounters(t *testing.T) {
	const top = math.MaxUint64
	for name, open := range map[string]func(*testing.T) *authtest.Stack{
		"SQLite": func(t *testing.T) *authtest.Stack { return authtest.Start(t) },
		"PostgreSQL": func(t *testing.T) *authtest.Stack {
			return authtest.StartWith(t, authtest.Options{PostgresDSN: storetest.Postgres.New(t)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			ada := s.SignUp("ada@example.com")
			claim := func(k authtest.Key, counter, window uint64) (won bool) {
				err := s.Verifier.Durable.Update(t.Context(), func(tx apikey.Tx) (_ audit.Event, err error) {
					won, err = tx.ClaimKeyCounter(t.Context(), k.ID, counter, window, time.Now())
					return audit.Quiet(audit.KeyUsed), err
				})
				if err != nil {
					t.Error(err)
				}
				return won
			}
			for window, steps := range map[uint64][]struct {
				counter uint64
				won     bool
			}{
				0:  {{5, true}, {5, false}, {4, false}, {6, true}, {256, true}, {255, false}, {top - 1, true}, {top, true}, {top, false}, {top - 1, false}},
				10: {{0, true}, {0, false}, {100, true}, {95, true}, {95, false}, {90, true}, {89, false}, {100, false}, {105, true}, {95, false}, {94, false}, {top, true}, {top - 10, true}, {top - 11, false}},
			} {
				k := s.IssueKey(ada, apikey.IssueInput{Dialect: sign.Kraken})
				for i, step := range steps {
					if won := claim(k, step.counter, window); won != step.won {
						t.Errorf("window %d, step %d: %d won %v", window, i, step.counter, won)
					}
				}
			}
			k := s.IssueKey(ada, apikey.IssueInput{Dialect: sign.Kraken})
			var wins sync.Map
			var racers sync.WaitGroup
			for racer := range 32 {
				racers.Go(func() {
					if claim(k, uint64(1000+racer%4), 100) {
						if _, twice := wins.LoadOrStore(racer%4, true); twice {
							t.Errorf("nonce %d won twice", 1000+racer%4)
						}
					}
				})
			}
			racers.Wait()
			for n := range 4 {
				if _, won := wins.Load(n); !won {
					t.Errorf("nonce %d was won by nobody", 1000+n)
				}
			}
		})
	}
}
