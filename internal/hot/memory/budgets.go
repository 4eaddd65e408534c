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
// While nobody fails, asking costs one atomic read. The table is bounded: when it is full, buckets that have drained make room, and if none
// has, further sources share one bucket, so that a flood slows newcomers down and never lets anybody through uncounted.
type Budgets struct {
	limits BudgetLimits
	seed   maphash.Seed
	used   atomic.Int64

	mu    sync.Mutex
	table map[uint64]time.Time // hash of (key, source) → when the bucket is empty again; guarded by mu
}

// BudgetLimits are the numbers: Burst failures at once, then one every Interval.
type BudgetLimits struct {
	SourceBurst, KeyBurst       int
	SourceInterval, KeyInterval time.Duration
}

const maxBudgets = 100_000

// NewBudgets makes empty buckets.
func NewBudgets(l BudgetLimits) *Budgets {
	return &Budgets{limits: l, seed: maphash.MakeSeed(), table: map[uint64]time.Time{}}
}

func (b *Budgets) bucket(k id.Key, addr netip.Addr) uint64 {
	var h maphash.Hash
	h.SetSeed(b.seed)
	raw := addr.Unmap().As16()
	part := raw[:]
	if addr.Is6() && !addr.Is4In6() {
		part = raw[:8] // a host owns its whole /64
	}
	_, _ = h.Write(k[:])
	_, _ = h.Write(part)
	return h.Sum64()
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
	b.mu.Lock()
	defer b.mu.Unlock()
	empty, known := b.table[b.bucket(k, addr)]
	if !known && len(b.table) >= maxBudgets {
		empty = b.table[0] // where newcomers are counted while there is no room
	}
	return empty.Sub(now) < time.Duration(burst)*interval
}

// Fail counts one failure.
func (b *Budgets) Fail(k id.Key, addr netip.Addr, now time.Time) {
	_, interval := b.numbers(k)
	bucket := b.bucket(k, addr)
	b.mu.Lock()
	defer b.mu.Unlock()
	empty, known := b.table[bucket]
	if !known && len(b.table) >= maxBudgets {
		if b.sweep(now); len(b.table) >= maxBudgets {
			bucket = 0
			empty = b.table[bucket]
		}
	}
	if empty.Before(now) {
		empty = now
	}
	b.table[bucket] = empty.Add(interval)
	b.used.Store(int64(len(b.table)))
}

// Sweep forgets buckets that have drained.
func (b *Budgets) Sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep(now)
	b.used.Store(int64(len(b.table)))
}

func (b *Budgets) sweep(now time.Time) {
	for bucket, empty := range b.table {
		if !empty.After(now) {
			delete(b.table, bucket)
		}
	}
}
