package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
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
	sessions *session.Sessions
	accounts selves
	factors  methodsOf
	holds    holdsOf
	hosts    []Host
	// recoveries are those of the reader's own account.
	recoveries interface {
		Claims(ctx context.Context, p principal.Principal) ([]recovery.Case, error)
	}
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
	m, err := o.factors.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	stand, err := o.holds.Of(v.r.Context(), v.who.User)
	if err != nil {
		return err
	}
	claims, err := o.recoveries.Claims(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	f := v.frame("nav.overview")
	view := page.Overview{
		Name: self.Name, Mail: self.Mail, Missing: v.missing(m, len(claims) > 0), Proven: v.proven(v.who.Proof), Mine: *f.Me,
		Limit: v.words.Span(o.sessions.Limits.Idle), Held: heldView(v.words, v.now, stand),
	}
	if slices.ContainsFunc(stand.Holds, reported) {
		view.Missing = append([]page.Missing{v.gap("reported", "/methods")}, view.Missing...)
	}
	for _, h := range o.hosts {
		view.Hosts = append(view.Hosts, hostView(h))
	}
	return v.show(page.OverviewPage(f, view))
}

// missing lists the gaps in how an account is guarded, the most urgent first.
func (v *visit) missing(m factor.Methods, claimed bool) (list []page.Missing) {
	add := func(name, href string) { list = append(list, v.gap(name, href)) }
	if claimed {
		add("claim", "/recovery")
	}
	ways := len(m.Passkeys)
	if m.Password != nil {
		ways++
	}
	switch {
	case m.Strongest() < assurance.Mfa:
		add("factor", "/methods")
	case v.who.Proof.Level() < assurance.Mfa:
		add("proof", "/sign-in")
	}
	if m.Strongest() >= assurance.Mfa && (m.Codes == nil || m.Codes.Left == 0 || m.Codes.ConfirmedAt.IsZero()) {
		add("codes", "/recovery/codes")
	}
	if m.Strongest() >= assurance.Mfa && ways == 1 {
		add("way", "/methods")
	}
	return list
}

func (v *visit) gap(name, href string) page.Missing {
	say := func(part string) string { return v.words.Say("missing." + name + "." + part) }
	return page.Missing{Title: say("title"), Text: say("text"), Link: say("link"), Href: href}
}

// reported says whether a hold stands because its user said by a mail's link that something was not them: they are led to what is left to check.
func reported(h hold.Hold) bool {
	return h.Reason == happening.ReportedSession || h.Reason == happening.ReportedChange
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
// set out from the exchange is shown the way there, because only the browser that did can come back with a code.
func (c *crossing) ask(v *visit) error {
	query := v.r.URL.Query()
	return c.show(v, localPath(query.Get("path")), query.Get("state"))
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

func hostView(h Host) page.Host {
	return page.Host{Name: h.Name, Origin: h.Origin, Authority: h.Authority, Enter: h.enter("path", "/"), Test: h.Environment == id.Test}
}
