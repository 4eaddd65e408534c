package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/sign"
)

// An upstream's backend may ask for a confirmation itself, when it knows what no request says (the fee, the name of a network), look how far
// that is, and cancel it. It signs each call as package signed wants it (Backends): with the assertion key that it shares with us as secret, or with a
// key of its own.
const (
	postedMost = 16 << 10
	postedTime = 5 * time.Second
)

// ServePosted answers POST /v1/confirmations on the dashboard's listener, for upstreams whose backend has a key. authority is the listener's
// own. A call counts once: sent again after its user declined, it would ask them again.
func (g *Gateway) ServePosted(authority string, w http.ResponseWriter, r *http.Request) error {
	var in confirm.Posting
	name, err := g.fromBackend(authority, w, r, &in)
	if err != nil {
		return err
	}
	action, err := scope.ParseClass(in.Action)
	if err != nil || action != scope.Withdraw && action != scope.Destination {
		return fault.New(fault.RequestInvalid, "field", "action")
	}
	if !g.servesBack(name, in) {
		return fault.New(fault.RequestInvalid, "field", "return_to")
	}
	asked, err := g.Confirmations.Ask(r.Context(), confirm.Asking{
		Content: confirm.Content{
			Action: action, Environment: in.Environment, Upstream: name, Asset: in.Asset, Network: in.Network, Address: in.Address, Memo: in.Memo,
			Amount: in.Amount, Fee: in.FeeMax,
		},
		User: in.User, Account: in.Account, Subaccount: in.Subaccount, BackTo: in.ReturnTo, Bound: g.bound(name, action),
	})
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, http.StatusCreated, asked.Taken())
}

// bound says that an upstream takes such a transaction only from a passkey that cannot leave its device.
func (g *Gateway) bound(upstream string, action scope.Class) bool {
	return slices.ContainsFunc(g.Hosts, func(h *Host) bool { return h.Upstream.Name == upstream && h.Upstream.Routes.Load().bound(action) })
}

// fromBackend names the upstream that signed a call to the dashboard's listener, and reads its body.
func (g *Gateway) fromBackend(authority string, w http.ResponseWriter, r *http.Request, into any) (upstream string, err error) {
	upstream, body, err := g.backend(authority, w, r, postedMost)
	if err != nil {
		return "", err
	}
	return upstream, httpx.DecodeJSON(body, into)
}

// backend names the upstream that signed a call whose body has that many bytes at most.
func (g *Gateway) backend(authority string, w http.ResponseWriter, r *http.Request, most int64) (upstream string, body []byte, err error) {
	call := sign.Received(r)
	call.Authority = authority
	from := httpx.RecordOf(r.Context()).Addr
	upstream, err = g.Backends.Verify(from, &call, func() ([]byte, error) { return httpx.ReadBody(w, r, most, postedTime) })
	return upstream, call.Body, err
}

// ServePostedState answers GET /v1/confirmations/{id}/posted on the dashboard's listener, to the backend that posted it.
func (g *Gateway) ServePostedState(authority string, w http.ResponseWriter, r *http.Request) error {
	upstream, which, err := g.namedBy(authority, w, r)
	if err != nil {
		return err
	}
	a, err := g.Confirmations.Posted(r.Context(), upstream, which)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, http.StatusOK, a.Far(g.Now()))
}

// ServePostedEnd answers DELETE /v1/confirmations/{id}/posted on the dashboard's listener: the backend that posted it cancels it, for good and from the
// moment of the answer.
func (g *Gateway) ServePostedEnd(authority string, w http.ResponseWriter, r *http.Request) error {
	upstream, which, err := g.namedBy(authority, w, r)
	if err != nil {
		return err
	}
	if err := g.Confirmations.TakeBack(r.Context(), upstream, which); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// namedBy is the backend that signed a call without a body, and the confirmation that its path names.
func (g *Gateway) namedBy(authority string, w http.ResponseWriter, r *http.Request) (upstream string, which id.Confirmation, err error) {
	if upstream, _, err = g.backend(authority, w, r, 0); err != nil {
		return "", which, err
	}
	if which, err = id.Parse[id.ConfirmationKind](r.PathValue("id")); err != nil {
		return "", which, fault.New(fault.ConfirmationNotFound)
	}
	return upstream, which, nil
}

// servesBack says whether the upstream's pages in that environment are where the user is to go back to. There need not be such a place.
func (g *Gateway) servesBack(upstream string, in confirm.Posting) bool {
	back, err := url.Parse(in.ReturnTo)
	if in.ReturnTo == "" {
		return true
	}
	return err == nil && back.RawQuery == "" && !strings.Contains(in.ReturnTo, "#") && back.User == nil &&
		slices.ContainsFunc(g.Hosts, func(h *Host) bool {
			return h.Pages() && h.Upstream.Name == upstream && h.Environment == in.Environment && back.Scheme+"://"+back.Host == h.Origin
		})
}
