package gateway

import (
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
	answer := chain.Wrap("forward", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if convention.narrow {
			w = narrowed{w}
		}
		v := visit{g: g, w: w, r: r, rec: httpx.RecordOf(r.Context()), now: g.Now(), unseen: true}
		if err := v.answer(); err != nil {
			v.refuse(err)
		}
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, err := convention.restore(r, chain.Declared(r))
		if err != nil {
			chain.Wrap("forward", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { httpx.WriteProblem(w, r, err) })).ServeHTTP(w, r)
			return
		}
		answer.ServeHTTP(w, asked)
	})
}

// restore makes the request that a question is about. A header that is missing or stands twice is refused: a proxy may have lost it on a word
// of the client (Connection), or the client may have sent one of its own.
func (c Convention) restore(r *http.Request, declared bool) (*http.Request, error) {
	switch {
	case !declared, c.target == "":
		return nil, fault.New(fault.ForwardUndeclared)
	case r.RequestURI != CheckPath:
		return nil, fault.New(fault.GatewayNoRoute)
	}
	asked := r.WithContext(r.Context()) // a copy: the server goes by the question's method when it writes the answer
	for _, part := range []struct {
		header string
		into   *string
	}{{c.method, &asked.Method}, {c.target, &asked.RequestURI}, {c.host, &asked.Host}} {
		if part.header == "" {
			continue
		}
		lines := r.Header[part.header]
		if len(lines) != 1 || lines[0] == "" {
			return nil, fault.New(fault.ForwardMalformed, "header", part.header)
		}
		*part.into = lines[0]
	}
	return asked, nil
}

// answer says yes, or the refusal why not.
func (v *visit) answer() error {
	if err := v.address(); err != nil {
		return err
	}
	if strings.HasPrefix(v.path, ownPaths) {
		return fault.New(fault.GatewayNoRoute) // the gateway's own listener has these
	}
	if err := v.admit(); err != nil {
		return err
	}
	v.sayWho()
	v.w.WriteHeader(http.StatusNoContent)
	return nil
}

// absent stands in identity headers that say nothing. Proxies differ in what they do with a header that is not there or empty, and one that
// keeps the client's own would be believed; so every answer has all of them.
const absent = "none"

// identity are the headers beside the assertion, in the order of the values in sayWho. They prove nothing: they are for logs, and for
// upstreams that nobody but their proxy reaches.
var identity = [...]string{
	"Sallyport-Kind", "Sallyport-User", "Sallyport-Account", "Sallyport-Subaccount", "Sallyport-Session", "Sallyport-Key", "Sallyport-Scopes",
	"Sallyport-Assurance",
}

func (v *visit) sayWho() {
	p := v.who
	values := [len(identity)]string{absent, absent, absent, absent, absent, absent, absent, absent}
	switch p.Kind {
	case principal.KindUser:
		values[0], values[4], values[7] = "user", p.Session.String(), p.Level().String()
	case principal.KindKey:
		values[0], values[5] = "key", id.FormatKey(p.Key, p.Environment)
	case principal.KindNobody, principal.KindSystem, principal.KindHost:
		values[0] = "public"
	}
	if p.Kind != principal.KindNobody {
		values[1], values[2], values[3], values[6] = p.User.String(), p.Account.String(), p.Subaccount.String(), orAbsent(p.Scopes.String())
	}
	h := v.w.Header()
	for i, name := range identity {
		h[name] = values[i : i+1 : i+1]
	}
	h[gate.Header] = []string{v.assertion()}
	h["Cache-Control"] = []string{"no-store"}
}

func orAbsent(s string) string {
	if s == "" {
		return absent
	}
	return s
}

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
