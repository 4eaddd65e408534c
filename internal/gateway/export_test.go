package gateway

import (
	"math/big"
	"net/http"
	"net/netip"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
)

// ReadTransaction is what a user would be shown of a request of the route.
func ReadTransaction(r *Route, h http.Header, target string, body []byte) (confirm.Content, error) {
	return r.money.read(h, target, body)
}

// ReadOrder is what an order of the route is worth where a unit of what is traded is worth each.
func ReadOrder(r *Route, h http.Header, target string, body []byte, each *big.Rat) (*big.Rat, error) {
	_, worth, err := r.order.read(h, target, body, func(string) (Price, bool) { return Price{Traded: each, Unit: big.NewRat(1, 1)}, true })
	return worth, err
}

// Dig opens a tunnel of a user, or of nobody, and gives what closes it.
func (g *Gateway) Dig(whose id.User) (forget func(), err error) {
	t, err := g.dig(whose)
	return func() { g.tunnels.remove(t) }, err
}

// Limit is one of once a minute: Take says whether a place has to wait, Places how many it remembers.
type Limit struct{ p *pacer }

// NewLimit makes one.
func NewLimit() Limit { return Limit{limits{PerMinute: 1}.pacer()} }

// Take asks for one request.
func (l Limit) Take(addr netip.Addr, now time.Time) (waits bool) {
	return l.p.take(sender{place: netip.PrefixFrom(addr, min(64, addr.BitLen())).Masked()}, now) > 0
}

// Places is how many it remembers.
func (l Limit) Places() int { return len(l.p.next) }
