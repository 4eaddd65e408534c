// Package market makes the prices of the paper exchange: a walk, and the book, trades and candles around it.
//
// Everything here is a pure function of seed, market and second: nothing is stored, so a restart continues the same walk, and
// a test can ask for next year's price. It does not know orders or who has money.
//
// Invariant: at every second of every market the best bid lies one price unit below the best ask, and every price lies on its
// unit.
package market

import (
	"hash/fnv"
	"slices"

	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// Market is one pair: Base is bought and sold for Quote.
type Market struct {
	// ID as Upbit writes it, quote first: "KRW-BTC".
	ID          string
	Base, Quote string
	// Korean and English are the names of Base.
	Korean, English string

	// start is the price the walk is centred on; roughness is how far one second moves it, in 10⁻⁹ of the price.
	start     money.Amount
	roughness int64
}

var markets = []Market{
	{ID: "KRW-BTC", Base: "BTC", Quote: "KRW", Korean: "비트코인", English: "Bitcoin", start: 152_000_000 * money.One, roughness: 40_000},
	{ID: "KRW-ETH", Base: "ETH", Quote: "KRW", Korean: "이더리움", English: "Ethereum", start: 5_400_000 * money.One, roughness: 50_000},
	{ID: "KRW-XRP", Base: "XRP", Quote: "KRW", Korean: "리플", English: "XRP", start: 3_400 * money.One, roughness: 55_000},
	{ID: "KRW-SOL", Base: "SOL", Quote: "KRW", Korean: "솔라나", English: "Solana", start: 246_000 * money.One, roughness: 60_000},
}

// All lists the markets, the largest first. The caller owns the slice.
func All() []Market { return slices.Clone(markets) }

// ByID finds a market by its id.
func ByID(id string) (Market, bool) {
	i := slices.IndexFunc(markets, func(m Market) bool { return m.ID == id })
	if i < 0 {
		return Market{}, false
	}
	return markets[i], true
}

// ByBase finds the market in which a coin is traded for won.
func ByBase(currency string) (Market, bool) { return ByID("KRW-" + currency) }

// units is Upbit's table for won markets: from that price on, prices are multiples of that unit.
var units = []struct{ from, unit money.Amount }{
	{1_000_000 * money.One, 1_000 * money.One},
	{500_000 * money.One, 500 * money.One},
	{100_000 * money.One, 100 * money.One},
	{50_000 * money.One, 50 * money.One},
	{10_000 * money.One, 10 * money.One},
	{5_000 * money.One, 5 * money.One},
	{100 * money.One, money.One},
	{10 * money.One, money.One / 10},
	{money.One, money.One / 100},
	{0, money.One / 1_000},
}

// Unit is the step between prices around price.
func Unit(price money.Amount) money.Amount {
	for _, row := range units {
		if price >= row.from {
			return row.unit
		}
	}
	return units[len(units)-1].unit
}

// OnUnit says whether an order may name this price.
func OnUnit(price money.Amount) bool { return price > 0 && price%Unit(price) == 0 }

// salt tells the walks of markets apart.
func (m Market) salt() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(m.ID))
	return h.Sum64()
}
