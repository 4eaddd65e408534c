package report_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
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

var host = principal.Host("tests")

// A sign-in of which nothing is left but its line in the log can be disowned: money is held, and operators read what is known of it, for 30 days.
func TestASignInLongOver(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	ada, kim := s.SignUp("ada@example.com"), s.SignUp("kim@example.com")
	from := signin.From{Origin: authtest.PersonOrigin()}
	from.Origin.Agent = "somebody's browser"
	in, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, secret.FromString("password", authtest.Password))
	must(t, err)
	clock.Advance(3 * 24 * time.Hour)
	must(t, sweep(t, s, clock))
	who, other := enter(t, s, ada.Mail), enter(t, s, kim.Mail)

	told, err := s.Log.Activity(t.Context(), who, 0, audit.MaxPage)
	must(t, err)
	var theirs, mine int64
	for _, one := range told {
		switch one.Readable.Session {
		case in.Session.ID:
			theirs = one.Seq
		case who.Session:
			mine = one.Seq
		}
	}
	for name, c := range map[string]struct {
		who    principal.Principal
		number int64
	}{"somebody else's": {other, theirs}, "one's own": {who, mine}, "no entry": {who, theirs + 1000}, "no sign-in": {who, told[len(told)-1].Seq}} {
		if err := s.Reports.DisownSignIn(t.Context(), c.who, c.number); fault.CodeOf(err) != fault.SignInEntryUnknown {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range 2 {
		must(t, s.Reports.DisownSignIn(t.Context(), who, theirs))
	}
	if standing, err := s.Holds.Of(t.Context(), who.User); err != nil || len(standing.Holds) != 1 {
		t.Errorf("held by %+v, %v: want once", standing.Holds, err)
	}

	list, err := s.Reports.List(t.Context(), host)
	must(t, err)
	if len(list) != 1 || list[0].Kind != happening.Disowned || list[0].User != who.User || list[0].About != in.Session.ID.String() || list[0].Evidence != nil {
		t.Fatalf("listed: %+v", list)
	}
	shown, err := s.Reports.Show(t.Context(), host, list[0].ID)
	must(t, err)
	if shown.Evidence["agent"] != "somebody's browser" || shown.Evidence["session"] != in.Session.ID.String() || shown.Evidence["action"] == "" {
		t.Errorf("evidence: %v", shown.Evidence)
	}
	if _, err := s.Reports.Show(t.Context(), who, list[0].ID); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("shown to its user: %v", err)
	}
	if _, err := s.Reports.List(t.Context(), who); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("listed to its user: %v", err)
	}

	if counts, err := s.Reports.Count(t.Context()); err != nil || !cmp.Equal(counts, map[report.Tally]int{{Kind: happening.Disowned, Open: true}: 1}) {
		t.Errorf("counted: %v, %v", counts, err)
	}
	closes(t, s, who, list[0].ID)

	clock.Advance(report.Kept)
	if err := s.Reports.Close(t.Context(), host, list[0].ID, report.Unclear, "late"); fault.CodeOf(err) != fault.CaseUnknown {
		t.Errorf("closed after its time: %v", err)
	}
	if _, err := s.Reports.Show(t.Context(), host, list[0].ID); fault.CodeOf(err) != fault.CaseUnknown {
		t.Errorf("after its time: %v", err)
	}
	if counts, err := s.Reports.Count(t.Context()); err != nil || !cmp.Equal(counts, map[report.Tally]int{}) {
		t.Errorf("counted: %v, %v", counts, err)
	}
}

// closes closes a case of who: once, with an outcome and a note that they read, and for operators alone. It can be read on.
func closes(t *testing.T, s *authtest.Stack, who principal.Principal, which id.Case) {
	t.Helper()
	for name, c := range map[string]struct {
		by      principal.Principal
		outcome report.Outcome
		note    string
		want    fault.Code
	}{
		"by its user":           {who, report.Stranger, "me", fault.Forbidden},
		"with no outcome":       {host, "", "spoke to them", fault.RequestInvalid},
		"with another outcome":  {host, "solved", "spoke to them", fault.RequestInvalid},
		"with no note":          {host, report.Stranger, " \t", fault.RequestInvalid},
		"with a note of escape": {host, report.Stranger, "a\x1b[2Kb", fault.RequestInvalid},
		"with a long note":      {host, report.Stranger, strings.Repeat("x", 1001), fault.RequestInvalid},
	} {
		if err := s.Reports.Close(t.Context(), c.by, which, c.outcome, c.note); fault.CodeOf(err) != c.want {
			t.Errorf("closed %s: %v, want %s", name, err, c.want)
		}
	}
	must(t, s.Reports.Close(t.Context(), host, which, report.Stranger, "spoke to them"))
	if err := s.Reports.Close(t.Context(), host, which, report.Mistaken, "or not"); fault.CodeOf(err) != fault.CaseOver {
		t.Errorf("closed twice: %v", err)
	}
	shown, err := s.Reports.Show(t.Context(), host, which)
	must(t, err)
	if shown.Outcome != report.Stranger || shown.Closed.IsZero() || shown.Evidence[report.Note] != "spoke to them" || shown.Evidence["agent"] == "" {
		t.Errorf("shown closed: %+v", shown)
	}
	if counts, err := s.Reports.Count(t.Context()); err != nil || !cmp.Equal(counts, map[report.Tally]int{{Kind: happening.Disowned}: 1}) {
		t.Errorf("counted closed: %v, %v", counts, err)
	}
	told, err := s.Log.Activity(t.Context(), who, 0, audit.MaxPage)
	must(t, err)
	if !slices.ContainsFunc(told, func(one audit.Told) bool {
		return one.Action == audit.ReportClosed && one.Readable.Facts[report.Note] == "spoke to them"
	}) {
		t.Error("its user is not told")
	}
}

// A session that is disowned while it lives gives operators its case, which goes with its user.
func TestACaseGoesWithItsUser(t *testing.T) {
	s := authtest.Start(t)
	ada := s.SignUp("ada@example.com")
	in, err := s.SignIns.WithPassword(t.Context(), signin.From{Origin: authtest.PersonOrigin()}, ada.Mail, secret.FromString("password", authtest.Password))
	must(t, err)
	must(t, s.Sessions.Disown(t.Context(), ada.Principal(), in.Session.ID))
	list, err := s.Reports.List(t.Context(), host)
	must(t, err)
	if len(list) != 1 || list[0].About != in.Session.ID.String() {
		t.Fatalf("listed: %+v", list)
	}
	must(t, s.Accounts.Disable(t.Context(), host, ada.User.ID))
	must(t, s.Accounts.Erase(t.Context(), host, ada.User.ID))
	if list, err = s.Reports.List(t.Context(), host); err != nil || len(list) > 0 {
		t.Errorf("after the erasure: %+v, %v", list, err)
	}
}

// enter signs somebody in.
func enter(t *testing.T, s *authtest.Stack, mail string) principal.Principal {
	t.Helper()
	from := signin.From{Origin: authtest.PersonOrigin()}
	in, err := s.SignIns.WithPassword(t.Context(), from, mail, secret.FromString("password", authtest.Password))
	must(t, err)
	who, err := s.Sessions.Authenticate(in.Bearer.Reveal(), "", from.Origin)
	must(t, err)
	return who
}

// sweeper is the view of a transaction that deletes what has expired.
type sweeper interface {
	Sweep(ctx context.Context, now time.Time, limit int64) (int64, bool, error)
}

func sweep(t *testing.T, s *authtest.Stack, clock *storetest.Clock) error {
	t.Helper()
	return store.Of[sweeper](s.Store).Update(t.Context(), func(tx sweeper) (audit.Event, error) {
		_, _, err := tx.Sweep(t.Context(), clock.Now(), 1000)
		return audit.Quiet(audit.Housekeeping), err
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
