package report_test

import (
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/report"
)

// disowning is an old sign-in of somebody's, in whose log thieves read too.
type disowning struct {
	*authtest.Stack
	t     *testing.T
	clock *storetest.Clock
	ada   *authtest.Person
	entry int64
}

func startDisowning(t *testing.T) *disowning {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	ada := s.SignUp("ada@example.com")
	in, err := s.SignIns.WithPassword(t.Context(), signin.From{Origin: authtest.PersonOrigin()}, ada.Mail, secret.FromString("password", authtest.Password))
	must(t, err)
	told, err := s.Log.Activity(t.Context(), ada.Principal(), 0, audit.MaxPage)
	must(t, err)
	d := &disowning{s, t, clock, ada, 0}
	for _, one := range told {
		if one.Readable.Session == in.Session.ID && audit.WeightOf(one.Action) == audit.AsEntry {
			d.entry = one.Seq
		}
	}
	return d
}

func (d *disowning) disown(p principal.Principal) {
	d.t.Helper()
	must(d.t, d.Reports.DisownSignIn(d.t.Context(), p, d.entry))
}

func (d *disowning) letters() (n int) {
	d.Settle()
	for _, l := range d.Mailbox.Letters(d.ada.Mail) {
		if l.Notice == notify.Disowned {
			n++
		}
	}
	return n
}

// Each session's word counts once. One that was not the first cannot fill its owner's mailbox and log by saying it again, nor put the end of a hold off.
func TestASecondVoiceCountsOnce(t *testing.T) {
	d := startDisowning(t)
	first, second := enter(t, d.Stack, d.ada.Mail), enter(t, d.Stack, d.ada.Mail)
	d.disown(first)
	d.disown(second)
	if got := d.letters(); got != 2 {
		t.Errorf("two sessions said so, and %d letters were written", got)
	}
	standing, err := d.Holds.Of(t.Context(), d.ada.User.ID)
	must(t, err)
	for range 20 {
		d.clock.Advance(time.Minute)
		d.disown(second)
		d.disown(first)
	}
	if got := d.letters(); got != 2 {
		t.Errorf("saying so again and again, they had %d letters written", got)
	}
	if again, err := d.Holds.Of(t.Context(), d.ada.User.ID); err != nil || !again.Until.Equal(standing.Until) {
		t.Errorf("money is held until %v, and was until %v: %v", again.Until, standing.Until, err)
	}
}

// A thief says it first and an operator closes that case. The owner's word opens it again: they are not told into a drawer.
func TestAClosedCaseOpensAgain(t *testing.T) {
	d := startDisowning(t)
	d.disown(enter(t, d.Stack, d.ada.Mail))
	list, err := d.Reports.List(t.Context(), host)
	must(t, err)
	must(t, d.Reports.Close(t.Context(), host, list[0].ID, report.Mistaken, "it was them"))
	d.clock.Advance(29 * 24 * time.Hour)
	d.disown(enter(t, d.Stack, d.ada.Mail))
	if list, err = d.Reports.List(t.Context(), host); err != nil || len(list) != 1 || !list[0].Closed.IsZero() {
		t.Fatalf("after the owner's word: %+v, %v", list, err)
	}
	d.clock.Advance(2 * 24 * time.Hour)
	if one, err := d.Reports.Show(t.Context(), host, list[0].ID); err != nil || one.Evidence[report.Note] != "it was them" {
		t.Errorf("two days later: %+v, %v", one, err)
	}
}
