package apikey_test

import (
	"context"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// counting counts how often somebody writes.
type counting struct {
	audit.Ledger[apikey.Tx]
	updates int
}

func (c *counting) Update(ctx context.Context, fn func(apikey.Tx) (audit.Event, error)) error {
	c.updates++
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
