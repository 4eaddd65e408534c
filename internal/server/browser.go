package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/agent"
	"github.com/seed-21c57000/sallyport/internal/api"
	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/dbsc"
	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/geo"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
	"github.com/seed-21c57000/sallyport/internal/respond/official"
	"github.com/seed-21c57000/sallyport/internal/web"
	"github.com/seed-21c57000/sallyport/internal/web/page"
	"github.com/seed-21c57000/sallyport/sign"
)

// newBrowserMux mounts the doors of the dashboard's listener: pages, JSON, and the little that machines ask there. Each door refuses
// cross-site requests itself, in the shape its readers understand.
func (s *Server) newBrowserMux(formKey []byte, keys *assertionKeys) (http.Handler, error) {
	routes := route.NewMux()
	bound := s.mountBinding(routes)
	programs, err := api.New(api.Deps{
		Now: s.opts.Now, Origin: string(s.cfg.Dashboard.Origin), FormKey: formKey, Decide: s.Policy, Verifier: s.Verifier, Describe: describer{s.Places}, Map: s.Places != nil, Binding: bound,
		Tally: s.Tally, Lab: s.Lab, Accounts: s.Accounts, Sessions: s.Sessions, SignUps: s.SignUps, SignIns: s.SignIns, Factors: s.Factors,
		StepUps: s.StepUps, Keys: s.APIKeys, Log: s.Log, Reports: s.Reports, Confirmations: s.Confirmations, Holds: s.Holds, Recoveries: s.Recoveries, CheckUps: s.CheckUps, Dossiers: s.Dossiers,
		Notices: s.Notices, Locks: s.Locks, Members: s.Members, Subaccounts: s.Subaccounts, Tiers: s.Tiers, Demands: s.Demands, Contacts: s.Contacts, Privacy: s.Privacy, Official: s.official(),
	})
	if err != nil {
		return nil, err
	}
	programs.Mount(routes)
	pages, err := web.New(web.Deps{
		Now: s.opts.Now, Product: Product, Origin: string(s.cfg.Dashboard.Origin), Environment: s.cfg.Environment, Hosts: s.pageHosts(), APIs: s.programHosts(),
		FormKey: formKey, Decide: s.Policy, Describe: describer{s.Places}, Binding: bound, Violated: s.violated, Accounts: s.Accounts, Sessions: s.Sessions, SignUps: s.SignUps,
		SignIns: s.SignIns, Factors: s.Factors, StepUps: s.StepUps, Keys: s.APIKeys, Log: s.Log, Reports: s.Reports, Tally: s.Tally, Lab: s.Lab, Confirmations: s.Confirmations, Holds: s.Holds, Recoveries: s.Recoveries, CheckUps: s.CheckUps, Dossiers: s.Dossiers,
		Notices: s.Notices, Locks: s.Locks, Members: s.Members, Subaccounts: s.Subaccounts, Tiers: s.Tiers, Demands: s.Demands, Contacts: s.Contacts, Official: s.official(), Spans: spans(s.cfg), Privacy: s.Privacy,
		Map: s.Places != nil, Places: page.Credit{Text: s.cfg.Geo.Attribution, URL: string(s.cfg.Geo.AttributionURL)},
	})
	if err != nil {
		return nil, err
	}
	pages.Mount(routes)
	machines := routes.Door("server", "/.well-known/", httpx.WriteProblem)
	machines.Handle(http.MethodGet, "/healthz", func(w http.ResponseWriter, r *http.Request, _ route.Line) { s.healthz(w, r) })
	machines.Handle(http.MethodGet, "/.well-known/sallyport-assertion-jwks.json", func(w http.ResponseWriter, r *http.Request, _ route.Line) { keys.serveJWKS(w, r) })
	machines.Handle(http.MethodGet, "/.well-known/webauthn", s.relatedOrigins)
	s.mountApps(machines)
	s.mountBackends(machines)
	s.mountLeaks(machines)
	confirmations := route.NewMux()
	web.NewConfirming(s.opts.Now, Product, string(s.cfg.Dashboard.Origin), s.Confirmations).Mount(confirmations)
	return s.atHome(routes, confirmations), errors.Join(routes.Check(), confirmations.Check())
}

// mountBackends is where the backends of upstreams speak to us, signed.
func (s *Server) mountBackends(machines *route.Door) {
	for _, call := range []struct {
		method, path string
		serve        func(*gateway.Gateway, string, http.ResponseWriter, *http.Request) error
	}{
		{http.MethodPost, "/v1/confirmations", (*gateway.Gateway).ServePosted},
		{http.MethodGet, "/v1/confirmations/{id}/posted", (*gateway.Gateway).ServePostedState},
		{http.MethodDelete, "/v1/confirmations/{id}/posted", (*gateway.Gateway).ServePostedEnd},
		{http.MethodPost, "/v1/high-value", (*gateway.Gateway).ServeHighValue},
	} {
		machines.Handle(call.method, call.path, func(w http.ResponseWriter, r *http.Request, _ route.Line) {
			if err := call.serve(s.gate, sign.CanonicalAuthority(string(s.cfg.Dashboard.Origin.Authority())), w, r); err != nil {
				httpx.WriteProblem(w, r, err)
			}
		})
	}
}

// mountBinding is where browsers prove the device of a session on the dashboard. Files and reports need none.
func (s *Server) mountBinding(routes *route.Mux) *dbsc.Door {
	bound := dbsc.New(dbsc.Place{
		Origin: string(s.cfg.Dashboard.Origin), Prefix: "/dbsc/", Excluded: []string{"/assets", "/csp-report", "/healthz"},
	}, s.Bindings, s.Sessions)
	door := routes.Door("dbsc", "/dbsc/", httpx.WriteProblem)
	for _, path := range []string{bound.RegisterPath(), bound.RefreshPath()} {
		door.Handle(http.MethodPost, path, func(w http.ResponseWriter, r *http.Request, _ route.Line) { bound.ServeHTTP(w, r) })
	}
	return bound
}

// relatedOrigins lists the origins beside the RP ID's own that may use its passkeys: browsers ask for it before a ceremony there
// (WebAuthn L3 §5.11.1). Without any there is no list.
func (s *Server) relatedOrigins(w http.ResponseWriter, r *http.Request, _ route.Line) {
	origins := s.cfg.Dashboard.RelatedOrigins
	if len(origins) == 0 {
		httpx.WriteProblem(w, r, fault.New(fault.NotFound))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_ = json.NewEncoder(w).Encode(map[string]any{"origins": origins})
}

// atHome refuses what was sent to another name than the dashboard's: a page that was rebound to our address, a name that points here by
// mistake, a probe (RFC 9110 §15.5.20). What machines ask and holds nothing of anybody, as the health check of a load balancer that knows us
// by address, is answered under every name. The origin of confirmations is kept for them alone, if it is one of its own: another page or script
// that was ever served there could later speak for it. Where it is the dashboard's, their paths are.
func (s *Server) atHome(next, confirmations http.Handler) http.Handler {
	home := sign.CanonicalAuthority(string(s.cfg.Dashboard.Origin.Authority()))
	kept := sign.CanonicalAuthority(string(s.cfg.Dashboard.ConfirmationOrigin.Authority()))
	machines := map[string]bool{} // paths
	for _, line := range route.Of("server") {
		machines[line.Pattern] = true
	}
	refuse := httpx.Harden(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpx.WriteProblem(w, r, fault.New(fault.RequestUnknownHost))
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := sign.CanonicalAuthority(r.Host)
		if at == kept && (kept != home || strings.HasPrefix(r.URL.Path, web.ConfirmPrefix)) {
			confirmations.ServeHTTP(w, r)
			return
		}
		if machines[r.URL.Path] || at == home {
			next.ServeHTTP(w, r)
			return
		}
		refuse.ServeHTTP(w, r)
	})
}

// pageHosts are the gateway's hosts that people open from the dashboard.
func (s *Server) pageHosts() (hosts []web.Host) {
	for _, h := range s.cfg.Gateway.Hosts {
		if h.Kind == config.HostPage {
			hosts = append(hosts, web.Host{
				Authority: string(h.Authority), Origin: string(h.Origin), Name: h.Name, Environment: h.Environment,
			})
		}
	}
	return hosts
}

// programHosts are the gateway's hosts that programs send signed requests to.
func (s *Server) programHosts() (hosts []web.Host) {
	scheme, _, _ := strings.Cut(string(s.cfg.Dashboard.Origin), "://")
	for _, h := range s.cfg.Gateway.Hosts {
		if h.Kind == config.HostAPI {
			hosts = append(hosts, web.Host{Authority: string(h.Authority), Origin: scheme + "://" + string(h.Authority), Environment: h.Environment})
		}
	}
	return hosts
}

// official is what the configuration says is ours.
func (s *Server) official() (p official.Places) {
	d := s.cfg.Dashboard
	scheme, _, _ := strings.Cut(string(d.Origin), "://")
	add := func(use official.Use, o config.Origin) {
		if o != "" && !p.Has(string(o)) {
			p.Origins = append(p.Origins, official.Origin{At: string(o), For: use})
		}
	}
	add(official.Dashboard, d.Origin)
	add(official.Confirmations, d.ConfirmationOrigin)
	for _, h := range s.cfg.Gateway.Hosts {
		use := official.Exchange
		if h.Kind == config.HostAPI {
			use = official.Programs
		}
		add(use, h.Origin)
		add(use, config.Origin(scheme+"://"+string(h.Authority)))
	}
	for _, o := range d.RelatedOrigins {
		add(official.Elsewhere, o)
	}
	for _, h := range s.cfg.Official.Hosts {
		add(official.Elsewhere, config.Origin("https://"+string(h)))
	}
	for _, app := range s.cfg.Passkeys.Apps {
		p.Apps = append(p.Apps, officialApp(app))
	}
	for _, m := range append([]config.Mailbox{s.cfg.Mail.From}, s.cfg.Official.Senders...) {
		if addr, err := mailaddr.Parse(string(m)); err == nil && !slices.Contains(p.Senders, addr.String()) {
			p.Senders = append(p.Senders, addr.String())
		}
	}
	return p
}

// violated logs what a browser says that our own policy forbade; a page that does so has a defect.
func (s *Server) violated(ctx context.Context, v web.Violation) {
	s.logger().WarnContext(ctx, "content security policy violated", "document", v.Document, "directive", v.Directive, "blocked", v.Blocked, "source", v.Source)
}

// describer finds words for browsers and addresses.
type describer struct{ places *geo.Places }

// Place is empty where nothing is known.
func (d describer) Place(addr, lang string) string {
	parsed, err := netip.ParseAddr(addr)
	if err != nil {
		return ""
	}
	return d.places.Of(parsed).Words(lang)
}

// Country is empty where nothing is known.
func (d describer) Country(addr string) string {
	parsed, err := netip.ParseAddr(addr)
	if err != nil {
		return ""
	}
	return d.places.Country(parsed)
}

func (describer) Device(header, lang string) string { return agent.Describe(header).Words(lang) }
