package memory_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/hot/memory"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

var limits = memory.BudgetLimits{SourceBurst: 200, SourceInterval: 100 * time.Millisecond, KeyBurst: 30, KeyInterval: time.Second}

// network is the n-th /64 of a large attacker.
func network(n int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 15: 1})
}

// tries is how many of n failures in a row were let through.
func tries(b *memory.Budgets, k id.Key, addr netip.Addr, n int) (let int) {
	for range n {
		if b.Left(k, addr, start) {
			let++
		}
		b.Fail(k, addr, start)
	}
	return let
}

func TestBudgets(t *testing.T) {
	b := memory.NewBudgets(limits)
	me := netip.MustParseAddr("203.0.113.9")
	if got := tries(b, id.Key{1}, me, 100); got != limits.KeyBurst {
		t.Errorf("%d tries at a key, want %d", got, limits.KeyBurst)
	}
	if got := tries(b, id.Key{}, me, 300); got != limits.SourceBurst {
		t.Errorf("%d tries of a source, want %d", got, limits.SourceBurst)
	}
	if !b.Left(id.Key{2}, me, start) || !b.Left(id.Key{1}, network(1), start) {
		t.Error("one key's or source's failures cost another")
	}
	if b.Left(id.Key{1}, netip.MustParseAddr("::ffff:203.0.113.9"), start) {
		t.Error("the same address in its IPv4-mapped form has a budget of its own")
	}
	tries(b, id.Key{3}, network(7), 100)
	if other := network(7).Next(); b.Left(id.Key{3}, other, start) {
		t.Error("another address of one /64 has a budget of its own")
	}
	if !b.Left(id.Key{1}, me, start.Add(100*time.Second)) {
		t.Error("a bucket does not drain")
	}
	b.Sweep(start.Add(time.Hour))
	if b.Len() != 0 {
		t.Errorf("%d sources are remembered after all have drained", b.Len())
	}
}

// A flood from more networks than the table holds, each of which has failed often: a newcomer gets no more tries than without it, and
// bounds neither the memory nor the time of others.
func TestANewcomerInAFloodIsCounted(t *testing.T) {
	b := memory.NewBudgets(limits)
	const sources = 120_000
	for n := range sources {
		for range 10 {
			b.Fail(id.Key{1}, network(n), start)
		}
	}
	if b.Len() > 100_000 {
		t.Errorf("%d sources are remembered", b.Len())
	}
	if got := tries(b, id.Key{1}, network(sources+1), 300); got > limits.KeyBurst {
		t.Errorf("a newcomer was let through %d times, want at most %d", got, limits.KeyBurst)
	}
}

// Whoever has used up a budget is not forgotten for newcomers that failed once.
func TestAFloodOfNewcomersForgetsNobodyWhoHammers(t *testing.T) {
	b := memory.NewBudgets(limits)
	me := netip.MustParseAddr("203.0.113.9")
	tries(b, id.Key{1}, me, 100)
	for n := range 200_000 {
		b.Fail(id.Key{1}, network(n), start)
	}
	if b.Left(id.Key{1}, me, start.Add(time.Second)) {
		t.Error("a flood of others gave a hammering source a new budget")
	}
}
