package apikey

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Use is how often a key did the same in one hour.
type Use struct {
	Hour time.Time
	// Addr is the address that it came from, or of IPv6 the /64 around it: a host owns all of that, and would make a row of each address. It is
	// empty for the places of an hour beyond the first that are told apart.
	Addr string
	// Route as the routes file names it.
	Route string
	// Code of the refusal; empty for calls that were let through.
	Code string
	// Scope that the route asks for; empty where it asks for none.
	Scope string
	Calls int64
	Last  time.Time
}

// useAt is what is counted together.
type useAt struct {
	hour  int64
	from  netip.Prefix
	route string
	code  fault.Code
	scope scope.Scope
}

// calls counts those of one key since they were last written. Its lock is the key's own, so that keys do not wait for each other; the line
// that was counted last is at hand, because a bot mostly does again what it did before.
type calls struct {
	mu    sync.Mutex
	last  *counted
	lines map[useAt]*counted
	// places are those of hour that are told apart.
	hour   int64
	places []netip.Prefix
}

type counted struct {
	at useAt
	Use
}

// maxLines bounds what one key can make wait to be written, maxPlaces from how many places an hour's rows are: routes and codes are the
// platform's, so that nobody who holds a key can fill the table with addresses.
const (
	maxLines  = 512
	maxPlaces = 32
)

// uses are the keys of which something waits to be written.
type uses struct {
	mu    sync.Mutex
	dirty []*Live
	// pinned were used for the first time, strays (with the address) from another network than their own.
	pinned []*Live
	strays map[*Live]netip.Addr
}

// Count notes one request whose sender holds the key: from where, for which route and its scope (scope.None for none), and the code if it was refused. It allocates only the
// first time after a save.
func (k *Keys) Count(l *Live, from netip.Addr, route string, asks scope.Scope, code fault.Code, now time.Time) {
	at := useAt{hour: now.Unix() / 3600, from: placeOf(from), route: route, code: code, scope: asks}
	c := l.used.counter()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil || c.last.at != at {
		if at.from = c.place(at); !c.turn(at) {
			return
		}
		if len(c.lines) == 1 && c.last.Calls == 0 {
			k.uses.await(l)
		}
	}
	c.last.Calls++
	c.last.Last = now
}

// counter is what counts the key's calls, made by the first.
func (u *use) counter() *calls {
	if c := u.calls.Load(); c != nil {
		return c
	}
	u.calls.CompareAndSwap(nil, &calls{})
	return u.calls.Load()
}

// turn makes the line of at the one that is counted; false if there are too many.
func (c *calls) turn(at useAt) bool {
	line := c.lines[at]
	if line == nil {
		if len(c.lines) >= maxLines {
			return false // SaveUses is late by far; what it holds is still written
		}
		if c.lines == nil {
			c.lines = map[useAt]*counted{}
		}
		line = &counted{at, Use{Hour: time.Unix(at.hour*3600, 0).UTC(), Addr: nameOf(at.from), Route: at.route, Code: string(at.code), Scope: at.scope.String()}}
		c.lines[at] = line
	}
	c.last = line
	return true
}

// place is where a call is counted: at its own place, or at none once the hour has too many.
func (c *calls) place(at useAt) netip.Prefix {
	if c.hour != at.hour {
		c.hour, c.places = at.hour, c.places[:0]
	}
	switch {
	case slices.Contains(c.places, at.from):
		return at.from
	case len(c.places) == maxPlaces:
		return netip.Prefix{}
	}
	c.places = append(c.places, at.from)
	return at.from
}

// placeOf is what of an address is counted.
func placeOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap()
	return netip.PrefixFrom(addr, min(64, addr.BitLen())).Masked()
}

// nameOf writes a single address as one.
func nameOf(place netip.Prefix) string {
	if !place.IsValid() {
		return ""
	}
	if place.IsSingleIP() {
		return place.Addr().String()
	}
	return place.String()
}

func (u *uses) await(l *Live) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.dirty = append(u.dirty, l)
}

// take gives what was counted since the last call.
func (c *calls) take() map[useAt]*counted {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := c.lines
	c.lines, c.last = nil, nil
	return lines
}

// saveCounted writes what was counted since the last call. What could not be written is lost: these are figures, not truth.
func (k *Keys) saveCounted(ctx context.Context) error {
	k.uses.mu.Lock()
	dirty := k.uses.dirty
	k.uses.dirty = nil
	k.uses.mu.Unlock()
	if len(dirty) == 0 {
		return nil
	}
	lines := map[id.Key]map[useAt]*counted{}
	for _, l := range dirty {
		lines[l.ID] = l.used.counter().take()
	}
	return k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		for kid, of := range lines {
			for _, line := range of {
				if err := tx.AddUse(ctx, kid, line.Use); err != nil {
					return audit.Event{}, err
				}
			}
		}
		return audit.Quiet(audit.KeyUsed), nil
	})
}
