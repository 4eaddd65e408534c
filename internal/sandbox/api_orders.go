package sandbox

import (
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

type accountJSON struct {
	Currency            string `json:"currency"`
	Balance             string `json:"balance"`
	Locked              string `json:"locked"`
	AvgBuyPrice         string `json:"avg_buy_price"`
	AvgBuyPriceModified bool   `json:"avg_buy_price_modified"`
	UnitCurrency        string `json:"unit_currency"`
}

func accountOf(b ledger.Balance) accountJSON {
	return accountJSON{
		Currency: b.Currency, Balance: b.Free.String(), Locked: b.Locked.String(), AvgBuyPrice: b.AvgPrice.String(), UnitCurrency: "KRW",
	}
}

func (x *Exchange) accounts(c call) (any, error) {
	held, err := x.books.Balances(c.Context(), ownerOf(c.who))
	if err != nil {
		return nil, err
	}
	list := []accountJSON{}
	for _, b := range held {
		list = append(list, accountOf(b))
	}
	return list, nil
}

// balanceOf is the balance of one currency, empty if nothing is held.
func (x *Exchange) balanceOf(c call, currency string) (ledger.Balance, error) {
	held, err := x.books.Balances(c.Context(), ownerOf(c.who))
	if err != nil {
		return ledger.Balance{}, err
	}
	if i := slices.IndexFunc(held, func(b ledger.Balance) bool { return b.Currency == currency }); i >= 0 {
		return held[i], nil
	}
	return ledger.Balance{Currency: currency}, nil
}

type chanceJSON struct {
	BidFee      string           `json:"bid_fee"`
	AskFee      string           `json:"ask_fee"`
	MakerBidFee string           `json:"maker_bid_fee"`
	MakerAskFee string           `json:"maker_ask_fee"`
	Market      chanceMarketJSON `json:"market"`
	BidAccount  accountJSON      `json:"bid_account"`
	AskAccount  accountJSON      `json:"ask_account"`
}

type chanceMarketJSON struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	OrderTypes []string       `json:"order_types"`
	OrderSides []string       `json:"order_sides"`
	BidTypes   []string       `json:"bid_types"`
	AskTypes   []string       `json:"ask_types"`
	Bid        chanceSideJSON `json:"bid"`
	Ask        chanceSideJSON `json:"ask"`
	MaxTotal   string         `json:"max_total"`
	State      string         `json:"state"`
}

type chanceSideJSON struct {
	Currency string `json:"currency"`
	MinTotal string `json:"min_total"`
}

func (x *Exchange) orderChance(c call) (any, error) {
	m, err := c.in.market("market")
	if err != nil {
		return nil, err
	}
	won, err := x.balanceOf(c, m.Quote)
	if err != nil {
		return nil, err
	}
	coins, err := x.balanceOf(c, m.Base)
	if err != nil {
		return nil, err
	}
	fee, least := ledger.FeeRate.String(), ledger.LeastTotal.String()
	return chanceJSON{
		BidFee: fee, AskFee: fee, MakerBidFee: fee, MakerAskFee: fee,
		Market: chanceMarketJSON{
			ID: m.ID, Name: m.Base + "/" + m.Quote, OrderTypes: []string{"limit"}, OrderSides: []string{"ask", "bid"},
			BidTypes: []string{"limit", "limit_ioc", "limit_fok", "price"}, AskTypes: []string{"limit", "limit_ioc", "limit_fok", "market"},
			Bid: chanceSideJSON{m.Quote, least}, Ask: chanceSideJSON{m.Base, least}, MaxTotal: ledger.MostTotal.String(), State: "active",
		},
		BidAccount: accountOf(won), AskAccount: accountOf(coins),
	}, nil
}

type orderJSON struct {
	UUID            string     `json:"uuid"`
	Market          string     `json:"market"`
	Side            string     `json:"side"`
	OrdType         string     `json:"ord_type"`
	Price           *string    `json:"price"`
	State           string     `json:"state"`
	CreatedAt       string     `json:"created_at"`
	Volume          *string    `json:"volume"`
	RemainingVolume *string    `json:"remaining_volume"`
	ExecutedVolume  string     `json:"executed_volume"`
	ExecutedFunds   string     `json:"executed_funds"`
	ReservedFee     string     `json:"reserved_fee"`
	RemainingFee    string     `json:"remaining_fee"`
	PaidFee         string     `json:"paid_fee"`
	Locked          string     `json:"locked"`
	PreventedVolume string     `json:"prevented_volume"`
	PreventedLocked string     `json:"prevented_locked"`
	TradesCount     int        `json:"trades_count"`
	TimeInForce     string     `json:"time_in_force,omitempty"`
	Identifier      string     `json:"identifier,omitempty"`
	Trades          []fillJSON `json:"trades,omitempty"`
}

type fillJSON struct {
	Market    string `json:"market"`
	UUID      string `json:"uuid"`
	Price     string `json:"price"`
	Volume    string `json:"volume"`
	Funds     string `json:"funds"`
	Trend     string `json:"trend"`
	CreatedAt string `json:"created_at"`
	Side      string `json:"side"`
}

// present is the text of an amount, null for one that the order does not have.
func present(a money.Amount, has bool) *string {
	if !has {
		return nil
	}
	return new(a.String())
}

// orderOf writes an order as Upbit does; its fills only where Upbit lists them.
func orderOf(o ledger.Order) orderJSON {
	remainingFee := o.ReservedFee - o.PaidFee
	if o.State != ledger.Wait || o.Side == market.Ask {
		remainingFee = 0
	}
	priced, sized := o.Type != ledger.Sell, o.Type != ledger.Spend
	return orderJSON{
		UUID: o.ID.String(), Market: o.Market, Side: string(o.Side), OrdType: string(o.Type), State: string(o.State),
		Price: present(o.Price, priced), Volume: present(o.Volume, sized), RemainingVolume: present(o.Remaining(), sized),
		CreatedAt: kst(o.CreatedAt), ExecutedVolume: o.ExecutedVolume.String(), ExecutedFunds: o.ExecutedFunds.String(),
		ReservedFee: o.ReservedFee.String(), RemainingFee: remainingFee.String(), PaidFee: o.PaidFee.String(), Locked: o.Locked.String(),
		PreventedVolume: "0", PreventedLocked: "0", TradesCount: o.FillCount, TimeInForce: string(o.Force), Identifier: o.Identifier,
	}
}

func orderWithFills(o ledger.Order) orderJSON {
	body := orderOf(o)
	trend := map[market.Side]string{market.Bid: "up", market.Ask: "down"}[o.Side]
	for _, f := range o.Fills {
		body.Trades = append(body.Trades, fillJSON{
			Market: o.Market, UUID: f.ID.String(), Price: f.Price.String(), Volume: f.Volume.String(), Funds: f.Funds.String(),
			Trend: trend, CreatedAt: kst(f.CreatedAt), Side: string(o.Side),
		})
	}
	return body
}

func ordersOf(orders []ledger.Order) []orderJSON {
	list := []orderJSON{}
	for _, o := range orders {
		list = append(list, orderOf(o))
	}
	return list
}

// kst writes a time as Upbit does.
func kst(t time.Time) string { return t.In(korea).Format(time.RFC3339) }

// ticket reads an order. Names and meanings are Upbit's; what it does not name is ignored, as there.
func (c call) ticket() (ledger.Ticket, error) {
	side := market.Side(c.in["side"])
	badPrice, badVolume := ledger.ErrPriceBid, ledger.ErrVolumeBid
	if side == market.Ask {
		badPrice, badVolume = ledger.ErrPriceAsk, ledger.ErrVolumeAsk
	}
	price, err := c.in.amount("price", badPrice)
	if err != nil {
		return ledger.Ticket{}, err
	}
	volume, err := c.in.amount("volume", badVolume)
	if err != nil {
		return ledger.Ticket{}, err
	}
	return ledger.Ticket{
		Market: c.in["market"], Side: side, Type: ledger.Type(c.in["ord_type"]), Price: price, Volume: volume,
		Force: ledger.Force(c.in["time_in_force"]), Identifier: c.in["identifier"], PlacedBy: c.who.Key,
	}, nil
}

func (x *Exchange) placeOrder(c call) (any, error) {
	t, err := c.ticket()
	if err != nil {
		return nil, err
	}
	o, err := x.books.Place(c.Context(), ownerOf(c.who), t)
	return orderOf(o), err
}

func (x *Exchange) testOrder(c call) (any, error) {
	t, err := c.ticket()
	if err != nil {
		return nil, err
	}
	o, err := x.books.Rehearse(c.Context(), ownerOf(c.who), t)
	return orderOf(o), err
}

// ref reads which order is meant. A uuid that is none belongs to no order.
func (c call) ref() (ledger.Ref, error) {
	if text := c.in["uuid"]; text != "" {
		id, ok := ledger.ParseID(text)
		if !ok {
			return ledger.Ref{}, ledger.ErrOrderNotFound
		}
		return ledger.Ref{ID: id}, nil
	}
	if c.in["identifier"] == "" {
		return ledger.Ref{}, ledger.ErrInvalid
	}
	return ledger.Ref{Identifier: c.in["identifier"]}, nil
}

func (x *Exchange) order(c call) (any, error) {
	ref, err := c.ref()
	if err != nil {
		return nil, err
	}
	o, err := x.books.Order(c.Context(), ownerOf(c.who), ref)
	return orderWithFills(o), err
}

func (x *Exchange) cancelOrder(c call) (any, error) {
	ref, err := c.ref()
	if err != nil {
		return nil, err
	}
	o, err := x.books.Cancel(c.Context(), ownerOf(c.who), ref)
	return orderOf(o), err
}

// states reads state or states[], all of which must be allowed here. "watch" is Upbit's word for reserved orders, which this
// exchange does not have: asking for them is right, and finds none.
func (c call) states(allowed ...ledger.State) (list []ledger.State, found bool, err error) {
	asked := append(c.in.list("states"), c.in.list("state")...)
	if len(asked) == 0 {
		return allowed, true, nil
	}
	for _, text := range asked {
		switch s := ledger.State(text); {
		case slices.Contains(allowed, s):
			list = append(list, s)
		case s != "watch" || allowed[0] != ledger.Wait:
			return nil, false, ledger.ErrInvalid
		}
	}
	return list, len(list) > 0, nil
}

func (x *Exchange) openOrders(c call) (any, error) {
	return x.listOrders(c, 100, ledger.Wait)
}

func (x *Exchange) closedOrders(c call) (any, error) {
	return x.listOrders(c, 1000, ledger.Done, ledger.Cancel)
}

func (x *Exchange) listOrders(c call, most int, allowed ...ledger.State) (any, error) {
	states, some, err := c.states(allowed...)
	if err != nil {
		return nil, err
	}
	f := ledger.Filter{States: states, Market: c.in["market"]}
	if _, known := market.ByID(f.Market); f.Market != "" && !known {
		return nil, ledger.ErrMarketNotFound
	}
	if f.From, err = c.in.moment("start_time"); err != nil {
		return nil, err
	}
	if f.Until, err = c.in.moment("end_time"); err != nil {
		return nil, err
	}
	if f.Limit, f.Skip, f.OldestFirst, err = c.in.window(100, most); err != nil {
		return nil, err
	}
	if !some {
		return []orderJSON{}, nil
	}
	orders, err := x.books.Orders(c.Context(), ownerOf(c.who), f)
	return ordersOf(orders), err
}

type cancelledJSON struct {
	Success cancelledListJSON `json:"success"`
	Failed  cancelledListJSON `json:"failed"`
}

type cancelledListJSON struct {
	Count  int                  `json:"count"`
	Orders []cancelledOrderJSON `json:"orders"`
}

type cancelledOrderJSON struct {
	UUID   string `json:"uuid"`
	Market string `json:"market"`
}

// cancelOpenOrders takes back all open orders, or those of one side or of some markets. Another condition is refused, because
// to ignore it would cancel more than was asked.
func (x *Exchange) cancelOpenOrders(c call) (any, error) {
	for name := range c.in {
		if name != "cancel_side" && name != "pairs" {
			return nil, ledger.ErrInvalid
		}
	}
	side, pairs := c.in["cancel_side"], c.in.list("pairs")
	if !slices.Contains([]string{"", "all", "ask", "bid"}, side) {
		return nil, ledger.ErrInvalid
	}
	cancelled, err := x.books.CancelAll(c.Context(), ownerOf(c.who), func(o ledger.Order) bool {
		return (side == "ask" || side == "bid") && string(o.Side) != side || len(pairs) > 0 && !slices.Contains(pairs, o.Market)
	})
	body := cancelledJSON{
		Success: cancelledListJSON{Count: len(cancelled), Orders: []cancelledOrderJSON{}},
		Failed:  cancelledListJSON{Orders: []cancelledOrderJSON{}},
	}
	for _, o := range cancelled {
		body.Success.Orders = append(body.Success.Orders, cancelledOrderJSON{o.ID.String(), o.Market})
	}
	return body, err
}
