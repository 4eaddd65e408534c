package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/respond/checkup"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// mounter puts a handler on a line of the table.
type mounter func(method, pattern string, h handler)

type selves interface {
	Self(ctx context.Context, p principal.Principal) (account.User, error)
}

type methodsOf interface {
	Of(ctx context.Context, p principal.Principal) (factor.Methods, error)
}

// overview is the first page.
type overview struct {
	checks interface {
		Of(ctx context.Context, p principal.Principal) (checkup.State, error)
	}
	sessions *session.Sessions
	accounts selves
	waiting  interface {
		List(ctx context.Context, p principal.Principal) ([]confirm.Asked, error)
	}
	notices interface {
		Messages(ctx context.Context, p principal.Principal, before id.Message) ([]notify.Shown, error)
	}
	log   *activity
	hosts []Host
	apis  []page.API
}

func (o *overview) mount(on mounter) {
	on(http.MethodGet, "/{$}", o.show)
	on(http.MethodPost, "/still-here", o.stay)
}

func (o *overview) show(v *visit) error {
	self, err := o.accounts.Self(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	state, err := o.checks.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	f := v.frame("nav.overview")
	view := page.Overview{
		Name: self.Name, Mail: self.Mail, Proven: v.proven(v.who.Proof), Mine: *f.Me, Limit: v.words.Span(o.sessions.IdleOf(v.who)),
		Held: heldView(v.words, v.now, state.Account.Held), APIs: o.apis,
	}
	for _, p := range state.Account.Methods.Young(v.now) {
		view.Young = append(view.Young, page.YoungPasskey{Name: p.Name, From: v.when(p.ApprovesFrom)})
	}
	v.posture(&view, state)
	if view.HighValue, err = v.raised(); err != nil {
		return err
	}
	if view.Open, err = o.open(v, state); err != nil {
		return err
	}
	if view.SignIns, err = o.log.signIns(v); err != nil {
		return err
	}
	for _, h := range o.hosts {
		view.Hosts = append(view.Hosts, hostView(h))
	}
	return v.show(page.OverviewPage(f, view))
}

// posture says how the account stands, and what to do next.
func (v *visit) posture(view *page.Overview, s checkup.State) {
	p := s.Posture
	view.Points = v.words.Say("posture.points", "points", strconv.Itoa(p.Points), "whole", strconv.Itoa(checkup.Whole*len(checkup.Layers)))
	for _, l := range p.Layers {
		layer := page.Layer{
			Name: v.words.Say("layer." + string(l.Layer)), Points: l.Points, Whole: checkup.Whole,
			Count: v.words.Say("posture.count", "points", strconv.Itoa(l.Points), "whole", strconv.Itoa(checkup.Whole)),
		}
		for _, g := range l.Gaps {
			layer.Gaps = append(layer.Gaps, v.gap(g))
		}
		view.Layers = append(view.Layers, layer)
	}
	switch {
	case p.Wrong():
		view.Status = "wrong"
	case len(p.Gaps) > 0:
		view.Status = "better"
		view.Better = v.words.Count("overview.better", len(p.Gaps))
	}
	if len(p.Gaps) > 0 {
		next := v.gap(p.Gaps[0])
		view.Next = &next
	}
}

// gapPlaces maps the code of a gap → where it is closed.
var gapPlaces = map[string]string{
	"claim": "/recovery", "leaving": "/privacy", "reported": "/methods", "stranger": "/sessions", "copied": "/sessions", "odd": "/sessions", "factor": "/methods", "proof": "/sign-in", "codes": "/recovery/codes", "codes_kept": "/recovery/codes", "way_back": "/methods",
	"key_open": "/keys", "way": "/methods", "passkey": "/methods", "second": "/contact", "phrase": "/contact", "codes_few": "/recovery/codes",
	"rehearsal": "/recovery", "key_ends": "/keys", "key_unused": "/keys", "key_wide": "/keys", "shared": "/sessions", "many": "/sessions", "check_up": "/check-up",
}

func (v *visit) gap(g checkup.Gap) page.Missing {
	waits := v.web.Recoveries.Waits
	title, text := v.words.Missing(g.Code, v.web.Factors.Passwordless, waits.WithProof, waits.MailAlone)
	return page.Missing{
		Title: title, Text: text, Link: v.words.Say("missing." + g.Code + ".link"), Href: gapPlaces[g.Code], Wrong: g.Wrong,
		Cost: v.words.Say("posture.cost", "points", strconv.Itoa(g.Points)),
	}
}

// open counts what is open now.
func (o *overview) open(v *visit, s checkup.State) (list []page.OpenCount, err error) {
	waiting, err := o.waiting.List(v.r.Context(), v.who)
	if err != nil {
		return nil, err
	}
	messages, err := o.notices.Messages(v.r.Context(), v.who, id.Message{})
	if err != nil {
		return nil, err
	}
	unread := 0
	for _, m := range messages {
		if m.Read.IsZero() {
			unread++
		}
	}
	for _, c := range []struct {
		name, href string
		n          int
	}{
		{"sessions", "/sessions", len(s.Account.Sessions)},
		{"keys", "/keys", len(s.Account.Keys)},
		{"waiting", "/confirmations", len(waiting)},
		{"unread", "/messages", unread},
		{"questions", "/check-up", s.Open()},
	} {
		list = append(list, page.OpenCount{Text: v.words.Count("open."+c.name, c.n), Href: c.href})
	}
	return list, nil
}

// stay answers the button by which somebody says that they are still there. That is all: the visit has counted as a human act.
func (o *overview) stay(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	v.w.WriteHeader(http.StatusNoContent)
	return nil
}

// crossing brings people over to an exchange.
type crossing struct {
	sessions interface {
		IssueChildCode(ctx context.Context, p principal.Principal, way session.Way) (secret.Value, error)
	}
	factors interface {
		Of(ctx context.Context, p principal.Principal) (factor.Methods, error)
	}
	hosts []Host
}

func (c *crossing) mount(on mounter) {
	on(http.MethodGet, "/go/{host}", c.ask)
	on(http.MethodPost, "/go/{host}", c.carry)
}

func (c *crossing) host(v *visit) (Host, error) {
	for _, h := range c.hosts {
		if h.Authority == v.r.PathValue("host") {
			return h, nil
		}
	}
	return Host{}, fault.New(fault.ChildCodeUnknownHost)
}

// ask names the exchange and waits for a click, or for script. It makes no code: another site may have opened this address. Whoever did not
// set out from the exchange is shown the way there, because only the browser that did can come back with a code. Whoever was refused there for
// want of a proof gives it first.
func (c *crossing) ask(v *visit) error {
	query := v.r.URL.Query()
	if needs := query.Get("needs"); needs != "" {
		return c.prove(v, localPath(query.Get("path")), assurance.ParseLevel(needs))
	}
	return c.show(v, localPath(query.Get("path")), query.Get("state"))
}

// prove says what an exchange asks of its user, and takes the proof. Then they go back by the usual way, which opens a session there anew.
func (c *crossing) prove(v *visit, path string, needs assurance.Level) error {
	h, err := c.host(v)
	if err != nil {
		return err
	}
	has, err := c.factors.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	view := page.Prove{
		Host: hostView(h), Back: "/go/" + url.PathEscape(h.Authority) + "?" + url.Values{"path": {path}}.Encode(),
		Needs: v.words.Say("fact.needs." + max(needs, assurance.Pwd).String()), Lacking: !reaches(has, needs),
	}
	for _, word := range assurance.Words(append(v.who.Proof.Missing(needs), assurance.Fresh)) {
		view.Missing = append(view.Missing, v.words.Say("fact.missing."+word))
	}
	frame := v.frame("prove.title", "name", h.Name)
	if frame.Me != nil {
		frame.Me.Challenge = "" // this page is the answer to it
	}
	return v.show(page.ProvePage(frame, view))
}

// reaches says whether somebody has anything that proves that much.
func reaches(has factor.Methods, needs assurance.Level) bool {
	if needs >= assurance.Phrh {
		return slices.ContainsFunc(has.Passkeys, passkey.Credential.DeviceBound)
	}
	return has.Strongest() >= needs
}

func (c *crossing) show(v *visit, path, state string) error {
	h, err := c.host(v)
	if err != nil {
		return err
	}
	view := page.Go{Host: hostView(h), Path: path, State: state}
	if _, ok := httpx.ParseState(state); !ok {
		view.Way = h.enter("path", path)
	}
	return v.show(page.GoPage(v.frame("go.title", "name", h.Name), view))
}

// carry makes the code and shows the way over as a link. The page with the code tells nobody its address.
func (c *crossing) carry(v *visit) error {
	in, err := v.form.only("path", "state")
	if err != nil {
		return err
	}
	h, err := c.host(v)
	if err != nil {
		return err
	}
	path := localPath(in["path"])
	state, ok := httpx.ParseState(in["state"])
	if !ok {
		return c.show(v, path, "")
	}
	code, err := c.sessions.IssueChildCode(v.r.Context(), v.who, session.Way{Host: h.Authority, Path: path, State: state})
	if fault.CodeOf(err) == fault.SessionUnproven {
		httpx.DemandProof(v.w, v.r.URL.RequestURI())
		return nil
	}
	if err != nil {
		return err
	}
	v.w.Header().Set("Referrer-Policy", "no-referrer")
	view := page.Go{Host: hostView(h), Way: h.enter("code", string(code.Reveal())), Once: true}
	return v.show(page.GoPage(v.frame("go.title", "name", h.Name), view))
}

// enter is the address at which an exchange's host takes people over to the dashboard, or in from there.
func (h Host) enter(name, value string) string {
	return h.Origin + "/.sallyport/enter?" + url.Values{name: {value}}.Encode()
}

func apiViews(hosts []Host) (list []page.API) {
	for _, h := range hosts {
		list = append(list, page.API{Origin: h.Origin, Test: h.Environment == id.Test})
	}
	return list
}

func hostView(h Host) page.Host {
	return page.Host{Name: h.Name, Origin: h.Origin, Authority: h.Authority, Enter: h.enter("path", "/"), Test: h.Environment == id.Test}
}
