package session

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Odd is the last time that a session was shown by something else than signed in; forgotten at a restart.
type Odd struct {
	// Why is TwoAgents, Program or Elsewhere; empty if it never was.
	Why  assurance.Why
	Last time.Time
}

// Copied is how often a bound session was shown without the cookie that its device's key brings, and refused; forgotten at a restart. What its
// own browser said that it did not renew is not counted.
type Copied struct {
	Times int
	Last  time.Time
	// Addr and Agent are those of the last time.
	Addr  netip.Addr
	Agent string
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

// showings are where a session and its children were shown that was not where they belong.
type showings struct {
	mu     sync.Mutex
	odd    Odd       // guarded by mu
	copied Copied    // guarded by mu
	away   bool      // guarded by mu; a copy was shown in another network, and its user was not told
	told   time.Time // guarded by mu
}

// shownOddly notes why a session is challenged, where that lies in the request.
func (s *showings) shownOddly(why assurance.Why, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.odd = Odd{why, now}
}

// shownBare notes that a bound session was shown without its device, from another network than its own or not.
func (s *showings) shownBare(from principal.Origin, away bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copied = Copied{s.copied.Times + 1, now, from.Addr, from.Agent}
	s.away = s.away || away
}

func (s *showings) read() (Odd, Copied) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.odd, s.copied
}

// due takes the copy that the user is to be told of, if there is one and they were not told within a day.
func (s *showings) due(now time.Time) (c Copied, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.away || !s.told.IsZero() && now.Sub(s.told) < Marked {
		return c, false
	}
	s.away, s.told = false, now
	return s.copied, true
}

// bare notes that a bound session, or one of its children, was shown without its device.
func (s *Sessions) bare(l, parent *live, from principal.Origin, now time.Time) {
	if from.Skipped == "" {
		parent.seen.shown.shownBare(from, !device.SameNetwork(l.home, from.Addr) && !device.SameNetwork(parent.home, from.Addr), now)
	}
}

// TellCopied tells users of copies of their bound sessions that were shown in other networks since the last call, each session at most once a day.
// Nothing ends: the copy was refused, and its user goes on.
func (s *Sessions) TellCopied(ctx context.Context) error {
	now := s.Now()
	copies := map[*live]Copied{}
	s.index.mu.RLock()
	for _, l := range s.index.byID {
		if c, due := l.seen.shown.due(now); due {
			copies[l] = c
		}
	}
	s.index.mu.RUnlock()
	for l, c := range copies {
		err := s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
			facts := map[string]string{"agent": c.Agent, "addr": c.Addr.String()}
			h := happening.Happening{Kind: happening.SessionCopied, User: l.User, Session: l.ID, Facts: facts}
			return audit.Quiet(audit.SessionTold), s.Follow.Apply(ctx, tx, h)
		})
		if err != nil {
			return fmt.Errorf("tell of a copy of %s: %w", l.ID, err)
		}
	}
	return nil
}
