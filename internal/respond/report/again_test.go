package report_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/report"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// A thief with two sessions says of the one that it was not them. What its owner says of it later still holds money and tells them; there is one case.
func TestAThiefSaysItFirst(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	ada := s.SignUp("ada@example.com")
	in, err := s.SignIns.WithPassword(t.Context(), signin.From{Origin: authtest.PersonOrigin()}, ada.Mail, secret.FromString("password", authtest.Password))
	must(t, err)
	thief := enter(t, s, ada.Mail)
	var number int64
	told, err := s.Log.Activity(t.Context(), thief, 0, audit.MaxPage)
	must(t, err)
	for _, one := range told {
		if one.Readable.Session == in.Session.ID && audit.WeightOf(one.Action) == audit.AsEntry {
			number = one.Seq
		}
	}
	held := func(p principal.Principal) time.Time {
		t.Helper()
		must(t, s.Reports.DisownSignIn(t.Context(), p, number))
		must(t, s.Reports.DisownSignIn(t.Context(), p, number)) // pressed twice
		s.Settle()
		standing, err := s.Holds.Of(t.Context(), ada.User.ID)
		must(t, err)
		return standing.Until
	}
	before := held(thief)
	clock.Advance(30 * time.Hour)
	owner := enter(t, s, ada.Mail)
	if again := held(owner); !again.After(before) || !again.After(clock.Now()) {
		t.Errorf("money is held until %v after the owner's word, %v after the thief's; it is %v", again, before, clock.Now())
	}
	list, err := s.Reports.List(t.Context(), host)
	must(t, err)
	if len(list) != 1 {
		t.Errorf("cases: %+v", list)
	}
}

// Whoever reports a thousand sign-ins of an account of their own hides nobody else's case.
func TestAFloodHidesNoCase(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	eve, ada := s.SignUp("eve@example.com"), s.SignUp("ada@example.com")
	write := func(u id.User, about string) {
		t.Helper()
		clock.Advance(time.Second)
		h := happening.Happening{Kind: happening.Disowned, User: u, About: about}
		must(t, store.Of[report.Tx](s.Store).Update(t.Context(), func(tx report.Tx) (audit.Event, error) {
			return audit.Quiet(audit.Housekeeping), report.Write(t.Context(), tx, h, clock.Now())
		}))
	}
	for i := range 1001 {
		write(eve.User.ID, "entry "+strconv.Itoa(i))
	}
	write(ada.User.ID, "entry 2000")
	list, err := s.Reports.List(t.Context(), host)
	must(t, err)
	if len(list) != 1002 || list[1001].User != ada.User.ID {
		t.Errorf("%d cases are listed, the last of %v", len(list), list[len(list)-1].User)
	}
	if counts, err := s.Reports.Count(t.Context()); err != nil || counts[report.Tally{Kind: happening.Disowned, Open: true}] != 1002 {
		t.Errorf("counted: %v, %v", counts, err)
	}
}
