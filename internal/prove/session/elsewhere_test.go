package session_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// A session that two agents show is flagged to its user for a day, on every device of theirs.
func TestASessionOfTwoAgentsIsFlagged(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now, YAML: "session: {absolute: 24h}\n"})
	ada := s.SignUp("ada@example.com")
	who := ada.Principal()
	if listed(t, s, who).Flagged(clock.Now()) {
		t.Fatal("flagged before")
	}
	thief := authtest.PersonOrigin()
	thief.Agent = "Mozilla/5.0 (Windows NT 10.0) Firefox/150.0"
	if _, err := s.Sessions.Authenticate(ada.Bearer.Reveal(), "", thief); err != nil {
		t.Fatal(err)
	}
	clock.Advance(session.Marked - time.Minute)
	l := listed(t, s, who)
	if l.Odd.Why != assurance.TwoAgents || !l.Flagged(clock.Now()) {
		t.Errorf("within the day: %+v", l.Odd)
	}
	if l.Flagged(clock.Now().Add(time.Minute)) {
		t.Errorf("a day later: %+v", l.Odd)
	}
}

// A copy of a bound session that is shown without its device is refused, counted beside the session, and told of once a day where it was shown in
// another network.
func TestACopiedSessionIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		from    string
		skipped string
		times   int
		letters int
	}{
		"in another network":            {"198.51.100.66", "", 3, 1},
		"in its own":                    {"203.0.113.7", "", 3, 0},
		"its own browser out of proofs": {"198.51.100.66", "quota_exceeded", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			clock := storetest.NewClock()
			s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
			b := s.Browser("203.0.113.7")
			b.SignUp("ada@example.com")
			b.Bind()
			who := b.Principal()
			bearer := []byte(b.Cookies["localhost:8080"][httpx.SessionCookie])
			clock.Advance(11 * time.Minute)
			from := authtest.PersonOrigin()
			from.Agent, from.Addr, from.Skipped = b.Agent, netip.MustParseAddr(c.from), c.skipped
			for range 3 {
				if _, err := s.Sessions.Authenticate(bearer, "", from); fault.CodeOf(err) != fault.SessionUnproven {
					t.Fatal(err)
				}
				if err := s.Sessions.SaveShown(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if l := listed(t, s, who); l.Copied.Times != c.times || l.Flagged(clock.Now()) != (c.times > 0) {
				t.Errorf("beside the session: %+v", l.Copied)
			}
			if state, err := s.CheckUps.Of(t.Context(), who); err != nil || state.Posture.Wrong() != (c.times > 0) {
				t.Errorf("on the overview: wrong %t, %v", state.Posture.Wrong(), err)
			}
			if got := copies(t, s, who); got != c.letters {
				t.Errorf("told %d times, want %d", got, c.letters)
			}
			clock.Advance(session.Marked)
			if _, err := s.Sessions.Authenticate(bearer, "", from); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// What was seen of a session is still seen after a restart, on either engine, and its user is not told of the copy once more. It ends with its day.
func TestAFlagOutlivesARestart(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			clock := storetest.NewClock()
			o := authtest.Options{Now: clock.Now, YAML: "session: {absolute: 24h}\n", Folder: t.TempDir()}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			s := authtest.StartWith(t, o)
			b := s.Browser("203.0.113.7")
			b.SignUp("ada@example.com")
			b.Bind()
			who, bearer := b.Principal(), []byte(b.Cookies["localhost:8080"][httpx.SessionCookie])
			odd, bare := principal.Origin{Agent: "curl/8"}, authtest.PersonOrigin()
			odd.Addr, odd.Bound = netip.MustParseAddr("203.0.113.7"), secret.FromString("bound", b.Cookies["localhost:8080"][httpx.BoundCookie]).Hash()
			bare.Addr = netip.MustParseAddr("198.51.100.66")
			if p, err := s.Sessions.Authenticate(bearer, "", odd); err != nil || p.Challenge.Why != assurance.Program {
				t.Fatalf("%+v, %v", p.Challenge, err)
			}
			clock.Advance(11 * time.Minute)
			if _, err := s.Sessions.Authenticate(bearer, "", bare); fault.CodeOf(err) != fault.SessionUnproven {
				t.Fatal(err)
			}
			before := listed(t, s, who)
			s.Settle()
			for range 2 { // the second begins with what the first wrote, and nothing of its own
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = authtest.StartWith(t, o)
			}
			after := listed(t, s, who)
			if after.Odd != before.Odd || after.Copied != before.Copied || after.Odd.Why != assurance.Program || after.Copied.Times != 1 {
				t.Errorf("%+v %+v, and before %+v %+v", after.Odd, after.Copied, before.Odd, before.Copied)
			}
			if _, err := s.Sessions.Authenticate(bearer, "", bare); fault.CodeOf(err) != fault.SessionUnproven {
				t.Fatal(err)
			}
			s.Settle()
			if l, told := listed(t, s, who), copies(t, s, who); l.Copied.Times != 2 || told != 1 {
				t.Errorf("counted %d times and told %d times", l.Copied.Times, told)
			}
			if l := listed(t, s, who); !l.Flagged(after.Copied.Last.Add(session.Marked-time.Second)) || l.Flagged(after.Copied.Last.Add(session.Marked)) {
				t.Errorf("%+v %+v do not end with their day", l.Odd, l.Copied)
			}
		})
	}
}

// What another process saw of a session is counted on from, and nothing that is older takes a mark back; a session that has ended has none.
func TestAMarkOfAnotherProcess(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	b := s.Browser("203.0.113.7")
	b.SignUp("ada@example.com")
	b.Bind()
	who, bearer := b.Principal(), []byte(b.Cookies["localhost:8080"][httpx.SessionCookie])
	clock.Advance(11 * time.Minute)
	at := clock.Now()
	heard := txn.Change{Subject: txn.SubjectSession, ID: who.Session}
	mark := func(o session.Odd, c session.Copied, changes ...txn.Change) (wrote bool) {
		t.Helper()
		err := store.Of[session.Tx](s.Store).Update(t.Context(), func(tx session.Tx) (_ audit.Event, err error) {
			wrote, err = tx.MarkSession(t.Context(), who.Session, o, c)
			for _, c := range changes {
				tx.Announce(c)
			}
			return audit.Quiet(audit.SessionTold), err
		})
		if err != nil {
			t.Fatal(err)
		}
		return wrote
	}
	if !mark(session.Odd{Why: assurance.Elsewhere, Last: at}, session.Copied{Times: 5, Last: at}, heard) {
		t.Error("the first mark was not written")
	}
	if mark(session.Odd{Why: assurance.Program, Last: at.Add(-time.Second)}, session.Copied{Times: 1, Last: at.Add(-time.Second)}, heard) {
		t.Error("an older mark was written over a newer one")
	}
	clock.Advance(time.Second)
	if _, err := s.Sessions.Authenticate(bearer, "", authtest.PersonOrigin()); fault.CodeOf(err) != fault.SessionUnproven {
		t.Fatal(err)
	}
	s.Settle()
	if l := listed(t, s, who); l.Odd != (session.Odd{Why: assurance.Elsewhere, Last: at}) || l.Copied != (session.Copied{Times: 6, Last: clock.Now().Truncate(time.Microsecond)}) {
		t.Errorf("%+v %+v", l.Odd, l.Copied)
	}
	clock.Advance(time.Second)
	mark(session.Odd{}, session.Copied{Times: 9, Last: clock.Now()}) // the rows of the feed were deleted before they were read
	if err := s.Sessions.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second)
	if _, err := s.Sessions.Authenticate(bearer, "", authtest.PersonOrigin()); fault.CodeOf(err) != fault.SessionUnproven {
		t.Fatal(err)
	}
	if l := listed(t, s, who); l.Copied.Times != 10 {
		t.Errorf("after all was read again: %+v", l.Copied)
	}
	if err := s.Sessions.SignOut(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	if clock.Advance(time.Second); mark(session.Odd{Why: assurance.Program, Last: clock.Now()}, session.Copied{}) {
		t.Error("a session that has ended was marked")
	}
}

func copies(t *testing.T, s *authtest.Stack, who principal.Principal) (n int) {
	t.Helper()
	list, err := s.Notices.Messages(t.Context(), who, id.Message{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if m.Letter == notify.SessionCopied {
			n++
		}
	}
	return n
}

func listed(t *testing.T, s *authtest.Stack, who principal.Principal) session.Listed {
	t.Helper()
	list, err := s.Sessions.List(t.Context(), who)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	return list[0]
}

// What a thief of a session's cookie could do is what room decide would say to them, and is told whole.
func TestWhatAStolenSessionCouldDo(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	now := clock.Now()
	two := assurance.Proof{Factors: assurance.Password | assurance.TOTP, At: now}
	base := session.Row{Role: principal.Owner, Proof: two, ActedAt: now, ExpiresAt: now.Add(12 * time.Hour)}
	always := []string{"-session_no_money", "-session_no_settings", "-session_ends"}
	for name, c := range map[string]struct {
		change func(r *session.Row)
		want   []string
	}{
		"two factors":         {func(*session.Row) {}, []string{"session_look", "cancel", "session_trade"}},
		"a password":          {func(r *session.Row) { r.Proof.Factors = assurance.Password }, []string{"session_look", "cancel", "-session_trade_proof"}},
		"at rest":             {func(r *session.Row) { r.ActedAt = now.Add(-30 * time.Minute) }, []string{"session_look", "cancel", "-session_trade_proof"}},
		"at rest, lent":       {func(r *session.Row) { r.ActedAt, r.Shared = now.Add(-10*time.Minute), true }, []string{"session_look", "cancel", "-session_trade_proof"}},
		"a stranger's":        {func(r *session.Row) { r.Challenge = assurance.Challenge{Why: assurance.Stranger, Needs: assurance.Phr} }, []string{"session_look", "cancel", "-session_trade_proof"}},
		"a viewer's":          {func(r *session.Row) { r.Role = principal.Viewer }, []string{"session_look", "-session_no_trade"}},
		"frozen":              {func(r *session.Row) { r.Frozen = true }, []string{"session_look", "cancel", "-session_no_trade"}},
		"bound to its device": {func(r *session.Row) { r.Bound.ProvenAt = now }, []string{"-session_bound", "session_look", "cancel", "session_trade"}},
	} {
		t.Run(name, func(t *testing.T) {
			row := base
			c.change(&row)
			var got []string
			for _, d := range s.Sessions.IfStolen(s.Policy, session.Listed{Row: row}) {
				got = append(got, map[bool]string{true: "-"}[d.Bounds]+d.What)
			}
			if diff := cmp.Diff(append(c.want, always...), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
