package apikey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// index holds every key, so that a signed request costs no SQL, known or not. Rows are the truth: on each change of the feed the row is
// read again, and one that cannot be read is dropped.
type index struct {
	mu   sync.RWMutex
	byID map[id.Key]*Live

	// reading is held from reading a row to putting it: otherwise a row read before a revocation could be put after it.
	reading sync.Mutex
}

// Live is a key as a check reads it: of a Key only what decides about a request and names its sender, because there may be a million. It is
// never changed: a change replaces it. Times of use move, because they are written behind.
type Live struct {
	ID         id.Key
	Account    id.Account
	Subaccount id.Subaccount
	Owner      id.User
	Name       string
	// Materials that verify, the newest first.
	Materials  []LiveMaterial
	Allowlist  []netip.Prefix
	Settings   sign.Settings
	WindowPast time.Duration

	// Moments in microseconds; what has not happened is noMoment.
	born, expires, revoked, blocked, lapses, owned int64

	pin  *home // nil if there is none, or none yet
	used *use  // shared by all versions of one key
	// bounds is nil for a key without.
	bounds *ready

	Environment id.Environment
	Dialect     sign.Dialect
	Algorithm   sign.Algorithm
	OwnerRole   principal.Role
	// Scopes that it was given; effective and lapsed are those in force before and after the moment at which a key that is tied to no
	// network loses the right to trade.
	Scopes, effective, lapsed scope.Set
	dormancy                  Dormancy
	sum                       id.KeySum
	frozen, locked            bool
	released, pinned          bool
	bySystem                  bool // the first network is an autonomous system
	off                       bool // the operator has turned its dialect off
}

// Text is the public id as it is written everywhere.
func (l *Live) Text() string { return id.FormatKey(l.ID, l.Environment) }

// Is says whether text, from which its id was read, is the key's id in full: with its environment and its checksum.
func (l *Live) Is(text string) bool { return id.IsKey(text, l.Environment, l.sum) }

// noMoment is later than all others.
const noMoment = math.MaxInt64

func momentOf(t time.Time) int64 {
	if t.IsZero() {
		return noMoment
	}
	return t.UnixMicro()
}

// LiveMaterial is a secret or public half ready for use.
type LiveMaterial struct {
	// Bytes are the public half or, of a secret, what is Sealed: MaterialPlace opens it.
	Bytes   []byte
	Version uint32
	Sealed  bool
	made    int64 // in microseconds
	// overlap is nil for the only secret of a key.
	overlap *overlap
}

// overlap is what is kept of a secret while there is more than one. The end lies in the snapshot, so nobody has to be told when the moment comes.
type overlap struct {
	retires int64 // noMoment for the newest
	// since is when the newer one came beside it; extended that its end was put off.
	since    int64
	extended bool
	used     *secretUse // shared by all versions of the key
}

// readyMaterial is a secret as a check reads it; alone if the key has no other.
func readyMaterial(kept Material, sealed, alone bool) LiveMaterial {
	m := LiveMaterial{Bytes: kept.Bytes, Version: kept.Version, Sealed: sealed, made: kept.Born.UnixMicro()}
	if !alone || !kept.Ends.IsZero() {
		m.overlap = &overlap{retires: momentOf(kept.Ends), since: kept.Since.UnixMicro(), extended: kept.Extended, used: newSecretUse(kept)}
	}
	return m
}

// retiring says whether a newer secret came beside it.
func (m *LiveMaterial) retiring() bool { return m.overlap != nil && m.overlap.retires != noMoment }

// Retires is when it stops to verify; zero for the newest one.
func (m *LiveMaterial) Retires() time.Time {
	if !m.retiring() {
		return time.Time{}
	}
	return time.UnixMicro(m.overlap.retires).UTC()
}

// Since is when a newer secret came beside it; zero for the newest one.
func (m *LiveMaterial) Since() time.Time {
	if !m.retiring() {
		return time.Time{}
	}
	return time.UnixMicro(m.overlap.since).UTC()
}

func (m *LiveMaterial) extendableBy() time.Duration {
	if !m.retiring() || m.overlap.extended {
		return 0
	}
	return max(0, MaxOverlap-m.Retires().Sub(m.Since()))
}

// Retired says whether the secret may no longer be used at now.
func (m *LiveMaterial) Retired(now time.Time) bool {
	return m.retiring() && now.UnixMicro() >= m.overlap.retires
}

// used is what was signed with it; nil for the only secret of a key.
func (m *LiveMaterial) used() *secretUse {
	if m.overlap == nil {
		return nil
	}
	return m.overlap.used
}

// use is when a key last passed a check, and from where.
type use struct {
	at    atomic.Int64 // microseconds
	saved atomic.Int64
	from  atomic.Pointer[netip.Addr]
	// calls are counted from the first one on: most of a million keys wait for theirs.
	calls atomic.Pointer[calls]
	// spent is what it has used up of its bounds; nil for a key without.
	spent atomic.Pointer[spent]
	// pinned is the network of a key that is held to the first one, as long as only this node knows it.
	pinned atomic.Pointer[home]
}

// ScopesAt is what the key may do at now.
func (l *Live) ScopesAt(now time.Time) scope.Set {
	if now.UnixMicro() >= l.lapses {
		return l.lapsed
	}
	return l.effective
}

// Frozen says whether the key may do nothing but look and cancel.
func (l *Live) Frozen() bool { return l.frozen }

// FrozenBy is the refusal of what it may not do while it is frozen, as Key.FrozenBy.
func (l *Live) FrozenBy() *fault.Error { return frozenBy(l.locked) }

// BornBefore says whether the key is older than a moment.
func (l *Live) BornBefore(t time.Time) bool { return l.born < t.UnixMicro() }

// Allows says whether the key may be used from an address, IPv4-mapped ones as the IPv4 they are.
func (l *Live) Allows(addr netip.Addr) bool {
	if len(l.Allowlist) == 0 {
		return true
	}
	addr = addr.Unmap()
	for _, network := range l.Allowlist {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// Used notes that a request of the key passed, in memory; SaveUses writes it behind.
func (k *Keys) Used(l *Live, now time.Time, from netip.Addr) {
	if l.waitsForFirst() {
		k.pinFirst(l, from)
	}
	if now.UnixMicro()-l.used.at.Load() < int64(time.Second/time.Microsecond) {
		return
	}
	seen := from // a copy that lives on, made only here: the parameter's address would cost an allocation on every request
	l.used.from.Store(&seen)
	l.used.at.Store(now.UnixMicro())
}

// Find gives the live key of a public id, or nil. It reads memory only.
func (k *Keys) Find(kid id.Key) *Live {
	k.index.mu.RLock()
	defer k.index.mu.RUnlock()
	return k.index.byID[kid]
}

const loadPage = 1000

// Reload reads every key again and forgets all others. Whatever was heard before it began is in what it reads.
func (k *Keys) Reload(ctx context.Context) error {
	k.index.reading.Lock()
	defer k.index.reading.Unlock()
	fresh, err := k.readAll(ctx)
	if err != nil {
		return fmt.Errorf("load keys: %w", err)
	}
	k.index.become(fresh)
	return nil
}

// maxReaders bounds how many connections to the database one start takes.
const maxReaders = 4

// readAll reads the keys in about equal parts at once, one for each processor: between a million keys and being ready stands nothing else.
func (k *Keys) readAll(ctx context.Context) (map[id.Key]*Live, error) {
	var starts []id.Key
	err := k.Ledger.View(ctx, func(tx Tx) (err error) {
		starts, err = tx.KeyParts(ctx, min(runtime.GOMAXPROCS(0), maxReaders))
		return err
	})
	if err != nil {
		return nil, err
	}
	starts = append([]id.Key{{}}, starts...)
	parts, errs := make([]map[id.Key]*Live, len(starts)), make([]error, len(starts))
	var readers sync.WaitGroup
	for i, after := range starts {
		last := lastKey
		if i+1 < len(starts) {
			last = starts[i+1]
		}
		readers.Go(func() { parts[i], errs[i] = k.readPart(ctx, after, last) })
	}
	readers.Wait()
	for _, part := range parts[1:] {
		maps.Copy(parts[0], part)
	}
	return parts[0], errors.Join(errs...)
}

// readPart reads the keys after one id, up to and with another.
func (k *Keys) readPart(ctx context.Context, after, last id.Key) (map[id.Key]*Live, error) {
	part := map[id.Key]*Live{}
	err := k.eachPage(ctx, after, last, func(tx Tx, after id.Key, page []Key) error {
		materials, err := tx.MaterialsBetween(ctx, after, page[len(page)-1].ID)
		if err != nil {
			return err
		}
		for _, key := range page {
			if part[key.ID], err = k.ready(key, materials[key.ID]); err != nil {
				return err
			}
		}
		return nil
	})
	return part, err
}

// lastKey is no smaller than any id.
var lastKey = id.Key(bytes.Repeat([]byte{0xff}, len(id.Key{})))

// eachPage visits every key after one id, up to and with another, by their ids, a transaction for each page; after is the last id of the page
// before.
func (k *Keys) eachPage(ctx context.Context, after, last id.Key, visit func(tx Tx, after id.Key, page []Key) error) error {
	for more := true; more; {
		err := k.Ledger.View(ctx, func(tx Tx) error {
			page, err := tx.KeysByPage(ctx, after, last, loadPage)
			if err != nil || len(page) == 0 {
				more = false
				return err
			}
			if err := visit(tx, after, page); err != nil {
				return err
			}
			after, more = page[len(page)-1].ID, len(page) == loadPage
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *Keys) ready(key Key, materials []Material) (*Live, error) {
	l := &Live{
		ID: key.ID, Account: key.Account, Subaccount: key.Subaccount, Owner: key.Owner, Name: key.Name,
		Allowlist: key.Allowlist, Settings: key.Settings, WindowPast: key.WindowPast, born: key.Born.UnixMicro(),
		expires: momentOf(key.ExpiresAt), revoked: momentOf(key.RevokedAt), blocked: momentOf(key.BlockedAt), lapses: noMoment,
		owned:       momentOf(key.OwnerUntil),
		Environment: key.Environment, Dialect: key.Dialect, Algorithm: key.Algorithm, OwnerRole: key.OwnerRole, Scopes: key.Scopes,
		effective: k.effective(key, key.Born), dormancy: key.Dormancy, off: k.Limits.Dialects[key.Dialect].Off, frozen: key.Frozen(), locked: key.OwnerLocked,
		released: !key.ReleasedAt.IsZero(), pinned: key.Pin != "", bySystem: key.Pin == PinFirstSystem, sum: id.SumKey(key.ID, key.Environment),
		used: &use{}, Materials: make([]LiveMaterial, 0, len(materials)),
	}
	if !key.Tied() {
		lapses := key.Born.Add(k.Limits.UnpinnedTradeLife)
		l.lapses, l.lapsed = lapses.UnixMicro(), k.effective(key, lapses)
	}
	if key.Pin != "" && key.Pin != PinFirst && key.Pin != PinFirstSystem {
		home, err := k.readHome(key.Pin)
		if err != nil {
			return nil, fmt.Errorf("pin of %s: %w", key.Text(), err)
		}
		l.pin = home
	}
	if !key.Bounds.IsZero() || len(key.Destinations) > 0 {
		l.bounds = k.readyBounds(key)
		l.used.spent.Store(newSpent(key.OrderedDay, key.Ordered))
	}
	l.used.at.Store(key.LastUsedAt.UnixMicro())
	l.used.saved.Store(key.LastUsedAt.UnixMicro())
	for _, kept := range slices.Backward(materials) {
		l.Materials = append(l.Materials, readyMaterial(kept, !key.Algorithm.KeepsPublicHalf(), len(materials) == 1))
	}
	return l, nil
}

// become takes over fresh keys, and keeps the times of use that the index alone knows.
func (x *index) become(fresh map[id.Key]*Live) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for kid, l := range fresh {
		if old, ok := x.byID[kid]; ok {
			l.keepUses(old)
		}
	}
	x.byID = fresh
}

func (x *index) put(l *Live) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if old, ok := x.byID[l.ID]; ok {
		l.keepUses(old)
		l.keepSecretUses(old)
	}
	x.byID[l.ID] = l
}

// keepUses takes over what the index alone knows. The network of a first use is forgotten once the owner asks for a first one again.
func (l *Live) keepUses(old *Live) {
	spent := l.used.spent.Load()
	l.used = old.used
	l.used.spent.CompareAndSwap(nil, spent)
	if l.waitsForFirst() && !old.waitsForFirst() {
		l.used.pinned.Store(nil)
	}
}

// waitsForFirst says whether the key will be held to the network that it is first used from, and no row says yet which.
func (l *Live) waitsForFirst() bool { return l.pinned && l.pin == nil }

// Hear keeps the index true; it is a listener of the feed. What cannot be read is dropped, which refuses.
func (k *Keys) Hear(c txn.Change) {
	switch c.Subject {
	case txn.SubjectKey:
		k.reread(id.Key(c.ID))
	case txn.SubjectMember:
		ctx, cancel := context.WithTimeout(context.Background(), rereadTimeout)
		defer cancel()
		var owned []id.Key
		err := k.Ledger.View(ctx, func(tx Tx) (err error) {
			owned, err = tx.KeysOfOwner(ctx, id.User(c.ID))
			return err
		})
		if err != nil {
			owned = k.index.ownedBy(id.User(c.ID))
		}
		for _, kid := range owned {
			k.reread(kid)
		}
	case txn.SubjectSession, txn.SubjectDataKey:
	}
}

func (x *index) ownedBy(u id.User) (ids []id.Key) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for kid, l := range x.byID {
		if l.Owner == u {
			ids = append(ids, kid)
		}
	}
	return ids
}

// rereadTimeout bounds how long an acknowledgement waits for the index.
const rereadTimeout = time.Second

func (k *Keys) reread(kid id.Key) {
	k.index.reading.Lock()
	defer k.index.reading.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), rereadTimeout)
	defer cancel()
	err := k.Ledger.View(ctx, func(tx Tx) error {
		key, found, err := tx.KeyByID(ctx, kid)
		if err != nil {
			return err
		}
		if !found {
			return fault.New(fault.KeyNotFound)
		}
		materials, err := tx.MaterialOf(ctx, kid)
		if err != nil {
			return err
		}
		l, err := k.ready(key, materials)
		if err == nil {
			k.index.put(l)
		}
		return err
	})
	if err != nil {
		k.index.mu.Lock()
		delete(k.index.byID, kid)
		k.index.mu.Unlock()
	}
}

// State is why a key may not be used at now, or nil. Errors: key.revoked, key.blocked, key.expired, key.owner_disabled,
// key.dialect_off, key.unused.
func (l *Live) State(now time.Time) *fault.Error {
	said := func(moment int64) string { return time.UnixMicro(moment).UTC().Format(time.RFC3339) }
	switch {
	case l.revoked != noMoment:
		return fault.New(fault.KeyRevoked, "revoked_at", said(l.revoked))
	case l.blocked != noMoment:
		return fault.New(fault.KeyBlocked, "blocked_at", said(l.blocked))
	case now.UnixMicro() >= l.expires:
		return fault.New(fault.KeyExpired, "expired_at", said(l.expires))
	case l.OwnerRole == principal.NoRole || now.UnixMicro() >= l.owned:
		return fault.New(fault.KeyOwnerDisabled)
	case l.off:
		return fault.New(fault.KeyDialectOff, "dialect", l.Dialect.String())
	case l.dormancy >= DisabledUnused:
		return fault.New(fault.KeyUnused)
	}
	return nil
}

// Standing is how a key stands, for those who look at it.
type Standing string

// The standings.
const (
	StandsLive     Standing = "live"
	StandsFrozen   Standing = "frozen"
	StandsBlocked  Standing = "blocked"
	StandsExpired  Standing = "expired"
	StandsRevoked  Standing = "revoked"
	StandsOrphan   Standing = "orphan"
	StandsReadOnly Standing = "read_only"
	StandsDisabled Standing = "disabled"
	// StandsOff: the operator has turned its dialect off.
	StandsOff Standing = "dialect_off"
)

// Standing says how a key stands now, and when it stops to trade because it is tied to no network (zero if it does not).
func (k *Keys) Standing(key Key) (s Standing, lapses time.Time) {
	lapses = k.LapseAt(key)
	switch now := k.Now(); {
	case !key.RevokedAt.IsZero():
		return StandsRevoked, lapses
	case !key.BlockedAt.IsZero():
		return StandsBlocked, lapses
	case !now.Before(key.ExpiresAt):
		return StandsExpired, lapses
	case !key.Owned(now):
		return StandsOrphan, lapses
	case k.Limits.Dialects[key.Dialect].Off:
		return StandsOff, lapses
	case key.Dormancy >= DisabledUnused:
		return StandsDisabled, lapses
	case key.Frozen():
		return StandsFrozen, lapses
	case key.Dormancy >= ReadOnlyUnused:
		return StandsReadOnly, lapses
	}
	return StandsLive, lapses
}

// Named finds a key by its public id. The same bytes under the other environment's prefix name no key. Errors: key.not_found.
func (k *Keys) Named(text string) (id.Key, error) {
	kid, _, err := id.ParseKey(text)
	if err != nil {
		return kid, fault.New(fault.KeyNotFound)
	}
	if live := k.Find(kid); live == nil || !live.Is(text) {
		return kid, fault.New(fault.KeyNotFound)
	}
	return kid, nil
}

// SaveUses writes the times of last use behind; after a crash they may be as old as the last call.
func (k *Keys) SaveUses(ctx context.Context) error {
	var dirty []*Live
	k.index.mu.RLock()
	for _, l := range k.index.byID {
		if l.used.at.Load() != l.used.saved.Load() || l.secretsUsed() {
			dirty = append(dirty, l)
		}
	}
	k.index.mu.RUnlock()
	for batch := range slices.Chunk(dirty, saveBatch) {
		if err := k.saveUses(ctx, batch); err != nil {
			return fmt.Errorf("save uses: %w", err)
		}
	}
	if err := k.saveOrdered(ctx); err != nil {
		return fmt.Errorf("save what was ordered: %w", err)
	}
	if err := k.saveCounted(ctx); err != nil {
		return fmt.Errorf("save counted uses: %w", err)
	}
	return k.savePins(ctx)
}

// saveBatch is how many rows one commit carries: enough that its sync is cheap, few enough that nobody waits long behind it.
const saveBatch = 500

func (k *Keys) saveUses(ctx context.Context, batch []*Live) error {
	type seen struct {
		at   int64
		from string
	}
	uses := make([]seen, len(batch))
	for i, l := range batch {
		uses[i].at = l.used.at.Load()
		if addr := l.used.from.Load(); addr != nil {
			uses[i].from = addr.String()
		}
	}
	err := k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		for i, l := range batch {
			if err := tx.TouchKey(ctx, l.ID, time.UnixMicro(uses[i].at), uses[i].from); err != nil {
				return audit.Event{}, err
			}
			if err := l.saveSecretUses(ctx, tx); err != nil {
				return audit.Event{}, err
			}
		}
		return audit.Quiet(audit.KeyUsed), nil
	})
	if err != nil {
		return err
	}
	for i, l := range batch {
		l.used.saved.Store(uses[i].at)
		l.secretsSaved()
	}
	return nil
}

// TurnedOff counts the keys that would live if the operator had not turned their dialect off. It needs the Ledger, Now and the Limits alone.
func (k *Keys) TurnedOff(ctx context.Context) (of map[sign.Dialect]int, err error) {
	err = k.Ledger.View(ctx, func(tx Tx) error {
		of, err = tx.KeysByDialect(ctx, k.Now())
		return err
	})
	maps.DeleteFunc(of, func(d sign.Dialect, _ int) bool { return !k.Limits.Dialects[d].Off })
	if err != nil {
		return nil, fmt.Errorf("count keys by dialect: %w", err)
	}
	return of, nil
}
