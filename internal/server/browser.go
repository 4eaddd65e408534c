package server

import (
	"context"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/agent"
	"github.com/seed-21c57000/sallyport/internal/api"
	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/web"
)

// newBrowserMux mounts the doors of the dashboard's listener: pages, JSON, and the little that machines ask there. Each door refuses
// cross-site requests itself, in the shape its readers understand.
func (s *Server) newBrowserMux(formKey []byte, keys *assertionKeys) (http.Handler, error) {
	routes := route.NewMux()
	json, err := api.New(api.Deps{
		Now: s.opts.Now, Origin: string(s.cfg.Dashboard.Origin), FormKey: formKey, Decide: s.Policy, Verifier: s.Verifier, Describe: describer{},
		Tally: s.Tally, Accounts: s.Accounts, Sessions: s.Sessions, SignUps: s.SignUps, SignIns: s.SignIns, Factors: s.Factors,
		StepUps: s.StepUps, Keys: s.APIKeys, Log: s.Log,
	})
	if err != nil {
		return nil, err
	}
	json.Mount(routes)
	pages, err := web.New(web.Deps{
		Now: s.opts.Now, Product: Product, Origin: string(s.cfg.Dashboard.Origin), Environment: s.cfg.Environment, Hosts: s.pageHosts(),
		FormKey: formKey, Decide: s.Policy, Describe: describer{}, Violated: s.violated, Accounts: s.Accounts, Sessions: s.Sessions, SignUps: s.SignUps,
		SignIns: s.SignIns, Factors: s.Factors, StepUps: s.StepUps, Keys: s.APIKeys, Log: s.Log,
	})
	if err != nil {
		return nil, err
	}
	pages.Mount(routes)
	machines := routes.Door("server", "/.well-known/", httpx.WriteProblem)
	machines.Handle(http.MethodGet, "/healthz", func(w http.ResponseWriter, r *http.Request, _ route.Line) { s.healthz(w, r) })
	machines.Handle(http.MethodGet, "/.well-known/sallyport-assertion-jwks.json", func(w http.ResponseWriter, r *http.Request, _ route.Line) { keys.serveJWKS(w, r) })
	return routes, routes.Check()
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

// violated logs what a browser says that our own policy forbade; a page that does so has a defect.
func (s *Server) violated(ctx context.Context, v web.Violation) {
	s.logger().WarnContext(ctx, "content security policy violated", "document", v.Document, "directive", v.Directive, "blocked", v.Blocked, "source", v.Source)
}

// describer finds words for browsers.
type describer struct{}

func (describer) Device(header, lang string) string { return agent.Describe(header).Words(lang) }
