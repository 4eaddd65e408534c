package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/dbsc"
	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
)

// newGateway builds the gateway of the configuration on these rooms.
func (r *Rooms) newGateway(ctx context.Context, cfg config.Config, opts Options) (*gateway.Gateway, *assertionKeys, error) {
	keys, err := r.assertionKeys(ctx)
	if err != nil {
		return nil, nil, err
	}
	upstreams := map[string]*gateway.Upstream{}
	var problems []error
	for _, u := range cfg.Gateway.Upstreams {
		upstream, err := newUpstream(cfg, u, keys)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		upstreams[u.Name] = upstream
	}
	if err := errors.Join(problems...); err != nil {
		return nil, nil, err
	}
	var hosts []*gateway.Host
	for _, h := range cfg.Gateway.Hosts {
		host := &gateway.Host{Authority: string(h.Authority), Environment: h.Environment, Origin: string(h.Origin), Upstream: upstreams[h.Upstream]}
		if strings.HasPrefix(host.Origin, "https://") {
			host.Binding = dbsc.New(dbsc.Place{Host: host.Authority, Origin: host.Origin, Prefix: gateway.BindPath}, r.Bindings, r.Sessions)
		}
		hosts = append(hosts, host)
	}
	transport := opts.Transport
	if transport == nil {
		if transport, err = newRoads(cfg.Gateway.Upstreams); err != nil {
			return nil, nil, err
		}
	}
	backends := &signed.Backends{Now: opts.Now, Nonces: r.nonces, Budgets: r.newBudgets(), KeyOf: func(name string) signed.BackendKey {
		if u := upstreams[name]; u != nil {
			return u.Posts
		}
		return signed.BackendKey{}
	}}
	g, err := gateway.New(gateway.Deps{
		Now: opts.Now, Hosts: hosts, Verifier: r.Verifier, Backends: backends, Sessions: r.Sessions, Decide: r.Policy, Uses: r.APIKeys, Tally: r.Tally, Confirmations: r.Confirmations, Tiers: r.Tiers,
		BodyCap: int64(cfg.Gateway.BodyCap), Dashboard: string(cfg.Dashboard.Origin), Transport: transport,
	})
	return g, keys, err
}

// assertionKeys is the key pair with which the gateway speaks to upstreams that read JWKS.
type assertionKeys struct {
	id      string
	private ed25519.PrivateKey
}

func (r *Rooms) assertionKeys(ctx context.Context) (*assertionKeys, error) {
	seed, err := r.Store.ServerSecret(ctx, "assertion_ed25519", random32)
	if err != nil {
		return nil, err
	}
	private := ed25519.NewKeyFromSeed(seed)
	public, ok := private.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("assertion key is no Ed25519 key")
	}
	return &assertionKeys{id: thumbprint(public), private: private}, nil
}
