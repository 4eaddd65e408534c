package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// LockLife is how long a lock outlives its holder.
const LockLife = lockLife

// NewCertStore is the certificate storage of one node.
func NewCertStore(db *store.DB, now func() time.Time) certmagic.Storage {
	return newCertStore(store.Of[certTx](db), now)
}

// Abandon leaves a lock as a node does that was killed.
func Abandon(s certmagic.Storage, name string) {
	c, ok := s.(*certStore)
	if !ok {
		panic("no certificate storage of ours")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.locks[name].stop()
}

// NewBounded is a listener that holds so many connections, and so many of one source.
func NewBounded(l net.Listener, trusted []netip.Prefix, all, source int, refused *atomic.Int64) net.Listener {
	return newBounded(l, config.Proxies{Trusted: trusted}, limits{all, source}, refused)
}

// NewOutage tells of polls that fail.
func NewOutage(now func() time.Time, log *slog.Logger) func(error) {
	return (&outage{now: now, log: log}).polled
}

// NewRoads are the ways to upstreams.
func NewRoads(upstreams ...config.Upstream) (http.RoundTripper, error) { return newRoads(upstreams) }

// Travel takes a request over a transport, as a road does.
func Travel(over http.RoundTripper, r *http.Request) (*http.Response, error) {
	return (&road{transport: over}).roundTrip(r)
}

// Look looks once at every upstream.
func (s *Server) Look(ctx context.Context) {
	for _, to := range s.roads {
		s.look(ctx, to)
	}
}
