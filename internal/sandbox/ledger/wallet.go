package ledger

import (
	"context"
	"database/sql"
	"time"

	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// Balance is what a book holds of one currency.
type Balance struct {
	Currency string
	// Free can be used, Locked is held back for open orders and pending withdrawals.
	Free, Locked money.Amount
	// AvgPrice is what one unit cost on average, in won; zero for won.
	AvgPrice money.Amount
}

// wallet holds the balances of one book while a change is worked out: currency → balance. Its methods are all or nothing: on
// an error nothing has moved.
type wallet map[string]Balance

// lock moves a positive amount from free to locked. It says false, and moves nothing, if free does not cover it.
func (w wallet) lock(currency string, amount money.Amount) bool {
	b := w[currency]
	if amount <= 0 || amount > b.Free {
		return false
	}
	b.Free, b.Locked = b.Free-amount, b.Locked+amount
	w[currency] = b
	return true
}

// unlock moves back. What is locked was locked by lock, so that the sum cannot overflow.
func (w wallet) unlock(currency string, amount money.Amount) {
	b := w[currency]
	b.Free, b.Locked = b.Free+amount, b.Locked-amount
	w[currency] = b
}

// take removes what is locked.
func (w wallet) take(currency string, amount money.Amount) {
	b := w[currency]
	b.Locked -= amount
	w[currency] = b
}

// credit adds to free. cost is what it was worth in won, for the average price; zero for won.
func (w wallet) credit(currency string, amount, cost money.Amount) error {
	b := w[currency]
	held, err := b.Free.Plus(b.Locked)
	if err != nil {
		return err
	}
	total, err := held.Plus(amount)
	if err != nil {
		return err
	}
	if b.AvgPrice, err = average(b.AvgPrice, held, cost, total); err != nil {
		return err
	}
	b.Currency, b.Free = currency, b.Free+amount
	w[currency] = b
	return nil
}

func average(old, held, cost, total money.Amount) (money.Amount, error) {
	worth, err := old.Times(held)
	if err != nil {
		return 0, err
	}
	if worth, err = worth.Plus(cost); err != nil || total == 0 {
		return 0, err
	}
	return worth.Over(total)
}

// reserve locks what the order may cost at most.
func (w wallet) reserve(o *Order) error {
	need := o.Volume
	if o.buys() {
		cost := o.Price
		if o.Type == Limit {
			cost, _ = o.Price.Times(o.Volume) // check has bounded it
		}
		o.ReservedFee, _ = cost.Times(FeeRate)
		need = cost + o.ReservedFee
	}
	if !w.lock(o.pays(), need) {
		return o.bySide(ErrShortBid, ErrShortAsk)
	}
	o.Locked = need
	return nil
}

// fill settles one lot: both currencies move, the fee goes. Funds and fee are cut to eight decimals, so that the fills of an
// order never cost more than reserve locked. Errors: money.ErrRange, and then nothing has moved.
func (w wallet) fill(o *Order, l lot, now time.Time) error {
	funds, err := l.price.Times(l.volume)
	if err != nil {
		return err
	}
	fee, err := funds.Times(FeeRate)
	if err != nil {
		return err
	}
	paid := l.volume
	if o.buys() {
		paid = funds + fee
		err = w.credit(o.m.Base, l.volume, funds)
	} else {
		err = w.credit(o.m.Quote, funds-fee, 0)
	}
	if err != nil {
		return err
	}
	w.take(o.pays(), paid)
	o.Locked -= paid
	o.ExecutedVolume += l.volume
	o.ExecutedFunds += funds
	o.PaidFee += fee
	o.FillCount++
	o.Fills = append(o.Fills, Fill{ID: newID(), Price: l.price, Volume: l.volume, Funds: funds, Fee: fee, CreatedAt: now})
	return nil
}

// close ends the order and gives back what it still held.
func (w wallet) close(o *Order, end State, now time.Time) {
	w.unlock(o.pays(), o.Locked)
	o.State, o.Locked, o.ClosedAt = end, 0, now
}

func (w wallet) save(ctx context.Context, tx *sql.Tx, book int64) error {
	for _, b := range w {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO balances (book, currency, free, locked, avg_price) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (book, currency) DO UPDATE SET free = $3, locked = $4, avg_price = $5`,
			book, b.Currency, b.Free, b.Locked, b.AvgPrice)
		if err != nil {
			return err
		}
	}
	return nil
}
