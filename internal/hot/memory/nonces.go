// Package memory owns the fast, forgettable state of one node: nonces of signed requests.
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
// An entry is a 64-bit keyed hash: 10,000 requests/s for a minute cost about 25 MB, and a false refusal has a chance of n/2^64. The seed is
// random per process, so that nobody can aim at one. Entries lie in two generations that take turns: a generation is dropped whole when
// everything in it has expired.
type Nonces struct {
	birth time.Time
	life  time.Duration
	seed  maphash.Seed
	parts [parts]part
}

const parts = 64

type part struct {
	mu         sync.Mutex
	young, old map[uint64]struct{} // hashes; guarded by mu
	youngFrom  time.Time           // guarded by mu
	_          [24]byte            // a cache line of its own, or neighbours would wait for each other
}

// NewNonces makes an empty store, born at now, that keeps each nonce for at least life.
func NewNonces(now time.Time, life time.Duration) *Nonces {
	n := &Nonces{birth: now, life: life, seed: maphash.MakeSeed()}
	for i := range n.parts {
		n.parts[i] = part{young: map[uint64]struct{}{}, youngFrom: now}
	}
	return n
}

// Birth is when the store became empty. A signature as old as that may have been used before it.
func (n *Nonces) Birth() time.Time { return n.birth }

// Claim spends a nonce of a key; it is true for exactly one of all callers within the nonce's life.
func (n *Nonces) Claim(k id.Key, nonce string, now time.Time) bool {
	var h maphash.Hash
	h.SetSeed(n.seed)
	_, _ = h.Write(k[:])
	_, _ = h.WriteString(nonce)
	sum := h.Sum64()
	p := &n.parts[sum%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn(now, n.life)
	if _, spent := p.young[sum]; spent {
		return false
	}
	if _, spent := p.old[sum]; spent {
		return false
	}
	p.young[sum] = struct{}{}
	return true
}

// turn makes the young generation the old one once it is as old as a nonce lives, and drops what was old: all of it has expired.
func (p *part) turn(now time.Time, life time.Duration) {
	age := now.Sub(p.youngFrom)
	if age < life {
		return
	}
	p.old = p.young
	if age >= 2*life {
		p.old = nil
	}
	p.young, p.youngFrom = map[uint64]struct{}{}, now
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
		total += len(p.young) + len(p.old)
		p.mu.Unlock()
	}
	return total
}
