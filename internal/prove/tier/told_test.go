package tier_test

import (
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/tier"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

const line = "high_value: {value: \"50000000\", roles: [treasurer]}\n"

// TestABackendTellsOfAUser: above the value, or with the role, they are told once, and are so a notice later; below it they are so until the backend said
// for a while that they are not.
func TestABackendTellsOfAUser(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			clock := storetest.NewClock()
			o := authtest.Options{Now: clock.Now, YAML: line}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			s := authtest.StartWith(t, o)
			ada := s.SignUp("ada@example.com")
			u := ada.User.ID
			letters := func(which notify.Letter) (n int) {
				s.Settle()
				for _, l := range s.Mailbox.Letters("ada@example.com") {
					if l.Notice == which {
						n++
					}
				}
				return n
			}
			tell := func(value, role string, high bool) tier.Standing {
				t.Helper()
				got, err := s.Tiers.Tell(t.Context(), "paper", tier.Told{User: u, Value: value, Role: role})
				if err != nil || high == got.From.IsZero() {
					t.Errorf("%q %q: %+v %v, want high %t", value, role, got, err, high)
				}
				return got
			}
			tell("49999999.99", "intern", false)
			first := tell("50000000", "", true)
			if wait := first.From.Sub(clock.Now()); wait != 7*24*time.Hour {
				t.Errorf("a passkey is asked for after %v", wait)
			}
			clock.Advance(24 * time.Hour)
			if again := tell("90000000", "", true); !again.From.Equal(first.From) || letters(notify.UserRaised) != 1 {
				t.Errorf("said again: from %v, %d letters", again.From, letters(notify.UserRaised))
			}
			tell("0", "treasurer", true)
			emptied := tell("0", "", true)
			if wait := emptied.Until.Sub(clock.Now()); wait != 30*24*time.Hour {
				t.Errorf("an emptied account ends what protects it after %v", wait)
			}
			clock.Advance(30*24*time.Hour - time.Second)
			tell("0", "", true)
			clock.Advance(time.Second)
			tell("0", "", false)
			if letters(notify.UserLowered) != 1 {
				t.Errorf("%d letters say that it is over", letters(notify.UserLowered))
			}
			tell("0", "", false)
		})
	}
}

// TestARoleAloneIsEnough: of somebody whose value was never above the threshold, and where no value is asked for at all.
func TestARoleAloneIsEnough(t *testing.T) {
	for _, row := range []struct{ terms, value string }{{line, "0"}, {"high_value: {roles: [treasurer]}\n", ""}} {
		s := authtest.StartWith(t, authtest.Options{YAML: row.terms})
		u := s.SignUp("ada@example.com").User.ID
		for _, told := range []struct {
			role string
			high bool
		}{{"intern", false}, {"", false}, {"treasurer", true}} {
			got, err := s.Tiers.Tell(t.Context(), "paper", tier.Told{User: u, Value: row.value, Role: told.role})
			if err != nil || got.From.IsZero() == told.high {
				t.Errorf("%s%q: %+v %v, want high %t", row.terms, told.role, got, err, told.high)
			}
		}
	}
}

// TestEachTakesBackTheirOwnWord: what the operator or another upstream said stays, and the operator's Lower is the last word until somebody says it again.
func TestEachTakesBackTheirOwnWord(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now, YAML: line})
	u := s.SignUp("ada@example.com").User.ID
	host := principal.Host("tests")
	high := func(upstream, value string) bool {
		t.Helper()
		got, err := s.Tiers.Tell(t.Context(), upstream, tier.Told{User: u, Value: value})
		if err != nil {
			t.Fatal(err)
		}
		return !got.From.IsZero()
	}
	high("paper", "50000000")
	high("other", "50000000")
	if err := s.Tiers.Raise(t.Context(), host, u); err != nil {
		t.Fatal(err)
	}
	clock.Advance(30 * 24 * time.Hour)
	for _, upstream := range []string{"paper", "other", "third"} {
		if !high(upstream, "0") {
			t.Errorf("%s took back what others had said", upstream)
		}
	}
	high("paper", "50000000")
	if err := s.Tiers.Lower(t.Context(), host, u); err != nil {
		t.Fatal(err)
	}
	if high("paper", "0") {
		t.Error("lowered by the operator, and still high")
	}
	if !high("paper", "50000000") {
		t.Error("a new word after the operator's says nothing")
	}
}

func TestWhatIsNoWord(t *testing.T) {
	s, none := authtest.StartWith(t, authtest.Options{YAML: line}), authtest.Start(t)
	u := s.SignUp("ada@example.com").User.ID
	for name, row := range map[string]struct {
		at   *authtest.Stack
		told tier.Told
		want fault.Code
	}{
		"a user who is not there":  {s, tier.Told{User: id.New[id.UserKind](s.Now()), Value: "1"}, fault.RequestInvalid},
		"no value":                 {s, tier.Told{User: u, Role: "treasurer"}, fault.RequestInvalid},
		"a value that is negative": {s, tier.Told{User: u, Value: "-1"}, fault.RequestInvalid},
		"a value as a power":       {s, tier.Told{User: u, Value: "1e9"}, fault.RequestInvalid},
		"where nothing is set":     {none, tier.Told{User: u, Value: "50000000"}, fault.TierNoThreshold},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := row.at.Tiers.Tell(t.Context(), "paper", row.told); fault.CodeOf(err) != row.want {
				t.Errorf("%v, want %s", err, row.want)
			}
		})
	}
	if err := s.Accounts.Disable(t.Context(), principal.Host("tests"), u); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tiers.Tell(t.Context(), "paper", tier.Told{User: u, Value: "50000000"}); fault.CodeOf(err) != fault.RequestInvalid {
		t.Errorf("of somebody who is disabled: %v", err)
	}
}
