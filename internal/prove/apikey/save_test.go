package apikey_test

import (
	"context"
	"errors"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// counting counts how often somebody writes, and refuses the write of a number.
type counting struct {
	audit.Ledger[apikey.Tx]
	updates, broken int
}

var errBroken = errors.New("the disk is full")

func (c *counting) Update(ctx context.Context, fn func(apikey.Tx) (audit.Event, error)) error {
	if c.updates++; c.updates == c.broken {
		return errBroken
	}
	return c.Ledger.Update(ctx, fn)
}

// Times of use are written together, and a second time only if a key was used again.
func TestUsesAreSavedTogether(t *testing.T) {
	now := time.Now().Truncate(time.Microsecond)
	s := authtest.StartWith(t, authtest.Options{Now: func() time.Time { return now }})
	ada := s.SignUp("ada@example.com")
	var keys []authtest.Key
	for range 5 {
		keys = append(keys, s.IssueKey(ada, apikey.IssueInput{}))
	}
	ledger := &counting{Ledger: store.Of[apikey.Tx](s.Store)}
	deps := s.APIKeys.Deps
	deps.Ledger = ledger
	fresh, err := apikey.New(t.Context(), deps)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	for _, k := range keys {
		fresh.Used(fresh.Find(k.ID), now, authtest.PersonOrigin().Addr)
	}
	for range 2 {
		if err := fresh.SaveUses(t.Context()); err != nil || ledger.updates != 1 {
			t.Errorf("%d commits for %d keys, want 1 in all; %v", ledger.updates, len(keys), err)
		}
	}
	for _, k := range keys {
		if got := s.KeyNow(k.ID); !got.LastUsedAt.Equal(now) || got.LastUsedFrom != authtest.PersonOrigin().Addr.String() {
			t.Errorf("the row says %v from %s", got.LastUsedAt, got.LastUsedFrom)
		}
	}
}

// What pins and strays could not write waits for the next time.
func TestPinsThatCouldNotBeSavedWait(t *testing.T) {
	now := time.Now().Truncate(time.Microsecond)
	s := authtest.StartWith(t, authtest.Options{Now: func() time.Time { return now }})
	ada := s.SignUp("ada@example.com")
	first, second := s.IssueKey(ada, apikey.IssueInput{Pin: apikey.PinFirst}), s.IssueKey(ada, apikey.IssueInput{Pin: apikey.PinFirst})
	stray := s.IssueKey(ada, apikey.IssueInput{Pin: "203.0.113.7"})
	for broken := 2; broken <= 4; broken++ { // the first write is that of the times
		ledger := &counting{Ledger: store.Of[apikey.Tx](s.Store), broken: broken}
		deps := s.APIKeys.Deps
		deps.Ledger = ledger
		fresh, err := apikey.New(t.Context(), deps)
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
		for _, k := range []authtest.Key{first, second} {
			fresh.Used(fresh.Find(k.ID), now, netip.MustParseAddr("198.51.100.4"))
		}
		fresh.Strayed(fresh.Find(stray.ID), netip.MustParseAddr("198.51.100.4"))
		if err := fresh.SaveUses(t.Context()); !errors.Is(err, errBroken) {
			t.Fatalf("write %d: %v", broken, err)
		}
		if err := fresh.SaveUses(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, k := range []authtest.Key{first, second} {
			if pin := s.KeyNow(k.ID).Pin; pin != "198.51.100.0/24" {
				t.Errorf("write %d: %s is held to %q", broken, k.Text(), pin)
			}
			again := apikey.PinFirst
			if _, err := s.APIKeys.Edit(t.Context(), host, apikey.EditInput{Key: k.ID, Pin: &again}); err != nil {
				t.Fatal(err)
			}
		}
		if !s.KeyNow(stray.ID).Frozen() {
			t.Errorf("write %d: the key that strayed is not frozen", broken)
		}
		if err := s.APIKeys.Resume(t.Context(), host, stray.ID, apikey.Freeze); err != nil {
			t.Fatal(err)
		}
	}
}

// A host of IPv6 has a whole /64 to call from, which makes one line.
func TestUsesOfOneNetworkAreOneLine(t *testing.T) {
	s := authtest.Start(t)
	k := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{})
	now := time.Now()
	for _, addr := range []string{"2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::", "2001:db8:1:3::1", "203.0.113.7", "203.0.113.8", "::ffff:203.0.113.8"} {
		s.APIKeys.Count(s.APIKeys.Find(k.ID), netip.MustParseAddr(addr), "GET /v1/accounts", scope.BalancesRead, "", now)
	}
	leak, err := s.APIKeys.Leaked(t.Context(), host, k.ID, now.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, u := range leak.Uses {
		got[u.Addr] = u.Calls
	}
	want := map[string]int64{"2001:db8:1:2::/64": 3, "2001:db8:1:3::/64": 1, "203.0.113.7": 1, "203.0.113.8": 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls by place (-want +got):\n%s", diff)
	}
}

// A sum that no decimal of the row can hold in full is written once, and not again until there is another.
func TestWhatWasOrderedIsSavedOnce(t *testing.T) {
	now := time.Now().Truncate(time.Microsecond)
	s := authtest.StartWith(t, authtest.Options{Now: func() time.Time { return now }})
	key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"orders:write"}, Bounds: apikey.Bounds{DayMost: "100"}})
	ledger := &counting{Ledger: store.Of[apikey.Tx](s.Store)}
	deps := s.APIKeys.Deps
	deps.Ledger = ledger
	fresh, err := apikey.New(t.Context(), deps)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 2; n++ {
		if wrong := fresh.Find(key.ID).Order("KRW-BTC", big.NewRat(1, 3), now); wrong != nil {
			t.Fatal(wrong)
		}
		for range 3 {
			if err := fresh.SaveUses(t.Context()); err != nil || ledger.updates != n {
				t.Errorf("%d writes of %d sums, %v", ledger.updates, n, err)
			}
		}
	}
	if got := s.KeyNow(key.ID).Ordered; got != "0.666666666666666667" {
		t.Errorf("the row says %s", got)
	}
}
