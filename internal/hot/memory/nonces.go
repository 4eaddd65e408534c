// Package memory owns the fast, forgettable state of one node: nonces of signed requests, and the budgets of failures.
//
// It is never the only record of anything that matters: after a loss, signatures older than the store's birth are refused.
package memory

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// Nonces remembers (key, nonce) for as long as a signature that carries it could pass. It is safe for concurrent use.
//
// An entry is a 63-bit keyed hash: 10,000 requests/s for a minute cost about 10 MB, and a false refusal has a chance of n/2^63. The seed is
// random per process, so that nobody can aim at one. Entries lie in two generations that take turns: a generation is dropped whole when
// everything in it has expired.
//
// A clock that is set cannot open what was closed: each part knows the youngest signature it has ever dropped, and nothing signed before
// that can be claimed again, whatever the clock says by then. While the clock only runs, such a signature is too old for any window.
type Nonces struct {
	birth time.Time
	life  time.Duration
	seed  maphash.Seed
	parts [parts]part
}

const parts = 64

type part struct {
	mu         sync.Mutex
	young, old generation // guarded by mu
	youngFrom  time.Time  // guarded by mu
	dropped    int64      // microseconds of the youngest signature that was dropped; guarded by mu
	_          [16]byte   // a cache line of its own, or neighbours would wait for each other
}

// generation is what was claimed in one stretch of time.
type generation struct {
	spent    sums
	youngest int64 // microseconds of the youngest signature in it
}

// NewNonces makes an empty store, born at now, that keeps each nonce for at least life.
func NewNonces(now time.Time, life time.Duration) *Nonces {
	n := &Nonces{birth: now, life: life, seed: maphash.MakeSeed()}
	for i := range n.parts {
		n.parts[i].youngFrom = now
	}
	return n
}

// Birth is when the store became empty. A signature as old as that may have been used before it.
func (n *Nonces) Birth() time.Time { return n.birth }

// Claim spends the nonce of a key's signature that says it was created then; won is true for exactly one of all callers. forgotten says that
// the store no longer knows what was claimed for signatures so old, which then win nothing.
func (n *Nonces) Claim(k id.Key, nonce string, created, now time.Time) (won, forgotten bool) {
	p, sum := n.place(k, nonce)
	signed := created.UnixMicro()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn(now, n.life)
	if p.spent(sum) {
		return false, false
	}
	if signed <= p.dropped {
		return false, true
	}
	p.young.spent.add(sum)
	p.young.youngest = max(p.young.youngest, signed)
	return true, false
}

// Spent says whether the nonce was claimed with the key, as far as it is remembered. It spends nothing; only Claim decides who wins.
func (n *Nonces) Spent(k id.Key, nonce string) bool {
	p, sum := n.place(k, nonce)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spent(sum)
}

// place is where a nonce lies, and as what.
func (n *Nonces) place(k id.Key, nonce string) (*part, uint64) {
	var room [128]byte
	sum := maphash.Bytes(n.seed, append(append(room[:0], k[:]...), nonce...)) | 1<<63 // never 0, which is a free slot
	return &n.parts[sum%parts], sum
}

// spent is for whoever holds mu.
func (p *part) spent(sum uint64) bool {
	return p.young.spent.has(sum) || p.old.spent.has(sum)
}

// turn makes the young generation the old one once it is as old as a nonce lives, and drops what was old: all of it has expired. Times that
// carry Go's monotonic clock are compared by that, so that a wall clock that jumps neither ages a generation nor keeps it.
func (p *part) turn(now time.Time, life time.Duration) {
	age := now.Sub(p.youngFrom)
	if age < 0 {
		p.youngFrom = now // a clock that went back: what is here lives a little longer, and not until the clock has caught up
		return
	}
	if age < life {
		return
	}
	p.dropped = max(p.dropped, p.old.youngest)
	p.old = p.young
	if age >= 2*life {
		p.dropped = max(p.dropped, p.old.youngest)
		p.old = generation{}
	}
	p.young, p.youngFrom = generation{}, now
}

// Sweep drops what has expired, so that a flood's memory comes back when it is over.
func (n *Nonces) Sweep(now time.Time) {
	for i := range n.parts {
		p := &n.parts[i]
		p.mu.Lock()
		p.turn(now, n.life)
		p.mu.Unlock()
	}
}

// Len counts what is remembered.
func (n *Nonces) Len() int {
	total := 0
	for i := range n.parts {
		p := &n.parts[i]
		p.mu.Lock()
		total += p.young.spent.count + p.old.spent.count
		p.mu.Unlock()
	}
	return total
}
