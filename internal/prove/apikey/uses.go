package apikey

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Use is how often a key did the same in one hour.
type Use struct {
	Hour time.Time
	Addr string
	// Route as the routes file names it.
	Route string
	Calls int64
	Last  time.Time
}

// useAt is what is counted together.
type useAt struct {
	key   id.Key
	hour  int64
	addr  netip.Addr
	route string
}

// uses counts calls in memory; SaveUses writes them behind. It is bounded.
type uses struct {
	mu      sync.Mutex
	counted map[useAt]*Use
}

// maxCounted bounds what waits to be written.
const maxCounted = 100_000

// Count notes one request of a key that passed its check: from where, and for which route. It allocates only the first time in an hour.
func (k *Keys) Count(kid id.Key, from netip.Addr, route string, now time.Time) {
	at := useAt{key: kid, hour: now.Unix() / 3600, addr: from, route: route}
	k.uses.mu.Lock()
	defer k.uses.mu.Unlock()
	if kept := k.uses.counted[at]; kept != nil {
		kept.Calls++
		kept.Last = now
		return
	}
	if len(k.uses.counted) >= maxCounted {
		return // SaveUses is late by far; what it holds is still written
	}
	k.uses.counted[at] = &Use{Hour: time.Unix(at.hour*3600, 0).UTC(), Addr: from.String(), Route: route, Calls: 1, Last: now}
}

// saveCounted writes what was counted since the last call. What could not be written is lost: these are figures, not truth.
func (k *Keys) saveCounted(ctx context.Context) error {
	k.uses.mu.Lock()
	counted := k.uses.counted
	k.uses.counted = make(map[useAt]*Use, len(counted))
	k.uses.mu.Unlock()
	if len(counted) == 0 {
		return nil
	}
	return k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		for at, u := range counted {
			if err := tx.AddUse(ctx, at.key, *u); err != nil {
				return audit.Event{}, err
			}
		}
		return audit.Quiet(audit.KeyUsed), nil
	})
}
