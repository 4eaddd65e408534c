package apikey

import (
	"context"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Bounds is what a key may do at most, beside its scopes. The zero value bounds nothing.
type Bounds struct {
	// Markets it may order in, as requests spell them; empty allows all.
	Markets []string `json:"markets,omitempty"`
	// OrderMost is what one order may be worth, DayMost all orders of a UTC day, in the currency of the platform's prices: a decimal, or empty
	// for no ceiling.
	OrderMost string `json:"order_most,omitempty"`
	DayMost   string `json:"day_most,omitempty"`
	// PerSecond is how many requests it may make in a second; zero for no limit of its own.
	PerSecond int `json:"per_second,omitempty"`
}

const (
	maxMarkets   = 64
	maxPerSecond = 10_000
)

var (
	marketName = regexp.MustCompile(`^[A-Za-z0-9._/:-]{1,32}$`)
	decimal    = regexp.MustCompile(`^(0|[1-9][0-9]{0,23})(\.[0-9]{1,18})?$`)
)

// HasCeiling says whether an order is weighed by its worth.
func (b Bounds) HasCeiling() bool { return b.OrderMost != "" || b.DayMost != "" }

// OnOrders says whether somebody has to read the orders of the key before they go on.
func (b Bounds) OnOrders() bool { return b.HasCeiling() || len(b.Markets) > 0 }

// bounded reads bounds strictly. Errors: request.invalid (markets, order_most, day_most, per_second).
func bounded(in Bounds) (b Bounds, err error) {
	if len(in.Markets) > maxMarkets {
		return b, invalid("markets")
	}
	for _, name := range in.Markets {
		if name = strings.TrimSpace(name); !marketName.MatchString(name) {
			return b, fault.New(fault.RequestInvalid, "field", "markets", "entry", name)
		}
		b.Markets = append(b.Markets, name)
	}
	slices.Sort(b.Markets)
	b.Markets = slices.Compact(b.Markets)
	for _, most := range []struct {
		field, text string
		into        *string
	}{{"order_most", in.OrderMost, &b.OrderMost}, {"day_most", in.DayMost, &b.DayMost}} {
		*most.into = strings.TrimSpace(most.text)
		if *most.into == "" {
			continue
		}
		if n, ok := Decimal(*most.into); !ok || n.Sign() == 0 {
			return b, invalid(most.field)
		}
	}
	if b.PerSecond = in.PerSecond; b.PerSecond < 0 || b.PerSecond > maxPerSecond {
		return b, invalid("per_second")
	}
	return b, nil
}

// Decimal reads a number that is not negative, in its one plain spelling, of a size that is cheap to count with.
func Decimal(text string) (*big.Rat, bool) {
	if !decimal.MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// wider says whether b allows anything that before did not.
func (b Bounds) wider(before Bounds) bool {
	more := func(is, was string) bool {
		if was == "" {
			return false
		}
		now, ok := Decimal(is)
		then, _ := Decimal(was)
		return !ok || now.Cmp(then) > 0
	}
	markets := len(before.Markets) > 0 && (len(b.Markets) == 0 ||
		slices.ContainsFunc(b.Markets, func(m string) bool { return !slices.Contains(before.Markets, m) }))
	rate := before.PerSecond > 0 && (b.PerSecond == 0 || b.PerSecond > before.PerSecond)
	return markets || rate || more(b.OrderMost, before.OrderMost) || more(b.DayMost, before.DayMost)
}

// facts are the bounds for the log and for who confirms them.
func (b Bounds) facts(into map[string]string) {
	into["markets"], into["order_most"], into["day_most"], into["per_second"] = strings.Join(b.Markets, " "), b.OrderMost, b.DayMost, ""
	if b.PerSecond > 0 {
		into["per_second"] = strconv.Itoa(b.PerSecond)
	}
}

// Equal says whether two say the same.
func (b Bounds) Equal(other Bounds) bool {
	return slices.Equal(b.Markets, other.Markets) && b.OrderMost == other.OrderMost && b.DayMost == other.DayMost && b.PerSecond == other.PerSecond
}

// IsZero says whether there is no bound.
func (b Bounds) IsZero() bool { return !b.OnOrders() && b.PerSecond == 0 }

// ready are the bounds of a key as a check reads them, with where it may send money: the ceilings are numbers, nil where there is none.
type ready struct {
	Bounds
	orderMost, dayMost *big.Rat
	destinations       []Destination
	// wait is how long a destination does not count after it was added.
	wait time.Duration
}

func (k *Keys) readyBounds(key Key) *ready {
	b := key.Bounds
	r := &ready{Bounds: b, destinations: key.Destinations, wait: k.Limits.DestinationWait}
	if most, ok := Decimal(b.OrderMost); ok {
		r.orderMost = most
	}
	if most, ok := Decimal(b.DayMost); ok {
		r.dayMost = most
	}
	return r
}

// spent is what a key has used up of its bounds, shared by all versions of the key. The row is a floor of what was ordered: after a crash up to
// ten seconds of orders are not counted.
type spent struct {
	next atomic.Int64 // when the own rate of the key lets the next request through, microseconds

	mu    sync.Mutex
	day   int64    // since 1970; guarded by mu
	sum   *big.Rat // of that day, replaced and never changed; guarded by mu
	saved *big.Rat // the sum that the row has; guarded by mu
}

// newSpent takes what the row says was ordered.
func newSpent(day int64, ordered string) *spent {
	sum, ok := Decimal(ordered)
	if !ok {
		return &spent{}
	}
	return &spent{day: day, sum: sum, saved: sum}
}

// Bounded says whether somebody has to read the orders of the key before they go on.
func (l *Live) Bounded() bool { return l.bounds != nil && l.bounds.OnOrders() }

const daySeconds = 24 * 60 * 60

// Order counts an order of the key that is about to go on, or says why it must not. worth is nil where nobody knows it, which no key with a
// ceiling may order. What an upstream then refuses stays counted. It reads and writes memory only.
// Errors: key.market_not_allowed, key.price_unknown, key.order_too_large, key.day_used_up.
func (l *Live) Order(market string, worth *big.Rat, now time.Time) *fault.Error {
	if !l.Bounded() {
		return nil
	}
	if len(l.bounds.Markets) > 0 && !slices.Contains(l.bounds.Markets, market) {
		return fault.New(fault.KeyMarketNotAllowed, "market", market)
	}
	if !l.bounds.HasCeiling() {
		return nil
	}
	if worth == nil {
		return fault.New(fault.KeyPriceUnknown, "market", market)
	}
	if most := l.bounds.orderMost; most != nil && worth.Cmp(most) > 0 {
		return fault.New(fault.KeyOrderTooLarge, "worth", plainDecimal(worth), "most", l.bounds.OrderMost)
	}
	if l.bounds.dayMost == nil {
		return nil
	}
	o := l.used.spent.Load()
	o.mu.Lock()
	defer o.mu.Unlock()
	if day := now.Unix() / daySeconds; o.sum == nil || o.day < day {
		o.day, o.sum = day, new(big.Rat)
	}
	after := new(big.Rat).Add(o.sum, worth)
	if after.Cmp(l.bounds.dayMost) > 0 {
		tomorrow := time.Unix((o.day+1)*daySeconds, 0)
		return fault.New(fault.KeyDayUsedUp, "worth", plainDecimal(worth), "used", plainDecimal(o.sum), "most", l.bounds.DayMost).After(tomorrow.Sub(now))
	}
	o.sum = after
	return nil
}

// plainDecimal writes a worth as people read it, at most eight places.
func plainDecimal(n *big.Rat) string {
	text := n.FloatString(8)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// HasPace says whether the key has a rate of its own.
func (l *Live) HasPace() bool { return l.bounds != nil && l.bounds.PerSecond > 0 }

// Pace takes one request from the key's own rate, or says when the next may come. It reads and writes memory only.
func (l *Live) Pace(now time.Time) (perSecond int, wait time.Duration) {
	if !l.HasPace() {
		return 0, 0
	}
	next, interval := &l.used.spent.Load().next, l.paceInterval()
	for {
		old := next.Load()
		at := max(old, now.UnixMicro())
		if late := at + interval - now.UnixMicro() - paceBurst; late > 0 {
			return l.bounds.PerSecond, time.Duration(late) * time.Microsecond
		}
		if next.CompareAndSwap(old, at+interval) {
			return l.bounds.PerSecond, 0
		}
	}
}

// Unpace gives back one request that Pace took and that was not accepted after all.
func (l *Live) Unpace() {
	if l.HasPace() {
		l.used.spent.Load().next.Add(-l.paceInterval())
	}
}

// paceBurst is how much of its rate a key may use at once: that of a second, in microseconds.
const paceBurst = int64(time.Second / time.Microsecond)

func (l *Live) paceInterval() int64 { return max(1, paceBurst/int64(l.bounds.PerSecond)) }

// unsaved gives the day and the sum that the row does not have yet; nil if it has.
func (o *spent) unsaved() (day int64, sum *big.Rat) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sum == o.saved {
		return 0, nil
	}
	return o.day, o.sum
}

func (o *spent) save(sum *big.Rat) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.saved = sum
}

// saveOrdered writes behind what keys with a ceiling ordered.
func (k *Keys) saveOrdered(ctx context.Context) error {
	type ordered struct {
		live *Live
		day  int64
		sum  *big.Rat
	}
	var dirty []ordered
	k.index.mu.RLock()
	for _, l := range k.index.byID {
		if l.bounds == nil || l.bounds.DayMost == "" {
			continue
		}
		if day, sum := l.used.spent.Load().unsaved(); sum != nil {
			dirty = append(dirty, ordered{l, day, sum})
		}
	}
	k.index.mu.RUnlock()
	for batch := range slices.Chunk(dirty, saveBatch) {
		err := k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
			for _, d := range batch {
				if err := tx.NoteOrdered(ctx, d.live.ID, d.day, d.sum.FloatString(18)); err != nil {
					return audit.Event{}, err
				}
			}
			return audit.Quiet(audit.KeyUsed), nil
		})
		if err != nil {
			return err
		}
		for _, d := range batch {
			d.live.used.spent.Load().save(d.sum)
		}
	}
	return nil
}
