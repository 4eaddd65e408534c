package hold_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// TestAChangedPasswordHoldsMoneyFromTheNoticeOn: money waits at once, the day counts from the letter's arrival, and then it is over.
func TestAChangedPasswordHoldsMoneyFromTheNoticeOn(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { changePassword(t, authtest.Start(t)) })
	})
	t.Run("postgres", func(t *testing.T) {
		changePassword(t, authtest.StartWith(t, authtest.Options{PostgresDSN: storetest.Postgres.New(t)}))
	})
}

func changePassword(t *testing.T, s *authtest.Stack) {
	t.Helper()
	ada := s.SignUp("ada@example.com")
	holds := func() hold.Standing {
		t.Helper()
		standing, err := s.Holds.Of(t.Context(), ada.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		return standing
	}
	s.Settle()
	if got := holds(); got.Held {
		t.Fatalf("a new user's money is held: %+v", got)
	}
	for _, happened := range []happening.Happening{
		{Kind: happening.PasswordChanged, User: ada.User.ID, Session: ada.Principal().Session},
		{Kind: happening.KeyRevoked, User: ada.User.ID, Facts: map[string]string{"name": "grid"}},
	} {
		err := store.Of[any](s.Store).Update(t.Context(), func(tx any) (audit.Event, error) {
			return audit.Quiet(audit.Housekeeping), s.Consequences.Apply(t.Context(), tx, happened)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := holds()
	if !got.Held || !got.Until.IsZero() || len(got.Holds) != 1 {
		t.Fatalf("before its notice arrived: %+v, want one hold without an end", got)
	}
	s.Settle()
	got = holds()
	if wait := got.Until.Sub(s.Now()); !got.Held || wait > 24*time.Hour || wait < 24*time.Hour-time.Minute {
		t.Fatalf("after its notice arrived: %+v, want 24 h", got)
	}
	first := got.Holds[0]
	if err := s.Holds.Begin(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if again := holds(); again.Holds[0] != first {
		t.Errorf("a second arrival moved the end from %s to %s", first.Ends, again.Holds[0].Ends)
	}
	if first.Running(first.Ends) || !first.Running(first.Ends.Add(-time.Microsecond)) {
		t.Error("a hold must run until its end, and no longer")
	}
}

// TestMoneyOfOneAccountWaits: a hold that is about one account leaves the user's money elsewhere alone.
func TestMoneyOfOneAccountWaits(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := authtest.Options{}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			s := authtest.StartWith(t, o)
			here := s.SignUp("ada@example.com").Principal()
			elsewhere := here
			elsewhere.Account = s.SignUp("bob@example.com").Principal().Account
			err := store.Of[hold.Tx](s.Store).Update(t.Context(), func(tx hold.Tx) (audit.Event, error) {
				_, err := s.Holds.Place(t.Context(), tx, hold.Hold{User: here.User, Account: here.Account, Reason: happening.ActQuestioned, Span: time.Hour})
				return audit.Quiet(audit.Housekeeping), err
			})
			if err != nil {
				t.Fatal(err)
			}
			for p, want := range map[principal.Principal]bool{here: true, elsewhere: false} {
				if got, err := s.Holds.For(t.Context(), p); err != nil || got.Held != want {
					t.Errorf("in %s: %+v, %v; want held %t", p.Account, got, err, want)
				}
			}
		})
	}
}
