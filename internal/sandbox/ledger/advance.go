package ledger

import (
	"context"
	"database/sql"
	"errors"

	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// maxCatchUp bounds the work after a pause, in steps. An exchange that stood still for longer missed what came before.
const maxCatchUp = 3600

// Advance lets the present arrive: resting orders meet every step of the walk since the last call, and withdrawals whose time
// has come are done. It is one transaction. Calling it late fills the same orders at the same prices.
func (l *Ledger) Advance(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.step()
	first := max(l.matched+1, now-maxCatchUp)
	err := l.update(ctx, func(tx *sql.Tx) error {
		if err := l.sendOut(ctx, tx); err != nil {
			return err
		}
		return l.meetAll(ctx, tx, first, now)
	})
	if err == nil {
		l.matched = max(l.matched, now)
	}
	return err
}

// resting is an open order with its book.
type resting struct {
	*Order
	book    int64
	changed bool
}

func (l *Ledger) meetAll(ctx context.Context, tx *sql.Tx, first, last market.Step) error {
	open, err := collect(ctx, tx, func(rows *sql.Rows) (r *resting, err error) {
		r = &resting{}
		r.Order, err = scanOrder(rows, &r.book)
		return r, err
	}, `SELECT book, `+orderColumns+` FROM orders WHERE state = 'wait' ORDER BY id`)
	if err != nil || len(open) == 0 {
		return err
	}
	wallets := map[int64]wallet{} // book → balances
	for _, r := range open {
		if wallets[r.book] != nil {
			continue
		}
		if wallets[r.book], err = readWallet(ctx, tx, r.book); err != nil {
			return err
		}
	}
	for s := first; s <= last; s++ {
		l.meetStep(open, wallets, s)
	}
	return saveMet(ctx, tx, open, wallets)
}

func (l *Ledger) meetStep(open []*resting, wallets map[int64]wallet, s market.Step) {
	books := map[string]market.Book{}
	for _, r := range open {
		// What the market was before and at the second of its placing, an order has met by arriving.
		if r.State != Wait || s <= market.StepAt(r.CreatedAt) {
			continue
		}
		offers, made := books[r.Market]
		if !made {
			offers = l.cfg.Walk.Book(r.m, s)
			books[r.Market] = offers
		}
		lot, trades := meet(r.Order, offers)
		if !trades {
			continue
		}
		r.changed = true
		err := wallets[r.book].fill(r.Order, lot, s.Time())
		switch {
		case errors.Is(err, money.ErrRange):
			// The proceeds do not fit this book: the order can never trade, and must not hold up the others.
			wallets[r.book].close(r.Order, Cancel, s.Time())
		case r.Remaining() == 0:
			wallets[r.book].close(r.Order, Done, s.Time())
		}
	}
}

func saveMet(ctx context.Context, tx *sql.Tx, open []*resting, wallets map[int64]wallet) error {
	for _, r := range open {
		if !r.changed {
			continue
		}
		if err := saveOrder(ctx, tx, r.book, r.Order); err != nil {
			return err
		}
		if err := wallets[r.book].save(ctx, tx, r.book); err != nil {
			return err
		}
	}
	return nil
}

// sendOut ends the withdrawals whose time has come.
func (l *Ledger) sendOut(ctx context.Context, tx *sql.Tx) error {
	now := l.cfg.Now()
	type pending struct {
		Transfer
		book int64
	}
	due, err := collect(ctx, tx, func(rows *sql.Rows) (p pending, err error) {
		p.Transfer, err = scanTransfer(rows, &p.book)
		return p, err
	}, `SELECT book, `+transferColumns+` FROM transfers WHERE done_at IS NULL AND created_at <= $1`,
		now.Add(-l.cfg.WithdrawAfter).UnixMicro())
	if err != nil {
		return err
	}
	for _, p := range due {
		w, err := readWallet(ctx, tx, p.book)
		if err != nil {
			return err
		}
		w.take(p.Currency, p.Amount+p.Fee)
		if err := w.save(ctx, tx, p.book); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE transfers SET done_at = $2 WHERE uuid = $1`, p.ID[:], now.UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}
