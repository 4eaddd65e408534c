// Package ledger keeps the books of the paper exchange: balances, orders, fills and transfers, in a SQLite file of its own.
//
// There is one book per owner, that is per environment and subaccount. A book trades against the synthetic market of package
// market, never against another book. The package does not know HTTP, languages, or who may do what: whoever calls has decided.
//
// Invariants, held by laws in the tests: no balance is ever negative; what is locked is exactly what open orders and pending
// withdrawals need; free and locked together are what was deposited and traded, less what was withdrawn and paid in fees.
//
//	order       wait → done (filled) | cancel (by its owner, or by its time in force)
//	withdrawal  processing → done
//
// Every change is one transaction that is on disk before the call returns (synchronous=FULL).
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// FeeRate is what a trade costs, taken from the won of both buyer and seller.
const FeeRate = money.One / 2_000

// Owner names a book. Account is whose it is: money moves between the books of one account only.
type Owner struct{ Environment, Account, Subaccount string }

// Funds is an amount of one currency.
type Funds struct {
	Currency string
	Amount   money.Amount
}

// Config says how a ledger behaves. Now is required.
type Config struct {
	// Walk is the market that orders trade against.
	Walk market.Walk
	// Opening is deposited into each book when it is first seen.
	Opening []Funds
	// WithdrawAfter is how long a withdrawal stays in processing.
	WithdrawAfter time.Duration
	// Now is the clock.
	Now func() time.Time
}

// Ledger is an open set of books. Its methods may be called concurrently.
type Ledger struct {
	cfg         Config
	write, read *sql.DB

	mu      sync.Mutex
	matched market.Step // the last step that resting orders have met
}

// Open opens the file, which it creates if need be, and brings its schema up to date. It refuses a file of a newer release.
// While nobody has it open, the market moves on without the resting orders: like any exchange that is closed.
func Open(ctx context.Context, path string, c Config) (*Ledger, error) {
	if c.Now == nil {
		return nil, errors.New("ledger: no clock")
	}
	write, read, err := openFile(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", path, err)
	}
	return &Ledger{cfg: c, write: write, read: read, matched: market.StepAt(c.Now())}, nil
}

// Close closes the file. No other call may be under way.
func (l *Ledger) Close() error { return errors.Join(l.read.Close(), l.write.Close()) }

func (l *Ledger) step() market.Step { return market.StepAt(l.cfg.Now()) }

// Balances are the balances of a book by currency, won first, then in the order of the markets; nothing that is empty. An
// owner who is new gets a book with the opening funds.
func (l *Ledger) Balances(ctx context.Context, o Owner) ([]Balance, error) {
	book, err := l.book(ctx, o)
	if err != nil {
		return nil, err
	}
	w, err := readWallet(ctx, l.read, book)
	if err != nil {
		return nil, err
	}
	var list []Balance
	for _, c := range Currencies() {
		if b := w[c.Code]; b.Free > 0 || b.Locked > 0 {
			list = append(list, b)
		}
	}
	return list, nil
}

// book finds the owner's book and opens it on first sight. The common case reads only.
func (l *Ledger) book(ctx context.Context, o Owner) (int64, error) {
	book, found, err := findBook(ctx, l.read, o)
	if err != nil || found {
		return book, err
	}
	err = l.update(ctx, func(tx *sql.Tx) (err error) {
		book, err = l.openBook(ctx, tx, o)
		return err
	})
	return book, err
}

// openBook is safe to lose a race: whoever comes second finds the book of the first.
func (l *Ledger) openBook(ctx context.Context, tx *sql.Tx, o Owner) (int64, error) {
	book, found, err := findBook(ctx, tx, o)
	if err == nil && found {
		err = claimBook(ctx, tx, book, o)
	}
	if err != nil || found {
		return book, err
	}
	if o.Environment == "" || o.Subaccount == "" {
		return 0, errors.New("ledger: an owner needs environment and subaccount")
	}
	if book, err = insertBook(ctx, tx, o, l.cfg.Now()); err != nil {
		return 0, err
	}
	w := wallet{}
	for _, f := range l.cfg.Opening {
		if _, err := l.deposit(ctx, tx, book, w, f); err != nil {
			return 0, err
		}
	}
	return book, w.save(ctx, tx, book)
}

// change runs fn in one transaction over the owner's book and wallet, and saves the wallet. fn may run once only: SQLite has
// one writer here, and nothing to retry.
func (l *Ledger) change(ctx context.Context, o Owner, fn func(tx *sql.Tx, book int64, w wallet) error) error {
	return l.update(ctx, func(tx *sql.Tx) error {
		book, err := l.openBook(ctx, tx, o)
		if err != nil {
			return err
		}
		w, err := readWallet(ctx, tx, book)
		if err != nil {
			return err
		}
		if err := fn(tx, book, w); err != nil {
			return err
		}
		return w.save(ctx, tx, book)
	})
}

func (l *Ledger) update(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit this does nothing
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}
