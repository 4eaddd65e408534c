package memory_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/hot/memory"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

var limits = memory.BudgetLimits{SourceBurst: 200, SourceInterval: 100 * time.Millisecond, KeyBurst: 30, KeyInterval: time.Second}

// network is the nth /64 that somebody owns, and a host in it.
func network(n uint32, host byte) netip.Addr {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint32(a[4:], n)
	a[15] = host
	return netip.AddrFrom16(a)
}

// tries says how many failures are let through at once.
func tries(b *memory.Budgets, key id.Key, now time.Time, from func(n int) netip.Addr) (passed int) {
	for n := range 1000 {
		if b.Left(key, from(n), now) {
			b.Fail(key, from(n), now)
			passed++
		}
	}
	return passed
}

func TestABudgetIsThatOfItsSource(t *testing.T) {
	now, key := time.Now(), id.Key{1}
	b := memory.NewBudgets(limits)
	for _, row := range []struct {
		name string
		key  id.Key
		from func(n int) netip.Addr
		want int
	}{
		{"one address", key, func(int) netip.Addr { return netip.MustParseAddr("198.51.100.1") }, limits.KeyBurst},
		{"the same, written as IPv6", key, func(int) netip.Addr { return netip.MustParseAddr("::ffff:198.51.100.1") }, 0},
		{"another key", id.Key{2}, func(int) netip.Addr { return netip.MustParseAddr("198.51.100.1") }, limits.KeyBurst},
		{"all of a /64", key, func(n int) netip.Addr { return network(1, byte(n)) }, limits.KeyBurst},
		{"no key in particular", id.Key{}, func(int) netip.Addr { return netip.MustParseAddr("198.51.100.1") }, limits.SourceBurst},
	} {
		if got := tries(b, row.key, now, row.from); got != row.want {
			t.Errorf("%s: %d failures at once, want %d", row.name, got, row.want)
		}
	}
	more := 0
	for at := now; at.Before(now.Add(10 * limits.KeyInterval)); at = at.Add(time.Millisecond) {
		if b.Left(key, network(1, 7), at) {
			b.Fail(key, network(1, 7), at)
			more++
		}
	}
	if more != 10 {
		t.Errorf("an empty budget has %d tries in ten intervals", more)
	}
}

// TestNewcomersAreCountedWhenTheTableIsFull: a hundred thousand sources leave no room, and those that come after share what is left.
func TestNewcomersAreCountedWhenTheTableIsFull(t *testing.T) {
	now, key := time.Now(), id.Key{1}
	b := memory.NewBudgets(limits)
	for n := range uint32(100_000) {
		b.Fail(key, network(n, 1), now)
	}
	newcomer := uint32(1 << 20)
	got := tries(b, key, now, func(int) netip.Addr {
		newcomer++
		return network(newcomer, 1)
	})
	if got > limits.KeyBurst {
		t.Errorf("a thousand newcomers were let fail %d times, want at most %d", got, limits.KeyBurst)
	}
	later := now.Add(2 * limits.KeyInterval)
	b.Sweep(later)
	if got := tries(b, key, later.Add(time.Minute), func(int) netip.Addr { return network(newcomer, 1) }); got != limits.KeyBurst {
		t.Errorf("after the flood a source has %d tries, want %d", got, limits.KeyBurst)
	}
}

// hammer fails n times from one source and says how many were let through.
func hammer(b *memory.Budgets, k id.Key, addr netip.Addr, n int) (let int) {
	for range n {
		if b.Left(k, addr, start) {
			let++
		}
		b.Fail(k, addr, start)
	}
	return let
}

// A flood from more networks than the table holds, each of which has failed often: a newcomer gets no more tries than without it, one from
// far away from the flood no fewer, and memory stays within its bound.
func TestANewcomerInAFloodIsCounted(t *testing.T) {
	b := memory.NewBudgets(limits)
	const sources = 120_000
	for n := range uint32(sources) {
		for range 10 {
			b.Fail(id.Key{1}, network(n, 1), start)
		}
	}
	if b.Len() > 100_000+16 {
		t.Errorf("%d sources are remembered", b.Len())
	}
	if got := hammer(b, id.Key{1}, network(sources+1, 1), 300); got > limits.KeyBurst {
		t.Errorf("a newcomer was let through %d times, want at most %d", got, limits.KeyBurst)
	}
	if got := hammer(b, id.Key{1}, netip.MustParseAddr("203.0.113.9"), 300); got != limits.KeyBurst {
		t.Errorf("a newcomer from elsewhere was let through %d times, want %d", got, limits.KeyBurst)
	}
}

// Whoever has used up a budget is not forgotten for newcomers that failed once.
func TestAFloodOfNewcomersForgetsNobodyWhoHammers(t *testing.T) {
	b := memory.NewBudgets(limits)
	me := netip.MustParseAddr("203.0.113.9")
	hammer(b, id.Key{1}, me, 100)
	for n := range uint32(200_000) {
		// Of many prefixes, so that each is a new one even when there is no room.
		b.Fail(id.Key{1}, network(n<<12, 1), start)
	}
	if b.Left(id.Key{1}, me, start.Add(time.Second)) {
		t.Error("a flood of others gave a hammering source a new budget")
	}
}
