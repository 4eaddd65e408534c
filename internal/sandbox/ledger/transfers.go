package ledger

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// Kind of a transfer, in Upbit's words.
type Kind string

// The kinds.
const (
	Deposit  Kind = "deposit"
	Withdraw Kind = "withdraw"
)

// Transfer is money that came or goes.
type Transfer struct {
	ID       ID
	Kind     Kind
	Currency string
	// Network, Address and Tag say where a withdrawal goes; empty for deposits.
	Network, Address, Tag string
	// Amount without Fee. Price is what one unit was worth in won when it began.
	Amount, Fee, Price money.Amount
	CreatedAt          time.Time
	DoneAt             time.Time // zero while a withdrawal is in processing
}

// Progress of a transfer.
type Progress string

// The two kinds of progress: money of a transfer in processing is still locked.
const (
	Processing Progress = "processing"
	Finished   Progress = "finished"
)

// Progress says how far the transfer is.
func (t Transfer) Progress() Progress {
	if t.DoneAt.IsZero() {
		return Processing
	}
	return Finished
}

// Deposit brings paper money in, at once. Errors: ErrCurrencyNotFound, ErrAmountInvalid.
func (l *Ledger) Deposit(ctx context.Context, o Owner, f Funds) (Transfer, error) {
	var t Transfer
	err := l.change(ctx, o, func(tx *sql.Tx, book int64, w wallet) (err error) {
		t, err = l.deposit(ctx, tx, book, w, f)
		return err
	})
	return t, err
}

func (l *Ledger) deposit(ctx context.Context, tx *sql.Tx, book int64, w wallet, f Funds) (Transfer, error) {
	c, found := CurrencyByCode(f.Currency)
	if !found {
		return Transfer{}, ErrCurrencyNotFound
	}
	held := w[f.Currency]
	if f.Amount <= 0 || f.Amount > c.Most || held.Free+held.Locked > c.Most-f.Amount {
		return Transfer{}, ErrAmountInvalid
	}
	now := l.cfg.Now().UTC().Truncate(time.Microsecond)
	t := Transfer{ID: newID(), Kind: Deposit, Currency: f.Currency, Amount: f.Amount, CreatedAt: now, DoneAt: now}
	var cost money.Amount
	if c.IsCoin() {
		t.Price, _ = l.Value(f.Currency, money.One)
		cost, _ = f.Amount.Times(t.Price) // Most bounds it
	}
	if err := w.credit(f.Currency, f.Amount, cost); err != nil {
		return Transfer{}, ErrAmountInvalid
	}
	return t, insertTransfer(ctx, tx, book, t)
}

// Destination is where a withdrawal goes.
type Destination struct{ Network, Address, Tag string }

// valid says whether an address could be one: this exchange has no chain to ask. Visible ASCII, because bytes that look alike
// must not be two addresses.
func (d Destination) valid(network string) bool {
	if d.Network != network || len(d.Address) < 8 || len(d.Address) > 128 || len(d.Tag) > 64 {
		return false
	}
	for _, c := range []byte(d.Address + d.Tag) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// Withdraw begins to send coins out: amount and fee are locked now and gone when Advance finds WithdrawAfter passed.
// Errors: ErrCurrencyNotFound, ErrAmountInvalid, ErrWithdrawTooSmall, ErrAddressInvalid, ErrShortWithdraw.
func (l *Ledger) Withdraw(ctx context.Context, o Owner, f Funds, d Destination) (Transfer, error) {
	c, found := CurrencyByCode(f.Currency)
	switch {
	case !found || !c.IsCoin():
		return Transfer{}, ErrCurrencyNotFound
	case f.Amount <= 0 || f.Amount > c.Most:
		return Transfer{}, ErrAmountInvalid
	case f.Amount < c.WithdrawLeast:
		return Transfer{}, ErrWithdrawTooSmall
	case !d.valid(c.Network):
		return Transfer{}, ErrAddressInvalid
	}
	t := Transfer{
		ID: newID(), Kind: Withdraw, Currency: f.Currency, Network: d.Network, Address: d.Address, Tag: d.Tag,
		Amount: f.Amount, Fee: c.WithdrawFee, CreatedAt: l.cfg.Now().UTC().Truncate(time.Microsecond),
	}
	t.Price, _ = l.Value(f.Currency, money.One)
	err := l.change(ctx, o, func(tx *sql.Tx, book int64, w wallet) error {
		if !w.lock(t.Currency, t.Amount+t.Fee) {
			return ErrShortWithdraw
		}
		return insertTransfer(ctx, tx, book, t)
	})
	if err != nil {
		return Transfer{}, err
	}
	return t, nil
}

// Move takes from a book and gives to another one of the same account, at once and without a fee. Each shows it, as a withdrawal and as a deposit.
// Errors: ErrCurrencyNotFound, ErrAmountInvalid, ErrShortWithdraw, ErrBookNotFound.
func (l *Ledger) Move(ctx context.Context, o Owner, subaccount string, f Funds) (Transfer, error) {
	c, found := CurrencyByCode(f.Currency)
	switch {
	case !found:
		return Transfer{}, ErrCurrencyNotFound
	case f.Amount <= 0 || f.Amount > c.Most:
		return Transfer{}, ErrAmountInvalid
	}
	now := l.cfg.Now().UTC().Truncate(time.Microsecond)
	t := Transfer{ID: newID(), Kind: Withdraw, Currency: f.Currency, Address: subaccount, Amount: f.Amount, CreatedAt: now, DoneAt: now}
	t.Price, _ = l.Value(f.Currency, money.One)
	err := l.change(ctx, o, func(tx *sql.Tx, book int64, w wallet) error {
		to, found, err := siblingBook(ctx, tx, o, subaccount)
		if err != nil {
			return err
		}
		if !found {
			return ErrBookNotFound
		}
		if !w.lock(t.Currency, t.Amount) {
			return ErrShortWithdraw
		}
		w.take(t.Currency, t.Amount)
		if err := insertTransfer(ctx, tx, book, t); err != nil {
			return err
		}
		other, err := readWallet(ctx, tx, to)
		if err != nil {
			return err
		}
		if _, err := l.deposit(ctx, tx, to, other, f); err != nil {
			return err
		}
		return other.save(ctx, tx, to)
	})
	if err != nil {
		return Transfer{}, err
	}
	return t, nil
}

// TransferFilter picks transfers of one kind. Kind and Limit are required; the other zero values pick everything, newest first.
type TransferFilter struct {
	Kind        Kind
	Currency    string
	ID          ID // one transfer, if not zero
	Progress    Progress
	OldestFirst bool
	Limit, Skip int
}

// Transfers lists transfers of the book.
func (l *Ledger) Transfers(ctx context.Context, o Owner, f TransferFilter) ([]Transfer, error) {
	book, err := l.book(ctx, o)
	if err != nil {
		return nil, err
	}
	args := []any{book, f.Kind}
	query := `SELECT ` + transferColumns + ` FROM transfers WHERE book = $1 AND kind = $2`
	if f.Currency != "" {
		args = append(args, f.Currency)
		query += ` AND currency = ` + placeholder(len(args))
	}
	if f.ID != (ID{}) {
		args = append(args, f.ID[:])
		query += ` AND uuid = ` + placeholder(len(args))
	}
	switch f.Progress {
	case Processing:
		query += ` AND done_at IS NULL`
	case Finished:
		query += ` AND done_at IS NOT NULL`
	}
	query += ` ORDER BY id` + direction(f.OldestFirst) + page(&args, f.Limit, f.Skip)
	return collect(ctx, l.read, func(rows *sql.Rows) (Transfer, error) { return scanTransfer(rows) }, query, args...)
}

func placeholder(n int) string { return "$" + strconv.Itoa(n) }

func direction(oldestFirst bool) string {
	if oldestFirst {
		return ""
	}
	return " DESC"
}

func page(args *[]any, limit, skip int) string {
	*args = append(*args, limit, skip)
	return ` LIMIT ` + placeholder(len(*args)-1) + ` OFFSET ` + placeholder(len(*args))
}
