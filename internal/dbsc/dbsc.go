// Package dbsc owns the door where browsers prove the device that a session is bound to (Device Bound Session Credentials).
//
// It has no rules of its own: package binding decides what a proof is worth, and package session what a session may do without. It knows headers,
// status codes and session instructions, which the browser reads and our pages never see. The dashboard and each gateway host with pages have one,
// because a browser binds each origin apart.
//
//	register  proof with a new key  ──▶ 200 instructions, bound cookie, next challenge
//	refresh   without a proof       ──▶ 403 challenge
//	          proof                 ──▶ 200 instructions, bound cookie, next challenge
//	          session over          ──▶ 200 continue: false
//
// Invariant: a fault of ours is answered 503, because a browser forgets its key for any 4xx but the 403 with a challenge; and such a fault is
// all that opens the grace of a session.
package dbsc

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/binding"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
)

// Place is an origin whose sessions are bound.
type Place struct {
	// Host is that of its sessions, "" for the dashboard.
	Host string
	// Origin is scheme://host[:port]. Browsers bind over https alone, so nothing is offered elsewhere.
	Origin string
	// Prefix is the path of both endpoints, with both slashes.
	Prefix string
	// Excluded are paths of files that nobody's session guards; requests for them never wait for a proof.
	Excluded []string
}

// Door serves one place. It is safe for concurrent use.
type Door struct {
	place    Place
	bindings *binding.Bindings
	sessions *session.Sessions
}

// New makes the door of a place.
func New(p Place, b *binding.Bindings, s *session.Sessions) *Door { return &Door{p, b, s} }

// RegisterPath and RefreshPath are the endpoints.
func (d *Door) RegisterPath() string { return d.place.Prefix + "register" }

// RefreshPath is where a browser proves its key.
func (d *Door) RefreshPath() string { return d.place.Prefix + "refresh" }

// Offer asks the browser of a session that has just begun to bind it. What it cannot read it ignores.
func (d *Door) Offer(w http.ResponseWriter, s id.Session) {
	if !strings.HasPrefix(d.place.Origin, "https://") {
		return
	}
	offer := d.bindings.Offer(s)
	httpx.OfferBinding(w, d.RegisterPath(), offer.Challenge, offer.Authorization)
	httpx.KeepBound(w, offer.Cookie, binding.Overlap)
}

const (
	proofHeader   = "Secure-Session-Response"
	sessionHeader = "Sec-Secure-Session-Id"
)

// ServeHTTP answers both endpoints; anything else is not found.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	var answer binding.Answer
	in, err := d.shown(r)
	switch {
	case err != nil:
	case r.URL.Path == d.RegisterPath():
		answer, err = d.bindings.Register(r.Context(), in)
	default:
		answer, err = d.refresh(r, &in)
	}
	if answer.Outcome == binding.Failed {
		err = fault.New(fault.Unavailable).After(failedRetry).Because(err)
	}
	if err != nil {
		httpx.WriteProblem(w, r, err)
		return
	}
	d.write(w, r, answer)
}

// shown reads the request. Scripts can set neither Sec-Fetch-Site nor Sec-Secure-Session-Id. Errors: not_found, method_not_allowed,
// request.cross_site, request.malformed.
func (d *Door) shown(r *http.Request) (in binding.Shown, err error) {
	switch {
	case r.URL.Path != d.RegisterPath() && r.URL.Path != d.RefreshPath():
		return in, fault.New(fault.NotFound)
	case r.Method != http.MethodPost:
		return in, fault.New(fault.MethodNotAllowed)
	}
	switch site := strings.Join(r.Header["Sec-Fetch-Site"], ","); site {
	case "same-origin", "same-site", "none":
	default:
		return in, fault.New(fault.RequestCrossSite)
	}
	proofs := r.Header[proofHeader]
	if len(proofs) > 1 {
		return in, fault.New(fault.RequestMalformed, "problem", "proof")
	}
	if len(proofs) == 1 {
		in.Proof = proofs[0]
	}
	in.Bearer, err = httpx.Cookie(r, httpx.SessionCookie)
	in.Host, in.URL, in.From = d.place.Host, d.place.Origin+r.URL.Path, httpx.RecordOf(r.Context()).Origin()
	return in, err
}

func (d *Door) refresh(r *http.Request, in *binding.Shown) (answer binding.Answer, err error) {
	named := r.Header[sessionHeader]
	if len(named) != 1 {
		return answer, fault.New(fault.RequestMalformed, "problem", "proof")
	}
	if in.Session, err = id.Parse[id.SessionKind](strings.Trim(named[0], `"`)); err != nil {
		return answer, fault.New(fault.BindingRefused)
	}
	// A browser that goes away must not look like a fault of ours, which opens the grace.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), refreshTime)
	defer cancel()
	if answer, err = d.bindings.Refresh(ctx, *in); err != nil && answer.Outcome == binding.Failed {
		d.sessions.Unrenewed(in.Bearer, in.Session, in.Host)
	}
	return answer, err
}

// refreshTime bounds how long a browser waits for us.
const refreshTime = 5 * time.Second

// failedRetry is when a browser may try again after a fault of ours.
const failedRetry = 5 * time.Second

// instructions are the session instructions of the draft (§ "JSON Session Instruction Format").
type instructions struct {
	Session    id.Session   `json:"session_identifier"`
	Continue   *bool        `json:"continue,omitempty"`
	RefreshURL string       `json:"refresh_url,omitempty"`
	Scope      *scope       `json:"scope,omitempty"`
	Cookies    []credential `json:"credentials,omitempty"`
}

type scope struct {
	Origin string `json:"origin"`
	// Site would bind all hosts of a site at once. Each of ours has a session of its own.
	Site  bool   `json:"include_site"`
	Rules []rule `json:"scope_specification,omitempty"`
}

type rule struct {
	Kind   string `json:"type"`
	Domain string `json:"domain"`
	Path   string `json:"path"`
}

type credential struct {
	Kind       string `json:"type"`
	Name       string `json:"name"`
	Attributes string `json:"attributes"`
}

func (d *Door) write(w http.ResponseWriter, r *http.Request, a binding.Answer) {
	if a.Challenge != "" {
		httpx.NextChallenge(w, a.Challenge, a.Session.String())
	}
	told := instructions{Session: a.Session}
	switch a.Outcome {
	case binding.Challenged:
		httpx.WriteProblem(w, r, fault.New(fault.BindingChallenged))
		return
	case binding.Ended:
		told.Continue = new(false)
	default:
		httpx.KeepBound(w, a.Cookie, a.Life)
		told.RefreshURL, told.Scope = d.RefreshPath(), &scope{Origin: d.place.Origin}
		for _, path := range d.place.Excluded {
			told.Scope.Rules = append(told.Scope.Rules, rule{"exclude", "*", path})
		}
		told.Cookies = []credential{{"cookie", httpx.BoundCookie, httpx.BoundAttributes}}
	}
	if err := httpx.WriteJSON(w, http.StatusOK, told); err != nil {
		httpx.WriteProblem(w, r, err)
	}
}
