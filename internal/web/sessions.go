package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// sessions are the pages about what is open.
type sessions struct {
	sessions interface {
		List(ctx context.Context, p principal.Principal) ([]session.Listed, error)
		IfStolen(decide decision.Decider, l session.Listed) []session.Danger
		IdleOf(p principal.Principal) time.Duration
		SignOut(ctx context.Context, p principal.Principal) error
		Revoke(ctx context.Context, p principal.Principal, s id.Session) error
		Disown(ctx context.Context, p principal.Principal, s id.Session) error
		RevokeSelected(ctx context.Context, p principal.Principal, selected []id.Session) (int, error)
		SignOutOthers(ctx context.Context, p principal.Principal, bots session.Bots) (int, error)
		SignOutEverywhere(ctx context.Context, p principal.Principal, bots session.Bots) (int, error)
	}
	remembered interface {
		RememberedBy(ctx context.Context, p principal.Principal) ([]device.Remembering, error)
		ForgetThere(ctx context.Context, p principal.Principal, d id.Device) error
		NeverRemembered(ctx context.Context, p principal.Principal) (bool, error)
		NeverRemember(ctx context.Context, p principal.Principal) error
		MayRemember(ctx context.Context, p principal.Principal) error
	}
	factors interface {
		Restore(ctx context.Context, p principal.Principal) error
	}
	decide decision.Decider
	now    func() time.Time
}

func (s *sessions) mount(on mounter) {
	on(http.MethodGet, "/sessions", s.list)
	on(http.MethodPost, "/sign-out", s.signOut)
	on(http.MethodPost, "/sessions/{id}/sign-out", s.revoke)
	on(http.MethodPost, "/sessions/{id}/not-me", s.disown)
	on(http.MethodPost, "/remembered/{id}/forget", s.forgetThere)
	on(http.MethodPost, "/sessions/never-remember", func(v *visit) error { return s.remembering(v, "never_remembered", s.remembered.NeverRemember) })
	on(http.MethodPost, "/sessions/may-remember", func(v *visit) error { return s.remembering(v, "may_remember", s.remembered.MayRemember) })
	on(http.MethodPost, "/sessions/restore", s.restore)
	on(http.MethodPost, "/sessions/sign-out-selected", s.signOutSelected)
	on(http.MethodPost, "/sessions/sign-out-others", s.signOutOthers)
	on(http.MethodPost, "/sessions/sign-out-everywhere", s.signOutEverywhere)
}

func (s *sessions) list(v *visit) error {
	rows, err := s.sessions.List(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	now := s.now()
	slices.SortFunc(rows, func(a, b session.Listed) int {
		if (a.ID == v.who.Session) != (b.ID == v.who.Session) {
			return map[bool]int{true: -1, false: 1}[a.ID == v.who.Session]
		}
		if a, b := a.Flagged(now), b.Flagged(now); a != b {
			return map[bool]int{true: -1, false: 1}[a]
		}
		return cmp.Or(b.ActedAt.Compare(a.ActedAt), b.Born.Compare(a.Born))
	})
	view := page.Sessions{Idle: v.words.Span(s.sessions.IdleOf(v.who)), Places: v.web.Places}
	for _, row := range rows {
		var hosts []page.OpenHost
		for _, child := range row.Children {
			hosts = append(hosts, page.OpenHost{Authority: child.Host, Opened: v.when(child.Born)})
		}
		shown := page.Session{
			ID: row.ID.String(), Device: v.device(row.Agent), Place: v.web.Describe.Place(row.Addr, v.words.Lang()), Agent: row.Agent, Addr: row.Addr, Proven: v.proven(row.Proof),
			Opened: v.when(row.Born), Acted: v.when(row.ActedAt), Ends: v.when(row.ExpiresAt), Mine: row.ID == v.who.Session,
			Shared: row.Shared, Limited: row.Challenge.Open(now), Hosts: hosts,
			Bound: row.Bound.Holds(), Proof: v.when(row.Bound.ProvenAt), Skipped: row.Skipped,
		}
		for _, d := range s.sessions.IfStolen(s.decide, row) {
			shown.Could = append(shown.Could, page.Danger{Text: v.words.Danger(d.What, d.Facts), Bounds: d.Bounds})
		}
		if row.Odd.Fresh(now) {
			shown.Odd, shown.OddAt = string(row.Odd.Why), v.when(row.Odd.Last)
		}
		if row.Copied.Fresh(now) {
			shown.Copied, shown.CopiedAt = v.words.Count("sessions.copied_times", row.Copied.Times), v.when(row.Copied.Last)
		}
		view.List = append(view.List, shown)
	}
	if view.Never, err = s.remembered.NeverRemembered(v.r.Context(), v.who); err != nil {
		return err
	}
	browsers, err := s.remembered.RememberedBy(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	for _, b := range browsers {
		view.Remembering = append(view.Remembering, page.Remembering{
			ID: b.ID.String(), Device: v.device(b.Agent), Since: v.when(b.Since), Mine: b.ID == v.who.Origin.Device,
		})
	}
	return v.show(page.SessionsPage(v.frame("nav.sessions"), view))
}

// remembering turns whether browsers may show the account at all.
func (s *sessions) remembering(v *visit, said string, turn func(context.Context, principal.Principal) error) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	if err := turn(v.r.Context(), v.who); err != nil {
		return err
	}
	v.say(said)
	return v.leave("/sessions")
}

func (s *sessions) forgetThere(v *visit) error {
	in, err := v.form.only("return_to")
	if err != nil {
		return err
	}
	which, err := id.Parse[id.DeviceKind](v.r.PathValue("id"))
	if err != nil {
		return fault.New(fault.NotFound)
	}
	if err := s.remembered.ForgetThere(v.r.Context(), v.who, which); err != nil {
		return err
	}
	v.say("forgotten")
	if in["return_to"] != "" {
		return v.leave(v.web.local(in["return_to"]))
	}
	return v.leave("/sessions")
}

func (s *sessions) signOut(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	if err := s.sessions.SignOut(v.r.Context(), v.who); err != nil {
		return err
	}
	return goodbye(v, "signed_out", 0)
}

// goodbye leaves a browser without a session.
func goodbye(v *visit, said string, n int) error {
	httpx.SignedOut(v.w)
	v.sayCount(said, n)
	return v.leave("/sign-in")
}

func (s *sessions) revoke(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	sid, err := id.Parse[id.SessionKind](v.r.PathValue("id"))
	if err != nil {
		return fault.New(fault.SessionNotFound)
	}
	if err := s.sessions.Revoke(v.r.Context(), v.who, sid); err != nil {
		return err
	}
	if sid == v.who.Session {
		return goodbye(v, "signed_out", 0)
	}
	v.say("session_signed_out")
	return v.leave("/sessions")
}

// disown ends a session that was not its user's, and guides them on to what the stranger may know.
func (s *sessions) disown(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	sid, err := id.Parse[id.SessionKind](v.r.PathValue("id"))
	if err != nil {
		return fault.New(fault.SessionNotFound)
	}
	if err := s.sessions.Disown(v.r.Context(), v.who, sid); err != nil {
		return err
	}
	v.say("session_disowned")
	return v.leave("/disowned")
}

// restore answers the challenge of this session. It is the step-up before it that takes the proof.
func (s *sessions) restore(v *visit) error {
	in, err := v.form.only("return_to")
	if err != nil {
		return err
	}
	if err := s.factors.Restore(v.r.Context(), v.who); err != nil {
		return err
	}
	v.say("session_restored")
	return v.leave(v.web.local(in["return_to"]))
}

func (s *sessions) signOutSelected(v *visit) error {
	ticked := v.form.takeAll("session")
	if _, err := v.form.only(); err != nil {
		return err
	}
	var selected []id.Session
	for _, text := range ticked[:min(len(ticked), session.MaxPerUser)] {
		sid, err := id.Parse[id.SessionKind](text)
		if err != nil {
			return fault.New(fault.SessionNotFound)
		}
		selected = append(selected, sid)
	}
	if len(selected) == 0 {
		v.say("none_selected")
		return v.leave("/sessions")
	}
	n, err := s.sessions.RevokeSelected(v.r.Context(), v.who, selected)
	if err != nil {
		return err
	}
	v.sayCount("selected_signed_out", n)
	return v.leave("/sessions")
}

func (s *sessions) signOutOthers(v *visit) error {
	bots, err := v.bots()
	if err != nil {
		return err
	}
	n, err := s.sessions.SignOutOthers(v.r.Context(), v.who, bots)
	if err != nil {
		return err
	}
	v.sayCount(saidOf(bots, "others_signed_out", "others_signed_out_frozen"), n)
	return v.leave("/sessions")
}

func (s *sessions) signOutEverywhere(v *visit) error {
	bots, err := v.bots()
	if err != nil {
		return err
	}
	n, err := s.sessions.SignOutEverywhere(v.r.Context(), v.who, bots)
	if err != nil {
		return err
	}
	return goodbye(v, saidOf(bots, "everywhere_signed_out", "everywhere_signed_out_frozen"), n)
}

// bots reads whether the form's keys are ticked.
func (v *visit) bots() (session.Bots, error) {
	fields, err := v.form.only("keys")
	if err != nil {
		return session.KeepBots, err
	}
	switch fields["keys"] {
	case "":
		return session.KeepBots, nil
	case "freeze":
		return session.FreezeBots, nil
	}
	return session.KeepBots, malformed("form_unknown")
}

// saidOf is the one of two sentences that is true of the bots.
func saidOf(bots session.Bots, kept, frozen string) string {
	if bots == session.FreezeBots {
		return frozen
	}
	return kept
}
