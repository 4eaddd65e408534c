package sandbox

import (
	"slices"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// krakenAssetNames maps a currency → the name under which Kraken has kept it since its first years; others keep their own.
var krakenAssetNames = map[string]string{"BTC": "XXBT", "ETH": "XETH", "XRP": "XXRP", "KRW": "ZKRW"}

func krakenAsset(currency string) string {
	if name, old := krakenAssetNames[currency]; old {
		return name
	}
	return currency
}

// krakenAlt is the short name of a currency.
func krakenAlt(currency string) string {
	if currency == "BTC" {
		return "XBT"
	}
	return currency
}

// krakenPairNames are the pair's key, its short name and its name with a slash.
func krakenPairNames(m market.Market) []string {
	base, quote := krakenAlt(m.Base), krakenAlt(m.Quote)
	return []string{krakenAsset(m.Base) + krakenAsset(m.Quote), base + quote, base + "/" + quote}
}

// krakenRefusal is {"error":[…]}.
func krakenRefusal(name ledger.RefusalError, _ string) any {
	word := "EGeneral:Invalid arguments"
	switch {
	case isShort(name):
		word = "EOrder:Insufficient funds"
	case isTooSmall(name):
		word = "EOrder:Order minimum not met"
	case name == ledger.ErrPriceAsk || name == ledger.ErrPriceBid:
		word = "EGeneral:Invalid arguments:price"
	case name == ledger.ErrOrderNotFound:
		word = "EOrder:Unknown order"
	case name == ledger.ErrMarketNotFound:
		word = "EQuery:Unknown asset pair"
	case name == errOutOfScope:
		word = "EGeneral:Permission denied"
	case name == errNotFound:
		word = "EGeneral:Unknown method"
	case name == errServerError:
		word = "EGeneral:Internal error"
	}
	return object{"error": []string{word}}
}

// kraken wraps what an endpoint answers.
func kraken(e endpoint) endpoint {
	return func(c call) (any, error) {
		result, err := e(c)
		return object{"error": []string{}, "result": result}, err
	}
}

func (x *Exchange) krakenTime(call) (any, error) {
	return object{"unixtime": x.now().Unix(), "rfc1123": x.now().UTC().Format("Mon, 02 Jan 06 15:04:05 -0700")}, nil
}

func (x *Exchange) krakenAssets(call) (any, error) {
	assets := object{}
	for _, c := range ledger.Currencies() {
		assets[krakenAsset(c.Code)] = object{"aclass": "currency", "altname": krakenAlt(c.Code), "decimals": 8, "display_decimals": 8, "status": "enabled"}
	}
	return assets, nil
}

func (x *Exchange) krakenPairs(call) (any, error) {
	pairs := object{}
	percent := (ledger.FeeRate * 100).String()
	for _, m := range market.All() {
		names := krakenPairNames(m)
		pairs[names[0]] = object{
			"altname": names[1], "wsname": names[2], "aclass_base": "currency", "base": krakenAsset(m.Base), "aclass_quote": "currency",
			"quote": krakenAsset(m.Quote), "lot": "unit", "pair_decimals": 3, "lot_decimals": 8, "lot_multiplier": 1, "leverage_buy": []any{},
			"leverage_sell": []any{}, "fees": [][]string{{"0", percent}}, "fees_maker": [][]string{{"0", percent}},
			"costmin": ledger.LeastTotal.String(), "ordermin": "0.00000001", "status": "online",
			"tick_size": market.Unit(x.walk.Trade(m, market.StepAt(x.now())).Price).String(),
		}
	}
	return pairs, nil
}

func (x *Exchange) krakenDepth(c call) (any, error) {
	m, err := marketNamed(c.in["pair"], krakenPairNames)
	if err != nil {
		return nil, err
	}
	step := market.StepAt(x.now())
	offers := x.walk.Book(m, step)
	bids, asks := [][]any{}, [][]any{}
	for i := range market.Depth {
		bids = append(bids, []any{offers.Bids[i].Price.String(), offers.Bids[i].Size.String(), int64(step)})
		asks = append(asks, []any{offers.Asks[i].Price.String(), offers.Asks[i].Size.String(), int64(step)})
	}
	return object{krakenPairNames(m)[0]: object{"bids": bids, "asks": asks}}, nil
}

func (x *Exchange) krakenBalance(c call) (any, error) {
	return x.krakenBalances(c, func(b ledger.Balance) any { return (b.Free + b.Locked).String() })
}

func (x *Exchange) krakenBalanceEx(c call) (any, error) {
	return x.krakenBalances(c, func(b ledger.Balance) any {
		return object{"balance": (b.Free + b.Locked).String(), "hold_trade": b.Locked.String()}
	})
}

func (x *Exchange) krakenBalances(c call, write func(ledger.Balance) any) (any, error) {
	held, err := x.books.Balances(c.Context(), ownerOf(c.who))
	balances := object{}
	for _, b := range held {
		balances[krakenAsset(b.Currency)] = write(b)
	}
	return balances, err
}

// krakenOrderOf writes an order as Kraken does, under its id.
func krakenOrderOf(o ledger.Order) object {
	m, _ := market.ByID(o.Market)
	kind, price, volume := "limit", o.Price, o.Volume
	if o.Type != ledger.Limit {
		kind, price = "market", 0
	}
	if o.Type == ledger.Spend {
		volume = o.ExecutedVolume
	}
	average := money.Amount(0)
	if o.ExecutedVolume > 0 {
		average, _ = o.ExecutedFunds.Over(o.ExecutedVolume)
	}
	status := map[ledger.State]string{ledger.Wait: "open", ledger.Done: "closed", ledger.Cancel: "canceled"}[o.State]
	if o.Type != ledger.Limit && o.State == ledger.Cancel && o.ExecutedVolume > 0 { // what could not be spent or sold to the last unit
		status = "closed"
	}
	side := krakenSides[o.Side]
	var client any
	if o.Identifier != "" {
		client = o.Identifier
	}
	return object{
		"refid": nil, "userref": nil, "cl_ord_id": client, "status": status, "opentm": float64(o.CreatedAt.UnixMilli()) / 1000, "starttm": 0,
		"expiretm": 0, "vol": volume.String(), "vol_exec": o.ExecutedVolume.String(), "cost": o.ExecutedFunds.String(), "fee": o.PaidFee.String(),
		"price": average.String(), "stopprice": "0", "limitprice": "0", "misc": "", "oflags": "fciq",
		"descr": object{
			"pair": krakenPairNames(m)[1], "type": side, "ordertype": kind, "price": price.String(), "price2": "0", "leverage": "none",
			"order": krakenDescription(o, m), "close": "",
		},
	}
}

var krakenSides = map[market.Side]string{market.Bid: "buy", market.Ask: "sell"}

// krakenDescription is the order in words, which clients read.
func krakenDescription(o ledger.Order, m market.Market) string {
	words := []string{krakenSides[o.Side], o.Volume.String(), krakenPairNames(m)[1], "@"}
	switch o.Type {
	case ledger.Limit:
		words = append(words, "limit", o.Price.String())
	case ledger.Spend:
		words[1] = o.Price.String()
		words = append(words, "market")
	case ledger.Sell:
		words = append(words, "market")
	}
	return strings.Join(words, " ")
}

func (x *Exchange) krakenPlace(c call) (any, error) {
	t, m, err := c.krakenTicket()
	if err != nil {
		return nil, err
	}
	place := x.books.Place
	if c.in["validate"] == "true" {
		place = x.books.Rehearse
	}
	o, err := place(c.Context(), ownerOf(c.who), t)
	return object{"descr": object{"order": krakenDescription(o, m)}, "txid": []string{o.ID.String()}}, err
}

// krakenTicket reads an order. A market order buys only with the flag viqc, by which volume is in won.
func (c call) krakenTicket() (t ledger.Ticket, m market.Market, err error) {
	if m, err = marketNamed(c.in["pair"], krakenPairNames); err != nil {
		return t, m, err
	}
	side, known := map[string]market.Side{"buy": market.Bid, "sell": market.Ask}[c.in["type"]]
	force, fits := map[string]ledger.Force{"": "", "gtc": "", "ioc": ledger.NowOrCancel, "fok": ledger.AllOrNothing}[strings.ToLower(c.in["timeinforce"])]
	if !known || !fits {
		return t, m, ledger.ErrInvalid
	}
	t = ledger.Ticket{Market: m.ID, Side: side, Type: ledger.Limit, Force: force, Identifier: c.in["cl_ord_id"], PlacedBy: c.who.Key}
	if t.Price, err = c.in.amount("price", ledger.ErrPriceBid); err != nil {
		return t, m, err
	}
	if t.Volume, err = c.in.amount("volume", ledger.ErrInvalid); err != nil {
		return t, m, err
	}
	flags := strings.Split(c.in["oflags"], ",")
	has := func(flag string) bool { return slices.Contains(flags, flag) }
	switch kind := c.in["ordertype"]; {
	case kind == "limit" && has("post"):
		t.Force = ledger.PostOnly
	case kind == "limit" && !has("viqc"):
	case kind == "market" && side == market.Bid && has("viqc") && t.Price == 0:
		t.Type, t.Price, t.Volume = ledger.Spend, t.Volume, 0
	case kind == "market" && side == market.Ask && !has("viqc") && t.Price == 0:
		t.Type = ledger.Sell
	default:
		return t, m, ledger.ErrInvalid
	}
	return t, m, nil
}

func (c call) krakenRef() (ledger.Ref, error) {
	if name := c.in["cl_ord_id"]; name != "" {
		return ledger.Ref{Identifier: name}, nil
	}
	id, ok := ledger.ParseID(c.in["txid"])
	if !ok {
		return ledger.Ref{}, ledger.ErrOrderNotFound
	}
	return ledger.Ref{ID: id}, nil
}

func (x *Exchange) krakenCancel(c call) (any, error) {
	ref, err := c.krakenRef()
	if err != nil {
		return nil, err
	}
	_, err = x.books.Cancel(c.Context(), ownerOf(c.who), ref)
	return object{"count": 1}, err
}

func (x *Exchange) krakenQuery(c call) (any, error) {
	ref, err := c.krakenRef()
	if err != nil {
		return nil, err
	}
	o, err := x.books.Order(c.Context(), ownerOf(c.who), ref)
	return object{o.ID.String(): krakenOrderOf(o)}, err
}

func (x *Exchange) krakenOpen(c call) (any, error) {
	open, err := x.openOf(c, market.Market{})
	list := object{}
	for _, o := range open {
		list[o.ID.String()] = krakenOrderOf(o)
	}
	return object{"open": list}, err
}
