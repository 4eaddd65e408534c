package market

import "github.com/seed-21c57000/sallyport/internal/sandbox/money"

// Side is the side of an order, in Upbit's words.
type Side string

// The sides.
const (
	// Bid buys.
	Bid Side = "bid"
	// Ask sells.
	Ask Side = "ask"
)

// Depth is how many levels each side of a book has.
const Depth = 30

// Level is what the market offers at one price.
type Level struct{ Price, Size money.Amount }

// Book is what the market offers at one step, best level first. It is Depth levels deep on both sides.
type Book struct{ Bids, Asks []Level }

// kinds of random values beyond those of the octaves.
const (
	kindSize = 100 + iota
	kindSide
	kindValue
)

// The market offers 1 to 11 million won at the best price and a quarter more of that with each level behind it: the largest
// order that is allowed finds too little. Its own trades are of 1 to 400 thousand.
const (
	levelLeast, levelSpread = 1_000_000, 10_000_000
	tradeLeast, tradeSpread = 1_000, 399_000
	// sizesLast is how many steps (as a power of two) a level keeps its size while the price stays near.
	sizesLast = 3
)

// Book is the market's book at a step. It never runs dry for long: what an order takes from it is there again at the next
// step, because nothing is stored.
func (w Walk) Book(m Market, s Step) Book {
	var book Book
	bid := w.Bid(m, s)
	ask := bid + Unit(bid)
	for i := range Depth {
		book.Bids = append(book.Bids, w.level(m, s, i, bid))
		book.Asks = append(book.Asks, w.level(m, s, i, ask))
		bid -= Unit(bid - 1)
		ask += Unit(ask)
	}
	return book
}

func (w Walk) level(m Market, s Step, i int, price money.Amount) Level {
	won := levelLeast + w.random(m.salt(), kindSize, uint64(price)^uint64(s>>sizesLast))%levelSpread
	return Level{Price: price, Size: sizeFor(won*uint64(4+i)/4, price)}
}

// Trade is what the market last traded with itself, one trade per step.
type Trade struct {
	Step          Step
	Side          Side // of the one who came: a bid takes from the asks
	Price, Volume money.Amount
}

// Trade is the trade of a step; its price is the market's last price.
func (w Walk) Trade(m Market, s Step) Trade {
	t := Trade{Step: s, Side: Ask, Price: w.Bid(m, s)}
	if w.random(m.salt(), kindSide, uint64(s))%2 == 0 {
		t.Side = Bid
		t.Price += Unit(t.Price)
	}
	t.Volume = sizeFor(tradeLeast+w.random(m.salt(), kindValue, uint64(s))%tradeSpread, t.Price)
	return t
}

// sizeFor is how much some won buy at a price; at least one unit, so that no level and no trade is empty.
func sizeFor(won uint64, price money.Amount) money.Amount {
	size, err := (money.Amount(won) * money.One).Over(price)
	if err != nil {
		panic("market: a price of nothing")
	}
	return max(size, 1)
}
