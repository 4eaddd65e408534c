package session

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// index holds every live session, so that a check costs no SQL. Rows are the truth: on each change of the feed the row is read again,
// and a row that cannot be read is dropped.
type index struct {
	mu     sync.RWMutex
	byHash map[[32]byte]*live   // hash of the bearer → session
	byID   map[id.Session]*live // the same sessions

	tally tally

	// reading is held from reading a row to putting it: otherwise a row read before a revocation could be put after it.
	reading sync.Mutex
}

// live is one session. Its row is never changed: a change replaces it. Only the time of the last human act moves, because it is
// written behind.
type live struct {
	Row
	acted *atomic.Int64 // microseconds; shared by all versions of one session
	seen  *seen         // shared by all versions of one session
	saved atomic.Int64  // what the row says
	home  netip.Addr    // the row's address
}

// seen is what a check notes of a session. It lies in memory alone, but for what shown writes behind.
type seen struct {
	failed  atomic.Int64           // microseconds of our last failure to renew it
	skipped atomic.Pointer[string] // what its browser last said about it
	shown   showings               // where it does not belong; of children too
	asked   asked                  // of children too
}

func (x *index) init() {
	x.byHash = map[[32]byte]*live{}
	x.byID = map[id.Session]*live{}
}

func (x *index) put(row Row) {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := &live{Row: row, acted: &atomic.Int64{}}
	l.home, _ = netip.ParseAddr(row.Addr) // an unknown one is nowhere
	if old, ok := x.byID[row.ID]; ok {
		l.acted, l.seen = old.acted, old.seen
		delete(x.byHash, old.TokenHash)
	}
	if l.seen == nil {
		l.seen = &seen{}
	}
	l.seen.shown.with(row.Odd, row.Copied)
	x.answered(l)
	l.saved.Store(row.ActedAt.UnixMicro())
	raise(l.acted, row.ActedAt)
	x.byHash[row.TokenHash], x.byID[row.ID] = l, l
}

func (x *index) drop(sid id.Session) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if old, ok := x.byID[sid]; ok {
		delete(x.byHash, old.TokenHash)
		delete(x.byID, sid)
		x.ended(old)
	}
}

// skipped is what a session's browser last said about a renewal that it did not make.
func (x *index) skipped(sid id.Session) string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if l := x.byID[sid]; l != nil {
		if word := l.seen.skipped.Load(); word != nil {
			return *word
		}
	}
	return ""
}

// shown is where a session was shown that was not where it belongs: by its row, and since then.
func (x *index) shown(row Row) (Odd, Copied) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if l := x.byID[row.ID]; l != nil {
		return l.seen.shown.with(row.Odd, row.Copied)
	}
	return row.Odd, row.Copied
}

// find gives the session of a bearer and, for a child, its parent. A child whose parent is gone is gone, and one whose parent acts elsewhere by now: it was
// opened at the very moment of going over, which did not see it.
func (x *index) find(hash [32]byte) (l, parent *live) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	l = x.byHash[hash]
	if l == nil || l.Parent.IsZero() {
		return l, l
	}
	if parent = x.byID[l.Parent]; parent == nil || parent.Account != l.Account || parent.Subaccount != l.Subaccount {
		return nil, nil
	}
	return l, parent
}

// oldest is when the oldest session on the dashboard was born; zero if there is none.
func (x *index) oldest(now time.Time) (born time.Time) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, l := range x.byID {
		if l.Parent.IsZero() && now.Before(l.ExpiresAt) && (born.IsZero() || l.Born.Before(born)) {
			born = l.Born
		}
	}
	return born
}

// count is how many sessions there are on the dashboard, bound and not.
func (x *index) count(now time.Time) (bound, unbound int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, l := range x.byID {
		switch {
		case !l.Parent.IsZero() || !now.Before(l.ExpiresAt):
		case l.Bound.Holds():
			bound++
		default:
			unbound++
		}
	}
	return bound, unbound
}

func (x *index) acted(sid id.Session, stored time.Time) time.Time {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if l := x.byID[sid]; l != nil {
		return time.UnixMicro(l.acted.Load()).UTC()
	}
	return stored
}

// raise moves a time forward, never back.
func raise(at *atomic.Int64, to time.Time) {
	for micros := to.UnixMicro(); ; {
		old := at.Load()
		if old >= micros || at.CompareAndSwap(old, micros) {
			return
		}
	}
}

const loadPage = 1000

// Reload reads every live session again and forgets all others. Whatever was heard before it began is in what it reads.
func (s *Sessions) Reload(ctx context.Context) error {
	s.index.reading.Lock()
	defer s.index.reading.Unlock()
	var fresh index
	fresh.init()
	var after id.Session
	for {
		var rows []Row
		err := s.Ledger.View(ctx, func(tx Tx) (err error) {
			rows, err = tx.LiveSessions(ctx, s.Now(), after, loadPage)
			return err
		})
		if err != nil {
			return fmt.Errorf("load sessions: %w", err)
		}
		for _, row := range rows {
			fresh.put(row)
			after = row.ID
		}
		if len(rows) < loadPage {
			s.index.become(&fresh)
			return nil
		}
	}
}

// become takes over another index's sessions, and keeps the times of human acts that it alone knows.
func (x *index) become(fresh *index) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for sid, l := range fresh.byID {
		if old, ok := x.byID[sid]; ok {
			raise(old.acted, l.ActedAt)
			l.acted, l.seen = old.acted, old.seen
			l.seen.shown.with(l.Odd, l.Copied)
		}
	}
	x.byHash, x.byID = fresh.byHash, fresh.byID
}

// Hear keeps the index true; it is a listener of the feed. What cannot be read is dropped, which refuses.
func (s *Sessions) Hear(c txn.Change) {
	switch c.Subject {
	case txn.SubjectSession:
		s.reread(id.Session(c.ID))
	case txn.SubjectMember:
		for _, sid := range s.index.ofUser(id.User(c.ID)) {
			s.reread(sid)
		}
	case txn.SubjectKey, txn.SubjectDataKey:
	}
}

func (x *index) ofUser(u id.User) (ids []id.Session) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for sid, l := range x.byID {
		if l.User == u {
			ids = append(ids, sid)
		}
	}
	return ids
}

// rereadTimeout bounds how long an acknowledgement waits for the index.
const rereadTimeout = time.Second

func (s *Sessions) reread(sid id.Session) {
	s.index.reading.Lock()
	defer s.index.reading.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), rereadTimeout)
	defer cancel()
	err := s.Ledger.View(ctx, func(tx Tx) error {
		row, found, err := tx.SessionByID(ctx, sid)
		if err != nil || !found || !row.RevokedAt.IsZero() {
			return errors.Join(err, fault.New(fault.SessionEnded))
		}
		s.index.put(row)
		return nil
	})
	if err != nil {
		s.index.drop(sid)
	}
}

// Authenticate says who is behind a bearer on a host ("" for the dashboard). It reads the index only: no SQL, no wait.
// Errors: session.ended; session.unproven for one that is bound to a device that did not come along.
func (s *Sessions) Authenticate(bearer []byte, host string, from principal.Origin) (principal.Principal, error) {
	return s.authenticate(bearer, host, from, false)
}

func (s *Sessions) authenticate(bearer []byte, host string, from principal.Origin, open bool) (principal.Principal, error) {
	now := s.Now()
	l, parent := s.index.find(secret.New("session", bearer).Hash())
	if l == nil || l.Host != host || !now.Before(l.ExpiresAt) || !now.Before(parent.ExpiresAt) || l.Role == principal.NoRole || parent.Staff && !now.Before(s.idleAt(parent)) {
		return principal.Nobody(from), fault.New(fault.SessionEnded)
	}
	unrenewed, gone := s.whereabouts(l, from, now)
	if word := from.Skipped; word != "" && l.Bound.Holds() {
		l.seen.skipped.Store(&word)
	}
	if gone {
		if !open {
			s.bare(l, parent, from, now)
			about := audit.Refusal{Action: audit.SessionUnproven, Person: l.User, Addr: from.Addr}
			s.Tally.Note(about, principal.Nobody(from), map[string]string{"agent": from.Agent, "skipped": from.Skipped})
		}
		return principal.Nobody(from), fault.New(fault.SessionUnproven)
	}
	from.Device = l.Device
	p := principal.Principal{
		Kind: principal.KindUser, User: l.User, Account: l.Account, Subaccount: l.Subaccount, Role: l.Role,
		Session: l.ID, Bearer: l.TokenHash, Scopes: s.scopesIn(l.Role, l.Frozen), Frozen: l.Frozen, Proof: parent.Proof, Lang: l.Lang, Name: l.UserName, Origin: from,
	}
	if l.Bound.Holds() && !unrenewed {
		p.Proof.BoundAt = s.provenAt(l.Bound, from.Bound)
	}
	p.Challenge = s.challenge(l, parent, from, now)
	if unrenewed {
		p.Challenge = assurance.Challenge{Why: assurance.Unrenewed, Needs: parent.Proof.Level(), Until: s.graceOf(l.Bound)}
	}
	s.index.challenged(parent, p.Challenge)
	if why := p.Challenge.Why; why.Unusual() {
		parent.seen.shown.shownOddly(why, now)
		s.Tally.Note(audit.Refusal{Action: audit.SessionChallenged, Person: p.User, Reason: string(why), Addr: from.Addr}, p, map[string]string{"agent": from.Agent})
	}
	return p, nil
}

// challenge says what a session has to show before it has full power. What lies in the request itself comes before what is kept: a factor that
// is shown answers both. No soft signal ends a session or keeps it from looking and cancelling.
func (s *Sessions) challenge(l, parent *live, from principal.Origin, now time.Time) assurance.Challenge {
	needs := parent.Proof.Level()
	for _, known := range [...]string{l.agent(), parent.agent()} { // a child was opened with its parent's agent, or is shown by another
		if why := unusual(known, from.Agent); why != "" {
			return assurance.Challenge{Why: why, Needs: max(needs, parent.Challenge.Needs)}
		}
	}
	if s.elsewhere(l, parent, from.Addr) {
		return assurance.Challenge{Why: assurance.Elsewhere, Needs: max(needs, parent.Challenge.Needs)}
	}
	if parent.Challenge.Open(now) {
		return parent.Challenge
	}
	if !now.Before(s.idleAt(parent)) {
		return assurance.Challenge{Why: assurance.Idle, Needs: needs}
	}
	return assurance.Challenge{}
}

// elsewhere says that a session is shown from a network and a country at once that are new to it: neither where its user signed in or last
// answered for it, nor, on a gateway host, where it was opened. A network alone is new all the time, and a country is only a guess. Whoever
// holds the key of its device may travel.
func (s *Sessions) elsewhere(l, parent *live, addr netip.Addr) bool {
	if l.Bound.Holds() || device.SameNetwork(l.home, addr) || device.SameNetwork(parent.home, addr) {
		return false
	}
	now := s.CountryOf(addr)
	if now == "" {
		return false
	}
	here, there := s.CountryOf(l.home), s.CountryOf(parent.home)
	return here != "" && here != now && there != "" && there != now
}

// unusual says what is odd about an agent where another is known: nothing in an update of the same browser, nor where a program began.
func unusual(known, shown string) assurance.Why {
	if known == shown {
		return ""
	}
	before, now := device.Family(known), device.Family(shown)
	switch {
	case before == now || before == device.NoBrowser:
		return ""
	case now == device.NoBrowser:
		return assurance.Program
	}
	return assurance.TwoAgents
}

// SharedIdle is the idle limit on a computer that is not its user's own, where it is shorter than the usual one.
const SharedIdle = 10 * time.Minute

// idleAt is when a session rests unless its user does something.
func (s *Sessions) idleAt(l *live) time.Time {
	return time.UnixMicro(l.acted.Load()).Add(s.idleOf(l.Row)).UTC()
}

func (s *Sessions) idleOf(r Row) time.Duration {
	idle := s.Limits.Idle
	if r.Shared {
		idle = min(idle, SharedIdle)
	}
	if r.Staff {
		idle = min(idle, s.Limits.StaffIdle)
	}
	return idle
}

// IdleOf is how long the principal's session keeps its power without a human act.
func (s *Sessions) IdleOf(p principal.Principal) time.Duration {
	s.index.mu.RLock()
	defer s.index.mu.RUnlock()
	if l := s.index.byID[p.Session]; l != nil {
		return s.idleOf(l.Row)
	}
	return s.Limits.Idle
}

// Ends says until when the principal's session keeps its power without a human act, and when it ends for good. These are the very
// times that Authenticate enforces.
func (s *Sessions) Ends(p principal.Principal) (idle, absolute time.Time) {
	s.index.mu.RLock()
	defer s.index.mu.RUnlock()
	l := s.index.byID[p.Session]
	if l == nil {
		return time.Time{}, time.Time{}
	}
	parent := l
	if !l.Parent.IsZero() {
		if parent = s.index.byID[l.Parent]; parent == nil {
			return time.Time{}, time.Time{}
		}
	}
	return s.idleAt(parent), parent.ExpiresAt
}

// Act notes that a human did something. An idle session stays idle, whatever else it has to show: only a proof restores it.
func (s *Sessions) Act(p principal.Principal) {
	s.index.mu.RLock()
	l := s.index.byID[p.Session]
	if l != nil && !l.Parent.IsZero() {
		l = s.index.byID[l.Parent]
	}
	s.index.mu.RUnlock()
	if now := s.Now(); l != nil && now.Before(s.idleAt(l)) {
		raise(l.acted, now)
	}
}

// SaveActs writes the times of human acts behind and forgets sessions that have ended. After a crash a session may turn idle by at
// most the time between two calls too early, never too late.
func (s *Sessions) SaveActs(ctx context.Context) error {
	now := s.Now()
	var dirty []*live
	var ended []id.Session
	s.index.mu.RLock()
	for sid, l := range s.index.byID {
		if !now.Before(l.ExpiresAt) {
			ended = append(ended, sid)
		} else if l.acted.Load() != l.saved.Load() {
			dirty = append(dirty, l)
		}
	}
	s.index.mu.RUnlock()
	for _, sid := range ended {
		s.index.drop(sid)
	}
	for batch := range slices.Chunk(dirty, saveBatch) {
		if err := s.saveActs(ctx, batch); err != nil {
			return fmt.Errorf("save acts: %w", err)
		}
	}
	return nil
}

// saveBatch is how many rows one commit carries: enough that its sync is cheap, few enough that nobody waits long behind it.
const saveBatch = 500

func (s *Sessions) saveActs(ctx context.Context, batch []*live) error {
	acts := make([]int64, len(batch))
	for i, l := range batch {
		acts[i] = l.acted.Load()
	}
	err := s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		for i, l := range batch {
			if err := tx.TouchSession(ctx, l.ID, time.UnixMicro(acts[i])); err != nil {
				return audit.Event{}, err
			}
		}
		return audit.Quiet(audit.SessionTouched), nil
	})
	if err != nil {
		return err
	}
	for i, l := range batch {
		l.saved.Store(acts[i])
	}
	return nil
}

// scopesIn is what somebody may do in an account, in which they may be frozen.
func (s *Sessions) scopesIn(r principal.Role, frozen bool) scope.Set {
	set := s.ScopesOf(r)
	if frozen {
		return set.UpTo(scope.Cancel)
	}
	return set
}
