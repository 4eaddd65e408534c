// Package gateway is the door in front of upstreams: a reverse proxy that lets through what somebody may do now, and says to the upstream
// who that is. Beside it stands the same door without a road behind it (forward-auth): it answers another proxy whether it may let through.
//
// It has no rules of its own: who is there is answered by packages signed and session, what they may do by room decide, what a request is
// by the upstream's routes file. It works on raw received bytes and never on a decoded path.
//
//	host → path → route → who (signature or child session) → may they → body bound → confirmed (money) → assertion → upstream
//
// Invariant: what matches no route is not offered; an upstream hears nothing that a client says about identity, only our assertion, and
// gets it only for a request that was allowed; our cookies never reach an upstream. No SQL on the way, but for nonces of signatures
// without a time, and confirmations.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// Host is one authority that the gateway serves.
type Host struct {
	// Authority as clients name it, lower case, default port left out.
	Authority   string
	Environment id.Environment
	// Origin is set on hosts that serve pages: there sessions count and keys do not; elsewhere keys count and cookies do not.
	Origin string
	// Binding ties the sessions of a host with pages to their devices, and serves what is below BindPath; nil where browsers cannot (no https).
	Binding Binding
	// Upstream behind it.
	Upstream *Upstream
}

// Binding is where browsers prove the device of a session on one host.
type Binding interface {
	http.Handler
	Offer(w http.ResponseWriter, s id.Session)
}

// Pages says whether the host serves pages to people.
func (h *Host) Pages() bool { return h.Origin != "" }

// Upstream is what stands behind a host.
type Upstream struct {
	Name string
	// URL is scheme and host; the path of a request goes on as it came.
	URL    *url.URL
	Assert *Asserter
	// Posts is what proves its backend, which posts to us; empty if it does not.
	Posts signed.BackendKey
	// KeysPath is where it hears of keys that place no more orders; empty if it does not.
	KeysPath string
	// PricesPath is where it tells the prices of its markets; empty if it does not.
	PricesPath string
	prices     atomic.Pointer[priceList]
	hosts      []string // by which clients name it; written before the first request
	now        func() time.Time
	// Routes may be replaced while requests are served.
	Routes atomic.Pointer[Routes]
}

// Verifier is what this package asks of package signed.
type Verifier interface {
	Verify(ctx context.Context, in *signed.Request) (signed.Accepted, error)
	Again(p principal.Principal) (principal.Principal, error)
}

// Backends is what this package asks of package signed about upstreams.
type Backends interface {
	Verify(from netip.Addr, r *sign.Request, readBody func() ([]byte, error)) (upstream string, err error)
}

// Sessions is what this package asks of package session.
type Sessions interface {
	Authenticate(bearer []byte, host string, from principal.Origin) (principal.Principal, error)
	// Still is the same for the one behind a connection that goes on.
	Still(bearer []byte, host string, from principal.Origin) (principal.Principal, error)
	Act(p principal.Principal)
	RedeemChildCode(ctx context.Context, code, state secret.Value, host string, from principal.Origin) (session.Row, secret.Value, string, error)
}

// Uses counts what keys were used for; see package apikey.
type Uses interface {
	Count(l *apikey.Live, from netip.Addr, route string, asks scope.Scope, code fault.Code, now time.Time)
}

// Tally is where refusals are counted for those who may see them.
type Tally interface {
	Refused(k audit.Kept, actor principal.Principal)
}

// Deps are what Gateway is made of. All are needed.
type Deps struct {
	Now      func() time.Time
	Hosts    []*Host
	Verifier Verifier
	// Backends are the upstreams' own, which sign what they post to us.
	Backends Backends
	Sessions Sessions
	Decide   decision.Decider
	Uses     Uses
	Tally    Tally
	// Confirmations are asked for and spent where money leaves.
	Confirmations Confirmations
	// Tiers hear what backends say of users.
	Tiers Tiers
	// BodyCap bounds what is buffered of a request's body.
	BodyCap int64
	// Dashboard is the origin where people sign in.
	Dashboard string
	// Transport to upstreams.
	Transport http.RoundTripper
}

// Gateway is the handler of the gateway's listener. It is safe for concurrent use.
type Gateway struct {
	Deps
	hosts map[string]*Host // authority → host
	proxy *httputil.ReverseProxy
	// strangers holds a token for each body of a public route that is held in memory.
	strangers chan struct{}
	unproven  shares
	tunnels   tunnels
}

// New makes a Gateway, or says which hosts cannot be.
func New(d Deps) (*Gateway, error) {
	g := &Gateway{Deps: d, hosts: map[string]*Host{}, strangers: make(chan struct{}, strangerBodies)}
	g.unproven.of, g.tunnels.open, g.tunnels.of = map[share]int64{}, map[*tunnel]struct{}{}, map[id.User]int{}
	for _, h := range d.Hosts {
		if g.hosts[h.Authority] != nil {
			return nil, fmt.Errorf("gateway host %s stands twice", h.Authority)
		}
		if h.Upstream == nil || h.Upstream.Routes.Load() == nil {
			return nil, fmt.Errorf("gateway host %s has no upstream with routes", h.Authority)
		}
		h.Upstream.now = d.Now
		h.Upstream.hosts = append(h.Upstream.hosts, h.Authority)
		g.hosts[h.Authority] = h
	}
	for _, h := range d.Hosts {
		if err := h.Upstream.Fits(h.Upstream.Routes.Load()); err != nil {
			return nil, err
		}
	}
	g.proxy = g.newProxy()
	return g, nil
}

// Fits says whether routes can be those of the upstream: none may offer a client the path at which we alone tell it of keys, nor be for a host
// that is not its own.
func (u *Upstream) Fits(r *Routes) error {
	if u.KeysPath != "" && r.Match(Place{}, http.MethodPost, u.KeysPath) != nil {
		return fmt.Errorf("upstream %s: its routes offer %s to clients, which is for us alone", u.Name, u.KeysPath)
	}
	if stray := r.stray(u.hosts); stray != nil {
		return fmt.Errorf("upstream %s: its route %s is for %s, which is none of its hosts", u.Name, stray.Name(), stray.Place.Host)
	}
	return nil
}

// ServeHTTP takes a request to its upstream, or refuses it.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := visit{g: g, w: w, r: r, rec: httpx.RecordOf(r.Context()), now: g.Now()}
	defer v.release()
	if err := v.serve(); err != nil {
		v.refuse(err)
	}
}

// visit is one request on its way through the gateway.
type visit struct {
	g   *Gateway
	w   http.ResponseWriter
	r   *http.Request
	rec *httpx.Record
	now time.Time

	raw   sign.Request
	path  string
	host  *Host
	route *Route
	who   principal.Principal
	// answer is the last one of room decide about the request.
	answer decision.Answer
	waits  bool         // for the proof of the device that the session is bound to
	key    *apikey.Live // that signed, until the request is counted
	body   []byte
	read   bool
	held   bool // a place for a stranger's body
	// moves says that money leaves with the request, and confirmation is what was spent for it.
	moves        bool
	confirmation id.Confirmation

	unproven *unprovenBody // while nobody knows yet whose the body is

	// asked: a proxy asks about the request, and passes it on by itself. unseen: only its head is here; digest is then the Content-Digest
	// that was signed, if one was.
	asked  bool
	unseen bool
	digest string

	// tunnels: the request is the handshake of a WebSocket. bearer is that of its session, and tunnel what it opened.
	tunnels bool
	bearer  []byte
	tunnel  *tunnel
}

func (v *visit) serve() error {
	if err := v.address(); err != nil {
		return err
	}
	if strings.HasPrefix(v.path, ownPaths) {
		return v.serveOwn()
	}
	if err := v.check(); err != nil {
		return err
	}
	v.used("")
	return v.forward()
}

// check is the whole check of a request whose body is here, one for all ways in: the request matches a route, its sender is known and may do
// this now, its body is bound, and money has its confirmation.
func (v *visit) check() error {
	if err := v.admit(); err != nil {
		return err
	}
	if v.moves && v.stale() {
		return errProofDue
	}
	if err := v.readBody(); err != nil {
		return err
	}
	// A body may take its time, and the session may have ended or lost its power meanwhile. A key is asked again by package signed.
	if v.host.Pages() && v.route.Class != scope.Public {
		if err := v.proveSession(); err != nil {
			return err
		}
		if err := v.decide(); err != nil {
			return err
		}
	}
	if v.moves {
		return v.confirmed()
	}
	return v.bound()
}

// address finds the host that the request is for, and refuses a target that two readers could understand differently.
func (v *visit) address() error {
	v.raw = sign.Received(v.r)
	v.raw.Authority = sign.CanonicalAuthority(v.raw.Authority)
	if v.host = v.g.hosts[v.raw.Authority]; v.host == nil {
		return fault.New(fault.GatewayUnknownHost)
	}
	if err := sign.CheckTarget(v.raw.Target); err != nil {
		return fault.New(fault.GatewayPathRefused, signed.Problem(err)...)
	}
	v.path, _, _ = strings.Cut(v.raw.Target, "?")
	return nil
}

// admit is the part of the check that needs no body.
func (v *visit) admit() error {
	if v.route = v.host.Upstream.Routes.Load().Match(v.host.place(), v.r.Method, v.path); v.route == nil {
		return fault.New(fault.GatewayNoRoute)
	}
	v.rec.Route = v.route.Name()
	if v.tunnels = v.opens(); !v.tunnels && wantsTunnel(v.r.Header) {
		return fault.New(fault.GatewayNoUpgrade)
	}
	if err := v.prove(); err != nil {
		return err
	}
	if err := v.decide(); err != nil || v.who.Kind == principal.KindKey {
		return err // the rate of a key was asked for before its nonce was spent
	}
	return v.paced()
}

// prove finds out who is there. Public routes ask nobody.
func (v *visit) prove() error {
	v.who = principal.Nobody(v.rec.Origin())
	switch {
	case v.route.Class == scope.Public:
		return nil
	case v.host.Pages():
		return v.proveSession()
	}
	return v.proveKey()
}

func (v *visit) proveKey() error {
	in := &signed.Request{
		Request: v.raw, From: v.rec.Origin(), Environment: v.host.Environment, Cancels: v.route.Class == scope.Cancel,
		// What only looks may be asked twice; a tunnel goes on after the look.
		Repeatable: v.route.Class <= scope.Look && v.r.Method == http.MethodGet && !v.tunnels,
	}
	if v.route.pace != nil {
		in.Pace, in.Unpace = v.paceKey, v.unpaceKey
	}
	if !v.unseen {
		in.ReadBody = v.bodyFor
	}
	defer func() { v.unproven.release() }()
	accepted, err := v.g.Verifier.Verify(v.r.Context(), in)
	if err != nil {
		return err
	}
	v.who, v.digest = accepted.Principal, accepted.Digest
	httpx.WarnRetiring(v.w, accepted.RetiringSince, accepted.Retires)
	v.key = accepted.Live
	v.rec.Key = v.who.Key
	if !v.who.Scopes.Has(v.route.Scope) {
		return beyond(accepted.Live, accepted.Missing(v.route.Scope))
	}
	return nil
}

// recognise finds the session of this host that the browser shows.
func (v *visit) recognise() error {
	bearer, err := httpx.Cookie(v.r, httpx.SessionCookie)
	if err != nil {
		return err
	}
	if bearer.IsEmpty() {
		return errSignIn
	}
	if v.who, err = v.g.Sessions.Authenticate(bearer.Reveal(), v.host.Authority, v.rec.Origin()); err != nil {
		v.waits = fault.CodeOf(err) == fault.SessionUnproven
		return errors.Join(errSignIn, err)
	}
	v.rec.User, v.rec.Lang, v.bearer = v.who.User, v.who.Lang, bearer.Reveal()
	return nil
}

func (v *visit) proveSession() error {
	if err := v.recognise(); err != nil {
		return err
	}
	// A page of another site can make a browser send our cookie with a POST; it cannot make it say same-origin.
	// The handshake of a WebSocket is a GET, and no browser asks the host whether another site's page may send it.
	if (v.route.Class >= scope.Cancel || v.r.Method != http.MethodGet || v.tunnels) && !v.sameOrigin() {
		return fault.New(fault.RequestCrossSite)
	}
	if !v.route.Poll {
		v.g.Sessions.Act(v.who)
	}
	return nil
}

// used counts the request for the key that signed it: once, as let through or with the code of its refusal.
func (v *visit) used(code fault.Code) {
	if v.key != nil {
		v.g.Uses.Count(v.key, v.rec.Addr, v.rec.Route, v.route.Scope, code, v.now)
		v.key = nil
	}
}

func (v *visit) sameOrigin() bool {
	if site := v.r.Header.Values("Sec-Fetch-Site"); len(site) > 0 {
		return len(site) == 1 && site[0] == "same-origin"
	}
	origin := v.r.Header.Values("Origin")
	return len(origin) == 1 && origin[0] == v.host.Origin
}

// decide asks room decide. Where all that is missing is a confirmation, confirmed has the last word, once the body is here. A proxy that
// asks without it is refused: nobody here sees the transaction.
func (v *visit) decide() error {
	v.answer = v.g.Decide.Decide(v.question(v.who, v.route))
	answer := v.answer
	v.moves = answer.Verdict == decision.Deny && answer.Reason == fault.ConfirmationRequired
	switch {
	case v.moves && v.unseen:
		return fault.New(fault.ForwardMoney)
	case v.moves:
		return nil
	}
	if answer.Reason == fault.KeyPersonOnly {
		return beyond(v.key, fault.New(answer.Reason, "needs", v.route.Needs.String()))
	}
	return answer.Err()
}

// maxProofAge is how old the last proof of a bound session's device may be where money leaves. A browser may prove a few times in nine minutes, so
// younger would leave it without any.
const maxProofAge = 5 * time.Minute

// stale says that the device of a bound session has to prove itself once more.
func (v *visit) stale() bool {
	at := v.who.Proof.BoundAt
	return !at.IsZero() && v.now.Sub(at) > maxProofAge
}

// question is what room decide is asked about somebody on a route of this host.
func (v *visit) question(who principal.Principal, route *Route) decision.Question {
	return decision.Question{
		Principal: who, Class: route.Class, Scope: route.Scope, Needs: route.Needs, Since: route.since(v.g.Now()), Environment: v.host.Environment,
	}
}

// readBody buffers the body up to the cap, once: its digest is in the signature and in the assertion.
func (v *visit) readBody() error {
	if v.read {
		return nil
	}
	if v.route.Class == scope.Public {
		return v.readStrangersBody()
	}
	body, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, v.g.BodyCap))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return fault.New(fault.RequestTooLarge, "limit", v.g.BodyCap)
		}
		return fault.New(fault.RequestMalformed, "problem", "body_lost").Because(err)
	}
	v.body, v.read = body, true
	return nil
}
