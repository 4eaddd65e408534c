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
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
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
				if err := s.Sessions.TellCopied(t.Context()); err != nil {
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
