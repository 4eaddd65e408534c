package server

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/seed-21c57000/sallyport/internal/config"
)

// How many connections a listener holds at once, and how many of them one source may have. What is beyond is closed before a byte of it is
// read: who is connected stays so, and a source that opens all it can leaves room for others.
const (
	maxConnections       = 10_000
	maxConnectionsSource = 512
)

// bounded wraps a listener so that it bounds its connections. Declared proxies and this host itself bring many clients each and are bounded
// only by the whole.
type bounded struct {
	net.Listener
	trusted []netip.Prefix
	most    limits
	refused *atomic.Int64

	mu      sync.Mutex
	open    int                // guarded by mu
	sources map[netip.Addr]int // guarded by mu
}

type limits struct{ all, source int }

func (s *Server) bounded(l Listeners) Listeners {
	wrap := func(one net.Listener) net.Listener {
		if one == nil {
			return nil
		}
		return newBounded(one, s.cfg.Proxies, limits{maxConnections, maxConnectionsSource}, &s.refusedConnections)
	}
	return Listeners{
		Dashboard: wrap(l.Dashboard), Gateway: wrap(l.Gateway), Forward: wrap(l.Forward), ExtAuthz: wrap(l.ExtAuthz), Metrics: wrap(l.Metrics),
	}
}

func newBounded(l net.Listener, proxies config.Proxies, most limits, refused *atomic.Int64) *bounded {
	return &bounded{Listener: l, trusted: proxies.Trusted, most: most, refused: refused, sources: map[netip.Addr]int{}}
}

// Accept gives the next connection that there is room for.
func (c *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		source := c.source(conn.RemoteAddr())
		if c.admit(source) {
			return &boundedConn{Conn: conn, leave: sync.OnceFunc(func() { c.leave(source) })}, nil
		}
		c.refused.Add(1)
		_ = conn.Close()
	}
}

// source is whom a connection counts for: an IPv4 address, the /64 that a host of IPv6 owns, or nobody in particular.
func (c *bounded) source(remote net.Addr) netip.Addr {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	if addr.IsLoopback() {
		return netip.Addr{}
	}
	for _, network := range c.trusted {
		if network.Contains(addr) {
			return netip.Addr{}
		}
	}
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	return addr
}

func (c *bounded) admit(source netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open >= c.most.all || source.IsValid() && c.sources[source] >= c.most.source {
		return false
	}
	c.open++
	if source.IsValid() {
		c.sources[source]++
	}
	return true
}

func (c *bounded) leave(source netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	if !source.IsValid() {
		return
	}
	if c.sources[source]--; c.sources[source] == 0 {
		delete(c.sources, source)
	}
}

// boundedConn counts until it is closed.
type boundedConn struct {
	net.Conn
	leave func()
}

func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite says the last word on a connection that is still read.
func (c *boundedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
