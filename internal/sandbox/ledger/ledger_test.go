package ledger_test

import (
	"context"
	"errors"
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

func TestPlaceRefuses(t *testing.T) {
	limit := func(change func(*ledger.Ticket)) ledger.Ticket {
		t := ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Limit, Price: amount("150000000"), Volume: amount("0.01")}
		change(&t)
		return t
	}
	for name, row := range map[string]struct {
		ticket ledger.Ticket
		want   ledger.RefusalError
	}{
		"unknown market":      {limit(func(t *ledger.Ticket) { t.Market = "KRW-DOGE" }), ledger.ErrMarketNotFound},
		"no side":             {limit(func(t *ledger.Ticket) { t.Side = "" }), ledger.ErrInvalid},
		"no type":             {limit(func(t *ledger.Ticket) { t.Type = "" }), ledger.ErrInvalid},
		"long identifier":     {limit(func(t *ledger.Ticket) { t.Identifier = string(make([]byte, 65)) }), ledger.ErrInvalid},
		"no price":            {limit(func(t *ledger.Ticket) { t.Price = 0 }), ledger.ErrPriceBid},
		"price off its unit":  {limit(func(t *ledger.Ticket) { t.Price += money.One }), ledger.ErrPriceBid},
		"ask off its unit":    {limit(func(t *ledger.Ticket) { t.Side, t.Price = market.Ask, amount("1500000.5") }), ledger.ErrPriceAsk},
		"no volume":           {limit(func(t *ledger.Ticket) { t.Volume = 0 }), ledger.ErrVolumeBid},
		"negative volume":     {limit(func(t *ledger.Ticket) { t.Side, t.Volume = market.Ask, -1 }), ledger.ErrVolumeAsk},
		"too small":           {limit(func(t *ledger.Ticket) { t.Volume = amount("0.00003333") }), ledger.ErrTooSmallBid},
		"too small an ask":    {limit(func(t *ledger.Ticket) { t.Side, t.Volume = market.Ask, 1 }), ledger.ErrTooSmallAsk},
		"too large":           {limit(func(t *ledger.Ticket) { t.Volume = amount("7") }), ledger.ErrTooLargeBid},
		"beyond all bounds":   {limit(func(t *ledger.Ticket) { t.Side, t.Volume = market.Ask, 1<<62 }), ledger.ErrTooLargeAsk},
		"unknown force":       {limit(func(t *ledger.Ticket) { t.Force = "gtc" }), ledger.ErrTimeInForce},
		"not enough won":      {limit(func(t *ledger.Ticket) { t.Volume = amount("0.07") }), ledger.ErrShortBid},
		"not enough coins":    {limit(func(t *ledger.Ticket) { t.Side, t.Volume = market.Ask, amount("0.50000001") }), ledger.ErrShortAsk},
		"spend that asks":     {ledger.Ticket{Market: "KRW-BTC", Side: market.Ask, Type: ledger.Spend, Price: amount("5000")}, ledger.ErrBadAsk},
		"spend with a volume": {ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Spend, Price: amount("5000"), Volume: 1}, ledger.ErrBadBid},
		"spend nothing":       {ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Spend}, ledger.ErrPriceBid},
		"spend too little":    {ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Spend, Price: amount("4999")}, ledger.ErrTooSmallBid},
		"spend with a force":  {ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Spend, Price: amount("5000"), Force: ledger.NowOrCancel}, ledger.ErrTimeInForce},
		"fee not covered":     {ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Spend, Price: amount("10000000")}, ledger.ErrShortBid},
		"sell that bids":      {ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Sell, Volume: amount("0.1")}, ledger.ErrBadBid},
		"sell with a price":   {ledger.Ticket{Market: "KRW-BTC", Side: market.Ask, Type: ledger.Sell, Volume: amount("0.1"), Price: 1}, ledger.ErrBadAsk},
		"sell nothing":        {ledger.Ticket{Market: "KRW-BTC", Side: market.Ask, Type: ledger.Sell}, ledger.ErrVolumeAsk},
		"sell too little":     {ledger.Ticket{Market: "KRW-BTC", Side: market.Ask, Type: ledger.Sell, Volume: amount("0.00001")}, ledger.ErrTooSmallAsk},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDesk(t)
			before := balances(t, d, me)
			if o, err := d.Place(t.Context(), me, row.ticket); !errors.Is(err, row.want) {
				t.Errorf("%+v, %v; want %v", o, err, row.want)
			}
			wantBalances(t, d, before)
		})
	}
}

func TestIdentifiersAreUsedOnce(t *testing.T) {
	d := openDesk(t)
	ticket := ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Limit, Price: amount("100000000"), Volume: amount("0.001"), Identifier: "grid-1"}
	placed, err := d.Place(t.Context(), me, ticket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Cancel(t.Context(), me, ledger.Ref{Identifier: "grid-1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Place(t.Context(), me, ticket); !errors.Is(err, ledger.ErrIdentifierUsed) {
		t.Errorf("again: %v", err)
	}
	if o, err := d.Order(t.Context(), me, ledger.Ref{Identifier: "grid-1"}); err != nil || o.ID != placed.ID {
		t.Errorf("%+v, %v", o, err)
	}
	other := ledger.Owner{Environment: "live", Subaccount: "sub_1"}
	if _, err := d.Place(t.Context(), other, ticket); err != nil {
		t.Errorf("another book's identifier: %v", err)
	}
}

func TestRehearseChangesNothing(t *testing.T) {
	d := openDesk(t)
	before := balances(t, d, me)
	o, err := d.Rehearse(t.Context(), me, ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Spend, Price: amount("5000")})
	if err != nil || o.State != ledger.Done {
		t.Fatalf("%+v, %v", o, err)
	}
	if _, err := d.Order(t.Context(), me, ledger.Ref{ID: o.ID}); !errors.Is(err, ledger.ErrOrderNotFound) {
		t.Errorf("the rehearsed order exists: %v", err)
	}
	if _, err := d.Rehearse(t.Context(), me, ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Spend, Price: 1}); !errors.Is(err, ledger.ErrTooSmallBid) {
		t.Errorf("%v", err)
	}
	wantBalances(t, d, before)
}

func TestCancel(t *testing.T) {
	d := openDesk(t)
	before := balances(t, d, me)
	place := func(price string) ledger.Order {
		o, err := d.Place(t.Context(), me, ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Limit, Price: amount(price), Volume: amount("0.001")})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	first, second, third := place("100000000"), place("101000000"), place("102000000")
	o, err := d.Cancel(t.Context(), me, ledger.Ref{ID: first.ID})
	if err != nil || o.State != ledger.Cancel || o.Locked != 0 {
		t.Errorf("%+v, %v", o, err)
	}
	for name, row := range map[string]struct {
		owner ledger.Owner
		ref   ledger.Ref
	}{
		"twice":           {me, ledger.Ref{ID: first.ID}},
		"unknown":         {me, ledger.Ref{ID: ledger.ID{1}}},
		"no identifier":   {me, ledger.Ref{}},
		"somebody else's": {ledger.Owner{Environment: "test", Subaccount: "sub_2"}, ledger.Ref{ID: second.ID}},
	} {
		if _, err = d.Cancel(t.Context(), row.owner, row.ref); !errors.Is(err, ledger.ErrOrderNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	all, err := d.CancelAll(t.Context(), me, func(o ledger.Order) bool { return o.ID == second.ID })
	if err != nil || len(all) != 1 || all[0].ID != third.ID {
		t.Errorf("all but one: %+v, %v", all, err)
	}
	if all, err = d.CancelAll(t.Context(), me, nil); err != nil || len(all) != 1 || all[0].ID != second.ID {
		t.Errorf("all: %+v, %v", all, err)
	}
	wantBalances(t, d, before)
	stranger := ledger.Owner{Environment: "live", Subaccount: "nobody"}
	if all, err := d.CancelAll(t.Context(), stranger, nil); err != nil || all != nil {
		t.Errorf("%v, %v", all, err)
	}
}

func TestOpenOrdersAreBounded(t *testing.T) {
	d := openDesk(t)
	ticket := ledger.Ticket{Market: "KRW-XRP", Side: market.Bid, Type: ledger.Limit, Price: amount("1000"), Volume: amount("5")}
	for range ledger.MaxOpen {
		if _, err := d.Place(t.Context(), me, ticket); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Place(t.Context(), me, ticket); !errors.Is(err, ledger.ErrTooManyOrders) {
		t.Errorf("%v", err)
	}
	if all, err := d.CancelAll(t.Context(), me, nil); err != nil || len(all) != ledger.MaxOpen {
		t.Errorf("%d, %v", len(all), err)
	}
}

func TestOrdersFilter(t *testing.T) {
	d := openDesk(t)
	var ids []ledger.ID
	bitcoin := ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Limit, Price: amount("100000000"), Volume: amount("0.001")}
	ripple := ledger.Ticket{Market: "KRW-XRP", Side: market.Bid, Type: ledger.Limit, Price: amount("1000"), Volume: amount("6")}
	for i, ticket := range []ledger.Ticket{bitcoin, ripple, bitcoin} {
		d.now = start.Add(time.Duration(i) * time.Minute)
		o, err := d.Place(t.Context(), me, ticket)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, o.ID)
	}
	if _, err := d.Cancel(t.Context(), me, ledger.Ref{ID: ids[0]}); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		filter ledger.Filter
		want   []ledger.ID
	}{
		"newest first": {ledger.Filter{Limit: 10}, []ledger.ID{ids[2], ids[1], ids[0]}},
		"oldest first": {ledger.Filter{Limit: 10, OldestFirst: true}, ids},
		"open":         {ledger.Filter{Limit: 10, States: []ledger.State{ledger.Wait}}, []ledger.ID{ids[2], ids[1]}},
		"closed":       {ledger.Filter{Limit: 10, States: []ledger.State{ledger.Done, ledger.Cancel}}, ids[:1]},
		"market":       {ledger.Filter{Limit: 10, Market: "KRW-XRP"}, ids[1:2]},
		"from, until":  {ledger.Filter{Limit: 10, From: start.Add(time.Minute), Until: start.Add(2 * time.Minute)}, ids[1:2]},
		"second page":  {ledger.Filter{Limit: 2, Skip: 2}, ids[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			orders, err := d.Orders(t.Context(), me, row.filter)
			var got []ledger.ID
			for _, o := range orders {
				got = append(got, o.ID)
			}
			if diff := cmp.Diff(row.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestIDs(t *testing.T) {
	d := openDesk(t)
	o, err := d.Place(t.Context(), me, ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Spend, Price: amount("5000")})
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := ledger.ParseID(o.ID.String()); !ok || id != o.ID {
		t.Errorf("%v, %v", id, ok)
	}
	for _, bad := range []string{"", "x", o.ID.String() + "0", "{" + o.ID.String()[1:], "ABCDEF01-2345-4789-8abc-def012345678", "00000000x0000x4000x8000x000000000000"} {
		if _, ok := ledger.ParseID(bad); ok {
			t.Errorf("%q is an id", bad)
		}
	}
}
