package market

import "github.com/seed-21c57000/sallyport/internal/sandbox/money"

// Candle sums up the trades from one step up to, not including, another.
type Candle struct {
	From, To               Step
	Open, High, Low, Close money.Amount
	Volume                 money.Amount
	// Value is what the volume was worth, in whole won: a year's worth exceeds an Amount.
	Value int64
}

// samples bounds the work of a candle: a minute is exact, a longer one looks at this many evenly spread trades and lets each
// stand for those around it.
const samples = 60

// Candle sums up [from, to). to lies after from.
func (w Walk) Candle(m Market, from, to Step) Candle {
	first, last := w.Trade(m, from), w.Trade(m, to-1)
	c := Candle{
		From: from, To: to, Open: first.Price, Close: last.Price,
		High: max(first.Price, last.Price), Low: min(first.Price, last.Price),
	}
	stride := max(1, (to-from)/samples)
	for s := from; s < to; s += stride {
		t := w.Trade(m, s)
		c.High, c.Low = max(c.High, t.Price), min(c.Low, t.Price)
		c.Volume += t.Volume * money.Amount(stride)
		value, err := t.Price.Times(t.Volume)
		if err != nil {
			panic("market: a trade beyond all bounds")
		}
		c.Value += int64(value/money.One) * int64(stride)
	}
	return c
}
