package session

import (
	"sync"
	"sync/atomic"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// Outcome is how a challenge of a session ended.
type Outcome string

// The outcomes. Answered: the factor that was asked for was shown, so that who was asked was the session's own user. Ended: nobody
// did before the session ended.
const (
	Answered Outcome = "answered"
	Ended    Outcome = "ended"
)

// Challenged names one counter of challenges.
type Challenged struct {
	Why     assurance.Why
	Outcome Outcome
}

// Counted are the reasons that are counted. A session that rests, or that we ourselves could not renew, was suspected of nothing.
var Counted = []assurance.Why{assurance.Stranger, assurance.Demanded, assurance.TwoAgents, assurance.Program, assurance.Elsewhere}

// asked is what a session was last seen to owe, and the bearer that it gets for showing it; forgotten at a restart.
type asked struct {
	why    atomic.Pointer[assurance.Why]
	answer atomic.Pointer[[32]byte]
}

// tally counts how challenges ended.
type tally struct {
	mu     sync.Mutex
	counts map[Challenged]int64 // guarded by mu
}

func (t *tally) add(why *assurance.Why, o Outcome) {
	if why == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[Challenged]int64{}
	}
	t.counts[Challenged{*why, o}]++
}

// Challenges counts how the challenges of one kind ended since this process began.
func (s *Sessions) Challenges(c Challenged) int64 {
	s.index.tally.mu.Lock()
	defer s.index.tally.mu.Unlock()
	return s.index.tally.counts[c]
}

// challenged notes what a session, or its child, is asked for now. One that is shown by its own browser again still owes what was asked of the other.
func (x *index) challenged(parent *live, c assurance.Challenge) {
	if c.Why == "" || c.Why == assurance.Idle || c.Why == assurance.Unrenewed {
		return
	}
	if was := parent.seen.asked.why.Load(); was == nil || *was != c.Why {
		why := c.Why // the parameter's own address would cost every request an allocation
		parent.seen.asked.why.Store(&why)
	}
}

// answering notes the bearer of a session that shows what was asked for. Only once a session with that bearer is put was it shown for good.
func (x *index) answering(p principal.Principal, bearer [32]byte) {
	if p.Challenge.Why == "" {
		return
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if l := x.byID[p.Session]; l != nil {
		l.seen.asked.answer.Store(&bearer)
	}
}

// answered counts a challenge whose answer was just put.
func (x *index) answered(l *live) {
	if bearer := l.seen.asked.answer.Load(); bearer != nil && *bearer == l.TokenHash && l.seen.asked.answer.CompareAndSwap(bearer, nil) {
		x.tally.add(l.seen.asked.why.Swap(nil), Answered)
	}
}

// ended counts the challenge of a session that was not answered while it lived.
func (x *index) ended(l *live) {
	if l.Parent.IsZero() {
		x.tally.add(l.seen.asked.why.Swap(nil), Ended)
	}
}
