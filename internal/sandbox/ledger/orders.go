package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// Place puts an order on the market. What can trade at once does, in the same transaction; the answer holds those fills.
// Errors: a RefusalError of the order group.
func (l *Ledger) Place(ctx context.Context, o Owner, t Ticket) (Order, error) {
	var placed *Order
	err := l.change(ctx, o, func(tx *sql.Tx, book int64, w wallet) (err error) {
		placed, err = l.place(ctx, tx, book, w, t)
		return err
	})
	if err != nil {
		return Order{}, err
	}
	return *placed, nil
}

// errRehearsed ends the transaction of a rehearsal.
var errRehearsed = errors.New("rehearsed")

// Rehearse answers what Place would, and changes nothing but to open a book for a new owner.
func (l *Ledger) Rehearse(ctx context.Context, o Owner, t Ticket) (Order, error) {
	if _, err := l.book(ctx, o); err != nil {
		return Order{}, err
	}
	var placed *Order
	err := l.change(ctx, o, func(tx *sql.Tx, book int64, w wallet) (err error) {
		if placed, err = l.place(ctx, tx, book, w, t); err != nil {
			return err
		}
		return errRehearsed
	})
	if !errors.Is(err, errRehearsed) {
		return Order{}, err
	}
	return *placed, nil
}

func (l *Ledger) place(ctx context.Context, tx *sql.Tx, book int64, w wallet, t Ticket) (*Order, error) {
	m, found := market.ByID(t.Market)
	if !found {
		return nil, ErrMarketNotFound
	}
	offers := l.cfg.Walk.Book(m, l.step())
	if err := t.check(offers.Bids[0].Price); err != nil {
		return nil, err
	}
	if err := admit(ctx, tx, book, t); err != nil {
		return nil, err
	}
	now := l.cfg.Now()
	o := &Order{ID: newID(), Ticket: t, State: Wait, CreatedAt: now.UTC().Truncate(time.Microsecond), m: m}
	if err := w.reserve(o); err != nil {
		return nil, err
	}
	possible := arrive(o, offers)
	for _, lot := range forced(o, possible) {
		if err := w.fill(o, lot, o.CreatedAt); err != nil {
			return nil, o.bySide(ErrTooLargeBid, ErrTooLargeAsk)
		}
	}
	if end := settled(o, len(possible) > 0); end != Wait {
		w.close(o, end, o.CreatedAt)
	}
	return o, insertOrder(ctx, tx, book, o)
}

// admit says whether the book has room for the order and its identifier is new.
func admit(ctx context.Context, tx *sql.Tx, book int64, t Ticket) error {
	var open, used int
	err := tx.QueryRowContext(ctx, `
		SELECT (SELECT count(*) FROM orders WHERE book = $1 AND state = 'wait'),
		       (SELECT count(*) FROM orders WHERE book = $1 AND identifier = $2)`, book, t.Identifier).Scan(&open, &used)
	switch {
	case err != nil:
		return err
	case used > 0:
		return ErrIdentifierUsed
	case open >= MaxOpen:
		return ErrTooManyOrders
	}
	return nil
}

// Ref names an order by its id or, if that is zero, by its number or, if that is zero too, by its owner's identifier.
type Ref struct {
	ID         ID
	Number     int64
	Identifier string
}

func orderByRef(ctx context.Context, q querier, book int64, r Ref) (*Order, error) {
	query, arg := `uuid = $2`, any(r.ID[:])
	if r.ID == (ID{}) {
		query, arg = `identifier = $2`, r.Identifier
		if r.Number != 0 {
			query, arg = `id = $2`, r.Number
		}
	}
	found, err := collect(ctx, q, func(rows *sql.Rows) (*Order, error) { return scanOrder(rows) },
		`SELECT `+orderColumns+` FROM orders WHERE book = $1 AND `+query, book, arg)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ErrOrderNotFound
	}
	return found[0], nil
}

// Order finds an order of the book, with its fills. Errors: ErrOrderNotFound.
func (l *Ledger) Order(ctx context.Context, o Owner, r Ref) (Order, error) {
	book, err := l.book(ctx, o)
	if err != nil {
		return Order{}, err
	}
	order, err := orderByRef(ctx, l.read, book, r)
	if err != nil {
		return Order{}, err
	}
	order.Fills, err = fillsOf(ctx, l.read, order.row)
	return *order, err
}

// Cancel takes an open order back and unlocks what it held. Errors: ErrOrderNotFound, also for one that is no longer open.
func (l *Ledger) Cancel(ctx context.Context, o Owner, r Ref) (Order, error) {
	var cancelled *Order
	err := l.change(ctx, o, func(tx *sql.Tx, book int64, w wallet) error {
		order, err := orderByRef(ctx, tx, book, r)
		if err != nil {
			return err
		}
		if order.State != Wait {
			return ErrOrderNotFound
		}
		w.close(order, Cancel, l.cfg.Now())
		cancelled = order
		return saveOrder(ctx, tx, book, order)
	})
	if err != nil {
		return Order{}, err
	}
	return *cancelled, nil
}

// CancelAll takes back every open order of the owner that keep does not hold on to; nil keeps none. It answers which those
// were. An owner without a book has none.
func (l *Ledger) CancelAll(ctx context.Context, o Owner, keep func(Order) bool) ([]Order, error) {
	if _, found, err := findBook(ctx, l.read, o); err != nil || !found {
		return nil, err
	}
	var cancelled []Order
	err := l.change(ctx, o, func(tx *sql.Tx, book int64, w wallet) error {
		open, err := ordersIn(ctx, tx, book, Filter{States: []State{Wait}, Limit: MaxOpen})
		if err != nil {
			return err
		}
		for _, order := range open {
			if keep != nil && keep(*order) {
				continue
			}
			w.close(order, Cancel, l.cfg.Now())
			if err := saveOrder(ctx, tx, book, order); err != nil {
				return err
			}
			cancelled = append(cancelled, *order)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cancelled, nil
}

// Filter picks orders. Limit is required; the other zero values pick everything, newest first.
type Filter struct {
	States      []State
	Market      string
	From, Until time.Time // of placing, From included, Until not
	OldestFirst bool
	Limit, Skip int
}

// Orders lists orders of the book, without their fills.
func (l *Ledger) Orders(ctx context.Context, o Owner, f Filter) ([]Order, error) {
	book, err := l.book(ctx, o)
	if err != nil {
		return nil, err
	}
	found, err := ordersIn(ctx, l.read, book, f)
	orders := make([]Order, 0, len(found))
	for _, order := range found {
		orders = append(orders, *order)
	}
	return orders, err
}

func ordersIn(ctx context.Context, q querier, book int64, f Filter) ([]*Order, error) {
	args := []any{book}
	query := `SELECT ` + orderColumns + ` FROM orders WHERE book = $1`
	and := func(condition string, arg any) {
		args = append(args, arg)
		query += ` AND ` + condition + placeholder(len(args))
	}
	if len(f.States) > 0 {
		var list []string
		for _, s := range f.States {
			args = append(args, s)
			list = append(list, placeholder(len(args)))
		}
		query += ` AND state IN (` + strings.Join(list, ", ") + `)`
	}
	if f.Market != "" {
		and(`market = `, f.Market)
	}
	if !f.From.IsZero() {
		and(`created_at >= `, f.From.UnixMicro())
	}
	if !f.Until.IsZero() {
		and(`created_at < `, f.Until.UnixMicro())
	}
	query += ` ORDER BY id` + direction(f.OldestFirst) + page(&args, f.Limit, f.Skip)
	return collect(ctx, q, func(rows *sql.Rows) (*Order, error) { return scanOrder(rows) }, query, args...)
}

// OrderFill is a fill with what its order says about it.
type OrderFill struct {
	Fill
	Market string
	Side   market.Side
}

// RecentFills lists the newest fills of the book.
func (l *Ledger) RecentFills(ctx context.Context, o Owner, limit int) ([]OrderFill, error) {
	book, err := l.book(ctx, o)
	if err != nil {
		return nil, err
	}
	return collect(ctx, l.read, func(rows *sql.Rows) (f OrderFill, err error) {
		f.Fill, err = scanFill(rows, &f.Market, &f.Side)
		return f, err
	}, `SELECT o.market, o.side, `+fillColumns+` FROM fills f JOIN orders o ON o.id = f.order_id WHERE f.book = $1
		ORDER BY f.id DESC LIMIT $2`, book, limit)
}

// Value is what the amount of a coin is worth in won at the market's best bid now. Errors: money.ErrRange.
func (l *Ledger) Value(currency string, amount money.Amount) (money.Amount, error) {
	m, coin := market.ByBase(currency)
	if !coin {
		return amount, nil
	}
	return amount.Times(l.cfg.Walk.Bid(m, l.step()))
}
