package market_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

var noon = market.StepAt(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))

// A restart, another machine and the next release must see the same past: these prices are part of the promise.
func TestWalkIsWrittenDown(t *testing.T) {
	walk := market.NewWalk(7)
	got := map[string][]string{}
	for _, m := range market.All() {
		for _, s := range []market.Step{noon, noon + 1, noon + 3600, noon + 30*86400} {
			got[m.ID] = append(got[m.ID], walk.Bid(m, s).String())
		}
	}
	want := map[string][]string{
		"KRW-BTC": {"164399000", "164395000", "163984000", "158396000"},
		"KRW-ETH": {"5518000", "5518000", "5522000", "5466000"},
		"KRW-SOL": {"203700", "203700", "203500", "246800"},
		"KRW-XRP": {"3214", "3214", "3195", "3150"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the walk moved (-want +got):\n%s", diff)
	}
}

func TestSeedsAndMarketsWalkApart(t *testing.T) {
	btc, _ := market.ByID("KRW-BTC")
	eth, _ := market.ByID("KRW-ETH")
	differ, rises := 0, 0
	const steps = 500
	for s := noon; s < noon+steps; s++ {
		if market.NewWalk(1).Bid(btc, s) != market.NewWalk(2).Bid(btc, s) {
			differ++
		}
		if up(btc, s) == up(eth, s) {
			rises++
		}
	}
	if differ < steps*9/10 {
		t.Errorf("two seeds differ in %d of %d steps only", differ, steps)
	}
	if rises < steps/3 || rises > steps*2/3 {
		t.Errorf("two markets move together in %d of %d steps", rises, steps)
	}
}

func up(m market.Market, s market.Step) bool {
	return market.NewWalk(1).Bid(m, s+1) > market.NewWalk(1).Bid(m, s)
}

func anyStep(t *rapid.T) (market.Walk, market.Market, market.Step) {
	walk := market.NewWalk(rapid.Uint64().Draw(t, "seed"))
	m := rapid.SampledFrom(market.All()).Draw(t, "market")
	return walk, m, market.Step(rapid.Int64Range(0, 4_000_000_000).Draw(t, "step"))
}

func TestBookLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		walk, m, s := anyStep(t)
		book := walk.Book(m, s)
		if diff := cmp.Diff(book, walk.Book(m, s)); diff != "" {
			t.Fatalf("two books of one step:\n%s", diff)
		}
		if len(book.Bids) != market.Depth || len(book.Asks) != market.Depth {
			t.Fatalf("%d bids, %d asks", len(book.Bids), len(book.Asks))
		}
		if bid, ask := book.Bids[0].Price, book.Asks[0].Price; ask-bid != market.Unit(bid) || bid != walk.Bid(m, s) || ask != walk.Ask(m, s) {
			t.Fatalf("best bid %v, best ask %v", bid, ask)
		}
		for i := range market.Depth {
			for _, l := range []market.Level{book.Bids[i], book.Asks[i]} {
				if !market.OnUnit(l.Price) || l.Size <= 0 {
					t.Fatalf("level %d: %v", i, l)
				}
			}
			if i > 0 && (book.Bids[i].Price >= book.Bids[i-1].Price || book.Asks[i].Price <= book.Asks[i-1].Price) {
				t.Fatalf("level %d is not behind level %d", i, i-1)
			}
		}
	})
}

// The walk is bounded around its start, and a second moves it by little.
func TestWalkLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		walk, m, s := anyStep(t)
		centre := map[string]money.Amount{"KRW-BTC": 152_000_000, "KRW-ETH": 5_400_000, "KRW-XRP": 3_400, "KRW-SOL": 246_000}[m.ID] * money.One
		here, next := walk.Bid(m, s), walk.Bid(m, s+1)
		if here < centre/2 || here > centre*3/2 {
			t.Fatalf("%v is too far from %v", here, centre)
		}
		if step := max(here-next, next-here); step > centre/1000 {
			t.Fatalf("from %v to %v in a second", here, next)
		}
	})
}

func TestTradeAndCandleLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		walk, m, s := anyStep(t)
		length := rapid.SampledFrom([]market.Step{1, 2, 60, 61, 600, 3600, 86400, 366 * 86400}).Draw(t, "length")
		c := walk.Candle(m, s, s+length)
		if c.Low > min(c.Open, c.Close) || c.High < max(c.Open, c.Close) || c.Volume <= 0 || c.Value <= 0 {
			t.Fatalf("%+v", c)
		}
		trade := walk.Trade(m, s)
		price := walk.Bid(m, s)
		if trade.Side == market.Bid {
			price = walk.Ask(m, s)
		}
		if trade.Price != price || c.Open != price || trade.Volume <= 0 {
			t.Fatalf("%+v at %v", trade, price)
		}
	})
}

// A minute's candle holds every trade of the minute.
func TestMinuteIsExact(t *testing.T) {
	walk := market.NewWalk(3)
	m, _ := market.ByID("KRW-XRP")
	c := walk.Candle(m, noon, noon+60)
	var volume money.Amount
	for s := noon; s < noon+60; s++ {
		trade := walk.Trade(m, s)
		volume += trade.Volume
		if trade.Price > c.High || trade.Price < c.Low {
			t.Errorf("trade at %v outside %v to %v", trade.Price, c.Low, c.High)
		}
	}
	if volume != c.Volume {
		t.Errorf("volume %v, want %v", c.Volume, volume)
	}
}

func TestUnits(t *testing.T) {
	for price, want := range map[string]string{
		"152000000": "1000", "1000000": "1000", "999500": "500", "500000": "500", "246000": "100", "50000": "50", "12340": "10",
		"5005": "5", "3400": "1", "100": "1", "99.9": "0.1", "9.99": "0.01", "0.5": "0.001",
	} {
		p, err := money.Parse(price)
		if err != nil {
			t.Fatal(err)
		}
		if got := market.Unit(p).String(); got != want || !market.OnUnit(p) {
			t.Errorf("unit at %s: %s, want %s", price, got, want)
		}
	}
	if market.OnUnit(0) || market.OnUnit(152_000_500*money.One) || market.OnUnit(-1000*money.One) {
		t.Error("a price off its unit was taken")
	}
}

func TestByID(t *testing.T) {
	for _, m := range market.All() {
		if got, ok := market.ByID(m.ID); !ok || got.ID != m.Quote+"-"+m.Base {
			t.Errorf("%s: %v, %v", m.ID, got, ok)
		}
		if got, ok := market.ByBase(m.Base); !ok || got.ID != m.ID {
			t.Errorf("%s: %v, %v", m.Base, got, ok)
		}
	}
	if _, ok := market.ByID("KRW-DOGE"); ok {
		t.Error("a market from nowhere")
	}
}

func BenchmarkBid(b *testing.B) {
	walk := market.NewWalk(1)
	m, _ := market.ByID("KRW-BTC")
	b.ReportAllocs()
	for s := noon; b.Loop(); s++ {
		walk.Bid(m, s)
	}
}

func BenchmarkMinuteCandle(b *testing.B) {
	walk := market.NewWalk(1)
	m, _ := market.ByID("KRW-BTC")
	b.ReportAllocs()
	for s := noon; b.Loop(); s += 60 {
		walk.Candle(m, s, s+60)
	}
}
