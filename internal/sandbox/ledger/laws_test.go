package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// TestLaws drives a book through anything its owner can do, and after each step adds up the book from its own history.
func TestLaws(t *testing.T) {
	folder := t.TempDir()
	var n int
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(folder, fmt.Sprintf("%d.db", n))
		d := newDesk(t, path)
		defer func() {
			_ = d.Close()
			_ = os.Remove(path)
		}()
		t.Repeat(map[string]func(*rapid.T){
			"place":   d.placeAny,
			"cancel":  d.cancelAny,
			"move":    d.moveAny,
			"time":    d.advanceAny,
			"restart": func(t *rapid.T) { _ = d.Close(); d.open(t) },
			"":        d.addsUp,
		})
	})
}

// settled fails on everything but a refusal, which is a right answer to a wrong question.
func settled(t *rapid.T, err error) {
	var refusal ledger.RefusalError
	if err != nil && !errors.As(err, &refusal) {
		t.Fatal(err)
	}
}

func (d *desk) placeAny(t *rapid.T) {
	m := rapid.SampledFrom([]market.Market{btc, xrp}).Draw(t, "market")
	s := market.StepAt(d.now)
	bid, unit := walk.Bid(m, s), market.Unit(walk.Bid(m, s))
	ticket := ledger.Ticket{
		Market: m.ID,
		Side:   rapid.SampledFrom([]market.Side{market.Bid, market.Ask}).Draw(t, "side"),
		Type:   rapid.SampledFrom([]ledger.Type{ledger.Limit, ledger.Limit, ledger.Spend, ledger.Sell}).Draw(t, "type"),
		Price:  bid + unit*money.Amount(rapid.IntRange(-40, 40).Draw(t, "distance")),
		Force:  rapid.SampledFrom([]ledger.Force{"", "", ledger.NowOrCancel, ledger.AllOrNothing, ledger.PostOnly}).Draw(t, "force"),
	}
	won := money.Amount(rapid.Int64Range(1, 200_000_000).Draw(t, "won")) * money.One
	ticket.Volume, _ = won.Over(bid)
	switch ticket.Type {
	case ledger.Spend:
		ticket.Side, ticket.Price, ticket.Volume, ticket.Force = market.Bid, won, 0, ""
	case ledger.Sell:
		ticket.Side, ticket.Price, ticket.Force = market.Ask, 0, ""
	case ledger.Limit:
	}
	_, err := d.Place(context.Background(), me, ticket)
	settled(t, err)
}

func (d *desk) cancelAny(t *rapid.T) {
	open, err := d.Orders(context.Background(), me, ledger.Filter{States: []ledger.State{ledger.Wait}, Limit: 1000})
	settled(t, err)
	if len(open) == 0 {
		return
	}
	if rapid.IntRange(0, 9).Draw(t, "all") == 0 {
		_, err = d.CancelAll(context.Background(), me, nil)
	} else {
		_, err = d.Cancel(context.Background(), me, ledger.Ref{ID: rapid.SampledFrom(open).Draw(t, "order").ID})
	}
	settled(t, err)
}

func (d *desk) moveAny(t *rapid.T) {
	f := ledger.Funds{
		Currency: rapid.SampledFrom([]string{"KRW", "BTC", "XRP"}).Draw(t, "currency"),
		Amount:   money.Amount(rapid.Int64Range(0, 100_000_000e8).Draw(t, "amount")),
	}
	var err error
	if rapid.Bool().Draw(t, "out") {
		f.Amount %= money.One
		_, err = d.Withdraw(context.Background(), me, f, ledger.Destination{Network: f.Currency, Address: address})
	} else {
		_, err = d.Deposit(context.Background(), me, f)
	}
	settled(t, err)
}

func (d *desk) advanceAny(t *rapid.T) {
	d.now = d.now.Add(time.Duration(rapid.IntRange(0, 200_000).Draw(t, "ms")) * time.Millisecond)
	settled(t, d.Advance(context.Background()))
}

// addsUp holds the invariants of the package comment.
func (d *desk) addsUp(t *rapid.T) {
	ctx := context.Background()
	total, locked := map[string]money.Amount{}, map[string]money.Amount{} // currency → amount
	orders, err := d.Orders(ctx, me, ledger.Filter{Limit: 1_000_000})
	settled(t, err)
	for _, listed := range orders {
		var o ledger.Order
		o, err = d.Order(ctx, me, ledger.Ref{ID: listed.ID})
		settled(t, err)
		d.orderAddsUp(t, o, total, locked)
	}
	for _, kind := range []ledger.Kind{ledger.Deposit, ledger.Withdraw} {
		var transfers []ledger.Transfer
		transfers, err = d.Transfers(ctx, me, ledger.TransferFilter{Kind: kind, Limit: 1_000_000})
		settled(t, err)
		for _, tr := range transfers {
			switch {
			case kind == ledger.Deposit:
				total[tr.Currency] += tr.Amount
			case tr.Progress() == ledger.Finished:
				total[tr.Currency] -= tr.Amount + tr.Fee
			default:
				locked[tr.Currency] += tr.Amount + tr.Fee
			}
		}
	}
	held, err := d.Balances(ctx, me)
	settled(t, err)
	for _, b := range held {
		if b.Free < 0 || b.Locked < 0 || b.Locked != locked[b.Currency] || b.Free+b.Locked != total[b.Currency] {
			t.Fatalf("%+v, but history says %v, of which %v locked", b, total[b.Currency], locked[b.Currency])
		}
		delete(total, b.Currency)
	}
	for currency, amount := range total {
		if amount != 0 {
			t.Fatalf("%v %s are missing", amount, currency)
		}
	}
}

func (d *desk) orderAddsUp(t *rapid.T, o ledger.Order, total, locked map[string]money.Amount) {
	base := o.Market[len("KRW-"):]
	var volume, funds, fee money.Amount
	for _, f := range o.Fills {
		volume, funds, fee = volume+f.Volume, funds+f.Funds, fee+f.Fee
		if o.Type == ledger.Limit && (o.Side == market.Bid) == (f.Price > o.Price) && f.Price != o.Price {
			t.Fatalf("filled at %v beyond its limit: %+v", f.Price, o)
		}
	}
	if volume != o.ExecutedVolume || funds != o.ExecutedFunds || fee != o.PaidFee || len(o.Fills) != o.FillCount {
		t.Fatalf("fills say %v for %v with %v: %+v", volume, funds, fee, o)
	}
	if o.Type != ledger.Spend && volume > o.Volume || o.Type == ledger.Spend && funds > o.Price {
		t.Fatalf("more than was ordered: %+v", o)
	}
	if o.Side == market.Bid {
		total[base] += volume
		total["KRW"] -= funds + fee
		locked["KRW"] += o.Locked
	} else {
		total[base] -= volume
		total["KRW"] += funds - fee
		locked[base] += o.Locked
	}
}
