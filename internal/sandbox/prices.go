package sandbox

import (
	"encoding/json"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
)

// priceJSON is what one unit of what is traded in a market is worth in won, under one of the names that the market has here.
type priceJSON struct {
	Market string `json:"market"`
	Price  string `json:"price"`
}

// tellPrices tells the gateway what the markets are worth, so that it can weigh orders of keys with a ceiling. All of them are in won.
func (x *Exchange) tellPrices(w http.ResponseWriter, _ *http.Request) {
	list := []priceJSON{}
	now := market.StepAt(x.now())
	for _, m := range market.All() {
		price := x.walk.Trade(m, now).Price.String()
		names := append(append([]string{m.ID}, binanceNames(m)...), krakenPairNames(m)...)
		for _, name := range names {
			list = append(list, priceJSON{name, price})
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{"prices": list})
}
