// Package sandbox is the paper exchange: the test environment of traders and their bots, and the demo's upstream.
//
// It stands behind the gateway as any exchange would and imports nothing of Sallyport but package gate. It signs nobody in: who
// acts is what gate.From says, and whether they may is what the gateway decided. Its API has Upbit's shape, and thin ones of
// Binance and Kraken over the same books, so that a bot needs another host and key and nothing else; its page works without script.
//
// Invariant: nothing but /health answers without a verified assertion, no route answers to a request that the gateway allowed
// as a weaker class than the route is, and a book is reached only by the environment and subaccount in the assertion.
//
//	money   exact decimals            market  prices from a seed          ledger  the books, in SQLite
//	words   both languages            page    the page's templates        sandbox doors and wiring
package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// Config says how an exchange is set up. Gate and Now are required.
type Config struct {
	// Seed picks the market: exchanges with one seed see the same prices for ever.
	Seed uint64
	// Gate says whose assertions count. Its clock is Now where it has none of its own.
	Gate gate.Config
	// Now is the clock, time.Now in a program.
	Now func() time.Time
	// Opening is what each new book is given, currency → decimal; it is paper money in either environment. Nil gives
	// 10,000,000 won and half a bitcoin.
	Opening map[string]string
	// WithdrawAfter is how long a withdrawal stays in processing; zero means 5 s.
	WithdrawAfter time.Duration
	// Dashboard is the gate's origin, where users see to their account; Confirmations is the one on which they confirm a withdrawal. The exchange's
	// page names what is set.
	Dashboard, Confirmations string
	// Log takes what goes wrong while nobody waits for an answer. Nil discards it.
	Log *slog.Logger
}

// Exchange is an open paper exchange.
type Exchange struct {
	books *ledger.Ledger
	walk  market.Walk
	gate  *gate.Gate
	now   func() time.Time
	log   *slog.Logger

	dashboard, confirmations string
}

// Open opens the exchange whose books are in the file at path, and creates the file if there is none. Close it afterwards.
func Open(path string, c Config) (*Exchange, error) {
	if c.Now == nil {
		return nil, errors.New("sandbox: no clock")
	}
	if c.Gate.Now == nil {
		c.Gate.Now = c.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.WithdrawAfter == 0 {
		c.WithdrawAfter = 5 * time.Second
	}
	g, err := gate.New(c.Gate)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	opening, err := openingFunds(c.Opening)
	if err != nil {
		return nil, fmt.Errorf("sandbox: opening funds: %w", err)
	}
	x := &Exchange{walk: market.NewWalk(c.Seed), gate: g, now: c.Now, log: c.Log, dashboard: c.Dashboard, confirmations: c.Confirmations}
	x.books, err = ledger.Open(context.Background(), path, ledger.Config{
		Walk: x.walk, Opening: opening, WithdrawAfter: c.WithdrawAfter, Now: c.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return x, nil
}

// openingFunds reads Config.Opening in the order of the currencies. A book could not be opened with what it refuses.
func openingFunds(amounts map[string]string) ([]ledger.Funds, error) {
	if amounts == nil {
		amounts = map[string]string{"KRW": "10000000", "BTC": "0.5"}
	}
	var opening []ledger.Funds
	for _, c := range ledger.Currencies() {
		text, given := amounts[c.Code]
		if !given {
			continue
		}
		amount, err := money.Parse(text)
		if err != nil || amount == 0 || amount > c.Most {
			return nil, fmt.Errorf("%q %s is not between 0 and %s", text, c.Code, c.Most)
		}
		opening = append(opening, ledger.Funds{Currency: c.Code, Amount: amount})
	}
	if len(opening) != len(amounts) {
		return nil, fmt.Errorf("an unknown currency among %v", amounts)
	}
	return opening, nil
}

// Close closes the books. Run must have returned and no request may be under way.
func (x *Exchange) Close() error { return x.books.Close() }

// SetKeys replaces the gateway's keys while requests run, for their rotation.
func (x *Exchange) SetKeys(keys ...gate.Key) error { return x.gate.SetKeys(keys...) }

// Run lets the market move until ctx ends: once a second resting orders meet it, and due withdrawals are sent. A second that
// fails is logged and caught up with the next. Only one Run may be under way.
func (x *Exchange) Run(ctx context.Context) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-second.C:
			if err := x.books.Advance(ctx); err != nil && ctx.Err() == nil {
				x.log.ErrorContext(ctx, "paper exchange stands still", "error", err)
			}
		}
	}
}

// keyEnded hears that a key places no more orders, from the gateway alone: no routes file offers this path, so nobody else reaches it. The
// assertion names the key and its subaccount; the body says what is to become of its open orders. Hearing it twice cancels nothing more.
func (x *Exchange) keyEnded(w http.ResponseWriter, r *http.Request) {
	who, _ := gate.From(r.Context())
	var told struct {
		KeyID string    `json:"key_id"`
		OnEnd string    `json:"on_end"`
		At    time.Time `json:"at"`
	}
	if err := json.NewDecoder(r.Body).Decode(&told); err != nil || told.KeyID != who.Key || who.Key == "" {
		writeRefusal(w, r, refusalOf(ledger.ErrInvalid))
		return
	}
	if told.OnEnd == "cancel_all" {
		// It may be told late, of a key that orders again by now: what was placed since then stays.
		others := func(o ledger.Order) bool { return o.PlacedBy != who.Key || o.CreatedAt.After(told.At) }
		if _, err := x.books.CancelAll(r.Context(), ownerOf(who), others); err != nil {
			x.log.ErrorContext(r.Context(), "paper exchange failed", "request", who.Request, "error", err)
			writeRefusal(w, r, errServerError)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// Handler answers everything: /health to anybody, the rest behind the gate. It holds no state of its own and may be mounted
// in process or served over a connection, as long as each request's RequestURI is the target that was asserted.
func (x *Exchange) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range x.routes() {
		mux.Handle(r.pattern(), x.guard(r))
	}
	ended := route{"POST", "/keys/ended", gate.ClassCancel, http.HandlerFunc(x.keyEnded)}
	mux.Handle(ended.pattern(), x.guard(ended))
	prices := route{"GET", "/prices", gate.ClassPublic, http.HandlerFunc(x.tellPrices)}
	mux.Handle(prices.pattern(), x.guard(prices))
	behind := x.gate.Wrap(x.sameSite(routed(mux)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, "ok\n")
			return
		}
		behind.ServeHTTP(w, r)
	})
}
