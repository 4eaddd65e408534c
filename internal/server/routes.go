package server

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// routesFile is an upstream's table of routes on disk. Only the goroutine that reloads reads and writes it.
type routesFile struct {
	upstream *gateway.Upstream
	path     string
	// seen is what the file was like when it was last read, whether its routes were taken or not.
	seen fileStamp
}

type fileStamp struct {
	at   time.Time
	size int64
}

func routesFiles(cfg config.Config, hosts []*gateway.Host) (files []*routesFile) {
	for _, u := range cfg.Gateway.Upstreams {
		for _, h := range hosts {
			if h.Upstream.Name == u.Name {
				files = append(files, &routesFile{upstream: h.Upstream, path: u.Routes})
				break
			}
		}
	}
	return files
}

// ReloadRoutes reads each routes file again that has changed. Requests on their way keep the route that they matched. A file that cannot be
// read, or does not hold as a whole, leaves the old routes in force and is said in the log once; so does one whose change cannot be recorded,
// which is tried again with the next call.
func (s *Server) ReloadRoutes(ctx context.Context) {
	for _, file := range s.routes {
		replaced, err := s.reload(ctx, file)
		switch {
		case err != nil:
			s.metrics.routes.WithLabelValues(file.upstream.Name, "refused").Inc()
			s.opts.Log.ErrorContext(ctx, "the routes file is not taken; the old routes stay in force", "upstream", file.upstream.Name, "error", err)
		case replaced:
			s.metrics.routes.WithLabelValues(file.upstream.Name, "taken").Inc()
			s.opts.Log.InfoContext(ctx, "new routes are in force", "upstream", file.upstream.Name, "routes", len(file.upstream.Routes.Load().List()))
		}
	}
}

func (s *Server) reload(ctx context.Context, file *routesFile) (replaced bool, err error) {
	var stamp fileStamp
	st, err := os.Stat(file.path)
	if err == nil {
		stamp = fileStamp{st.ModTime(), st.Size()}
	}
	if stamp == file.seen {
		return false, nil // also a file that is still missing
	}
	defer func() { file.seen = stamp }()
	if err != nil {
		return false, err
	}
	text, err := os.ReadFile(file.path)
	if err != nil {
		return false, err
	}
	next, err := gateway.ParseRoutes(text)
	if err != nil {
		return false, err
	}
	if err := file.upstream.Fits(next); err != nil {
		return false, err
	}
	old := file.upstream.Routes.Load()
	if next.Digest() == old.Digest() {
		return false, nil
	}
	digest := next.Digest()
	err = store.Of[any](s.Store).Update(ctx, func(any) (audit.Event, error) {
		return audit.Event{Action: audit.RoutesReplaced, Actor: principal.System("server"), Facts: map[string]string{
			"upstream": file.upstream.Name, "routes": fmt.Sprint(len(next.List())), "sha256": hex.EncodeToString(digest[:]),
		}}, nil
	})
	if err != nil {
		stamp = fileStamp{}
		return false, fmt.Errorf("record new routes: %w", err)
	}
	file.upstream.Routes.Store(next)
	return true, nil
}
