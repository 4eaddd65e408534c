package sandbox

import (
	"strconv"
	"time"

	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// number is an amount that Upbit writes as a JSON number: all of the market data. Elsewhere amounts are strings.
type number money.Amount

// MarshalJSON writes the exact decimal; no floating point comes near it.
func (n number) MarshalJSON() ([]byte, error) { return []byte(money.Amount(n).String()), nil }

// korea is the zone of Upbit's times.
var korea = time.FixedZone("KST", 9*60*60)

const (
	dateTime = "2006-01-02T15:04:05"
	day      = 24 * 60 * 60
)

type marketJSON struct {
	Market      string `json:"market"`
	KoreanName  string `json:"korean_name"`
	EnglishName string `json:"english_name"`
}

func (x *Exchange) marketAll(call) (any, error) {
	list := []marketJSON{}
	for _, m := range market.All() {
		list = append(list, marketJSON{m.ID, m.Korean, m.English})
	}
	return list, nil
}

// markets are those that a comma-separated parameter names.
func (in params) markets() ([]market.Market, error) {
	ids := in.list("markets")
	if len(ids) == 0 || len(ids) > 100 {
		return nil, ledger.ErrInvalid
	}
	list := make([]market.Market, 0, len(ids))
	for _, id := range ids {
		m, ok := market.ByID(id)
		if !ok {
			return nil, ledger.ErrMarketNotFound
		}
		list = append(list, m)
	}
	return list, nil
}

type tickerJSON struct {
	Market             string `json:"market"`
	TradeDate          string `json:"trade_date"`
	TradeTime          string `json:"trade_time"`
	TradeDateKST       string `json:"trade_date_kst"`
	TradeTimeKST       string `json:"trade_time_kst"`
	TradeTimestamp     int64  `json:"trade_timestamp"`
	OpeningPrice       number `json:"opening_price"`
	HighPrice          number `json:"high_price"`
	LowPrice           number `json:"low_price"`
	TradePrice         number `json:"trade_price"`
	PrevClosingPrice   number `json:"prev_closing_price"`
	Change             string `json:"change"`
	ChangePrice        number `json:"change_price"`
	ChangeRate         number `json:"change_rate"`
	SignedChangePrice  number `json:"signed_change_price"`
	SignedChangeRate   number `json:"signed_change_rate"`
	TradeVolume        number `json:"trade_volume"`
	AccTradePrice      int64  `json:"acc_trade_price"`
	AccTradePrice24h   int64  `json:"acc_trade_price_24h"`
	AccTradeVolume     number `json:"acc_trade_volume"`
	AccTradeVolume24h  number `json:"acc_trade_volume_24h"`
	Highest52WeekPrice number `json:"highest_52_week_price"`
	Lowest52WeekPrice  number `json:"lowest_52_week_price"`
	Timestamp          int64  `json:"timestamp"`
}

func (x *Exchange) ticker(c call) (any, error) {
	list, err := c.in.markets()
	if err != nil {
		return nil, err
	}
	return x.tickers(list), nil
}

func (x *Exchange) tickerAll(c call) (any, error) {
	quotes := c.in.list("quote_currencies")
	list := []market.Market{}
	for _, m := range market.All() {
		for _, q := range quotes {
			if m.Quote == q {
				list = append(list, m)
			}
		}
	}
	return x.tickers(list), nil
}

func (x *Exchange) tickers(list []market.Market) []tickerJSON {
	tickers := []tickerJSON{}
	for _, m := range list {
		tickers = append(tickers, x.tickerOf(m))
	}
	return tickers
}

func (x *Exchange) tickerOf(m market.Market) tickerJSON {
	now := x.now()
	s := market.StepAt(now)
	midnight := s - s%day // Upbit's day begins at midnight UTC
	trade, today := x.walk.Trade(m, s), x.walk.Candle(m, midnight, s+1)
	yesterday, year := x.walk.Candle(m, s+1-day, s+1), x.walk.Candle(m, s+1-364*day, s+1)
	closed := x.walk.Trade(m, midnight-1).Price
	utc, kst := s.Time(), s.Time().In(korea)
	t := tickerJSON{
		Market: m.ID, TradeDate: utc.Format("20060102"), TradeTime: utc.Format("150405"),
		TradeDateKST: kst.Format("20060102"), TradeTimeKST: kst.Format("150405"), TradeTimestamp: utc.UnixMilli(),
		OpeningPrice: number(today.Open), HighPrice: number(today.High), LowPrice: number(today.Low),
		TradePrice: number(trade.Price), TradeVolume: number(trade.Volume), PrevClosingPrice: number(closed),
		AccTradePrice: today.Value, AccTradeVolume: number(today.Volume),
		AccTradePrice24h: yesterday.Value, AccTradeVolume24h: number(yesterday.Volume),
		Highest52WeekPrice: number(year.High), Lowest52WeekPrice: number(year.Low), Timestamp: now.UnixMilli(),
	}
	t.setChange(trade.Price-closed, closed)
	return t
}

func (t *tickerJSON) setChange(by, from money.Amount) {
	distance, sign := by, money.Amount(1)
	t.Change = "RISE"
	switch {
	case by < 0:
		distance, sign, t.Change = -by, -1, "FALL"
	case by == 0:
		t.Change = "EVEN"
	}
	rate, _ := distance.Over(from) // prices are positive and near each other
	t.ChangePrice, t.SignedChangePrice = number(distance), number(by)
	t.ChangeRate, t.SignedChangeRate = number(rate), number(sign*rate)
}

type orderbookJSON struct {
	Market       string      `json:"market"`
	Timestamp    int64       `json:"timestamp"`
	TotalAskSize number      `json:"total_ask_size"`
	TotalBidSize number      `json:"total_bid_size"`
	Units        []levelJSON `json:"orderbook_units"`
	Level        int         `json:"level"`
}

type levelJSON struct {
	AskPrice number `json:"ask_price"`
	BidPrice number `json:"bid_price"`
	AskSize  number `json:"ask_size"`
	BidSize  number `json:"bid_size"`
}

func (x *Exchange) orderbook(c call) (any, error) {
	list, err := c.in.markets()
	if err != nil {
		return nil, err
	}
	depth, err := c.in.count("count", market.Depth, market.Depth)
	if err != nil {
		return nil, err
	}
	now := x.now()
	books := []orderbookJSON{}
	for _, m := range list {
		offers := x.walk.Book(m, market.StepAt(now))
		b := orderbookJSON{Market: m.ID, Timestamp: now.UnixMilli()}
		for i := range depth {
			ask, bid := offers.Asks[i], offers.Bids[i]
			b.Units = append(b.Units, levelJSON{number(ask.Price), number(bid.Price), number(ask.Size), number(bid.Size)})
			b.TotalAskSize += number(ask.Size)
			b.TotalBidSize += number(bid.Size)
		}
		books = append(books, b)
	}
	return books, nil
}

type tradeJSON struct {
	Market           string `json:"market"`
	TradeDateUTC     string `json:"trade_date_utc"`
	TradeTimeUTC     string `json:"trade_time_utc"`
	Timestamp        int64  `json:"timestamp"`
	TradePrice       number `json:"trade_price"`
	TradeVolume      number `json:"trade_volume"`
	PrevClosingPrice number `json:"prev_closing_price"`
	ChangePrice      number `json:"change_price"`
	AskBid           string `json:"ask_bid"`
	SequentialID     int64  `json:"sequential_id"`
}

// tradeTicks lists the newest trades, of which there is one a second.
func (x *Exchange) tradeTicks(c call) (any, error) {
	m, err := c.in.market("market")
	if err != nil {
		return nil, err
	}
	count, err := c.in.count("count", 1, 500)
	if err != nil {
		return nil, err
	}
	last := market.StepAt(x.now())
	if cursor := c.in["cursor"]; cursor != "" {
		before, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil || before < day {
			return nil, ledger.ErrInvalid
		}
		last = min(last, market.Step(before)-1)
	}
	closed := x.walk.Trade(m, last-last%day-1).Price
	trades := []tradeJSON{}
	for s := last; s > last-market.Step(count); s-- {
		t := x.walk.Trade(m, s)
		trades = append(trades, tradeJSON{
			Market: m.ID, TradeDateUTC: s.Time().Format(time.DateOnly), TradeTimeUTC: s.Time().Format(time.TimeOnly),
			Timestamp: s.Time().UnixMilli(), TradePrice: number(t.Price), TradeVolume: number(t.Volume),
			PrevClosingPrice: number(closed), ChangePrice: number(t.Price - closed),
			AskBid: map[market.Side]string{market.Ask: "ASK", market.Bid: "BID"}[t.Side], SequentialID: int64(s),
		})
	}
	return trades, nil
}
