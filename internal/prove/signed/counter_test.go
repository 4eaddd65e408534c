package signed_test

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
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
			claim := func(k authtest.Key, counter uint64) (won bool) {
				err := s.Verifier.Durable.Update(t.Context(), func(tx apikey.Tx) (_ audit.Event, err error) {
					won, err = tx.ClaimKeyCounter(t.Context(), k.ID, counter, time.Now())
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
				k := s.IssueKey(ada, apikey.IssueInput{Dialect: sign.Kraken, Settings: windowed(window)})
				for i, step := range steps {
					if won := claim(k, step.counter); won != step.won {
						t.Errorf("window %d, step %d: %d won %v", window, i, step.counter, won)
					}
				}
			}
			k := s.IssueKey(ada, apikey.IssueInput{Dialect: sign.Kraken, Settings: windowed(100)})
			var wins sync.Map
			var racers sync.WaitGroup
			for racer := range 32 {
				racers.Go(func() {
					if claim(k, uint64(1000+racer%4)) {
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

func windowed(n uint64) []string { return []string{fmt.Sprintf("nonce-window:%d", n)} }

// A window that is widened lets no nonce pass again that was used, and forgotten, while it was narrower; what is new passes at once.
func TestAWiderWindowBringsNoNonceBack(t *testing.T) {
	s := authtest.Start(t)
	ada := s.SignUp("ada@example.com")
	k := s.IssueKey(ada, apikey.IssueInput{Dialect: sign.Kraken})
	edit := func(window uint64) error {
		words := windowed(window)
		who := principal.Host("tests")
		who.Account = ada.Principal().Account
		_, err := s.APIKeys.Edit(t.Context(), who, apikey.EditInput{Key: k.ID, Settings: &words})
		return err
	}
	claims := func(counter uint64, want bool) {
		t.Helper()
		err := s.Verifier.Durable.Update(t.Context(), func(tx apikey.Tx) (audit.Event, error) {
			won, err := tx.ClaimKeyCounter(t.Context(), k.ID, counter, time.Now())
			if won != want {
				t.Errorf("%d won %t", counter, won)
			}
			return audit.Quiet(audit.KeyUsed), err
		})
		if err != nil {
			t.Error(err)
		}
	}
	claims(5000, true)
	claims(5001, true)
	if err := edit(1000); err != nil {
		t.Fatal(err)
	}
	for _, used := range []uint64{4500, 5000, 5001} {
		claims(used, false)
	}
	claims(5003, true)
	claims(5002, true)
	claims(5002, false)
	claims(math.MaxUint64, true)
	if err := edit(2000); fault.CodeOf(err) != fault.RequestInvalid {
		t.Errorf("of a key without any nonce left: %v", err)
	}
}
