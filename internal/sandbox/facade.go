package sandbox

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
)

// The façades: thin APIs in the shape of other exchanges over the same books, so that their clients have somebody to talk to. They hold what
// a bot needs to trade and nothing else.

// facades are the paths below which another exchange's shape of refusals is spoken.
var facades = []struct {
	path   string
	refuse func(name ledger.RefusalError, text string) any
}{
	{"/api/v3/", binanceRefusal},
	{"/0/", krakenRefusal},
}

// facade turns an endpoint in another exchange's shape into a handler.
func (x *Exchange) facade(e endpoint) http.Handler { return x.answer(facadeParams, e) }

// facadeParams reads the query and a form body as one, as these exchanges do; no name may stand twice. Kraken also takes a flat JSON body.
func facadeParams(r *http.Request) (params, error) {
	raw, err := io.ReadAll(r.Body) // the gate has bounded it
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(raw, []byte("{")) {
		r.Body = io.NopCloser(bytes.NewReader(raw))
		return bodyParams(r)
	}
	query, errQuery := url.ParseQuery(r.URL.RawQuery)
	form, errForm := url.ParseQuery(string(raw))
	if errors.Join(errQuery, errForm) != nil {
		return nil, ledger.ErrInvalid
	}
	in := params{}
	for _, values := range []url.Values{query, form} {
		for name, list := range values {
			if _, twice := in[name]; twice || len(list) != 1 {
				return nil, ledger.ErrInvalid
			}
			in[name] = list[0]
		}
	}
	return in, nil
}

// marketNamed finds the market to which a façade gives a name.
func marketNamed(name string, namesOf func(market.Market) []string) (market.Market, error) {
	for _, m := range market.All() {
		if slices.Contains(namesOf(m), name) {
			return m, nil
		}
	}
	if name == "" {
		return market.Market{}, ledger.ErrInvalid
	}
	return market.Market{}, ledger.ErrMarketNotFound
}

// openOf lists open orders, of one market or of all.
func (x *Exchange) openOf(c call, m market.Market) ([]ledger.Order, error) {
	return x.books.Orders(c.Context(), ownerOf(c.who), ledger.Filter{States: []ledger.State{ledger.Wait}, Market: m.ID, Limit: ledger.MaxOpen})
}

// isShort says whether a refusal is about too small a balance.
func isShort(name ledger.RefusalError) bool {
	return name == ledger.ErrShortAsk || name == ledger.ErrShortBid
}

// isTooSmall says whether a refusal is about an order of too little worth.
func isTooSmall(name ledger.RefusalError) bool {
	return name == ledger.ErrTooSmallAsk || name == ledger.ErrTooSmallBid || strings.HasPrefix(string(name), "invalid_volume")
}
