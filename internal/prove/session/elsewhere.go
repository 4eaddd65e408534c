package session

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Odd is the last time that a session was shown by something else than signed in.
type Odd struct {
	// Why is TwoAgents, Program or Elsewhere; empty if it never was.
	Why  assurance.Why
	Last time.Time
}

// Copied is how often a bound session was shown without the cookie that its device's key brings, and refused. What its own browser said that it did
// not renew is not counted.
type Copied struct {
	Times int
	Last  time.Time
}

// Marked is how long a session is flagged after it was shown so.
const Marked = 24 * time.Hour

// Fresh says whether the session is still flagged for it.
func (o Odd) Fresh(now time.Time) bool { return o.Why != "" && now.Sub(o.Last) < Marked }

// Fresh says whether the session is still flagged for it.
func (c Copied) Fresh(now time.Time) bool { return c.Times > 0 && now.Sub(c.Last) < Marked }

// Flagged says whether its user should look at a session first: it owes a proof, or somebody else may have shown it.
func (l Listed) Flagged(now time.Time) bool {
	return l.Challenge.Open(now) || l.Odd.Fresh(now) || l.Copied.Fresh(now)
}

// showings are where a session and its children were shown that was not where they belong, by the row and since it was written.
type showings struct {
	mu     sync.Mutex
	odd    Odd              // guarded by mu
	copied Copied           // guarded by mu
	away   principal.Origin // guarded by mu; where a copy was shown in another network, until its user was told; without an address there is none
}

// shownOddly notes why a session is challenged, where that lies in the request.
func (s *showings) shownOddly(why assurance.Why, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.odd = Odd{why, now.Truncate(time.Microsecond)}
}

// shownBare notes that a bound session was shown without its device, from another network than its own or not.
func (s *showings) shownBare(from principal.Origin, away bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copied = Copied{s.copied.Times + 1, now.Truncate(time.Microsecond)}
	if away {
		s.away = from
	}
}

// with takes what a row says, which another process may have written, and gives what is known by now.
func (s *showings) with(o Odd, c Copied) (Odd, Copied) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Last.After(s.odd.Last) {
		s.odd = o
	}
	if c.Last.After(s.copied.Last) {
		s.copied.Last = c.Last
	}
	s.copied.Times = max(s.copied.Times, c.Times)
	return s.odd, s.copied
}

// mark is what is to be written of one session.
type mark struct {
	*live
	odd    Odd
	copied Copied
	away   principal.Origin
}

// unsaved is what its row does not say, which was read before.
func (l *live) unsaved() (m mark, some bool) {
	s := &l.seen.shown
	s.mu.Lock()
	defer s.mu.Unlock()
	m = mark{live: l, away: s.away}
	if s.odd.Last.After(l.Odd.Last) {
		m.odd = s.odd
	}
	if s.copied.Last.After(l.Copied.Last) {
		m.copied = s.copied
	}
	return m, m.odd.Why != "" || m.copied.Times > 0 || m.away.Addr.IsValid()
}

// told forgets the copy that the user was told of, unless there is another by now.
func (s *showings) told(of principal.Origin) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away == of {
		s.away = principal.Origin{}
	}
}

// bare notes that a bound session, or one of its children, was shown without its device.
func (s *Sessions) bare(l, parent *live, from principal.Origin, now time.Time) {
	if from.Skipped == "" {
		parent.seen.shown.shownBare(from, !device.SameNetwork(l.home, from.Addr) && !device.SameNetwork(parent.home, from.Addr), now)
	}
}

// SaveShown writes behind where sessions were shown that was not where they belong, so that every process flags them and a restart forgets none. It tells
// users of copies of their bound sessions that were shown in other networks, each session at most once a day; who is told finds it written. Nothing ends: the copy
// was refused, and its user goes on.
func (s *Sessions) SaveShown(ctx context.Context) error {
	var marks []mark
	s.index.mu.RLock()
	for _, l := range s.index.byID {
		if m, some := l.unsaved(); some {
			marks = append(marks, m)
		}
	}
	s.index.mu.RUnlock()
	for batch := range slices.Chunk(marks, saveBatch) {
		err := s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
			for _, m := range batch {
				if err := s.saveShown(ctx, tx, m); err != nil {
					return audit.Event{}, fmt.Errorf("mark %s: %w", m.ID, err)
				}
			}
			return audit.Quiet(audit.SessionTold), nil
		})
		if err != nil {
			return err
		}
		for _, m := range batch {
			m.seen.shown.told(m.away)
		}
	}
	return nil
}

func (s *Sessions) saveShown(ctx context.Context, tx Tx, m mark) error {
	wrote, err := tx.MarkSession(ctx, m.ID, m.odd, m.copied)
	if err != nil {
		return err
	}
	if wrote {
		announce(tx, m.ID)
	}
	if !m.away.Addr.IsValid() {
		return nil
	}
	now := s.Now()
	won, err := tx.ClaimCopyTold(ctx, m.ID, now.Add(-Marked), now)
	if err != nil || !won {
		return err
	}
	facts := map[string]string{"agent": m.away.Agent, "addr": m.away.Addr.String()}
	return s.Follow.Apply(ctx, tx, happening.Happening{Kind: happening.SessionCopied, User: m.User, Session: m.ID, Facts: facts})
}
