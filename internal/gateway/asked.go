package gateway

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// Forward-auth: a proxy that passes requests on by itself asks here before each of them.
//
//	client ── request ──▶ proxy ── GET /check, the request's head ──▶ Asked     2xx: the proxy adds our headers and passes the request on
//	                        └────── request, with our headers ──────▶ upstream   else: the proxy answers with our status
//
// The question is turned back into the request that it is about, and takes the same way as one that came directly: the chain finds the
// client, address and admit decide. Only the body is missing.

// CheckPath is where questions are asked; everything else is not found.
const CheckPath = "/check"

// Convention says in which headers a proxy names the request that it asks about. Only the configured ones are read: a client can send the
// others through a proxy that does not know them. The zero value reads none, and so answers nobody.
type Convention struct {
	method, target string
	// host is empty where the question's own Host is the client's.
	host string
	// narrow proxies know 2xx, 401 and 403 as answers, and take every other status for a failure of ours.
	narrow bool
}

// XOriginal is what nginx is told to send; see docs/forward-auth.md.
var XOriginal = Convention{method: "X-Original-Method", target: "X-Original-Uri", narrow: true}

// XForwarded is what Caddy and Traefik send by themselves.
var XForwarded = Convention{method: "X-Forwarded-Method", target: "X-Forwarded-Uri", host: "X-Forwarded-Host"}

// Asked is the handler of the forward-auth listener. chain is the one of all doors, whose declared proxies are the only ones that may ask.
func (g *Gateway) Asked(chain httpx.Chain, convention Convention) http.Handler {
	chain.Restore = convention.restore
	return chain.Wrap("forward", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if convention.narrow {
			w = narrowed{w}
		}
		g.answer(w, r, Unseen)
	}))
}

// Body says what a question brings of the body of the request that it is about.
type Body bool

// A question without the body, and one with all of it.
const (
	Unseen Body = true
	Whole  Body = false
)

// Told is the handler for a door that takes questions apart by itself: it is called with the request that a question is about, whose
// RemoteAddr is what the proxy says of its client. That the proxy is a declared one is the door's to know. A request with a header that names
// another one is refused here too: whether the proxy takes it away as it is told is the proxy's configuration.
func (g *Gateway) Told(chain httpx.Chain, door string, body Body) http.Handler {
	chain.Restore = func(r *http.Request, _ bool) error { return leads(r.Header) }
	return chain.Wrap(door, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.answer(w, r, body) }))
}

func (g *Gateway) answer(w http.ResponseWriter, r *http.Request, body Body) {
	v := visit{g: g, w: w, r: r, rec: httpx.RecordOf(r.Context()), now: g.Now(), asked: true, unseen: body == Unseen}
	defer v.release()
	if err := v.reply(); err != nil {
		v.refuse(err)
	}
}

// single are headers that a proxy says one thing with: of two lines the upstream may believe the one that the client wrote.
var single = [...]string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Request-Id"}

// leads refuses a head by which the upstream might take the request for another one. Errors: request.malformed, forward.malformed.
func leads(h http.Header) error {
	if name := misleading(h); name != "" {
		return fault.New(fault.RequestMalformed, "problem", "header_misleading", "seen", name)
	}
	for _, name := range single {
		if lines := h[name]; len(lines) > 1 || len(lines) == 1 && strings.Contains(lines[0], ",") { // a proxy may have joined them
			return fault.New(fault.ForwardMalformed, "header", name)
		}
	}
	return nil
}

// restore makes the request that a question is about. A header that is missing or stands twice is refused: a proxy may have lost it on a word
// of the client (Connection), or the client may have sent one of its own. So is a question with a header that names another request.
func (c Convention) restore(r *http.Request, declared bool) error {
	switch {
	case !declared, c.target == "":
		return fault.New(fault.ForwardUndeclared)
	case r.RequestURI != CheckPath:
		return fault.New(fault.GatewayNoRoute)
	}
	if err := leads(r.Header); err != nil {
		return err
	}
	for _, part := range [...]struct {
		header string
		into   *string
	}{{c.method, &r.Method}, {c.target, &r.RequestURI}, {c.host, &r.Host}} {
		if part.header == "" {
			continue
		}
		lines := r.Header[part.header]
		if len(lines) != 1 || lines[0] == "" {
			return fault.New(fault.ForwardMalformed, "header", part.header)
		}
		*part.into = lines[0]
	}
	return nil
}

// misleading names a header by which the upstream might take the request for another one, or for somebody else's. The gateway takes these
// away from what it passes on; a proxy that passes the request on by itself may not.
func misleading(h http.Header) string {
	var room [usualName]byte
	for name := range h {
		text := folded(room[:0], name)
		if otherRequest[string(text)] || strings.Contains(name, "_") && bytes.HasPrefix(text, ourNames) {
			return string(text)
		}
	}
	return ""
}

// reply says yes, or the refusal why not.
func (v *visit) reply() error {
	if err := v.address(); err != nil {
		return err
	}
	if strings.HasPrefix(v.path, ownPaths) {
		return fault.New(fault.GatewayNoRoute) // the gateway's own listener has these
	}
	check := v.check
	if v.unseen {
		check = v.headAlone
	}
	if err := check(); err != nil {
		return err
	}
	v.used("")
	v.sayWho()
	v.w.WriteHeader(http.StatusNoContent)
	return nil
}

// headAlone is the check of a request whose body nobody here sees.
func (v *visit) headAlone() error {
	if err := v.admit(); err != nil {
		return err
	}
	return v.bound()
}

// absent stands in identity headers that say nothing. Proxies differ in what they do with a header that is not there or empty, and one that
// keeps the client's own would be believed; so every answer has all of them.
const absent = "none"

// identity are the headers beside the assertion, in the order in which sayWho writes them. They prove nothing: they are for logs, and for
// upstreams that nobody but their proxy reaches. The credential is a session (ses_…) or an API key (spk_…). With the three headers that every
// answer has they are eight, which is as many as a small map holds; a ninth would cost a tenth of the answer.
var identity = [...]string{"Sallyport-User", "Sallyport-Account", "Sallyport-Subaccount", "Sallyport-Credential", "Sallyport-Scopes"}

func (v *visit) sayWho() {
	p := v.who
	var room [512]byte
	var ends [len(identity)]int
	text := room[:0]
	for i := range identity {
		start := len(text)
		switch {
		case p.Kind == principal.KindNobody:
		case i == 0:
			text, _ = p.User.AppendText(text)
		case i == 1:
			text, _ = p.Account.AppendText(text)
		case i == 2:
			text, _ = p.Subaccount.AppendText(text)
		case i == 3 && p.Kind == principal.KindKey:
			text = id.AppendKey(text, p.Key, p.Environment)
		case i == 3:
			text, _ = p.Session.AppendText(text)
		case i == 4:
			text = p.Scopes.Append(text)
		}
		if len(text) == start {
			text = append(text, absent...)
		}
		ends[i] = len(text)
	}
	h := v.w.Header()
	all, start := string(text), 0 // one string for all: each is a part of it
	values := make([]string, len(identity)+1)
	for i, name := range identity {
		values[i], start = all[start:ends[i]], ends[i]
		h[name] = values[i : i+1 : i+1]
	}
	values[len(identity)] = v.assertion()
	h[gate.Header] = values[len(identity):]
	h["Cache-Control"] = noStore
}

var noStore = []string{"no-store"}

// narrowed answers a proxy that understands three answers. A way to the sign-in becomes a 401 that keeps its Location; other refusals become
// 403, because such a proxy would tell the client of an error of ours.
type narrowed struct{ http.ResponseWriter }

func (n narrowed) WriteHeader(status int) {
	switch {
	case status >= 300 && status < 400:
		status = http.StatusUnauthorized
	case status >= 400 && status < 500 && status != http.StatusUnauthorized:
		status = http.StatusForbidden
	}
	n.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (n narrowed) Unwrap() http.ResponseWriter { return n.ResponseWriter }
