package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/extauthz"
	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// Server is a built installation: its rooms, its doors and what runs behind them.
type Server struct {
	*Rooms
	cfg     config.Config
	opts    Options
	gate    *gateway.Gateway
	metrics *metrics
	routes  []*routesFile
	roads   roads // empty where a test calls upstreams itself

	// Dashboard, Gateway, Forward, ExtAuthz and Metrics are the handlers of the listeners.
	Dashboard, Gateway, Forward, ExtAuthz, Metrics http.Handler

	draining           atomic.Bool
	refusedConnections atomic.Int64
}

// New builds the installation that cfg describes. Nothing listens yet.
func New(ctx context.Context, cfg config.Config, opts Options) (*Server, error) {
	rooms, err := OpenRooms(ctx, cfg, opts)
	if err != nil {
		return nil, err
	}
	s := &Server{Rooms: rooms, cfg: cfg, opts: opts}
	s.metrics = newMetrics(rooms.Store.Age, s.refusedConnections.Load)
	s.metrics.countBindings(rooms.Bindings.Counts)
	s.metrics.datePlaces(rooms.Places)
	s.metrics.countTexts(s.texts)
	s.metrics.countLeaks(rooms.Leaks.Counts)
	s.metrics.countSessions(rooms.Sessions.Count)
	s.metrics.dateSessions(rooms.Sessions.Oldest)
	s.metrics.countChallenges(rooms.Sessions.Challenges)
	rooms.Store.Measure(s.metrics.spreads)
	s.metrics.countKeys(rooms.APIKeys.Census)
	s.metrics.countReports(rooms.Reports.Count)
	rooms.Recoveries.Measure(s.metrics.recovered, s.metrics.rehearsed)
	off, err := rooms.APIKeys.TurnedOff(ctx)
	if err == nil {
		err = s.buildDoors(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, rooms.Store.Close())
	}
	for dialect, keys := range off {
		opts.Log.WarnContext(ctx, "keys are refused, because their dialect is turned off", "dialect", dialect.String(), "keys", keys)
	}
	return s, nil
}

func (s *Server) buildDoors(ctx context.Context) error {
	gate, keys, err := s.newGateway(ctx, s.cfg, s.opts)
	if err != nil {
		return err
	}
	s.gate = gate
	s.Store.Listen(store.Listener{Name: "gateway", Hear: gate.Hear, Reload: gate.Reload})
	s.routes = routesFiles(s.cfg, gate.Hosts)
	s.roads, _ = gate.Transport.(roads)
	formKey, err := s.Store.ServerSecret(ctx, "form_tokens", random32)
	if err != nil {
		return err
	}
	browser, err := s.newBrowserMux(formKey, keys)
	if err != nil {
		return err
	}
	chain := httpx.Chain{
		Now: s.opts.Now, Log: s.opts.Log, Trusted: s.cfg.Proxies.Trusted, Header: string(s.cfg.Proxies.Header), Pages: string(s.cfg.Dashboard.Origin),
		Done: s.metrics.request,
	}
	s.Dashboard = chain.Wrap("dashboard", browser)
	s.Gateway = chain.Wrap("gateway", gate)
	s.Forward = gate.Asked(chain, convention(s.cfg))
	s.ExtAuthz = extAuthz(s.cfg, gate, chain)
	s.Metrics = s.newMetricsMux()
	return nil
}

// extAuthz is the same check behind Envoy's protocol.
func extAuthz(cfg config.Config, gate *gateway.Gateway, chain httpx.Chain) http.Handler {
	whole := cfg.Gateway.ExtAuthz.Bodies == config.BodiesWhole
	body := gateway.Unseen
	if whole {
		body = gateway.Whole
	}
	return extauthz.Door{
		Check: gate.Told(chain, "ext_authz", body), Clean: gateway.CleanRequest, Trusted: cfg.Proxies.Trusted,
		Bodies: whole, BodyCap: int64(cfg.Gateway.BodyCap),
	}.Handler()
}

func convention(cfg config.Config) gateway.Convention {
	switch cfg.Gateway.Forward.Convention {
	case config.XOriginal:
		return gateway.XOriginal
	case config.XForwarded:
		return gateway.XForwarded
	case config.NoConvention:
	}
	return gateway.Convention{}
}

// How often work behind the doors is done.
const (
	flushEvery = time.Second
	routeEvery = 2 * time.Second
	saveEvery  = 10 * time.Second
	sweepEvery = 10 * time.Minute
)

// Background does what has to be done beside requests until ctx ends, and then once more, so that nothing counted is lost: refusals are
// written, times of use saved, other processes' changes heard, expired rows deleted, jobs done.
func (s *Server) Background(ctx context.Context) error {
	stop, err := s.Store.Work(ctx, s.Handlers(), s.givenUp)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		lost := outage{now: s.opts.Now, log: s.opts.Log}
		s.Store.Follow(ctx, lost.polled)
	}()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		s.watchUpstreams(ctx)
	}()
	priced := make(chan struct{})
	go func() {
		defer close(priced)
		s.followPrices(ctx)
	}()
	s.beat(ctx)
	<-done
	<-watched
	<-priced
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLimit)
	defer cancel()
	return errors.Join(s.Tally.Close(last), s.Save(last), stop(last))
}

// Handlers are those of the rooms, and those that need a door.
func (s *Server) Handlers() store.Handlers {
	all := s.Rooms.Handlers()
	all[apikey.Ended{}.Kind()] = s.gate.DoKeyEnded
	return all
}

// givenUp makes a letter that nobody will get visible: to the operator in log, metric and sallyport mail failed, to its user under Activity.
func (s *Server) givenUp(ctx context.Context, job store.FailedJob) {
	s.metrics.jobs.WithLabelValues(job.Kind).Inc()
	s.opts.Log.ErrorContext(ctx, "a job was given up", "job", job.ID, "kind", job.Kind, "attempts", job.Attempts, "error", job.Error)
	if job.Kind != (notify.Delivery{}).Kind() {
		return
	}
	if err := s.Notices.GiveUp(ctx, job.Fields); err != nil {
		s.opts.Log.ErrorContext(ctx, "record a job that was given up", "job", job.ID, "error", err)
	}
}

func (s *Server) beat(ctx context.Context) {
	flush, save, sweep := time.NewTicker(flushEvery), time.NewTicker(saveEvery), time.NewTicker(sweepEvery)
	route := time.NewTicker(routeEvery)
	defer route.Stop()
	defer flush.Stop()
	defer save.Stop()
	defer sweep.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-flush.C:
			err = s.Flush(ctx)
		case <-route.C:
			s.ReloadRoutes(ctx)
		case <-save.C:
			err = s.Save(ctx)
		case <-sweep.C:
			err = s.Sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.opts.Log.Error("background work", "error", err)
		}
	}
}

// Flush writes counted refusals.
func (s *Server) Flush(ctx context.Context) error { return s.Tally.Flush(ctx) }

// Save writes times of use behind, and where sessions were shown, and tells what they say of secrets that retire and of copies; it forgets what has drained, and
// takes a file of places that has changed.
func (s *Server) Save(ctx context.Context) error {
	s.Places.Renew()
	s.Networks.Renew()
	now := s.opts.Now()
	s.nonces.Sweep(now)
	for _, b := range s.budgets {
		b.Sweep(now)
	}
	return errors.Join(s.Sessions.SaveActs(ctx), s.Sessions.SaveShown(ctx), s.APIKeys.SaveUses(ctx), s.APIKeys.TellRetiring(ctx))
}

type sweeper interface {
	Sweep(ctx context.Context, now time.Time, limit int64) (rows int64, more bool, err error)
}

// sweepBatch is how many rows of a kind one transaction deletes.
const sweepBatch = 500

// Sweep deletes what has expired, a batch at a time, so that a flood's rows do not hold up everybody when their end has come; and it does to
// keys what time has done.
func (s *Server) Sweep(ctx context.Context) error {
	for more := true; more; {
		var rows int64
		err := store.Of[sweeper](s.Store).Update(ctx, func(tx sweeper) (_ audit.Event, err error) {
			rows, more, err = tx.Sweep(ctx, s.opts.Now(), sweepBatch)
			return audit.Quiet(audit.Housekeeping), err
		})
		if err != nil {
			return err
		}
		s.metrics.swept(rows)
	}
	return errors.Join(s.APIKeys.Age(ctx), s.APIKeys.TellUnneeded(ctx))
}

// Started records the start in the audit log, with the version that runs.
func (s *Server) Started(ctx context.Context, version string) error {
	err := store.Of[any](s.Store).Update(ctx, func(any) (audit.Event, error) {
		return audit.Event{Action: audit.ServerStarted, Actor: principal.System("server"), Facts: map[string]string{"version": version}}, nil
	})
	if err != nil {
		return fmt.Errorf("record the start: %w", err)
	}
	return nil
}

// Close closes the database, and idle connections to upstreams. Call it after Run has returned.
func (s *Server) Close() error {
	if idle, ok := s.gate.Transport.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
	return s.Store.Close()
}

// Log is the server's log.
func (s *Server) logger() *slog.Logger { return s.opts.Log }
