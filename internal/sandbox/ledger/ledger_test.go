package ledger_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

var (
	start = time.Date(2026, 11, 21, 12, 0, 0, 500_000_000, time.UTC)
	walk  = market.NewWalk(7)
	btc   = must(market.ByID("KRW-BTC"))
	xrp   = must(market.ByID("KRW-XRP"))
	me    = ledger.Owner{Environment: "test", Subaccount: "sub_1"}
)

func must(m market.Market, _ bool) market.Market { return m }

// desk is a ledger with a clock of its own.
type desk struct {
	*ledger.Ledger
	path string
	now  time.Time
}

func newDesk(t interface {
	Fatal(...any)
	Cleanup(func())
}, path string,
) *desk {
	d := &desk{path: path, now: start}
	d.open(t)
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func (d *desk) open(t interface{ Fatal(...any) }) {
	l, err := ledger.Open(context.Background(), d.path, ledger.Config{
		Walk: walk, WithdrawAfter: 5 * time.Second, Now: func() time.Time { return d.now },
		Opening: []ledger.Funds{{Currency: "KRW", Amount: 10_000_000 * money.One}, {Currency: "BTC", Amount: money.One / 2}},
	})
	if err == nil {
		err = ledger.Relax(l)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.Ledger = l
}

func (d *desk) bid() money.Amount { return walk.Bid(btc, market.StepAt(d.now)) }
func (d *desk) ask() money.Amount { return walk.Ask(btc, market.StepAt(d.now)) }

func openDesk(t *testing.T) *desk {
	t.Helper()
	return newDesk(t, filepath.Join(t.TempDir(), "paper.db"))
}

// advance lets the present arrive.
func (d *desk) advance(t *testing.T) {
	t.Helper()
	if err := d.Advance(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func amount(text string) money.Amount {
	a, err := money.Parse(text)
	if err != nil {
		panic(err)
	}
	return a
}

// balances writes the balances as text: "KRW 100+5" is 100 free and 5 locked.
func balances(t *testing.T, d *desk, o ledger.Owner) map[string]string {
	t.Helper()
	list, err := d.Balances(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, b := range list {
		got[b.Currency] = b.Free.String() + "+" + b.Locked.String()
	}
	return got
}

func wantBalances(t *testing.T, d *desk, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, balances(t, d, me)); diff != "" {
		t.Errorf("balances (-want +got):\n%s", diff)
	}
}

func TestOpening(t *testing.T) {
	d := openDesk(t)
	list, err := d.Balances(t.Context(), me)
	want := []ledger.Balance{
		{Currency: "KRW", Free: 10_000_000 * money.One},
		{Currency: "BTC", Free: money.One / 2, AvgPrice: d.bid()},
	}
	if diff := cmp.Diff(want, list); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	deposits, err := d.Transfers(t.Context(), me, ledger.TransferFilter{Kind: ledger.Deposit, Limit: 10})
	if err != nil || len(deposits) != 2 {
		t.Errorf("opening funds are deposits: %v, %v", deposits, err)
	}
	if _, err := d.Balances(t.Context(), ledger.Owner{Environment: "test"}); err == nil {
		t.Error("a book without a subaccount")
	}
}

// The same subaccount in another environment, and another subaccount, have books of their own.
func TestBooksAreApart(t *testing.T) {
	d := openDesk(t)
	if _, err := d.Place(t.Context(), me, ledger.Ticket{Market: "KRW-BTC", Side: market.Ask, Type: ledger.Sell, Volume: amount("0.5")}); err != nil {
		t.Fatal(err)
	}
	for _, other := range []ledger.Owner{{Environment: "live", Subaccount: "sub_1"}, {Environment: "test", Subaccount: "sub_2"}} {
		if got := balances(t, d, other); got["BTC"] != "0.5+0" {
			t.Errorf("%v: %v", other, got)
		}
		if orders, err := d.Orders(t.Context(), other, ledger.Filter{Limit: 10}); err != nil || len(orders) != 0 {
			t.Errorf("%v sees %v, %v", other, orders, err)
		}
	}
}

func TestLimitBidRestsAndFills(t *testing.T) {
	d := openDesk(t)
	// The lowest ask of the next two minutes, with a step at which it is reached first.
	target, at := d.ask(), market.StepAt(d.now)
	for s := at + 1; s < market.StepAt(d.now)+120; s++ {
		if a := walk.Ask(btc, s); a < target {
			target, at = a, s
		}
	}
	price, volume := target, amount("0.01")
	o, err := d.Place(t.Context(), me, ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Limit, Price: price, Volume: volume})
	if err != nil || o.State != ledger.Wait || len(o.Fills) != 0 {
		t.Fatalf("%+v, %v", o, err)
	}
	cost, _ := price.Times(volume)
	fee, _ := cost.Times(ledger.FeeRate)
	wantBalances(t, d, map[string]string{
		"KRW": (10_000_000*money.One - cost - fee).String() + "+" + (cost + fee).String(), "BTC": "0.5+0",
	})

	d.now = (at - 1).Time()
	d.advance(t)
	if o, _ = d.Order(t.Context(), me, ledger.Ref{ID: o.ID}); o.State != ledger.Wait {
		t.Fatalf("filled before the market came: %+v", o)
	}
	d.now = at.Time().Add(time.Hour / 100)
	d.advance(t)
	o, err = d.Order(t.Context(), me, ledger.Ref{ID: o.ID})
	want := []ledger.Fill{{Price: price, Volume: volume, Funds: cost, Fee: fee, CreatedAt: at.Time()}}
	if diff := cmp.Diff(want, o.Fills, cmpopts.IgnoreFields(ledger.Fill{}, "ID")); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if o.State != ledger.Done || o.Locked != 0 || o.PaidFee != fee || !o.ClosedAt.Equal(at.Time()) {
		t.Errorf("%+v", o)
	}
	wantBalances(t, d, map[string]string{"KRW": (10_000_000*money.One - cost - fee).String() + "+0", "BTC": "0.51+0"})
}

func TestMarketableOrders(t *testing.T) {
	for name, row := range map[string]struct {
		ticket func(*desk) ledger.Ticket
		state  ledger.State
		check  func(t *testing.T, d *desk, o ledger.Order)
	}{
		"limit above the ask trades at the ask": {
			func(d *desk) ledger.Ticket {
				return ledger.Ticket{Side: market.Bid, Type: ledger.Limit, Price: d.ask() + 50*market.Unit(d.ask()), Volume: amount("0.001")}
			},
			ledger.Done,
			func(t *testing.T, d *desk, o ledger.Order) {
				if len(o.Fills) != 1 || o.Fills[0].Price != d.ask() {
					t.Errorf("%+v", o.Fills)
				}
			},
		},
		"spend buys for no more than the money": {
			func(*desk) ledger.Ticket {
				return ledger.Ticket{Side: market.Bid, Type: ledger.Spend, Price: amount("1000000")}
			},
			ledger.Done,
			func(t *testing.T, _ *desk, o ledger.Order) {
				if o.ExecutedFunds > amount("1000000") || o.ExecutedFunds < amount("999990") {
					t.Errorf("spent %v", o.ExecutedFunds)
				}
			},
		},
		"sell takes the bids": {
			func(*desk) ledger.Ticket {
				return ledger.Ticket{Side: market.Ask, Type: ledger.Sell, Volume: amount("0.5")}
			},
			ledger.Done,
			func(t *testing.T, d *desk, o ledger.Order) {
				if o.Fills[0].Price != d.bid() || o.ExecutedVolume != amount("0.5") {
					t.Errorf("%+v", o)
				}
			},
		},
		"post only cancels itself": {
			func(d *desk) ledger.Ticket {
				return ledger.Ticket{Side: market.Bid, Type: ledger.Limit, Price: d.ask(), Volume: amount("0.001"), Force: ledger.PostOnly}
			},
			ledger.Cancel, nothingTraded,
		},
		"post only rests": {
			func(d *desk) ledger.Ticket {
				return ledger.Ticket{Side: market.Bid, Type: ledger.Limit, Price: d.bid(), Volume: amount("0.001"), Force: ledger.PostOnly}
			},
			ledger.Wait, nothingTraded,
		},
		"now or cancel, out of reach": {
			func(d *desk) ledger.Ticket {
				return ledger.Ticket{Side: market.Bid, Type: ledger.Limit, Price: d.bid(), Volume: amount("0.001"), Force: ledger.NowOrCancel}
			},
			ledger.Cancel, nothingTraded,
		},
		"all or nothing, too much": {
			func(d *desk) ledger.Ticket {
				return ledger.Ticket{Market: "KRW-XRP", Side: market.Bid, Type: ledger.Limit, Price: walk.Ask(xrp, market.StepAt(d.now)), Volume: amount("15000"), Force: ledger.AllOrNothing}
			},
			ledger.Cancel, nothingTraded,
		},
		"now or cancel, too much": {
			func(d *desk) ledger.Ticket {
				return ledger.Ticket{Market: "KRW-XRP", Side: market.Bid, Type: ledger.Limit, Price: walk.Ask(xrp, market.StepAt(d.now)), Volume: amount("15000"), Force: ledger.NowOrCancel}
			},
			ledger.Cancel,
			func(t *testing.T, d *desk, o ledger.Order) {
				if offered := walk.Book(xrp, market.StepAt(d.now)).Asks[0].Size; o.ExecutedVolume != offered {
					t.Errorf("traded %v of %v", o.ExecutedVolume, offered)
				}
			},
		},
		"too much rests for what is left": {
			func(d *desk) ledger.Ticket {
				return ledger.Ticket{Market: "KRW-XRP", Side: market.Bid, Type: ledger.Limit, Price: walk.Ask(xrp, market.StepAt(d.now)), Volume: amount("15000")}
			},
			ledger.Wait,
			func(t *testing.T, _ *desk, o ledger.Order) {
				if o.ExecutedVolume == 0 || o.Remaining() == 0 || o.Locked == 0 {
					t.Errorf("%+v", o)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDesk(t)
			if _, err := d.Deposit(t.Context(), me, ledger.Funds{Currency: "KRW", Amount: amount("100000000")}); err != nil {
				t.Fatal(err)
			}
			ticket := row.ticket(d)
			if ticket.Market == "" {
				ticket.Market = "KRW-BTC"
			}
			o, err := d.Place(t.Context(), me, ticket)
			if err != nil || o.State != row.state {
				t.Fatalf("%+v, %v", o, err)
			}
			if (o.State == ledger.Wait) != o.ClosedAt.IsZero() || o.State != ledger.Wait && o.Locked != 0 {
				t.Errorf("%+v", o)
			}
			row.check(t, d, o)
		})
	}
}

func nothingTraded(t *testing.T, _ *desk, o ledger.Order) {
	t.Helper()
	if o.ExecutedVolume != 0 || len(o.Fills) != 0 || o.PaidFee != 0 {
		t.Errorf("traded: %+v", o)
	}
}
