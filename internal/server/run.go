package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
)

// drainLimit bounds how long open requests may take once the server was told to stop.
const drainLimit = 10 * time.Second

// Listeners are where the doors are open.
type Listeners struct{ Dashboard, Gateway, Metrics net.Listener }

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
	l = Listeners{Dashboard: open(cfg.Dashboard.Listen), Gateway: open(cfg.Gateway.Listen), Metrics: open(cfg.Metrics.Listen)}
	if err != nil {
		l.Close()
	}
	return l, err
}

// Close closes those that are open.
func (l Listeners) Close() {
	for _, one := range []net.Listener{l.Dashboard, l.Gateway, l.Metrics} {
		if one != nil {
			_ = one.Close()
		}
	}
}

// Run serves until ctx ends, then drains: no new connection, open requests up to ten seconds, background work once more. ready is called when
// the doors are open.
func (s *Server) Run(ctx context.Context, l Listeners, ready func()) error {
	secured, err := s.secure(ctx, l)
	if err != nil {
		return err
	}
	servers := []*http.Server{
		s.httpServer(s.Dashboard), s.httpServer(s.Gateway), s.httpServer(s.Metrics),
	}
	failed := make(chan error, len(servers))
	for i, one := range []net.Listener{secured.Dashboard, secured.Gateway, secured.Metrics} {
		if one == nil {
			continue
		}
		go func() {
			if err := servers[i].Serve(one); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		}()
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	quiet := make(chan error, 1)
	go func() { quiet <- s.Background(background) }()
	ready()

	select {
	case <-ctx.Done():
	case err = <-failed:
	case err = <-quiet:
		return errors.Join(err, errors.New("background work ended early"))
	}
	s.draining.Store(true)
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	for _, one := range servers {
		err = errors.Join(err, one.Shutdown(limit))
	}
	stop()
	return errors.Join(err, <-quiet)
}

// httpServer has a limit for everything that a client can draw out.
func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 120 * time.Second, MaxHeaderBytes: 32 << 10, ErrorLog: quietLog(s.logger()),
	}
}
