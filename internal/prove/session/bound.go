package session

import (
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// Bound is the tie of a session to a key of its device (package binding), as far as a check needs it. The zero value is that of a session that
// is not bound.
type Bound struct {
	// Cookie is the hash of the bound cookie, good before Until; Before is that of the one before it, for requests that were on their way.
	Cookie, Before     [32]byte
	Until, BeforeUntil time.Time
	// ProvenAt is when the device last proved its key, and Agent what it called itself then.
	ProvenAt time.Time
	Agent    string
}

// Holds says whether there is a tie.
func (b Bound) Holds() bool { return !b.ProvenAt.IsZero() }

// shown says whether a cookie counts.
func (b Bound) shown(cookie [32]byte, now time.Time) bool {
	return cookie == b.Cookie && now.Before(b.Until) || cookie == b.Before && now.Before(b.BeforeUntil)
}

// graceOf is how old the last proof may be of a session that we kept from giving another: two lives of the cookie, 20 minutes by default.
func (s *Sessions) graceOf(b Bound) time.Time { return b.ProvenAt.Add(2 * s.Limits.Renewal) }

// Unrenewed notes that our own refresh endpoint failed a bound session whose bearer came along. Nothing else opens the grace in which it may look
// and cancel without its bound cookie: until the next proof, and never beyond the age that the last one may have.
func (s *Sessions) Unrenewed(bearer secret.Value, sid id.Session, host string) {
	l, _ := s.index.find(bearer.Hash())
	if l != nil && l.ID == sid && l.Host == host && l.Bound.Holds() {
		l.seen.failed.Store(s.Now().UnixMicro())
	}
}

// whereabouts says what a session lacks whose device has to prove itself: nothing, full power, or everything.
func (s *Sessions) whereabouts(l *live, from principal.Origin, now time.Time) (unrenewed, gone bool) {
	switch {
	case !l.Bound.Holds(), l.Bound.shown(from.Bound, now):
		return false, false
	case l.seen.failed.Load() >= l.Bound.ProvenAt.UnixMicro() && now.Before(s.graceOf(l.Bound)):
		return true, false
	}
	return false, true
}

// Still asks about a connection that goes on, with what it was opened with, as Authenticate does about a request; but nobody is told of a
// bound session's cookie that has lapsed: the device has a newer one, and opens the connection anew with it. A copy cannot.
// Errors: those of Authenticate.
func (s *Sessions) Still(bearer []byte, host string, from principal.Origin) (principal.Principal, error) {
	return s.authenticate(bearer, host, from, true)
}

// provenAt is when the device proved itself for the cookie that was shown; of the one before, which still counts for a moment, at the latest.
func (s *Sessions) provenAt(b Bound, cookie [32]byte) time.Time {
	if cookie == b.Cookie {
		return b.ProvenAt
	}
	return b.ProvenAt.Add(-s.Limits.Renewal)
}

// Count is how many sessions live on the dashboard, with a tie to their device and without.
func (s *Sessions) Count() (bound, unbound int) { return s.index.count(s.Now()) }

// Oldest is how long ago the oldest live session on the dashboard began; zero if there is none.
func (s *Sessions) Oldest() time.Duration {
	now := s.Now()
	if born := s.index.oldest(now); !born.IsZero() {
		return now.Sub(born)
	}
	return 0
}

// Holder gives the session of a bearer, whether or not its device proves itself: a new sign-in in the same browser replaces it. It is the zero
// id for a bearer that is nobody's, and authenticates nothing.
func (s *Sessions) Holder(bearer secret.Value, host string) id.Session {
	if l, _ := s.index.find(bearer.Hash()); l != nil && l.Host == host {
		return l.ID
	}
	return id.Session{}
}

// Vouches gives the user for whom a browser's present session vouches: its device has just shown its key, and nothing but a rest is held against
// it. The zero id is nobody.
func Vouches(p principal.Principal) id.User {
	if p.Proof.BoundAt.IsZero() || p.Challenge.Why != "" && p.Challenge.Why != assurance.Idle {
		return id.User{}
	}
	return p.User
}

// agent is what the session's browser called itself: at the last proof, where its key says which device it is, and else when its user signed in.
func (l *live) agent() string {
	if l.Bound.Holds() {
		return l.Bound.Agent
	}
	return l.Agent
}
