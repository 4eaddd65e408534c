package apikey

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"
)

// secretUse is when one of two secrets was last used, and how often of late. It is kept only while a key has more than one.
type secretUse struct {
	at    atomic.Int64 // microseconds; zero if never
	saved atomic.Int64
	from  atomic.Pointer[netip.Addr]
	// seconds count calls: each holds the second it is about in its upper half and the calls in its lower.
	seconds [60]atomic.Uint64
}

func newSecretUse(m Material) *secretUse {
	u := &secretUse{}
	if !m.LastUsedAt.IsZero() {
		u.at.Store(m.LastUsedAt.UnixMicro())
		u.saved.Store(m.LastUsedAt.UnixMicro())
	}
	if addr, err := netip.ParseAddr(m.LastUsedFrom); err == nil {
		u.from.Store(&addr)
	}
	return u
}

func (u *secretUse) note(now time.Time, from netip.Addr) {
	second := uint64(uint32(now.Unix()))
	slot := &u.seconds[second%uint64(len(u.seconds))]
	for {
		old := slot.Load()
		next := second<<32 | 1
		if old>>32 == second {
			next = old + 1
		}
		if slot.CompareAndSwap(old, next) {
			break
		}
	}
	u.from.Store(&from)
	u.at.Store(now.UnixMicro())
}

// lastMinute is how many calls there were in the sixty seconds before now.
func (u *secretUse) lastMinute(now time.Time) (calls int) {
	second := uint64(uint32(now.Unix()))
	for i := range u.seconds {
		kept := u.seconds[i].Load()
		if at := kept >> 32; at <= second && second-at < uint64(len(u.seconds)) {
			calls += int(uint32(kept))
		}
	}
	return calls
}

// UsedSecret notes which of the key's secrets a request was signed with, in memory.
func (l *Live) UsedSecret(m *LiveMaterial, now time.Time, from netip.Addr) {
	if u := m.used(); u != nil {
		u.note(now, from)
	}
}

// keepSecretUses takes over what an older version of the same key has counted.
func (l *Live) keepSecretUses(old *Live) {
	for i := range l.Materials {
		for j := range old.Materials {
			if m, before := &l.Materials[i], &old.Materials[j]; m.overlap != nil && before.overlap != nil && m.Version == before.Version {
				m.overlap.used = before.overlap.used
			}
		}
	}
}

func (l *Live) secretsUsed() bool {
	for i := range l.Materials {
		if u := l.Materials[i].used(); u != nil && u.at.Load() != u.saved.Load() {
			return true
		}
	}
	return false
}

func (l *Live) saveSecretUses(ctx context.Context, tx Tx) error {
	for i := range l.Materials {
		m := &l.Materials[i]
		u := m.used()
		if u == nil || u.at.Load() == 0 {
			continue
		}
		from := ""
		if addr := u.from.Load(); addr != nil {
			from = addr.String()
		}
		if err := tx.TouchSecret(ctx, l.ID, m.Version, time.UnixMicro(u.at.Load()), from); err != nil {
			return err
		}
	}
	return nil
}

// secretsSaved marks what was read for the last save; a use since then is saved again by the next one.
func (l *Live) secretsSaved() {
	for i := range l.Materials {
		if u := l.Materials[i].used(); u != nil {
			u.saved.Store(u.at.Load())
		}
	}
}
