package apikey_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
	"github.com/seed-21c57000/sallyport/sign"
)

// clock is time that a test moves.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { return c.now }

// two processes on one database, and what the first knows.
func TestTheIndexHearsOfOtherProcesses(t *testing.T) {
	for _, away := range []bool{false, true} {
		t.Run(fmt.Sprintf("away for longer than the feed goes back: %t", away), func(t *testing.T) {
			c, folder := newClock(), t.TempDir()
			near := authtest.StartWith(t, authtest.Options{Folder: folder, Now: c.Now})
			ada := near.SignUp("ada@example.com")
			revoked, kept := near.IssueKey(ada, apikey.IssueInput{}), near.IssueKey(ada, apikey.IssueInput{})
			used, from := c.now.Add(time.Minute), netip.MustParseAddr("203.0.113.9")
			near.APIKeys.Used(near.APIKeys.Find(kept.ID), used, from)

			far := authtest.StartWith(t, authtest.Options{Folder: folder, Now: c.Now})
			if err := far.APIKeys.Revoke(t.Context(), principal.Host("cli"), revoked.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := far.Sessions.SignOutEverywhere(t.Context(), ada.Principal(), session.KeepBots); err != nil {
				t.Fatal(err)
			}
			made := far.IssueKey(ada, apikey.IssueInput{})
			if _, err := near.Sessions.Authenticate(ada.Bearer.Reveal(), "", authtest.PersonOrigin()); err != nil {
				t.Fatalf("the session ended here before it could be heard: %v", err)
			}
			if away {
				c.now = c.now.Add(25 * time.Hour)
				if err := far.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
				c.now = c.now.Add(-25 * time.Hour) // so that nothing ends by its own age
			}
			if err := near.Store.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			if wrong := near.APIKeys.Find(revoked.ID).State(c.now); wrong == nil || wrong.Code != fault.KeyRevoked {
				t.Errorf("a key revoked elsewhere: %v", wrong)
			}
			if near.APIKeys.Find(made.ID) == nil {
				t.Error("a key made elsewhere is not known")
			}
			if _, err := near.Sessions.Authenticate(ada.Bearer.Reveal(), "", authtest.PersonOrigin()); fault.CodeOf(err) != fault.SessionEnded {
				t.Errorf("a session ended elsewhere: %v", err)
			}
			// What this process alone knows is kept and can be written behind.
			if err := near.APIKeys.SaveUses(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := far.APIKeys.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := far.KeyNow(kept.ID); !got.LastUsedAt.Equal(used) || got.LastUsedFrom != from.String() {
				t.Errorf("last use %v from %s, want %v from %v", got.LastUsedAt, got.LastUsedFrom, used, from)
			}
		})
	}
}

func TestALiveKey(t *testing.T) {
	c := newClock()
	s := authtest.StartWith(t, authtest.Options{Now: c.Now})
	ada := s.SignUp("ada@example.com")
	trade := []string{"orders:write", "orders:read"}
	pinned := s.IssueKey(ada, apikey.IssueInput{Scopes: trade, Allowlist: []string{"198.51.100.0/24", "2001:db8::/32"}})
	loose := s.IssueKey(ada, apikey.IssueInput{Scopes: trade})
	if s.APIKeys.Find(id.New[id.KeyKind](c.now)) != nil {
		t.Error("a key that was never made is found")
	}
	for addr, want := range map[string]bool{
		"198.51.100.7": true, "::ffff:198.51.100.7": true, "2001:db8::1": true, "198.51.101.7": false, "::1": false,
	} {
		if got := s.APIKeys.Find(pinned.ID).Allows(netip.MustParseAddr(addr)); got != want {
			t.Errorf("from %s: %t", addr, got)
		}
		if !s.APIKeys.Find(loose.ID).Allows(netip.MustParseAddr(addr)) {
			t.Errorf("a key without an allowlist refuses %s", addr)
		}
	}
	limit := s.APIKeys.Limits.UnpinnedTradeLife
	for _, row := range []struct {
		after  time.Duration
		key    authtest.Key
		trades bool
	}{{limit - 1, loose, true}, {limit, loose, false}, {limit, pinned, true}} {
		scopes := s.APIKeys.Find(row.key.ID).ScopesAt(c.now.Add(row.after))
		if scopes.Has(scope.OrdersWrite) != row.trades || !scopes.Has(scope.OrdersRead) {
			t.Errorf("%v after its birth: %s", row.after, scopes)
		}
	}
	life := loose.ExpiresAt
	if wrong := s.APIKeys.Find(loose.ID).State(life.Add(-1)); wrong != nil {
		t.Errorf("before its end: %v", wrong)
	}
	if wrong := s.APIKeys.Find(loose.ID).State(life); wrong == nil || wrong.Code != fault.KeyExpired {
		t.Errorf("at its end: %v", wrong)
	}
}

// Nonces of a key that has ended go in small transactions, all of them; those of a key that lives stay.
func TestNoncesOfEndedKeysAreSwept(t *testing.T) {
	c := newClock()
	s := authtest.StartWith(t, authtest.Options{Now: c.Now})
	ada := s.SignUp("ada@example.com")
	in := apikey.IssueInput{Dialect: sign.Upbit, Algorithm: sign.HMACSHA2}
	ended, living := s.IssueKey(ada, in), s.IssueKey(ada, in)
	const many = 1100 // more than two batches
	claim := func(k id.Key, nonces int, counted bool) (won int) {
		err := store.Of[apikey.Tx](s.Store).Update(t.Context(), func(tx apikey.Tx) (audit.Event, error) {
			won = 0
			for n := range nonces {
				mine, err := tx.ClaimKeyNonce(t.Context(), k, fmt.Append(nil, n), c.now)
				if err != nil {
					return audit.Event{}, err
				}
				if mine {
					won++
				}
				if !counted {
					continue
				}
				if within, err := tx.CountKeyNonce(t.Context(), k, many); err != nil || !within {
					return audit.Event{}, fmt.Errorf("counted within %t: %w", within, err)
				}
			}
			return audit.Quiet(audit.KeyUsed), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return won
	}
	if a, b := claim(ended.ID, many, true), claim(living.ID, 10, true); a != many || b != 10 {
		t.Fatalf("claimed %d and %d", a, b)
	}
	if err := s.APIKeys.Revoke(t.Context(), ada.Principal(), ended.ID); err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{time.Hour, 48 * time.Hour} {
		if n := claim(ended.ID, many, false); n != 0 {
			t.Errorf("%d nonces were gone while a captured request could still come in", n)
		}
		c.now = c.now.Add(after)
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := claim(ended.ID, many, false), claim(living.ID, 10, false); a != many || b != 0 {
		t.Errorf("swept: %d of %d nonces of the ended key and %d of the living one's", a, many, b)
	}
}

// A key whose nonces must rise has as many rows as its window lets stay, and only those count.
func TestRisingNoncesCountWhileTheyAreKept(t *testing.T) {
	s := authtest.Start(t)
	ada := s.SignUp("ada@example.com")
	const most = 5
	for window, want := range map[uint64]int{0: 50, 3: 50, 1000: most} {
		k := s.IssueKey(ada, apikey.IssueInput{Dialect: sign.Kraken, Settings: []string{fmt.Sprintf("nonce-window:%d", window)}})
		counted := 0
		for counter := range uint64(50) {
			err := store.Of[apikey.Tx](s.Store).Update(t.Context(), func(tx apikey.Tx) (audit.Event, error) {
				won, err := tx.ClaimKeyCounter(t.Context(), k.ID, counter, s.Now())
				if err != nil || !won {
					return audit.Event{}, fmt.Errorf("%d won %t: %w", counter, won, err)
				}
				within, err := tx.CountKeyNonce(t.Context(), k.ID, most)
				if within {
					counted++
				}
				return audit.Quiet(audit.KeyUsed), err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if counted != want {
			t.Errorf("window %d: %d of 50 nonces were within %d, want %d", window, counted, most, want)
		}
	}
}
