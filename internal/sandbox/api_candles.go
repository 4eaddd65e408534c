package sandbox

import (
	"slices"
	"strconv"
	"time"

	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
)

type candleJSON struct {
	Market       string `json:"market"`
	DateTimeUTC  string `json:"candle_date_time_utc"`
	DateTimeKST  string `json:"candle_date_time_kst"`
	OpeningPrice number `json:"opening_price"`
	HighPrice    number `json:"high_price"`
	LowPrice     number `json:"low_price"`
	TradePrice   number `json:"trade_price"`
	Timestamp    int64  `json:"timestamp"`
	Value        int64  `json:"candle_acc_trade_price"`
	Volume       number `json:"candle_acc_trade_volume"`
	Unit         int    `json:"unit,omitempty"`
}

// period is a kind of candle: where the one that holds t begins, and where the n-th after that does.
type period struct {
	start func(t time.Time) time.Time
	shift func(start time.Time, n int) time.Time
}

func everySeconds(length int64) period {
	return period{
		start: func(t time.Time) time.Time { return time.Unix(t.Unix()-t.Unix()%length, 0).UTC() },
		shift: func(start time.Time, n int) time.Time { return time.Unix(start.Unix()+int64(n)*length, 0).UTC() },
	}
}

var periods = map[string]period{
	"seconds": everySeconds(1),
	"days":    everySeconds(day),
	"weeks": {
		// 1970 began on a Thursday: the first Monday was the 5th.
		start: func(t time.Time) time.Time {
			const monday = 4 * day
			return time.Unix(t.Unix()-(t.Unix()-monday)%(7*day), 0).UTC()
		},
		shift: func(start time.Time, n int) time.Time { return start.AddDate(0, 0, 7*n) },
	},
	"months": {
		start: func(t time.Time) time.Time {
			return time.Date(t.UTC().Year(), t.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
		},
		shift: func(start time.Time, n int) time.Time { return start.AddDate(0, n, 0) },
	},
	"years": {
		start: func(t time.Time) time.Time { return time.Date(t.UTC().Year(), 1, 1, 0, 0, 0, 0, time.UTC) },
		shift: func(start time.Time, n int) time.Time { return start.AddDate(n, 0, 0) },
	},
}

// minuteUnits are the lengths that Upbit has, in minutes.
var minuteUnits = []int{1, 3, 5, 10, 15, 30, 60, 240}

func (x *Exchange) minuteCandles(c call) (any, error) {
	unit, err := strconv.Atoi(c.PathValue("unit"))
	if err != nil || !slices.Contains(minuteUnits, unit) {
		return nil, ledger.ErrInvalid
	}
	return x.listCandles(c, everySeconds(int64(unit)*60), unit)
}

func (x *Exchange) candles(c call) (any, error) {
	p, ok := periods[c.PathValue("timeframe")]
	if !ok {
		return nil, errNotFound
	}
	return x.listCandles(c, p, 0)
}

// listCandles lists candles that begin before "to", newest first. The newest one may still be growing.
func (x *Exchange) listCandles(c call, p period, unit int) (any, error) {
	m, err := c.in.market("market")
	if err != nil {
		return nil, err
	}
	count, err := c.in.count("count", 1, 200)
	if err != nil {
		return nil, err
	}
	to, err := c.in.moment("to")
	if err != nil {
		return nil, err
	}
	present := market.StepAt(x.now())
	start := p.start(present.Time())
	if !to.IsZero() && to.Before(start) {
		start = p.start(to.Add(-time.Microsecond)) // one that begins at "to" does not begin before it
	}
	candles := []candleJSON{}
	for ; len(candles) < count && start.Year() > 1970; start = p.shift(start, -1) {
		end := min(market.StepAt(p.shift(start, 1)), present+1)
		k := x.walk.Candle(m, market.StepAt(start), end)
		candles = append(candles, candleJSON{
			Market: m.ID, DateTimeUTC: start.Format(dateTime), DateTimeKST: start.In(korea).Format(dateTime),
			OpeningPrice: number(k.Open), HighPrice: number(k.High), LowPrice: number(k.Low), TradePrice: number(k.Close),
			Timestamp: (k.To - 1).Time().UnixMilli(), Value: k.Value, Volume: number(k.Volume), Unit: unit,
		})
	}
	return candles, nil
}
