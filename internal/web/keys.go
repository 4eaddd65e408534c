package web

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/respond/dossier"
	"github.com/seed-21c57000/sallyport/internal/web/page"
	"github.com/seed-21c57000/sallyport/sign"
)

// keys are the pages about API keys. Making a key pair in the browser is the script's, through package api.
type keys struct {
	keys interface {
		List(ctx context.Context, p principal.Principal) ([]apikey.Key, error)
		Named(text string) (id.Key, error)
		Window(k apikey.Key) time.Duration
		SystemAround(addr netip.Addr) string
		DestinationCounts(d apikey.Destination) time.Time
		Standing(k apikey.Key) (apikey.Standing, time.Time)
		Edit(ctx context.Context, p principal.Principal, in apikey.EditInput) (apikey.Key, error)
		Wake(ctx context.Context, p principal.Principal, k id.Key) error
		Release(ctx context.Context, p principal.Principal, k id.Key) error
		Challenge(p principal.Principal) (string, error)
		Issue(ctx context.Context, p principal.Principal, in apikey.IssueInput) (apikey.Issued, error)
		Revoke(ctx context.Context, p principal.Principal, k id.Key) error
		Transfer(ctx context.Context, p principal.Principal, in apikey.TransferInput) (apikey.Key, error)
		Promote(ctx context.Context, p principal.Principal, in apikey.PromoteInput) (apikey.Issued, error)
		Rotate(ctx context.Context, p principal.Principal, in apikey.RotateInput) (apikey.Rotated, error)
		Extend(ctx context.Context, p principal.Principal, in apikey.ExtendInput) (time.Time, error)
		Retire(ctx context.Context, p principal.Principal, k id.Key, sure bool) error
		Cutover(k id.Key) []apikey.Secret
		Leaked(ctx context.Context, p principal.Principal, k id.Key, since time.Time) (apikey.Leak, error)
		Stop(ctx context.Context, p principal.Principal, k id.Key, s apikey.Stop) error
		Resume(ctx context.Context, p principal.Principal, k id.Key, s apikey.Stop) error
	}
	factors  methodsOf
	accounts interface {
		Subaccounts(ctx context.Context, p principal.Principal) ([]account.Subaccount, error)
	}
	members interface {
		Of(ctx context.Context, p principal.Principal) (member.Circle, error)
	}
	dossiers interface {
		Of(ctx context.Context, p principal.Principal, kid id.Key) (dossier.Dossier, error)
		Timeline(ctx context.Context, p principal.Principal, kid id.Key, since time.Time) (dossier.Signed, error)
	}
	log   *activity
	terms keyTerms
}

// keyTerms are what the pages say about keys: the very limits that are enforced.
type keyTerms struct {
	limits      apikey.Limits
	environment id.Environment
	origin      string
	apis        []page.API
}

// soon is when a key's end is told on its card, as in the first notice.
const soon = 14 * 24 * time.Hour

func (k *keys) mount(on mounter) {
	on(http.MethodGet, "/keys", func(v *visit) error { return k.list(v, page.Problem{}) })
	on(http.MethodGet, "/keys/new", k.plan)
	on(http.MethodPost, "/keys", k.create)
	on(http.MethodPost, "/keys/{id}/revoke", k.revoke)
	on(http.MethodGet, "/keys/{id}", func(v *visit) error { return k.one(v, page.Problem{}) })
	on(http.MethodGet, "/keys/{id}/timeline", k.timeline)
	on(http.MethodPost, "/keys/{id}/rotate", k.rotate)
	on(http.MethodPost, "/keys/{id}/extend", k.extend)
	on(http.MethodPost, "/keys/{id}/retire", k.retire)
	on(http.MethodPost, "/keys/{id}/leaked", k.leaked)
	on(http.MethodPost, "/keys/{id}/transfer", k.transfer)
	on(http.MethodGet, "/keys/{id}/promote", func(v *visit) error { return k.planPromote(v, page.Problem{}) })
	on(http.MethodPost, "/keys/{id}/promote", k.promote)
	on(http.MethodGet, "/keys/{id}/edit", k.planEdit)
	on(http.MethodPost, "/keys/{id}/edit", k.edit)
	on(http.MethodPost, "/keys/{id}/narrow", k.narrow)
	on(http.MethodPost, "/keys/{id}/wake", func(v *visit) error {
		return k.change(v, func(kid id.Key) error { return k.keys.Wake(v.r.Context(), v.who, kid) })
	})
	on(http.MethodPost, "/keys/{id}/release", func(v *visit) error {
		return k.change(v, func(kid id.Key) error { return k.keys.Release(v.r.Context(), v.who, kid) })
	})
	on(http.MethodPost, "/keys/{id}/freeze", k.stop(apikey.Freeze))
	on(http.MethodPost, "/keys/{id}/unfreeze", k.resume(apikey.Freeze))
	on(http.MethodPost, "/keys/{id}/block", k.stop(apikey.Block))
	on(http.MethodPost, "/keys/{id}/unblock", k.resume(apikey.Block))
}

func (k *keys) list(v *visit, p page.Problem) error {
	all, err := k.keys.List(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	m, err := k.factors.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	owner := v.who.Role == principal.Owner
	view := page.Keys{Problem: p, NotOwner: !owner, MayCreate: owner && m.Strongest() >= assurance.Mfa, Search: v.r.URL.Query().Get("q"), APIs: k.terms.apis}
	for _, key := range all {
		if key.Matches(view.Search) {
			view.List = append(view.List, k.card(v, key))
		}
	}
	return v.show(page.KeysPage(v.frame("nav.keys"), view))
}

// card says a key in words.
func (k *keys) card(v *visit, key apikey.Key) page.Key {
	standing, lapses := k.keys.Standing(key)
	c := page.Key{
		ID: key.Text(), Name: key.Name, Purpose: key.Purpose, Test: key.Environment == id.Test, Signs: v.signsWith(key.Dialect, key.Algorithm),
		Scopes: v.scopes(key.Scopes), State: stateOf(key, standing, v.now), Owner: key.OwnerName, Created: v.when(key.Born),
		Used: v.when(key.LastUsedAt), UsedFrom: key.LastUsedFrom, Expires: v.when(key.ExpiresAt), Ended: v.when(key.RevokedAt),
		OnEnd: v.words.Say("on_end." + string(key.OnEnd)), Pin: v.pinned(key.Pin), Standby: key.Standby,
		OwnerLocked: key.OwnerLocked && key.FrozenAt.IsZero(),
	}
	c.Ends = v.endsOrders(key)
	c.Allowlist = networkTexts(key)
	c.Bounds, c.Vendor = v.boundFacts(key.Bounds), key.Vendor
	for _, d := range key.Destinations {
		place := page.Destination{Text: d.String()}
		if counts := k.keys.DestinationCounts(d); v.now.Before(counts) {
			place.Counts = v.when(counts)
		}
		c.Destinations = append(c.Destinations, place)
	}
	c.Settings = strings.Join(key.Dialect.SettingsWords(key.Settings), " ")
	if key.WindowPast > 0 {
		c.Window = v.words.Span(key.WindowPast)
	}
	if !lapses.IsZero() && lapses.Before(key.ExpiresAt) {
		c.Lapses = v.when(lapses)
	}
	if unreleased(key) {
		c.Unreleased = v.words.Say("key.unreleased_text")
	}
	return c
}

// endsOrders says what becomes of the open orders of a key that is ended or stopped; nothing for one that places none.
func (v *visit) endsOrders(key apikey.Key) string {
	switch {
	case !key.Scopes.Has(scope.OrdersWrite):
		return ""
	case key.OnEnd == apikey.CancelOrders:
		return v.words.Say("key.ends.cancel_all")
	}
	return v.words.Say("key.ends.leave")
}

// unreleased says whether the key was given the scope to withdraw, and not released to use it.
func unreleased(key apikey.Key) bool {
	return key.Scopes.Highest() >= scope.Withdraw && key.ReleasedAt.IsZero()
}

// stateOf is how a key stands, and soon for one whose end is near.
func stateOf(key apikey.Key, standing apikey.Standing, now time.Time) page.KeyState {
	if standing == apikey.StandsLive && key.ExpiresAt.Sub(now) < soon {
		return page.KeySoon
	}
	return page.KeyState(standing)
}

// signsWith names a way of signing.
func (v *visit) signsWith(d sign.Dialect, a sign.Algorithm) string {
	for _, kind := range kinds {
		if kind.dialect == d && kind.algorithm == a {
			return v.words.Say("signs." + kind.name)
		}
	}
	return d.String() + " " + a.String()
}

// kinds are the ways of signing that the form offers. A key pair made by script arrives as JSON and is an ed25519 key like any other.
var kinds = []struct {
	name      string
	dialect   sign.Dialect
	algorithm sign.Algorithm
}{
	{"ed25519", sign.Native, sign.Ed25519},
	{"hmac", sign.Native, sign.HMACSHA256},
	{"upbit", sign.Upbit, sign.HMACSHA2},
	{"bithumb", sign.Bithumb, sign.HMACSHA256},
	{"binance", sign.Binance, sign.HMACSHA256},
	{"binance-ed25519", sign.Binance, sign.Ed25519},
	{"kraken", sign.Kraken, sign.HMACSHA512},
	{"okx", sign.OKX, sign.HMACSHA256},
	{"bybit", sign.Bybit, sign.HMACSHA256},
	{"coinbase", sign.Coinbase, sign.ES256},
	{"coinbase-ed25519", sign.Coinbase, sign.Ed25519},
	{"kucoin", sign.KuCoin, sign.HMACSHA256},
}

// revoke ends a key.
func (k *keys) revoke(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	kid, err := k.keys.Named(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := k.keys.Revoke(v.r.Context(), v.who, kid); err != nil {
		return v.retry(err, func(p page.Problem) error { return k.list(v, p) })
	}
	v.say("key_revoked")
	return v.leave("/keys")
}
