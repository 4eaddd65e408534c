package session_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// counting counts how often somebody writes.
type counting struct {
	audit.Ledger[session.Tx]
	updates int
}

func (c *counting) Update(ctx context.Context, fn func(session.Tx) (audit.Event, error)) error {
	c.updates++
	return c.Ledger.Update(ctx, fn)
}

// Times of human acts are written together, in commits of a bounded size, and a second time only if somebody acted again.
func TestActsAreSavedTogether(t *testing.T) {
	now := time.Now().Truncate(time.Microsecond)
	s := authtest.StartWith(t, authtest.Options{Now: func() time.Time { return now }})
	var people []principal.Principal
	for i := range 12 {
		people = append(people, s.SignUp(fmt.Sprintf("ada%d@example.com", i)).Principal())
	}
	err := store.Of[session.Tx](s.Store).Update(t.Context(), func(tx session.Tx) (audit.Event, error) {
		for _, who := range people {
			mint := session.Mint{User: who.User, Account: who.Account, Subaccount: who.Subaccount, From: authtest.PersonOrigin()}
			for range session.MaxPerUser - 1 {
				if _, err := s.Sessions.Mint(t.Context(), tx, mint); err != nil {
					return audit.Event{}, err
				}
			}
		}
		return audit.Quiet(audit.Housekeeping), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ledger := &counting{Ledger: store.Of[session.Tx](s.Store)}
	deps := s.Sessions.Deps
	deps.Ledger = ledger
	fresh, err := session.New(t.Context(), deps)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	sessions := 0
	var last id.Session
	for _, who := range people {
		list, err := fresh.List(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range list {
			who.Session, last = row.ID, row.ID
			fresh.Act(who)
			sessions++
		}
	}
	if want := len(people) * session.MaxPerUser; sessions != want {
		t.Fatalf("%d sessions, want %d", sessions, want)
	}
	for _, want := range []int{2, 2} {
		if err := fresh.SaveActs(t.Context()); err != nil || ledger.updates != want {
			t.Errorf("%d commits for %d sessions, want %d in all; %v", ledger.updates, sessions, want, err)
		}
	}
	var stored session.Row
	err = ledger.View(t.Context(), func(tx session.Tx) (err error) {
		stored, _, err = tx.SessionByID(t.Context(), last)
		return err
	})
	if err != nil || !stored.ActedAt.Equal(now) {
		t.Errorf("the row says %v, want %v; %v", stored.ActedAt, now, err)
	}
}
