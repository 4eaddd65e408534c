package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
)

// querier is a transaction, or the pool of connections that only read.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q querier, scan func(*sql.Rows) (T, error), query string, args ...any) (list []T, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

func findBook(ctx context.Context, q querier, o Owner) (book int64, found bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT id FROM books WHERE environment = $1 AND subaccount = $2`, o.Environment, o.Subaccount).Scan(&book)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return book, err == nil, err
}

func insertBook(ctx context.Context, tx *sql.Tx, o Owner, now time.Time) (int64, error) {
	return insert(ctx, tx, `INSERT INTO books (environment, account, subaccount, opened_at) VALUES ($1, $2, $3, $4)`,
		o.Environment, o.Account, o.Subaccount, now.UnixMicro())
}

// claimBook says whose a book is that was opened before books said so.
func claimBook(ctx context.Context, tx *sql.Tx, book int64, o Owner) error {
	_, err := tx.ExecContext(ctx, `UPDATE books SET account = $1 WHERE id = $2 AND account = ''`, o.Account, book)
	return err
}

// siblingBook finds another book of the same account.
func siblingBook(ctx context.Context, tx *sql.Tx, o Owner, subaccount string) (book int64, found bool, err error) {
	err = tx.QueryRowContext(ctx, `
		SELECT id FROM books WHERE environment = $1 AND account = $2 AND account <> '' AND subaccount = $3 AND subaccount <> $4`,
		o.Environment, o.Account, subaccount, o.Subaccount).Scan(&book)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return book, err == nil, err
}

func insert(ctx context.Context, tx *sql.Tx, query string, args ...any) (row int64, err error) {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func readWallet(ctx context.Context, q querier, book int64) (wallet, error) {
	list, err := collect(ctx, q, func(rows *sql.Rows) (b Balance, err error) {
		return b, rows.Scan(&b.Currency, &b.Free, &b.Locked, &b.AvgPrice)
	}, `SELECT currency, free, locked, avg_price FROM balances WHERE book = $1`, book)
	w := wallet{}
	for _, b := range list {
		w[b.Currency] = b
	}
	return w, err
}

const orderColumns = `id, uuid, market, side, type, price, volume, time_in_force, coalesce(identifier, ''), placed_by, state,
	locked, executed_volume, executed_funds, reserved_fee, paid_fee, fills, created_at, coalesce(closed_at, 0)`

func scanOrder(rows *sql.Rows, before ...any) (*Order, error) {
	var (
		o               Order
		uuid            []byte
		created, closed int64
	)
	err := rows.Scan(append(before,
		&o.row, &uuid, &o.Market, &o.Side, &o.Type, &o.Price, &o.Volume, &o.Force, &o.Identifier, &o.PlacedBy, &o.State,
		&o.Locked, &o.ExecutedVolume, &o.ExecutedFunds, &o.ReservedFee, &o.PaidFee, &o.FillCount, &created, &closed)...)
	if err != nil {
		return nil, err
	}
	o.ID, o.CreatedAt, o.ClosedAt = ID(uuid), fromMicros(created), fromMicros(closed)
	o.m, _ = market.ByID(o.Market)
	return &o, nil
}

// fromMicros is the zero time for zero, which is how an absent time is read.
func fromMicros(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// micros is NULL for the zero time.
func micros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

func insertOrder(ctx context.Context, tx *sql.Tx, book int64, o *Order) (err error) {
	identifier := sql.NullString{String: o.Identifier, Valid: o.Identifier != ""}
	o.row, err = insert(ctx, tx, `
		INSERT INTO orders (uuid, book, market, side, type, price, volume, time_in_force, identifier, placed_by, state,
			locked, executed_volume, executed_funds, reserved_fee, paid_fee, fills, created_at, closed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		o.ID[:], book, o.Market, o.Side, o.Type, o.Price, o.Volume, o.Force, identifier, o.PlacedBy, o.State,
		o.Locked, o.ExecutedVolume, o.ExecutedFunds, o.ReservedFee, o.PaidFee, o.FillCount, o.CreatedAt.UnixMicro(), micros(o.ClosedAt))
	if err != nil {
		return err
	}
	return insertFills(ctx, tx, book, o)
}

// saveOrder writes what may change after an order was placed, and the fills that came with it.
func saveOrder(ctx context.Context, tx *sql.Tx, book int64, o *Order) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE orders SET state = $2, locked = $3, executed_volume = $4, executed_funds = $5, paid_fee = $6, fills = $7, closed_at = $8
		WHERE id = $1`,
		o.row, o.State, o.Locked, o.ExecutedVolume, o.ExecutedFunds, o.PaidFee, o.FillCount, micros(o.ClosedAt))
	if err != nil {
		return err
	}
	return insertFills(ctx, tx, book, o)
}

func insertFills(ctx context.Context, tx *sql.Tx, book int64, o *Order) error {
	for _, f := range o.Fills {
		_, err := insert(ctx, tx, `
			INSERT INTO fills (uuid, order_id, book, price, volume, funds, fee, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			f.ID[:], o.row, book, f.Price, f.Volume, f.Funds, f.Fee, f.CreatedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}

const fillColumns = `f.uuid, f.price, f.volume, f.funds, f.fee, f.created_at`

func scanFill(rows *sql.Rows, before ...any) (f Fill, err error) {
	var (
		uuid    []byte
		created int64
	)
	if err := rows.Scan(append(before, &uuid, &f.Price, &f.Volume, &f.Funds, &f.Fee, &created)...); err != nil {
		return Fill{}, err
	}
	f.ID, f.CreatedAt = ID(uuid), fromMicros(created)
	return f, nil
}

func fillsOf(ctx context.Context, q querier, order int64) ([]Fill, error) {
	return collect(ctx, q, func(rows *sql.Rows) (Fill, error) { return scanFill(rows) },
		`SELECT `+fillColumns+` FROM fills f WHERE f.order_id = $1 ORDER BY f.id`, order)
}

const transferColumns = `uuid, kind, currency, network, address, tag, amount, fee, price, created_at, coalesce(done_at, 0)`

func scanTransfer(rows *sql.Rows, before ...any) (t Transfer, err error) {
	var (
		uuid          []byte
		created, done int64
	)
	err = rows.Scan(append(before,
		&uuid, &t.Kind, &t.Currency, &t.Network, &t.Address, &t.Tag, &t.Amount, &t.Fee, &t.Price, &created, &done)...)
	if err != nil {
		return Transfer{}, err
	}
	t.ID, t.CreatedAt, t.DoneAt = ID(uuid), fromMicros(created), fromMicros(done)
	return t, nil
}

func insertTransfer(ctx context.Context, tx *sql.Tx, book int64, t Transfer) error {
	_, err := insert(ctx, tx, `
		INSERT INTO transfers (uuid, book, kind, currency, network, address, tag, amount, fee, price, created_at, done_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		t.ID[:], book, t.Kind, t.Currency, t.Network, t.Address, t.Tag, t.Amount, t.Fee, t.Price, t.CreatedAt.UnixMicro(), micros(t.DoneAt))
	return err
}
