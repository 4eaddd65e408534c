package sandbox

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
	"github.com/seed-21c57000/sallyport/internal/sandbox/page"
	"github.com/seed-21c57000/sallyport/internal/sandbox/words"
)

// desk is what one request says about the page: which market, what was just done or refused, and forms to show again.
type desk struct {
	market  market.Market
	done    string
	problem ledger.RefusalError
	order   page.OrderForm
	deposit page.TransferForm
	send    page.TransferForm
}

// How much of each list the page shows; the API lists all of it.
const (
	shownFills, shownTransfers, shownLevels = 12, 8, 6
)

func (x *Exchange) render(w http.ResponseWriter, r *http.Request, who gate.Principal, status int, d desk) error {
	text := words.In(who.Language)
	v := page.View{
		Words: text, Name: who.Name, Whose: who.User + "." + who.Subaccount, Done: text.Done[d.done], Environment: text.Test,
		AsOf: page.Clock(text, x.now()),
	}
	v.AsOf.Text = words.With(text.AsOf, "time", v.AsOf.Text)
	if v.Name == "" {
		v.Name = text.Nobody
	}
	if who.Environment == gate.Live {
		v.Live, v.Environment = true, text.Live
	}
	if d.problem != "" {
		v.Problem = text.Refusal(string(d.problem))
	}
	allow(&v, who)
	x.showMarkets(&v, d.market)
	if err := x.showBook(r.Context(), &v, who, d); err != nil {
		return err
	}
	writePage(w, r, status, page.Exchange(v))
	return nil
}

// allow decides which forms are shown, and says in words why one is not. It only spares the reader a refusal: what may be
// done is the gateway's decision, on each request.
func allow(v *page.View, who gate.Principal) {
	strong := who.Kind == gate.KindKey || who.Assurance.AtLeast(gate.AssuranceMfa)
	v.CanTrade = strong && who.Scopes.Has("orders:write")
	v.CanCancel = who.Scopes.Has("orders:cancel")
	v.CanSend = strong && who.Scopes.Has("withdrawals:write")
	switch {
	case !strong:
		v.Missing = append(v.Missing, v.LookingOnly)
	case !v.CanTrade:
		v.Missing = append(v.Missing, v.NoTradeScope)
	case !v.CanSend:
		v.Missing = append(v.Missing, v.NoMoneyScope)
	}
	if !v.CanCancel {
		v.Missing = append(v.Missing, v.NoCancelScope)
	}
}

// A chart shows a day in quarters of an hour; its table every eighth of its points.
const (
	chartPoints, chartStride, chartRowEvery = 96, day / 96, 8
)

func (x *Exchange) showMarkets(v *page.View, chosen market.Market) {
	now := market.StepAt(x.now())
	for _, m := range market.All() {
		prices := x.prices(m, now)
		last := x.walk.Trade(m, now).Price
		card := page.Card{
			ID: m.ID, Name: nameOf(v.Words, m), Price: page.Won(last), Move: page.Change(prices[0], last),
			Spark: page.NewSpark(prices, 160, 34), Current: m.ID == chosen.ID,
		}
		v.Markets = append(v.Markets, card)
		if card.Current {
			x.showDetail(v, m, card, prices)
		}
	}
}

// prices are the points of a day's chart, the present last.
func (x *Exchange) prices(m market.Market, now market.Step) []money.Amount {
	prices := make([]money.Amount, 0, chartPoints+1)
	for i := range market.Step(chartPoints + 1) {
		prices = append(prices, x.walk.Trade(m, now-(chartPoints-i)*chartStride).Price)
	}
	return prices
}

func nameOf(w *words.Words, m market.Market) string {
	if w.Lang == "ko" {
		return m.Korean
	}
	return m.English
}

func (x *Exchange) showDetail(v *page.View, m market.Market, card page.Card, prices []money.Amount) {
	now := market.StepAt(x.now())
	offers := x.walk.Book(m, now)
	low, high := page.Won(slices.Min(prices)), page.Won(slices.Max(prices))
	v.Market = page.Detail{
		ID: m.ID, Asset: m.Base, Name: card.Name, Last: card.Price, High: high, Low: low, Move: card.Move,
		Turnover: page.Won(money.Amount(x.walk.Candle(m, now+1-day, now+1).Value) * money.One),
		Chart:    page.NewSpark(prices, 640, 300),
		ChartTitle: words.With(v.ChartTitle, "name", card.Name, "first", page.Won(prices[0]), "last", card.Price,
			"low", low, "high", high),
		Asks:   levelsOf(offers.Asks[:shownLevels]),
		Bids:   levelsOf(offers.Bids[:shownLevels]),
		Spread: words.With(v.Spread, "amount", page.Won(offers.Asks[0].Price-offers.Bids[0].Price)),
	}
	slices.Reverse(v.Market.Asks)
	for i := 0; i < len(prices); i += chartRowEvery {
		at := now - market.Step(chartPoints-i)*chartStride
		v.Market.ChartRows = append(v.Market.ChartRows, page.ChartRow{At: page.Clock(v.Words, at.Time()), Price: page.Won(prices[i])})
	}
	v.Order.PriceUnit = words.With(v.PriceUnit, "unit", page.Won(market.Unit(offers.Bids[0].Price)))
	v.Order.Price = card.Price
}

func levelsOf(levels []market.Level) []page.Level {
	var largest money.Amount
	for _, l := range levels {
		largest = max(largest, l.Size)
	}
	var list []page.Level
	for _, l := range levels {
		share, _ := l.Size.Scale(100*money.One, largest) // at most a hundred
		list = append(list, page.Level{Price: page.Won(l.Price), Size: page.Coins(l.Size.Floor(money.One / 10_000)), Share: share.Floor(money.One).String()})
	}
	return list
}

// showBook fills in what belongs to whoever asks.
func (x *Exchange) showBook(ctx context.Context, v *page.View, who gate.Principal, d desk) error {
	owner := ownerOf(who)
	held, err := x.books.Balances(ctx, owner)
	if err != nil {
		return err
	}
	if err = x.showHoldings(v, held, d.market); err != nil {
		return err
	}
	showForms(v, d, held)
	v.Dashboard = x.dashboard
	if x.confirmations != "" {
		v.Send.Place = words.With(v.ConfirmedAt, "origin", x.confirmations)
	}
	open, err := x.books.Orders(ctx, owner, ledger.Filter{States: []ledger.State{ledger.Wait}, Limit: ledger.MaxOpen})
	if err != nil {
		return err
	}
	for _, o := range open {
		v.Open = append(v.Open, openOrderOf(v.Words, o))
	}
	fills, err := x.books.RecentFills(ctx, owner, shownFills)
	if err != nil {
		return err
	}
	for _, f := range fills {
		v.Fills = append(v.Fills, page.Trade{
			At: page.At(v.Words, f.CreatedAt), Market: f.Market, Sell: f.Side == market.Ask,
			Price: page.Won(f.Price), Quantity: page.Coins(f.Volume), Fee: page.Won(f.Fee),
		})
	}
	return x.showTransfers(ctx, v, owner)
}

func (x *Exchange) showHoldings(v *page.View, held []ledger.Balance, m market.Market) error {
	var sum, won, coins money.Amount
	for _, b := range held {
		value, err := x.books.Value(b.Currency, b.Free+b.Locked)
		if err != nil {
			return err
		}
		sum += value
		row := page.Holding{Currency: b.Currency, Free: page.Coins(b.Free)}
		if b.Locked > 0 {
			row.Locked = page.Coins(b.Locked)
		}
		switch b.Currency {
		case m.Base:
			coins = b.Free
		case m.Quote:
			won = b.Free
			row.Free = page.Won(b.Free)
			if b.Locked > 0 {
				row.Locked = page.Won(b.Locked)
			}
		}
		if b.Currency != m.Quote {
			row.AvgPrice, row.Value = page.Won(b.AvgPrice.Floor(money.One)), page.Won(value.Floor(money.One))
		}
		v.Balances = append(v.Balances, row)
	}
	v.Worth = words.With(v.Words.Worth, "amount", page.Won(sum.Floor(money.One)))
	v.Order.Available = words.With(v.Available, "won", page.Won(won), "coins", page.Coins(coins), "asset", m.Base)
	return nil
}

func openOrderOf(w *words.Words, o ledger.Order) page.OpenOrder {
	by := w.You
	if o.PlacedBy != "" {
		by = words.With(w.Key, "key", o.PlacedBy)
	}
	return page.OpenOrder{
		ID: o.ID.String(), At: page.At(w, o.CreatedAt), Market: o.Market, Sell: o.Side == market.Ask,
		Price: page.Won(o.Price), Quantity: page.Coins(o.Volume), Filled: page.Coins(o.ExecutedVolume), PlacedBy: by,
	}
}

// showTransfers lists the newest deposits and withdrawals together.
func (x *Exchange) showTransfers(ctx context.Context, v *page.View, owner ledger.Owner) error {
	var list []ledger.Transfer
	for _, kind := range []ledger.Kind{ledger.Deposit, ledger.Withdraw} {
		found, err := x.books.Transfers(ctx, owner, ledger.TransferFilter{Kind: kind, Limit: shownTransfers})
		if err != nil {
			return err
		}
		list = append(list, found...)
	}
	slices.SortStableFunc(list, func(a, b ledger.Transfer) int { return b.CreatedAt.Compare(a.CreatedAt) })
	for _, t := range list[:min(len(list), shownTransfers)] {
		row := page.Movement{
			At: page.At(v.Words, t.CreatedAt), Kind: v.Words.Deposit, State: v.Arrived, Amount: page.Coins(t.Amount) + " " + t.Currency,
		}
		if t.Kind == ledger.Withdraw {
			row.Kind, row.State = v.Withdrawal, v.Sent
			row.Destination = strings.TrimSpace(t.Address + " " + t.Tag)
			if t.Progress() == ledger.Processing {
				row.State = v.Processing
			}
		}
		v.Transfers = append(v.Transfers, row)
	}
	return nil
}

// showForms puts back what a refused form said, and ties the problem to its field.
func showForms(v *page.View, d desk, held []ledger.Balance) {
	if sent := d.order; sent != (page.OrderForm{}) {
		sent.PriceUnit, sent.Available = v.Order.PriceUnit, v.Order.Available
		sent.Wrong = wrongField(d.problem, sent)
		v.Order = sent
	}
	v.Deposit, v.Send = d.deposit, d.send
	if d.problem != "" && d.deposit.Currency != "" {
		v.Deposit.Wrong = "amount"
	}
	if d.problem != "" && d.send.Currency != "" {
		v.Send.Wrong = "amount"
		if d.problem == ledger.ErrAddressInvalid {
			v.Send.Wrong = "address"
		}
	}
	for _, c := range ledger.Currencies() {
		v.Deposit.Choices = append(v.Deposit.Choices, page.Choice{Code: c.Code})
		if c.IsCoin() {
			v.Send.Choices = append(v.Send.Choices, page.Choice{
				Code: c.Code, Terms: c.WithdrawFee.String() + " / " + c.WithdrawLeast.String(), Network: c.Network, Fee: c.WithdrawFee.String(),
				Least: c.WithdrawLeast.String(), Free: free(held, c.Code).String(),
			})
		}
	}
}

func free(held []ledger.Balance, code string) money.Amount {
	for _, b := range held {
		if b.Currency == code {
			return b.Free
		}
	}
	return 0
}

// wrongField is the field of the order form that a refusal is about.
func wrongField(problem ledger.RefusalError, f page.OrderForm) string {
	switch {
	case problem == "":
		return ""
	case problem == ledger.ErrPriceBid, problem == ledger.ErrPriceAsk:
		return "price"
	case f.AtMarket && !f.Sell:
		return "spend"
	}
	return "quantity"
}
