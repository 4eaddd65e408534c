package ledger_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

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

// BenchmarkPlace is one order that trades at once, on the disk when it returns.
func BenchmarkPlace(b *testing.B) {
	l, err := ledger.Open(b.Context(), filepath.Join(b.TempDir(), "paper.db"), ledger.Config{
		Walk: walk, Now: func() time.Time { return start }, Opening: []ledger.Funds{{Currency: "KRW", Amount: amount("10000000000")}},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Place(b.Context(), me, ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Spend, Price: amount("5000")}); err != nil {
			b.Fatal(err)
		}
	}
}
