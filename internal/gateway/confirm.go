package gateway

import (
	"context"
	"crypto/sha256"
	"net/url"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
)

// confirmationHeader names the confirmation that a request was given.
const confirmationHeader = "Sallyport-Confirmation"

// Confirmations is what this package asks of package confirm. Ask, Execute and TakeBack are one durable write each: money is worth it.
type Confirmations interface {
	// Ask names a confirmation for a refused request.
	Ask(ctx context.Context, in confirm.Asking) (confirm.Asked, error)
	// Execute spends one; nil lets exactly this request through, once.
	Execute(ctx context.Context, p principal.Principal, o confirm.Order) error
	// Posted and TakeBack are for the backend that posted it.
	Posted(ctx context.Context, upstream string, which id.Confirmation) (confirm.Asked, error)
	TakeBack(ctx context.Context, upstream string, which id.Confirmation) error
}

// confirmed lets a request that moves money through if it brings the confirmation of exactly this transaction, and else names one that its
// user can give. It comes last, because it is spent by asking: what the upstream then makes of the request is the upstream's answer, and a
// second try is a second confirmation.
func (v *visit) confirmed() error {
	content, err := v.route.money.read(v.r.Header, v.raw.Target, v.body)
	if err != nil {
		return err
	}
	content.Action, content.Environment, content.Upstream = v.route.Class, v.host.Environment, v.host.Upstream.Name
	if wrong := v.sends(content); wrong != nil {
		return wrong
	}
	digest := v.digestOfAll()
	given := v.r.Header[confirmationHeader]
	if len(given) == 0 {
		asked, err := v.g.Confirmations.Ask(v.r.Context(), confirm.Asking{
			Content: content, User: v.who.User, Account: v.who.Account, Subaccount: v.who.Subaccount, Request: digest[:], BackTo: v.backTo(), Bound: v.route.bound(),
		})
		if err != nil {
			return err
		}
		return asked.Required()
	}
	if v.confirmation, err = id.Parse[id.ConfirmationKind](given[0]); err != nil || len(given) > 1 {
		return fault.New(fault.ConfirmationNotFound)
	}
	return v.g.Confirmations.Execute(v.r.Context(), v.who, confirm.Order{
		Confirmation: v.confirmation, Content: content, Silent: v.route.money.silent(), Request: digest[:], Bound: v.route.bound(),
	})
}

// sends holds the withdrawal of a key to where it may send money. Errors: those of apikey.Live.Sends.
func (v *visit) sends(c confirm.Content) error {
	if v.key == nil || c.Action != scope.Withdraw {
		return nil
	}
	to := apikey.Destination{Asset: c.Asset, Network: c.Network, Address: c.Address, Memo: c.Memo}
	if wrong := v.key.Sends(to, v.now); wrong != nil {
		return beyond(v.key, wrong)
	}
	return nil
}

// digestOfAll is over everything that says what the request is; no part but the last can hold a zero byte.
func (v *visit) digestOfAll() [sha256.Size]byte {
	parts := []string{v.r.Method, v.host.Authority, v.raw.Target, v.r.Header.Get("Content-Type"), string(v.body)}
	return sha256.Sum256([]byte(strings.Join(parts, "\x00")))
}

// backTo is the page of this host that the request was sent from, for the way back; empty where no page sent it.
func (v *visit) backTo() string {
	if !v.host.Pages() {
		return ""
	}
	from, err := url.Parse(v.r.Referer())
	if err != nil || from.Scheme+"://"+from.Host != v.host.Origin {
		return v.host.Origin + "/"
	}
	return v.host.Origin + from.EscapedPath()
}
