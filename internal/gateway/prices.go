package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// An upstream tells what its markets are worth, so that orders of keys with a ceiling can be weighed. It is asked again every few seconds.

const (
	// priceLife is how long a price is believed.
	priceLife = time.Minute
	// priceTime bounds how long an upstream may take to tell its prices, and priceMost how much it may say.
	priceTime = 5 * time.Second
	priceMost = 1 << 20
)

// priceList are the prices of an upstream as of a moment: market → price.
type priceList struct {
	at time.Time
	of map[string]Price
}

// price is the one of a market, if it was told and is not too old.
func (u *Upstream) price(market string) (p Price, known bool) {
	list := u.prices.Load()
	if list == nil || u.now().Sub(list.at) > priceLife {
		return p, false
	}
	p, known = list.of[market]
	return p, known
}

// pricesBody is what an upstream answers: numbers as plain decimals in text. Unit is one where it is missing.
type pricesBody struct {
	Prices []struct {
		Market string `json:"market"`
		Price  string `json:"price"`
		Unit   string `json:"unit"`
	} `json:"prices"`
}

// FetchPrices asks each upstream that tells prices. What one told before stays for as long as prices are believed.
func (g *Gateway) FetchPrices(ctx context.Context) error {
	asked := map[*Upstream]bool{}
	var failed []error
	for _, h := range g.Hosts {
		if h.Upstream.PricesPath == "" || asked[h.Upstream] {
			continue
		}
		asked[h.Upstream] = true
		list, err := g.askPrices(ctx, h)
		if err != nil {
			failed = append(failed, fmt.Errorf("prices of upstream %s: %w", h.Upstream.Name, err))
			continue
		}
		h.Upstream.prices.Store(list)
	}
	return errors.Join(failed...)
}

func (g *Gateway) askPrices(ctx context.Context, h *Host) (*priceList, error) {
	ctx, cancel := context.WithTimeout(ctx, priceTime)
	defer cancel()
	target := *h.Upstream.URL
	target.Path = h.Upstream.PricesPath
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	now := g.Now()
	r.Header.Set(gate.Header, h.Upstream.Assert.Token(asserted{
		principal: principal.Nobody(principal.Origin{}), route: &Route{Class: scope.Public}, environment: h.Environment,
		request: id.New[id.RequestKind](now), method: http.MethodGet, target: h.Upstream.PricesPath, now: now,
	}))
	answer, err := g.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, priceMost+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK || len(body) > priceMost {
		return nil, fmt.Errorf("answered %d with %d bytes, of which %d may be", answer.StatusCode, len(body), priceMost)
	}
	return readPrices(body, now)
}

// readPrices reads an answer. One wrong price makes all of it wrong: half a list would weigh orders by old prices.
func readPrices(body []byte, now time.Time) (*priceList, error) {
	var said pricesBody
	if err := httpx.DecodeJSON(body, &said); err != nil {
		return nil, err
	}
	list := &priceList{at: now, of: map[string]Price{}}
	for _, p := range said.Prices {
		if p.Unit == "" {
			p.Unit = "1"
		}
		traded, ok := apikey.Decimal(p.Price)
		unit, ok2 := apikey.Decimal(p.Unit)
		if !ok || !ok2 || p.Market == "" || traded.Sign() == 0 || unit.Sign() == 0 {
			return nil, fmt.Errorf("the price of market %q is none", p.Market)
		}
		list.of[p.Market] = Price{Traded: traded, Unit: unit}
	}
	return list, nil
}
