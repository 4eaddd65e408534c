package audit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// Tally records what strangers can cause at will: refusals. They are counted per action, subject, reason, source and minute, outside the
// request, so that a flood costs memory within a bound and one event a minute, and takes no time that a stranger could measure.
//
// The first of a kind is written at the next Flush, the rest of its minute as one count after it. Of one person's refusals only so many kinds
// a minute are told apart, so that a flood from a whole network neither fills the log nor hides from its reader what came before. It is safe
// for concurrent use.
type Tally struct {
	ledger Ledger[any]
	now    func() time.Time
	latest latest
	// systemOf says to which autonomous system an address belongs, 0 for none; nil where nobody knows any.
	systemOf func(netip.Addr) uint32

	mu     sync.Mutex
	counts map[Refusal]*count // guarded by mu
	kinds  map[id.User]int    // entries of counts by person; guarded by mu
	lost   int64              // refusals that found no room; guarded by mu
	noted  int64              // kinds that were counted so far; guarded by mu
}

// Refusal is what refusals are counted by.
type Refusal struct {
	Action Action
	// Person and Account may read the event; the key, if any, is named in it.
	Person  id.User
	Account id.Account
	Key     id.Key
	Reason  string
	Addr    netip.Addr
	// Route says where, in words that come from the route table, never from the request.
	Route string
}

type count struct {
	minute time.Time
	order  int64 // among all kinds that were counted
	n      int64
	told   bool
	seen   map[string]string // of the first: what was seen and expected
	first  principal.Principal
}

// maxTally bounds the memory of a flood against many people, maxKinds what one of them is told of a minute: at most two events for each kind,
// the first and the count of the rest. What finds no room is counted together.
const (
	maxTally = 10_000
	maxKinds = 64
)

// NewTally makes a Tally. systemOf says to which autonomous system an address belongs, 0 for none, and may be nil.
func NewTally(ledger Ledger[any], now func() time.Time, systemOf func(netip.Addr) uint32) *Tally {
	return &Tally{ledger: ledger, now: now, systemOf: systemOf, latest: newLatest(), counts: map[Refusal]*count{}, kinds: map[id.User]int{}}
}

// Note counts one refusal. actor says where it came from; facts are what its owner should see. It writes nothing and waits for nothing.
func (t *Tally) Note(r Refusal, actor principal.Principal, facts map[string]string) {
	if r.Addr = r.Addr.Unmap(); r.Addr.Is6() {
		r.Addr = netip.PrefixFrom(r.Addr, 64).Masked().Addr() // a host owns its whole /64, and would make an event of each address
	}
	if r.Reason == string(fault.RateLimited) {
		// Whoever is refused for that was refused for something else before, which was told with its address.
		r.Addr, r.Route, actor, facts = netip.Addr{}, "", principal.Principal{}, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts[r] == nil && t.kinds[r.Person] >= maxKinds {
		r = Refusal{Action: r.Action, Person: r.Person, Account: r.Account, Reason: string(fault.RefusedMore)}
		actor, facts = principal.Principal{}, nil
	}
	if c := t.counts[r]; c != nil {
		c.n++
		return
	}
	if len(t.counts) >= maxTally {
		t.lost++
		return
	}
	actor.Bearer = [32]byte{} // it is told whether or not the session still lives by then
	t.noted++
	t.put(r, &count{minute: t.now().Truncate(time.Minute), order: t.noted, n: 1, seen: facts, first: actor})
}

func (t *Tally) put(r Refusal, c *count) {
	t.counts[r] = c
	t.kinds[r.Person]++
}

func (t *Tally) drop(r Refusal) {
	delete(t.counts, r)
	if t.kinds[r.Person]--; t.kinds[r.Person] == 0 {
		delete(t.kinds, r.Person)
	}
}

// Flush writes what is due: kinds that were not told yet, and the rest of minutes that are over. It is called from one goroutine.
func (t *Tally) Flush(ctx context.Context) error { return t.write(ctx, t.due(t.now())) }

// Close writes everything that was counted, whether its minute is over or not: a process that ends has no later.
func (t *Tally) Close(ctx context.Context) error {
	return t.write(ctx, t.due(t.now().Add(time.Minute)))
}

func (t *Tally) write(ctx context.Context, due []told) error {
	for i, d := range due {
		facts := map[string]string{"reason": d.Reason, "count": fmt.Sprint(d.n), "route": d.Route}
		maps.Copy(facts, d.seen)
		if t.systemOf != nil && d.Addr.IsValid() {
			if system := t.systemOf(d.Addr); system != 0 {
				facts["as"] = "AS" + strconv.FormatUint(uint64(system), 10)
			}
		}
		actor := d.first
		actor.Key = d.Key
		err := t.ledger.Update(ctx, func(any) (Event, error) {
			return Event{Action: d.Action, Actor: actor, Person: d.Person, Account: d.Account, Facts: facts}, nil
		})
		if err != nil {
			t.giveBack(due[i:])
			return fmt.Errorf("write refusals: %w", err)
		}
	}
	return nil
}

// tooManyKinds is the reason of what found no room at all. It belongs to nobody, and only the host reads it.
const tooManyKinds = "too many kinds of refusals"

type told struct {
	Refusal
	count
}

// due takes out what has to be written as of now, in the order in which it came.
func (t *Tally) due(now time.Time) (due []told) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for r, c := range t.counts {
		over := now.Sub(c.minute) >= time.Minute
		if (!c.told || over) && c.n > 0 {
			due = append(due, told{r, *c})
			c.n, c.told = 0, true
		}
		if over {
			t.drop(r)
		}
	}
	slices.SortFunc(due, func(a, b told) int { return cmp.Compare(a.order, b.order) })
	if t.lost > 0 {
		due = append(due, told{Refusal{Action: RequestRefused, Reason: tooManyKinds}, count{minute: now, n: t.lost}})
		t.lost = 0
	}
	return due
}

// giveBack keeps what could not be written for the next Flush.
func (t *Tally) giveBack(due []told) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range due {
		if c := t.counts[d.Refusal]; c != nil {
			c.n += d.n
			c.told = false
			continue
		}
		if d.Person.IsZero() && d.Reason == tooManyKinds {
			t.lost += d.n
			continue
		}
		c := d.count
		c.told = false
		t.put(d.Refusal, &c)
	}
}
