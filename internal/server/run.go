package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
)

// A server that was told to stop has ended ten seconds later: open requests may take so long, background work has the rest.
const (
	requestLimit = 8 * time.Second
	lastLimit    = 2 * time.Second
)

// Listeners are where the doors are open.
type Listeners struct{ Dashboard, Gateway, Forward, ExtAuthz, Metrics net.Listener }

// Listen opens the configured addresses. A port of 0 takes a free one.
func Listen(ctx context.Context, cfg config.Config) (l Listeners, err error) {
	var lc net.ListenConfig
	open := func(addr config.Listen) net.Listener {
		if err != nil || addr == "" {
			return nil
		}
		var one net.Listener
		if one, err = lc.Listen(ctx, "tcp", string(addr)); err != nil {
			err = fmt.Errorf("listen on %s: %w", addr, err)
			return nil
		}
		return one
	}
	l = Listeners{
		Dashboard: open(cfg.Dashboard.Listen), Gateway: open(cfg.Gateway.Listen), Forward: open(cfg.Gateway.Forward.Listen),
		ExtAuthz: open(cfg.Gateway.ExtAuthz.Listen), Metrics: open(cfg.Metrics.Listen),
	}
	if err != nil {
		l.Close()
	}
	return l, err
}

// Close closes those that are open.
func (l Listeners) Close() {
	for _, one := range []net.Listener{l.Dashboard, l.Gateway, l.Forward, l.ExtAuthz, l.Metrics} {
		if one != nil {
			_ = one.Close()
		}
	}
}

// Run serves until ctx ends, then drains: no new connection, open requests to their end, background work once more, all within ten seconds.
// ready is called when the doors are open. Errors: also what did not end in time and was cut off.
func (s *Server) Run(ctx context.Context, l Listeners, ready func()) error {
	secured, release, err := s.secure(ctx, s.bounded(l))
	if err != nil {
		return err
	}
	defer release()
	servers, failed := s.serve(secured)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	quiet := make(chan error, 1)
	go func() { quiet <- s.Background(background) }()
	ready()

	select {
	case <-ctx.Done():
	case err = <-failed:
	case err = <-quiet:
		err = errors.Join(errors.New("background work ended early"), err)
		quiet <- nil
	}
	s.draining.Store(true)
	err = errors.Join(err, s.drain(context.WithoutCancel(ctx), servers))
	stop()
	return errors.Join(err, <-quiet)
}

// serve opens the doors. What ends one of them before its time is told on failed.
func (s *Server) serve(l Listeners) (servers []*http.Server, failed <-chan error) {
	ends := make(chan error, 5)
	for _, door := range []struct {
		handler http.Handler
		at      net.Listener
	}{{s.Dashboard, l.Dashboard}, {s.Gateway, l.Gateway}, {s.Forward, l.Forward}, {s.ExtAuthz, l.ExtAuthz}, {s.Metrics, l.Metrics}} {
		if door.at == nil {
			continue
		}
		server := s.httpServer(door.handler)
		if door.at == l.ExtAuthz { // gRPC without TLS is HTTP/2 from the first byte
			server.Protocols = new(http.Protocols)
			server.Protocols.SetHTTP2(true)
			server.Protocols.SetUnencryptedHTTP2(true)
		}
		servers = append(servers, server)
		go func() {
			if err := server.Serve(door.at); !errors.Is(err, http.ErrServerClosed) {
				ends <- err
			}
		}()
	}
	return servers, ends
}

// EndTunnels tells who holds a WebSocket that the server is going away, and ends all streams. It is called once, before the end.
func (s *Server) EndTunnels(ctx context.Context) { s.gate.Drain(ctx) }

// drain closes all doors at once, so that none takes new requests while another waits for its last, ends tunnels, and cuts off what does not
// end in time.
func (s *Server) drain(ctx context.Context, servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	problems := make([]error, len(servers))
	var all sync.WaitGroup
	all.Go(func() { s.EndTunnels(ctx) })
	for i, server := range servers {
		all.Go(func() {
			if err := server.Shutdown(ctx); err != nil {
				problems[i] = errors.Join(fmt.Errorf("drain: %w", err), server.Close())
			}
		})
	}
	all.Wait()
	return errors.Join(problems...)
}

// httpServer has a limit for everything that a client can draw out.
func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 120 * time.Second, MaxHeaderBytes: 32 << 10, ErrorLog: quietLog(s.logger()),
	}
}
