package memory_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/hot/memory"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

const (
	window = time.Minute
	ahead  = time.Second
	life   = window + 2*ahead
)

var start = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

func TestOneCallerWins(t *testing.T) {
	n := memory.NewNonces(start, life)
	var won atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if mine, _ := n.Claim(id.Key{1}, "once", start, start); mine {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d callers won", won.Load())
	}
	if mine, _ := n.Claim(id.Key{2}, "once", start, start); !mine {
		t.Error("another key's nonce counts for this one")
	}
}

func TestMemoryReturnsToZero(t *testing.T) {
	n := memory.NewNonces(start, life)
	for i := range 10_000 {
		n.Claim(id.Key{1}, fmt.Sprint(i), start, start.Add(time.Duration(i)*time.Millisecond))
	}
	if n.Len() != 10_000 {
		t.Errorf("%d are remembered", n.Len())
	}
	n.Sweep(start.Add(10*time.Second + 2*life))
	if n.Len() != 0 {
		t.Errorf("%d are remembered after all have expired", n.Len())
	}
}

// However many are remembered, each is remembered, and nothing else is.
func TestEachOfManyWinsOnce(t *testing.T) {
	n := memory.NewNonces(start, life)
	for i := range 100_000 {
		if n.Spent(id.Key{1}, fmt.Sprint(i)) {
			t.Fatalf("%d is spent before anybody claimed it", i)
		}
		if won, _ := n.Claim(id.Key{1}, fmt.Sprint(i), start, start); !won {
			t.Fatalf("the first claim of %d lost", i)
		}
	}
	for i := range 100_000 {
		if won, _ := n.Claim(id.Key{1}, fmt.Sprint(i), start, start); won || !n.Spent(id.Key{1}, fmt.Sprint(i)) {
			t.Fatalf("%d was forgotten", i)
		}
	}
	if n.Len() != 100_000 {
		t.Errorf("%d are remembered", n.Len())
	}
}

// A clock that only runs never meets the floor: whatever a window still lets in can be claimed.
func TestNothingFreshIsForgottenWhileTheClockRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, now := memory.NewNonces(start, life), start
		for i := range 200 {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(life)).Draw(t, "step")))
			created := now.Add(ahead - time.Duration(rapid.Int64Range(0, int64(window+ahead)).Draw(t, "age")))
			if won, forgotten := n.Claim(id.Key{1}, fmt.Sprint(i), created, now); !won || forgotten {
				t.Fatalf("claim %d, %v old: won %t, forgotten %t", i, now.Sub(created), won, forgotten)
			}
		}
	})
}

// Whatever is done to the clock, a signature wins once while it lies in the window that the clock then opens.
func TestNoClockOpensAClosedNonce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, now := memory.NewNonces(start, life), start.Add(time.Hour)
		type signature struct {
			nonce   string
			created time.Time
		}
		var spent []signature
		for i := range 100 {
			now = now.Add(time.Duration(rapid.Int64Range(-int64(5*life), int64(5*life)).Draw(t, "jump")))
			for _, s := range spent {
				if age := now.Sub(s.created); age < -ahead || age > window {
					continue
				}
				if won, _ := n.Claim(id.Key{1}, s.nonce, s.created, now); won {
					t.Fatalf("%s, created %v, won again at %v", s.nonce, s.created, now)
				}
			}
			s := signature{fmt.Sprint(i), now}
			if won, _ := n.Claim(id.Key{1}, s.nonce, s.created, now); won {
				spent = append(spent, s)
			}
		}
	})
}

func TestAClockThatIsSetBack(t *testing.T) {
	n := memory.NewNonces(start, life)
	at := start.Add(time.Hour)
	n.Claim(id.Key{1}, "spent", at, at)
	later := at.Add(3 * life)
	n.Sweep(later) // forgotten, because nothing so old can pass any more
	n.Claim(id.Key{1}, "other", later, later)
	if won, forgotten := n.Claim(id.Key{1}, "spent", at, at.Add(time.Second)); won || !forgotten {
		t.Errorf("after the clock was set back: won %t, forgotten %t", won, forgotten)
	}
	if won, _ := n.Claim(id.Key{1}, "new", later.Add(time.Second), later.Add(time.Second)); !won {
		t.Error("a new signature does not pass once the clock is right")
	}
}

func TestAClockThatJumpsAheadAndReturns(t *testing.T) {
	n := memory.NewNonces(start, life)
	at := start.Add(time.Hour)
	n.Claim(id.Key{1}, "spent", at, at)
	n.Sweep(at.Add(24 * time.Hour))
	if won, forgotten := n.Claim(id.Key{1}, "spent", at, at.Add(time.Second)); won || !forgotten {
		t.Errorf("after the jump: won %t, forgotten %t", won, forgotten)
	}
	if won, _ := n.Claim(id.Key{1}, "new", at.Add(2*time.Second), at.Add(2*time.Second)); !won {
		t.Error("what was signed after the last claim does not pass once the clock is right again")
	}
	// A store that counted its age from the time of the jump would keep everything for a day.
	for i := range 1000 {
		n.Claim(id.Key{1}, fmt.Sprint(i), at.Add(3*time.Second), at.Add(3*time.Second))
	}
	n.Sweep(at.Add(3*time.Second + 3*life))
	if n.Len() != 0 {
		t.Errorf("%d are kept because the clock was ahead once", n.Len())
	}
}
