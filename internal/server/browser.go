package server

import (
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/agent"
	"github.com/seed-21c57000/sallyport/internal/api"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
)

// newBrowserMux mounts the doors of the dashboard's listener: pages, JSON, and the little that machines ask there.
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
	if err := routes.Check(); err != nil {
		return nil, err
	}
	machines := http.NewServeMux()
	machines.HandleFunc("GET /healthz", s.healthz)
	machines.HandleFunc("GET /.well-known/sallyport-assertion-jwks.json", keys.serveJWKS)
	machines.Handle("/", http.NewCrossOriginProtection().Handler(routes))
	return machines, nil
}

// describer finds words for browsers.
type describer struct{}

func (describer) Device(header, lang string) string { return agent.Describe(header).Words(lang) }
