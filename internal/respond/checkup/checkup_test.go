package checkup_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/checkup"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
)

var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// guarded is an account that lacks nothing.
func guarded() checkup.Account {
	this := principal.Principal{Kind: principal.KindUser, Session: id.Session{1}, Proof: assurance.Proof{Factors: assurance.Passkey, UserVerified: true, PhishingResistant: true}}
	return checkup.Account{
		Now: now, This: this,
		Methods: factor.Methods{
			Passkeys: []passkey.Credential{{ID: id.Passkey{1}, Name: "phone", Born: now}, {ID: id.Passkey{2}, Name: "key", Born: now}},
			Codes:    &factor.RecoverySet{Born: now, ConfirmedAt: now, Left: 10},
		},
		Reached:  contact.Reached{Mail: "a@example.com", Contact: contact.Contact{Second: "b@example.com", Phrase: "blue heron"}},
		Sessions: []session.Listed{{Row: session.Row{ID: id.Session{1}}}},
		Keys:     []apikey.Key{{ID: id.Key{1}, Scopes: scope.Of(scope.OrdersRead), Born: now, LastUsedAt: now, ExpiresAt: now.AddDate(0, 3, 0)}},
		Prepared: checkup.Prepared{RehearsedAt: now}, Looked: now.AddDate(0, 0, -29),
	}
}

// Each line of the table of gaps takes what it says from its own layer, and from no other.
func TestEachGapCostsWhatTheTableSays(t *testing.T) {
	if p := checkup.Assess(guarded()); p.Points != 100 || len(p.Gaps) != 0 || p.Wrong() {
		t.Fatalf("an account that lacks nothing: %+v", p)
	}
	tests := []struct {
		gap    string
		layer  checkup.Layer
		points int
		wrong  bool
		lack   func(a *checkup.Account)
	}{
		{"claim", checkup.Recovery, 20, true, func(a *checkup.Account) { a.Prepared.Claims = 1 }},
		{"leaving", checkup.Recovery, 20, true, func(a *checkup.Account) { a.Prepared.Leaving = true }},
		{"reported", checkup.Sessions, 10, true, func(a *checkup.Account) { a.Held.Holds = []hold.Hold{{Reason: happening.ReportedSession}} }},
		{"stranger", checkup.Sessions, 10, true, func(a *checkup.Account) {
			a.Sessions = append(a.Sessions, session.Listed{Row: session.Row{ID: id.Session{2}, Challenge: assurance.Challenge{Why: assurance.Stranger, Needs: assurance.Mfa}}})
		}},
		{"copied", checkup.Sessions, 10, true, func(a *checkup.Account) {
			a.Sessions[0].Copied = session.Copied{Times: 1, Last: now.Add(-23 * time.Hour)}
		}},
		{"odd", checkup.Sessions, 10, true, func(a *checkup.Account) {
			a.Sessions = append(a.Sessions, session.Listed{Row: session.Row{ID: id.Session{2}, Odd: session.Odd{Why: assurance.TwoAgents, Last: now.Add(-23 * time.Hour)}}})
		}},
		{"proof", checkup.Sessions, 4, false, func(a *checkup.Account) { a.This.Proof = assurance.Proof{Factors: assurance.Password} }},
		{"reported", checkup.Sessions, 10, true, func(a *checkup.Account) { a.Held.Holds = []hold.Hold{{Reason: happening.Disowned}} }},
		{"codes", checkup.Recovery, 12, false, func(a *checkup.Account) { a.Methods.Codes = nil }},
		{"codes_kept", checkup.Recovery, 12, false, func(a *checkup.Account) { a.Methods.Codes.ConfirmedAt = time.Time{} }},
		{"codes_few", checkup.Recovery, 4, false, func(a *checkup.Account) { a.Methods.Codes.Left = 3 }},
		{"rehearsal", checkup.Recovery, 4, false, func(a *checkup.Account) { a.Prepared.RehearsedAt = now.AddDate(-1, 0, -1) }},
		{"way", checkup.SignIn, 8, false, func(a *checkup.Account) { a.Methods.Passkeys = a.Methods.Passkeys[:1] }},
		{"second", checkup.Contact, 10, false, func(a *checkup.Account) { a.Reached.Second = "" }},
		{"phrase", checkup.Contact, 6, false, func(a *checkup.Account) { a.Reached.Phrase = "" }},
		{"key_open", checkup.Keys, 10, false, func(a *checkup.Account) { a.Keys[0].Scopes = scope.Of(scope.OrdersWrite) }},
		{"key_ends", checkup.Keys, 4, false, func(a *checkup.Account) { a.Keys[0].ExpiresAt = now.AddDate(0, 0, 13) }},
		{"key_unused", checkup.Keys, 4, false, func(a *checkup.Account) {
			a.Keys[0].Born, a.Keys[0].LastUsedAt = now.AddDate(0, 0, -40), now.AddDate(0, 0, -31)
		}},
		{"key_wide", checkup.Keys, 2, false, func(a *checkup.Account) { a.Unneeded = true }},
		{"shared", checkup.Sessions, 4, false, func(a *checkup.Account) {
			a.Sessions = append(a.Sessions, session.Listed{Row: session.Row{ID: id.Session{2}, Shared: true}})
		}},
		{"check_up", checkup.Sessions, 2, false, func(a *checkup.Account) { a.Looked = now.AddDate(0, 0, -30) }},
		{"many", checkup.Sessions, 2, false, func(a *checkup.Account) { a.Sessions = slices.Repeat(a.Sessions, 6) }},
	}
	for _, test := range tests {
		t.Run(test.gap, func(t *testing.T) {
			a := guarded()
			test.lack(&a)
			p := checkup.Assess(a)
			want := []checkup.Gap{{Code: test.gap, Layer: test.layer, Points: test.points, Wrong: test.wrong}}
			if diff := cmp.Diff(want, p.Gaps); diff != "" {
				t.Error(diff)
			}
			if p.Points != 100-test.points || p.Wrong() != test.wrong {
				t.Errorf("%d points, wrong %t", p.Points, p.Wrong())
			}
			for _, l := range p.Layers {
				if lost := checkup.Whole - l.Points; (lost > 0) != (l.Layer == test.layer) || lost > test.points {
					t.Errorf("%s lost %d", l.Layer, lost)
				}
			}
		})
	}
}

// Somebody with a password alone is told of the second factor, and not of all that comes after it; a layer loses no more than it has.
func TestTheFirstStepIsTheFirst(t *testing.T) {
	a := guarded()
	a.Methods = factor.Methods{Password: &factor.StoredPassword{}}
	a.This.Proof = assurance.Proof{Factors: assurance.Password}
	a.Prepared.Claims = 2
	p := checkup.Assess(a)
	var codes []string
	for _, g := range p.Gaps {
		codes = append(codes, g.Code)
	}
	if diff := cmp.Diff([]string{"claim", "factor", "way_back"}, codes); diff != "" {
		t.Error(diff)
	}
	if p.Points != 60 {
		t.Errorf("%d points", p.Points)
	}
}

// Each step to more safety is worth points, or costs none: a password alone, an app beside it, codes that wait to be shown, codes that were.
func TestWhatMakesAnAccountSaferCostsNoPoints(t *testing.T) {
	a, last := guarded(), 0
	password, app := assurance.Proof{Factors: assurance.Password}, &factor.StoredTOTP{}
	a.Prepared.RehearsedAt, a.This.Proof = time.Time{}, password
	for _, step := range []struct {
		name string
		take func()
	}{
		{"a password", func() { a.Methods = factor.Methods{Password: &factor.StoredPassword{}} }},
		{"an app", func() { a.Methods.TOTP = app }},
		{"ten codes", func() { a.Methods.Codes = &factor.RecoverySet{Born: now, Left: 10} }},
		{"codes that are kept", func() { a.Methods.Codes.ConfirmedAt = now }},
		{"a rehearsal", func() { a.Prepared.RehearsedAt = now }},
	} {
		step.take()
		p := checkup.Assess(a)
		if p.Points < last {
			t.Errorf("%s: %d points after %d: %+v", step.name, p.Points, last, p.Gaps)
		}
		last = p.Points
	}
}

// A yes rests until what it was about changes; a session that owes a proof, and a state that was not shown, are refused.
func TestAYesRestsUntilItsThingChanges(t *testing.T) {
	s := authtest.Start(t)
	b := s.SignUp("ada@example.com")
	who := b.Principal()
	open := func() (items []string, state checkup.State) {
		t.Helper()
		state, err := s.CheckUps.Of(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range state.Questions {
			if q.Confirmed.IsZero() {
				items = append(items, q.Item())
			}
		}
		return items, state
	}
	items, state := open()
	if diff := cmp.Diff([]string{"password", "mail"}, items); diff != "" {
		t.Fatal(diff)
	}
	if err := s.CheckUps.Confirm(t.Context(), who, "password", state.Questions[1].State()); fault.CodeOf(err) != fault.CheckUpChanged {
		t.Errorf("a yes to something else: %v", err)
	}
	limited := who
	limited.Challenge = assurance.Challenge{Why: assurance.Stranger, Needs: assurance.Mfa}
	if err := s.CheckUps.Confirm(t.Context(), limited, "password", state.Questions[0].State()); fault.CodeOf(err) != fault.DeviceUnknown {
		t.Errorf("a stranger's yes: %v", err)
	}
	for _, q := range state.Questions {
		if err := s.CheckUps.Confirm(t.Context(), who, q.Item(), q.State()); err != nil {
			t.Fatal(err)
		}
	}
	if items, state = open(); len(items) > 0 || state.Confirmed().IsZero() {
		t.Errorf("after a yes to everything: %v, %v", items, state.Confirmed())
	}
	if away, err := s.CheckUps.TipAway(t.Context(), who, "keys"); away || err != nil {
		t.Errorf("a tip is away before anybody put it there: %v", err)
	}
	if err := s.CheckUps.PutTipAway(t.Context(), who, "keys"); err != nil {
		t.Fatal(err)
	}
	if away, err := s.CheckUps.TipAway(t.Context(), who, "keys"); !away || err != nil {
		t.Errorf("a tip came back: %v", err)
	}
	if err := s.CheckUps.PutTipAway(t.Context(), who, "nonsense"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a tip that is none: %v", err)
	}
	b.EnrolTOTP()
	who = b.Principal()
	if items, _ = open(); !slices.Contains(items, "app") || slices.Contains(items, "mail") {
		t.Errorf("after a new app: %v", items)
	}
}

// What docs/check-up.md promises is what is counted, in the same order.
func TestTheDocumentedAmountsAreCounted(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/check-up.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []checkup.Gap
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z_]+) \\| ([0-9]+) \\| (yes)? ?\\|").FindAllStringSubmatch(string(raw), -1) {
		points, err := strconv.Atoi(m[3])
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, checkup.Gap{Code: m[1], Layer: checkup.Layer(m[2]), Points: points, Wrong: m[4] == "yes"})
	}
	if diff := cmp.Diff(checkup.GapTable(), told); diff != "" {
		t.Errorf("counted against documented:\n%s", diff)
	}
}

// A yes to a key with a ceiling is none to the key without.
func TestAYesEndsWithTheCeiling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.Start(t)
		ada := s.SignUp("ada@example.com")
		k := s.IssueKey(ada, apikey.IssueInput{Scopes: []string{"orders:write"}, Bounds: apikey.Bounds{OrderMost: "1000", DayMost: "5000", Markets: []string{"KRW-BTC"}, PerSecond: 1}})
		open := func() (q checkup.Question) {
			state, err := s.CheckUps.Of(t.Context(), ada.Principal())
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range state.Questions {
				if q.Kind == checkup.AboutKey {
					return q
				}
			}
			t.Fatal("no question")
			return q
		}
		q := open()
		if err := s.CheckUps.Confirm(t.Context(), ada.Principal(), q.Item(), q.State()); err != nil {
			t.Fatal(err)
		}
		host := principal.Host("tests")
		host.User, host.Account = ada.User.ID, ada.Principal().Account
		if _, err := s.APIKeys.Edit(t.Context(), host, apikey.EditInput{Key: k.ID, Bounds: &apikey.Bounds{}}); err != nil {
			t.Fatal(err)
		}
		if q := open(); !q.Confirmed.IsZero() {
			t.Error("the key lost every bound, and the yes to it stands")
		}
	})
}

// The check-up is due a month after its user went through it: whole, or by answering the last open question. A stranger cannot put it off, and the answer to
// one of several does not.
func TestItIsDueOnceAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.Start(t)
		ada := s.SignUp("ada@example.com")
		due := func(want bool) {
			t.Helper()
			if due, err := s.CheckUps.Due(t.Context(), ada.Principal()); err != nil || due != want {
				t.Errorf("due %t, want %t: %v", due, want, err)
			}
		}
		answer := func() {
			t.Helper()
			state, err := s.CheckUps.Of(t.Context(), ada.Principal())
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range state.Questions {
				if q.Confirmed.IsZero() {
					if err := s.CheckUps.Confirm(t.Context(), ada.Principal(), q.Item(), q.State()); err != nil {
						t.Fatal(err)
					}
					return
				}
			}
			t.Fatal("nothing is open")
		}
		month := func() {
			t.Helper()
			time.Sleep(30 * 24 * time.Hour)
			ada.SignIn()
			due(true)
		}
		due(false)
		month()
		limited := ada.Principal()
		limited.Challenge = assurance.Challenge{Why: assurance.Stranger, Needs: assurance.Mfa}
		if err := s.CheckUps.LookThrough(t.Context(), limited); fault.CodeOf(err) != fault.DeviceUnknown {
			t.Errorf("a stranger's: %v", err)
		}
		answer() // the password
		due(true)
		answer() // the mail address: all
		due(false)
		month()
		for range 3 { // one event
			if err := s.CheckUps.LookThrough(t.Context(), ada.Principal()); err != nil {
				t.Fatal(err)
			}
		}
		due(false)
		page, err := s.Log.Activity(t.Context(), ada.Principal(), 0, 2)
		if err != nil || page[0].Action != audit.CheckUpDone || page[1].Action == audit.CheckUpDone {
			t.Errorf("written down: %v, %v", page, err)
		}
	})
}
