package ledger

import (
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// lot is a volume at a price: what a fill will be made from.
type lot struct{ price, volume money.Amount }

// arrive is what a new order trades at once: level by level, best first, each at the level's price.
func arrive(o *Order, book market.Book) []lot {
	var lots []lot
	wanted, budget := o.Volume, o.Price
	for _, level := range o.facing(book) {
		if !o.accepts(level.Price) {
			break
		}
		volume := min(wanted, level.Size)
		if o.Type == Spend {
			affordable, err := budget.Over(level.Price)
			if err != nil {
				break
			}
			volume = min(affordable, level.Size)
		}
		if volume <= 0 {
			break
		}
		lots = append(lots, lot{level.Price, volume})
		if o.Type == Spend {
			cost, _ := level.Price.Times(volume) // not above budget, by the division
			budget -= cost
		} else {
			wanted -= volume
		}
	}
	return lots
}

// meet is what a resting order trades when the market comes to it: at its own price, as much as the market offers there.
func meet(o *Order, book market.Book) (lot, bool) {
	var offered money.Amount
	for _, level := range o.facing(book) {
		if !o.accepts(level.Price) {
			break
		}
		offered += level.Size
	}
	volume := min(o.Remaining(), offered)
	return lot{o.Price, volume}, volume > 0
}

// facing is the side of the book that an order trades against.
func (o *Order) facing(book market.Book) []market.Level {
	if o.buys() {
		return book.Asks
	}
	return book.Bids
}

// accepts says whether the order trades at a price. Market orders take any.
func (o *Order) accepts(price money.Amount) bool {
	switch {
	case o.Type != Limit:
		return true
	case o.buys():
		return price <= o.Price
	}
	return price >= o.Price
}

// forced is what the order's time in force leaves of the lots it could have at once.
func forced(o *Order, lots []lot) []lot {
	switch o.Force {
	case PostOnly:
		return nil
	case AllOrNothing:
		var volume money.Amount
		for _, l := range lots {
			volume += l.volume
		}
		if volume < o.Volume {
			return nil
		}
	default: // the others take what they can get
	}
	return lots
}

// settled is the state of an order after it arrived; could says whether it could have traded.
func settled(o *Order, could bool) State {
	switch {
	case o.Type == Spend:
		if o.ExecutedVolume > 0 && o.spent() {
			return Done
		}
		return Cancel
	case o.Remaining() == 0:
		return Done
	case o.Type == Sell, o.Force == NowOrCancel, o.Force == AllOrNothing, o.Force == PostOnly && could:
		return Cancel
	}
	return Wait
}

// spent says whether what is left of the money buys not even the smallest volume at the price last paid.
func (o *Order) spent() bool {
	last := o.Fills[len(o.Fills)-1].Price
	volume, err := (o.Price - o.ExecutedFunds).Over(last)
	return err != nil || volume == 0
}
