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
// While nobody fails, asking costs one atomic read. The table is bounded. When it is full, newcomers are counted together with their
// neighbours, as whoever floods it has whole networks; and a network's bucket takes the place of the one that drains soonest among a few, so
// that whoever fails often is remembered. No call walks more than those few under its lock; only Sweep walks the table, a part at a time.
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

// How much of an address names a source, and how much the network that newcomers share when there is no room: a host of IPv6 owns its /64.
const (
	sourceBits4, sourceBits6   = 32, 64
	networkBits4, networkBits6 = 16, 40
)

func (b *Budgets) bucket(k id.Key, addr netip.Addr, bits4, bits6 int) (t *budgetTable, bucket uint64) {
	var h maphash.Hash
	h.SetSeed(b.seed)
	addr = addr.Unmap()
	bits := bits6
	if addr.Is4() {
		bits = bits4
	}
	part, _ := addr.Prefix(bits) // of no address it is the zero prefix: those count together
	raw := part.Addr().As16()
	_, _ = h.Write(k[:])
	_, _ = h.Write(raw[:])
	_ = h.WriteByte(byte(bits))
	bucket = h.Sum64()
	return &b.tables[bucket%budgetTables], bucket
}

// find gives the bucket in which a source is counted now.
func (b *Budgets) find(k id.Key, addr netip.Addr) (t *budgetTable, bucket uint64) {
	t, bucket = b.bucket(k, addr, sourceBits4, sourceBits6)
	if b.full() && !t.has(bucket) {
		return b.bucket(k, addr, networkBits4, networkBits6)
	}
	return t, bucket
}

func (b *Budgets) full() bool { return b.used.Load() >= maxBudgets }

func (t *budgetTable) has(bucket uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, known := t.empties[bucket]
	return known
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
	t, bucket := b.find(k, addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.empties[bucket].Sub(now) < time.Duration(burst)*interval
}

// Fail counts one failure.
func (b *Budgets) Fail(k id.Key, addr netip.Addr, now time.Time) {
	_, interval := b.numbers(k)
	t, bucket := b.find(k, addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	empty, known := t.empties[bucket]
	if !known && (!b.full() || !t.makeRoom()) {
		b.used.Add(1)
	}
	if empty.Before(now) {
		empty = now
	}
	t.empties[bucket] = empty.Add(interval)
}

// makeRoom forgets the bucket that drains soonest among a few, if there are any; a map is walked from a random place.
func (t *budgetTable) makeRoom() bool {
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
	return seen > 0
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
