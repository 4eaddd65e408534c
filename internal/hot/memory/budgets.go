package memory

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// Budgets counts failed signatures by source, and by key and source: a leaky bucket each. It is safe for concurrent use.
//
// While nobody fails, asking costs one atomic read. The table is bounded. When it is full, a newcomer takes the place of the bucket that
// drains soonest among a few: whoever fails often is remembered, and whoever comes new is counted like everybody before. No call walks more
// than those few under its lock; only Sweep walks the table, a part at a time.
type Budgets struct {
	limits BudgetLimits
	seed   maphash.Seed
	used   atomic.Int64
	tables [budgetTables]budgetTable
}

// BudgetLimits are the numbers: Burst failures at once, then one every Interval.
type BudgetLimits struct {
	SourceBurst, KeyBurst       int
	SourceInterval, KeyInterval time.Duration
}

const (
	maxBudgets   = 100_000
	budgetTables = 16
	// budgetSample is how many buckets are looked at to find one that may go.
	budgetSample = 16
)

type budgetTable struct {
	mu      sync.Mutex
	empties map[uint64]time.Time // hash of (key, source) → when the bucket is empty again; guarded by mu
}

// NewBudgets makes empty buckets.
func NewBudgets(l BudgetLimits) *Budgets {
	b := &Budgets{limits: l, seed: maphash.MakeSeed()}
	for i := range b.tables {
		b.tables[i].empties = map[uint64]time.Time{}
	}
	return b
}

func (b *Budgets) bucket(k id.Key, addr netip.Addr) (t *budgetTable, bucket uint64) {
	var h maphash.Hash
	h.SetSeed(b.seed)
	raw := addr.Unmap().As16()
	part := raw[:]
	if addr.Is6() && !addr.Is4In6() {
		part = raw[:8] // a host owns its whole /64
	}
	_, _ = h.Write(k[:])
	_, _ = h.Write(part)
	bucket = h.Sum64()
	return &b.tables[bucket%budgetTables], bucket
}

func (b *Budgets) numbers(k id.Key) (burst int, interval time.Duration) {
	if k.IsZero() {
		return b.limits.SourceBurst, b.limits.SourceInterval
	}
	return b.limits.KeyBurst, b.limits.KeyInterval
}

// Left says whether the source may still fail: for a key, or with the zero key at all.
func (b *Budgets) Left(k id.Key, addr netip.Addr, now time.Time) bool {
	if b.used.Load() == 0 {
		return true
	}
	burst, interval := b.numbers(k)
	t, bucket := b.bucket(k, addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.empties[bucket].Sub(now) < time.Duration(burst)*interval
}

// Fail counts one failure.
func (b *Budgets) Fail(k id.Key, addr netip.Addr, now time.Time) {
	_, interval := b.numbers(k)
	t, bucket := b.bucket(k, addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	empty, known := t.empties[bucket]
	switch {
	case known:
	case len(t.empties) >= maxBudgets/budgetTables:
		t.makeRoom()
	default:
		b.used.Add(1)
	}
	if empty.Before(now) {
		empty = now
	}
	t.empties[bucket] = empty.Add(interval)
}

// makeRoom forgets the bucket that drains soonest among a few; a map is walked from a random place.
func (t *budgetTable) makeRoom() {
	var soonest uint64
	var empty time.Time
	seen := 0
	for bucket, at := range t.empties {
		if seen == 0 || at.Before(empty) {
			soonest, empty = bucket, at
		}
		if seen++; seen == budgetSample {
			break
		}
	}
	delete(t.empties, soonest)
}

// Sweep forgets buckets that have drained.
func (b *Budgets) Sweep(now time.Time) {
	for i := range b.tables {
		b.used.Add(-b.tables[i].sweep(now))
	}
}

func (t *budgetTable) sweep(now time.Time) (gone int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for bucket, empty := range t.empties {
		if !empty.After(now) {
			delete(t.empties, bucket)
			gone++
		}
	}
	return gone
}

// Len counts the sources that are remembered.
func (b *Budgets) Len() int { return int(b.used.Load()) }
