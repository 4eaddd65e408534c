package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
)

// A route may say that it becomes a WebSocket (RFC 6455). Its handshake is checked like any request. What then goes through the tunnel nobody
// matches; so whoever opened it is asked again, every few seconds and at every change that the feed tells of, and the tunnel is closed as soon
// as the handshake would be refused.

const (
	// askAgain is how often the one behind a tunnel is asked who they are, and tunnelIdle how long a tunnel may be silent in both directions.
	askAgain   = 5 * time.Second
	tunnelIdle = 2 * time.Minute
	// farewell is how long clients have to hang up when the process ends.
	farewell = 2 * time.Second
	// mostTunnels bounds those of this process; of strangers, who may open those of public routes, and of one user.
	mostTunnels         = 4096
	mostTunnelsOfNobody = mostTunnels / 2
	mostTunnelsOfUser   = 256
)

// tunnels are those that are open.
type tunnels struct {
	mu    sync.Mutex
	open  map[*tunnel]struct{} // guarded by mu
	of    map[id.User]int      // how many are each user's, or nobody's; guarded by mu
	last  bool                 // no more are dug; guarded by mu
	empty chan struct{}        // closed once last holds and none is open; guarded by mu
}

// add is false where there are as many as may be.
func (s *tunnels) add(t *tunnel) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := mostTunnelsOfUser
	if t.whose.IsZero() {
		most = mostTunnelsOfNobody
	}
	if s.last || len(s.open) >= mostTunnels || s.of[t.whose] >= most {
		return false
	}
	s.open[t] = struct{}{}
	s.of[t.whose]++
	return true
}

func (s *tunnels) remove(t *tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, t)
	if s.of[t.whose]--; s.of[t.whose] == 0 {
		delete(s.of, t.whose)
	}
	if s.last && len(s.open) == 0 {
		close(s.empty)
	}
}

// Drain ends all tunnels and streams, for a process that is about to end: clients of WebSockets are told that the server is going away (1001,
// RFC 6455 §7.4.1) where no frame of the upstream is half through, so that they connect again at once, and not after they have missed a ping.
// It returns when all have ended, with ctx, or when whoever is told has had their time to hang up. No more are opened after it. It is called once.
func (g *Gateway) Drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	s := &g.tunnels
	s.mu.Lock()
	s.last, s.empty = true, make(chan struct{})
	if len(s.open) == 0 {
		close(s.empty)
	}
	for t := range s.open {
		t.leaving.Store(true)
	}
	s.mu.Unlock()
	g.nudge()
	select {
	case <-s.empty:
	case <-ctx.Done():
	}
}

// tunnel is one open connection in both directions.
type tunnel struct {
	whose id.User       // zero of nobody in particular
	nudge chan struct{} // holds one word: ask again now
	acted atomic.Int64  // when a byte last passed, microseconds
	now   func() time.Time
	// leaving says that the process is about to end.
	leaving atomic.Bool
}

// wantsTunnel says whether the client would like another protocol on its connection. A proxy that asks before it passes on may have taken
// Upgrade away as a matter between two hops; the headers of a WebSocket's handshake travel on.
func wantsTunnel(h http.Header) bool {
	if len(h["Upgrade"]) > 0 {
		return true
	}
	for name := range h {
		if strings.HasPrefix(name, "Sec-Websocket-") {
			return true
		}
	}
	return false
}

// opens says whether the request is the handshake of a WebSocket (RFC 6455 §4.1) on a route that has one. A proxy that asks would hold the
// tunnel itself, where we cannot close it.
func (v *visit) opens() bool {
	upgrade := v.r.Header["Upgrade"]
	return v.route.Tunnel && !v.asked && v.r.ProtoMajor == 1 && len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket") && v.r.ContentLength == 0
}

// Hear asks everybody behind a tunnel again; it is a listener of the feed, after those that keep sessions and keys true.
func (g *Gateway) Hear(txn.Change) { g.nudge() }

// Reload does the same, when changes may have been missed.
func (g *Gateway) Reload(context.Context) error {
	g.nudge()
	return nil
}

func (g *Gateway) nudge() {
	g.tunnels.mu.Lock()
	defer g.tunnels.mu.Unlock()
	for t := range g.tunnels.open {
		select {
		case t.nudge <- struct{}{}:
		default: // it is about to ask anyhow
		}
	}
}

// dig registers a tunnel, and refuses one too many. Errors: busy.
func (g *Gateway) dig(whose id.User) (*tunnel, error) {
	t := &tunnel{whose: whose, nudge: make(chan struct{}, 1), now: g.Now}
	t.acted.Store(g.Now().UnixMicro())
	if !g.tunnels.add(t) {
		return nil, fault.New(fault.Busy).After(askAgain)
	}
	return t, nil
}

// watched digs a tunnel for who is behind the visit, and asks about them again until forget is called. end is called, by another goroutine that
// forget waits for, when they would be refused now, when goes says that the tunnel has had its time, or when the request is over.
// Errors: busy, and those of again.
func (v *visit) watched(goes func(*tunnel) bool, end func()) (t *tunnel, forget func(), err error) {
	if t, err = v.g.dig(v.who.User); err != nil {
		return nil, nil, err
	}
	if err := v.again(); err != nil { // a change that came before the tunnel was known here found nobody to ask
		v.g.tunnels.remove(t)
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(v.r.Context())
	var over sync.WaitGroup
	over.Go(func() {
		defer end()
		v.watch(ctx, t, goes)
	})
	return t, sync.OnceFunc(func() {
		cancel()
		over.Wait()
		v.g.tunnels.remove(t)
	}), nil
}

// watch returns when the tunnel must end, or when ctx is over.
func (v *visit) watch(ctx context.Context, t *tunnel, goes func(*tunnel) bool) {
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-t.nudge:
		}
		if t.leaving.Load() || v.again() != nil || !goes(t) {
			return
		}
	}
}

// stirs says whether a byte passed lately.
func stirs(t *tunnel) bool { return t.now().Sub(time.UnixMicro(t.acted.Load())) < tunnelIdle }

// endless is for what ends with its request anyhow.
func endless(*tunnel) bool { return true }

// stream is an answer that goes on: events (text/event-stream), which their receiver is asked for again as for a tunnel. It ends with its request,
// and at the server's write limit like every answer.
type stream struct {
	io.ReadCloser
	forget func()
	over   atomic.Bool
}

// Read ends the answer like one that is complete where it was broken off: its reader asks for it again, and is told why not.
func (s *stream) Read(b []byte) (int, error) {
	n, err := s.ReadCloser.Read(b)
	if err != nil && s.over.Load() {
		err = io.EOF
	}
	return n, err
}

func (s *stream) Close() error {
	s.forget()
	return s.ReadCloser.Close()
}

// end is called by who watches.
func (s *stream) end() {
	s.over.Store(true)
	_ = s.ReadCloser.Close() // ends a Read that waits
}

// streams watches an answer of events. Errors: busy, and those of again.
func (v *visit) streams(r *http.Response) (err error) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "text/event-stream") || v.route.Class == scope.Public {
		return nil
	}
	s := &stream{ReadCloser: r.Body}
	if _, s.forget, err = v.watched(endless, s.end); err != nil {
		return err
	}
	r.Body = s
	return nil
}

// errRouteGone closes a tunnel or stream whose route is no longer in the table.
var errRouteGone = errors.New("the route is gone")

// again asks whether the handshake would be let through now, by what is in memory. It works on copies: the request's own goroutine may still
// read the visit.
func (v *visit) again() error {
	route := v.host.Upstream.Routes.Load().Match(v.host.place(), v.r.Method, v.path)
	if route == nil || v.tunnels && !route.Tunnel {
		return errRouteGone
	}
	if route.Class == scope.Public {
		return nil
	}
	who, err := v.still()
	if err != nil {
		return err
	}
	if who.Kind == principal.KindKey && !who.Scopes.Has(route.Scope) {
		return fault.New(fault.KeyScopeMissing, "scope", route.Scope.String())
	}
	return v.g.Decide.Decide(v.question(who, route)).Err()
}

// still says who is behind the tunnel now.
func (v *visit) still() (principal.Principal, error) {
	if v.who.Kind == principal.KindKey {
		return v.g.Verifier.Again(v.who)
	}
	return v.g.Sessions.Still(v.bearer, v.host.Authority, v.rec.Origin())
}

// passing notes the bytes that go through a tunnel: read is what the upstream says, written what the client says.
type passing struct {
	io.ReadWriteCloser
	t      *tunnel
	frames frames // read by the one goroutine that copies from the upstream
	told   bool
}

// goingAway is a whole frame: a close with status 1001 (RFC 6455 §5.5.1), as a server sends it.
var goingAway = [...]byte{0x88, 0x02, 1001 >> 8, 1001 & 0xff}

// Read gives what the upstream says. When the tunnel ends because we do, it says so in the upstream's place.
func (p *passing) Read(b []byte) (int, error) {
	n, err := p.ReadWriteCloser.Read(b)
	p.t.acted.Store(p.t.now().UnixMicro())
	p.frames.pass(b[:n])
	if n == 0 && err != nil && p.t.leaving.Load() && !p.told && p.frames.between() && len(b) >= len(goingAway) {
		p.told = true
		return copy(b, goingAway[:]), io.EOF
	}
	return n, err
}

func (p *passing) Write(b []byte) (int, error) {
	p.t.acted.Store(p.t.now().UnixMicro())
	return p.ReadWriteCloser.Write(b)
}

// CloseWrite tells the upstream that the client has said its last word, and lets the upstream say its own.
func (p *passing) CloseWrite() error {
	if half, ok := p.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return p.Close()
}
