package sandbox

import (
	"strconv"

	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

type object map[string]any

func binanceNames(m market.Market) []string { return []string{m.Base + m.Quote} }

func symbolOf(m market.Market) string { return binanceNames(m)[0] }

// binanceRefusal is {"code":…,"msg":…}, with the texts that clients compare.
func binanceRefusal(name ledger.RefusalError, text string) any {
	code := -1102
	switch {
	case isShort(name):
		code, text = -2010, "Account has insufficient balance for requested action."
	case isTooSmall(name):
		code, text = -1013, "Filter failure: NOTIONAL"
	case name == ledger.ErrPriceAsk || name == ledger.ErrPriceBid:
		code, text = -1013, "Filter failure: PRICE_FILTER"
	case name == ledger.ErrOrderNotFound:
		code, text = -2013, "Order does not exist."
	case name == ledger.ErrIdentifierUsed:
		code, text = -2010, "Duplicate order sent."
	case name == ledger.ErrMarketNotFound:
		code, text = -1121, "Invalid symbol."
	case name == errOutOfScope:
		code, text = -1002, "You are not authorized to execute this request."
	case name == errServerError:
		code, text = -1000, "An unknown error occurred while processing the request."
	}
	return object{"code": code, "msg": text}
}

func (x *Exchange) binanceTime(call) (any, error) {
	return object{"serverTime": x.now().UnixMilli()}, nil
}

func (x *Exchange) binanceInfo(call) (any, error) {
	symbols := []object{}
	for _, m := range market.All() {
		unit := market.Unit(x.walk.Trade(m, market.StepAt(x.now())).Price)
		symbols = append(symbols, object{
			"symbol": symbolOf(m), "status": "TRADING", "baseAsset": m.Base, "baseAssetPrecision": 8, "quoteAsset": m.Quote,
			"quotePrecision": 8, "quoteAssetPrecision": 8, "orderTypes": []string{"LIMIT", "LIMIT_MAKER", "MARKET"},
			"quoteOrderQtyMarketAllowed": true, "isSpotTradingAllowed": true, "isMarginTradingAllowed": false, "permissions": []string{"SPOT"},
			"filters": []object{
				{"filterType": "PRICE_FILTER", "minPrice": unit.String(), "maxPrice": "0", "tickSize": unit.String()},
				{"filterType": "LOT_SIZE", "minQty": "0.00000001", "maxQty": "0", "stepSize": "0.00000001"},
				{"filterType": "NOTIONAL", "minNotional": ledger.LeastTotal.String(), "maxNotional": ledger.MostTotal.String()},
			},
		})
	}
	return object{"timezone": "UTC", "serverTime": x.now().UnixMilli(), "rateLimits": []any{}, "exchangeFilters": []any{}, "symbols": symbols}, nil
}

func (x *Exchange) binanceDepth(c call) (any, error) {
	m, err := marketNamed(c.in["symbol"], binanceNames)
	if err != nil {
		return nil, err
	}
	step := market.StepAt(x.now())
	offers := x.walk.Book(m, step)
	bids, asks := [][2]string{}, [][2]string{}
	for i := range market.Depth {
		bids = append(bids, [2]string{offers.Bids[i].Price.String(), offers.Bids[i].Size.String()})
		asks = append(asks, [2]string{offers.Asks[i].Price.String(), offers.Asks[i].Size.String()})
	}
	return object{"lastUpdateId": int64(step), "bids": bids, "asks": asks}, nil
}

func (x *Exchange) binanceAccount(c call) (any, error) {
	held, err := x.books.Balances(c.Context(), ownerOf(c.who))
	if err != nil {
		return nil, err
	}
	balances := []object{}
	for _, b := range held {
		balances = append(balances, object{"asset": b.Currency, "free": b.Free.String(), "locked": b.Locked.String()})
	}
	return object{
		"canTrade": true, "canWithdraw": false, "canDeposit": false, "accountType": "SPOT", "updateTime": x.now().UnixMilli(),
		"balances": balances, "permissions": []string{"SPOT"},
	}, nil
}

// binanceOrderOf writes an order as Binance does. Its ids are numbers.
func binanceOrderOf(o ledger.Order) any {
	m, _ := market.ByID(o.Market)
	kind, price, quantity := "LIMIT", o.Price, o.Volume
	if o.Type != ledger.Limit {
		kind, price = "MARKET", 0
	}
	if o.Type == ledger.Spend {
		quantity = o.ExecutedVolume
	}
	status := map[ledger.State]string{ledger.Wait: "NEW", ledger.Done: "FILLED", ledger.Cancel: "CANCELED"}[o.State]
	if o.State == ledger.Wait && o.ExecutedVolume > 0 {
		status = "PARTIALLY_FILLED"
	}
	if o.Type != ledger.Limit && o.State == ledger.Cancel && o.ExecutedVolume > 0 { // what could not be spent or sold to the last unit
		status = "FILLED"
	}
	force := map[ledger.Force]string{ledger.NowOrCancel: "IOC", ledger.AllOrNothing: "FOK"}[o.Force]
	if force == "" {
		force = "GTC"
	}
	client := o.Identifier
	if client == "" {
		client = o.ID.String()
	}
	return object{
		"symbol": symbolOf(m), "orderId": o.Number(), "orderListId": -1, "clientOrderId": client, "price": price.String(),
		"origQty": quantity.String(), "executedQty": o.ExecutedVolume.String(), "cummulativeQuoteQty": o.ExecutedFunds.String(),
		"status": status, "timeInForce": force, "type": kind, "side": map[market.Side]string{market.Bid: "BUY", market.Ask: "SELL"}[o.Side],
		"time": o.CreatedAt.UnixMilli(), "transactTime": o.CreatedAt.UnixMilli(), "updateTime": o.CreatedAt.UnixMilli(),
		"workingTime": o.CreatedAt.UnixMilli(), "isWorking": o.State == ledger.Wait, "fills": []any{},
	}
}

func (x *Exchange) binancePlace(c call) (any, error) {
	t, err := c.binanceTicket()
	if err != nil {
		return nil, err
	}
	o, err := x.books.Place(c.Context(), ownerOf(c.who), t)
	return binanceOrderOf(o), err
}

// binanceTicket reads an order. A market order buys by quoteOrderQty and sells by quantity.
func (c call) binanceTicket() (t ledger.Ticket, err error) {
	m, err := marketNamed(c.in["symbol"], binanceNames)
	if err != nil {
		return t, err
	}
	side, known := map[string]market.Side{"BUY": market.Bid, "SELL": market.Ask}[c.in["side"]]
	force, fits := map[string]ledger.Force{"": "", "GTC": "", "IOC": ledger.NowOrCancel, "FOK": ledger.AllOrNothing}[c.in["timeInForce"]]
	if !known || !fits {
		return t, ledger.ErrInvalid
	}
	t = ledger.Ticket{Market: m.ID, Side: side, Type: ledger.Limit, Force: force, Identifier: c.in["newClientOrderId"], PlacedBy: c.who.Key}
	var spend money.Amount
	for name, into := range map[string]*money.Amount{"price": &t.Price, "quantity": &t.Volume, "quoteOrderQty": &spend} {
		if *into, err = c.in.amount(name, ledger.ErrInvalid); err != nil {
			return t, err
		}
	}
	switch kind := c.in["type"]; {
	case kind == "LIMIT" && spend == 0:
	case kind == "LIMIT_MAKER" && spend == 0 && force == "":
		t.Force = ledger.PostOnly
	case kind == "MARKET" && side == market.Bid && t.Price == 0 && t.Volume == 0:
		t.Type, t.Price = ledger.Spend, spend
	case kind == "MARKET" && side == market.Ask && t.Price == 0 && spend == 0:
		t.Type = ledger.Sell
	default:
		return t, ledger.ErrInvalid
	}
	return t, nil
}

// binanceRef reads which order is meant, by its number or its client's own name, which must be one of the market that is named.
func (x *Exchange) binanceRef(c call) (ledger.Ref, error) {
	m, err := marketNamed(c.in["symbol"], binanceNames)
	if err != nil {
		return ledger.Ref{}, err
	}
	r := ledger.Ref{Identifier: c.in["origClientOrderId"]}
	if text := c.in["orderId"]; text != "" {
		if r.Number, err = strconv.ParseInt(text, 10, 64); err != nil || r.Number <= 0 {
			return r, ledger.ErrOrderNotFound
		}
	} else if r.Identifier == "" {
		return r, ledger.ErrInvalid
	}
	o, err := x.books.Order(c.Context(), ownerOf(c.who), r)
	if err == nil && o.Market != m.ID {
		err = ledger.ErrOrderNotFound
	}
	return ledger.Ref{ID: o.ID}, err
}

func (x *Exchange) binanceOrder(c call) (any, error) {
	ref, err := x.binanceRef(c)
	if err != nil {
		return nil, err
	}
	o, err := x.books.Order(c.Context(), ownerOf(c.who), ref)
	return binanceOrderOf(o), err
}

func (x *Exchange) binanceCancel(c call) (any, error) {
	ref, err := x.binanceRef(c)
	if err != nil {
		return nil, err
	}
	o, err := x.books.Cancel(c.Context(), ownerOf(c.who), ref)
	return binanceOrderOf(o), err
}

func (x *Exchange) binanceOpen(c call) (any, error) {
	var m market.Market
	var err error
	if name := c.in["symbol"]; name != "" {
		if m, err = marketNamed(name, binanceNames); err != nil {
			return nil, err
		}
	}
	open, err := x.openOf(c, m)
	list := []any{}
	for _, o := range open {
		list = append(list, binanceOrderOf(o))
	}
	return list, err
}
