package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// limits say how often one sender may make requests of a route: a key, a person, or of public routes a place (of IPv6 the /64). The zero value
// says nothing.
type limits struct {
	PerSecond int `yaml:"per_second"`
	PerMinute int `yaml:"per_minute"`
	// Burst is how many may come at once; zero for those of a second, or of a minute.
	Burst int `yaml:"burst"`
}

const maxPace = 100_000

// check wants one number in its bounds, and no limit on what only reduces risk.
func (l limits) check(class scope.Class) error {
	if l == (limits{}) {
		return nil
	}
	switch {
	case class == scope.Cancel:
		return errors.New("limits: a cancel only reduces risk and is never refused for its rate")
	case (l.PerSecond == 0) == (l.PerMinute == 0):
		return errors.New("limits: either per_second or per_minute")
	}
	for name, n := range map[string]int{"per_second": l.PerSecond, "per_minute": l.PerMinute, "burst": l.Burst} {
		if n < 0 || n > maxPace {
			return fmt.Errorf("limits: %s: %d is not between 1 and %d", name, n, maxPace)
		}
	}
	return nil
}

// String is the limit in words of a terminal; empty for none.
func (l limits) String() string {
	text := ""
	switch {
	case l.PerSecond > 0:
		text = fmt.Sprintf("%d/s", l.PerSecond)
	case l.PerMinute > 0:
		text = fmt.Sprintf("%d/min", l.PerMinute)
	}
	if l.Burst > 0 {
		text += fmt.Sprintf(" burst %d", l.Burst)
	}
	return text
}

// pacer makes the limit ready; nil for none.
func (l limits) pacer() *pacer {
	span, most := time.Second, l.PerSecond
	if l.PerMinute > 0 {
		span, most = time.Minute, l.PerMinute
	}
	if most == 0 {
		return nil
	}
	burst := l.Burst
	if burst == 0 {
		burst = most
	}
	interval := max(1, int64(span/time.Microsecond)/int64(most))
	return &pacer{limits: l, interval: interval, depth: interval * int64(burst), next: map[sender]int64{}}
}

// sender is whom a route's limit counts for.
type sender struct {
	key   id.Key
	user  id.User
	place netip.Prefix
}

const (
	// maxPlaces bounds how many places are told apart, since whoever floods has whole networks; keys and people have proven who they are, and are.
	maxPlaces = 10_000
	// sweepEvery is how often those are forgotten who have nothing to wait for, once there are more than that.
	sweepEvery = int64(10 * time.Second / time.Microsecond)
)

// pacer holds the senders of one route to its limit, a leaky bucket each. It is in memory of this process and begins anew with the routes file.
type pacer struct {
	limits
	interval, depth int64 // microseconds

	mu    sync.Mutex
	next  map[sender]int64 // sender → when its bucket is empty, microseconds; guarded by mu
	swept int64            // guarded by mu
}

// take counts one request, or says how long to wait until it may come.
func (p *pacer) take(s sender, now time.Time) (wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := now.UnixMicro()
	s = p.room(s, at)
	empty := max(p.next[s], at)
	if late := empty + p.interval - at - p.depth; late > 0 {
		return time.Duration(late) * time.Microsecond
	}
	p.next[s] = empty + p.interval
	return 0
}

// giveBack takes back what take counted.
func (p *pacer) giveBack(s sender) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if empty, known := p.next[s]; known {
		p.next[s] = empty - p.interval
	}
}

// room gives the bucket of a sender. Where there are too many, newcomers are counted with their neighbours, so that a flood from one network
// shuts the route for that network alone; and where there are too many of those too, together.
func (p *pacer) room(s sender, at int64) sender {
	if _, known := p.next[s]; known || len(p.next) < maxPlaces {
		return s
	}
	if at-p.swept >= sweepEvery {
		p.swept = at
		maps.DeleteFunc(p.next, func(_ sender, empty int64) bool { return empty <= at })
	}
	if !s.place.IsValid() || len(p.next) < maxPlaces {
		return s
	}
	s.place = netip.PrefixFrom(s.place.Addr(), map[bool]int{true: 16, false: 40}[s.place.Addr().Is4()]).Masked()
	if _, known := p.next[s]; !known && len(p.next) >= 2*maxPlaces {
		return sender{}
	}
	return s
}

// Limits are those of the route in words of a terminal; empty for none.
func (r *Route) Limits() string {
	if r.pace == nil {
		return ""
	}
	return r.pace.String()
}

// tooFast is the refusal of one request too many; nil where the route has no limit or the sender keeps it.
// Errors: gateway.too_fast.
func (v *visit) tooFast(s sender) *fault.Error {
	p := v.route.pace
	if p == nil {
		return nil
	}
	wait := p.take(s, v.now)
	if wait == 0 {
		return nil
	}
	most, span := p.PerSecond, "second"
	if p.PerMinute > 0 {
		most, span = p.PerMinute, "minute"
	}
	return fault.New(fault.GatewayTooFast, "most", most, "span", span).After(wait)
}

// paceKey comes before a nonce is spent, so that the same request may be sent again.
func (v *visit) paceKey(l *apikey.Live) *fault.Error { return v.tooFast(sender{key: l.ID}) }

// unpaceKey takes back what paceKey counted.
func (v *visit) unpaceKey(l *apikey.Live) { v.route.pace.giveBack(sender{key: l.ID}) }

// paced holds those who send no signature to the limit of the route.
func (v *visit) paced() error {
	s := sender{user: v.who.User}
	if v.who.User.IsZero() {
		addr := v.rec.Addr.Unmap()
		s.place = netip.PrefixFrom(addr, min(64, addr.BitLen())).Masked()
	}
	if refused := v.tooFast(s); refused != nil {
		return refused
	}
	return nil
}
