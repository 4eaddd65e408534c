package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/sign"
)

// ownPaths are ours on every gateway host; no upstream is reached below it.
const ownPaths = "/.sallyport/"

const enterPath = ownPaths + "enter"

// BindPath is the folder where a host's Binding is served.
const BindPath = ownPaths + "dbsc/"

// serveOwn answers our own paths, on page hosts: the way to the dashboard, and the way in from there.
//
//	enter?path=…  ──▶ cookie of the way, dashboard/go/host?path=…&state=hash of the cookie
//	enter?code=…  ──▶ child session, if the code was made for the cookie's state ──▶ path, with the offer to bind it; by way of
//	enter?bind=…  ──▶ the same path and offer, where the browser comes from another origin and would register without our cookies
//	dbsc/…        ──▶ the proofs of the device that a child session is bound to
func (v *visit) serveOwn() error {
	if v.host.Binding != nil && strings.HasPrefix(v.path, BindPath) {
		v.rec.Route = "POST " + BindPath
		v.host.Binding.ServeHTTP(v.w, v.r)
		return nil
	}
	if v.path != enterPath || !v.host.Pages() || v.r.Method != http.MethodGet {
		return fault.New(fault.GatewayNoRoute)
	}
	v.rec.Route = "GET " + enterPath
	query := v.r.URL.Query()
	if query.Has("bind") {
		return v.bind(query.Get("bind"))
	}
	if !query.Has("code") {
		path := query.Get("path")
		if sign.CheckTarget(path) != nil {
			path = "/"
		}
		return v.setOut(path)
	}
	return v.enter(secret.FromString("child code", query.Get("code")))
}

// setOut sends a browser to the dashboard, from where it comes back with a code that no other browser can use.
func (v *visit) setOut(path string) error {
	if v.unseen {
		// A proxy that asks may keep our cookie to itself; the browser gets it on our own path, which the proxy passes on to the gateway.
		v.leave(v.host.Origin + enterPath + "?" + url.Values{"path": {path}}.Encode())
		return nil
	}
	state, err := httpx.SetOut(v.w, v.r)
	if err != nil {
		return err
	}
	way := url.Values{"path": {path}, "state": {state}}
	v.leave(v.g.Dashboard + "/go/" + url.PathEscape(v.host.Authority) + "?" + way.Encode())
	return nil
}

// enter opens a child session for a code, in the browser that set out for it.
func (v *visit) enter(code secret.Value) error {
	state, err := httpx.Cookie(v.r, httpx.WayCookie)
	if err != nil {
		return err
	}
	row, bearer, path, err := v.g.Sessions.RedeemChildCode(v.r.Context(), code, state, v.host.Authority, v.rec.Origin())
	if err != nil {
		return err
	}
	httpx.KeepSession(v.w, bearer)
	v.w.Header().Set("Referrer-Policy", "no-referrer") // the code is in this page's address
	if v.host.Binding != nil && httpx.FromElsewhere(v.r) {
		httpx.ComeAgain(v.w, v.r, http.StatusOK, enterPath+"?"+url.Values{"bind": {path}}.Encode())
		return nil
	}
	v.offer(row.ID)
	v.leave(path)
	return nil
}

// bind goes on to a path of this host with the offer for the session that the browser has.
func (v *visit) bind(path string) error {
	if sign.CheckTarget(path) != nil {
		path = "/"
	}
	if err := v.recognise(); err != nil {
		return err
	}
	v.offer(v.who.Session)
	v.leave(path)
	return nil
}

// offer does not come to a session that is bound: the cookie of the offer would take the place of the one that its device brought, and any site
// can lead a browser here.
func (v *visit) offer(s id.Session) {
	if v.host.Binding != nil && v.who.Proof.BoundAt.IsZero() {
		v.host.Binding.Offer(v.w, s)
	}
}

func (v *visit) leave(address string) {
	h := v.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Location", address)
	v.w.WriteHeader(http.StatusSeeOther)
}
