package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
)

// roads are the ways to upstreams, by where they lead. An upstream's own authority of certificates counts on its way alone.
type roads map[destination]*road

type destination struct{ scheme, host string }

// road leads to one upstream.
type road struct {
	name string
	// transport takes one request there.
	transport http.RoundTripper
	// dial opens a connection as transport would, certificate included.
	dial func(ctx context.Context) (net.Conn, error)
	// lost says that the last look found nobody.
	lost atomic.Bool
}

// newRoads makes the ways to the configured upstreams. It fails where the named roots cannot be read.
func newRoads(upstreams []config.Upstream) (roads, error) {
	all := roads{}
	var problems []error
	for _, u := range upstreams {
		to, err := url.Parse(string(u.URL))
		if err != nil {
			problems = append(problems, fmt.Errorf("upstream %s: %w", u.Name, err))
			continue
		}
		roots, err := readRoots(u.CAFile)
		if err != nil {
			problems = append(problems, fmt.Errorf("upstream %s: ca_file: %w", u.Name, err))
			continue
		}
		secure := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		all[destination{to.Scheme, to.Host}] = &road{name: u.Name, transport: newTransport(secure), dial: dialer(to, secure)}
	}
	return all, errors.Join(problems...)
}

func newTransport(secure *tls.Config) *http.Transport {
	return &http.Transport{
		MaxIdleConnsPerHost: 256, IdleConnTimeout: 90 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second, DisableCompression: true, ForceAttemptHTTP2: true, TLSClientConfig: secure,
	}
}

func dialer(to *url.URL, secure *tls.Config) func(context.Context) (net.Conn, error) {
	port := to.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[to.Scheme]
	}
	address := net.JoinHostPort(to.Hostname(), port)
	return func(ctx context.Context) (net.Conn, error) {
		if to.Scheme == "https" {
			return (&tls.Dialer{Config: secure}).DialContext(ctx, "tcp", address)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
}

// RoundTrip takes a request to its upstream.
func (all roads) RoundTrip(r *http.Request) (*http.Response, error) {
	to := all[destination{r.URL.Scheme, r.URL.Host}]
	if to == nil {
		return nil, fmt.Errorf("no upstream is configured at %s", r.URL.Host)
	}
	return to.roundTrip(r)
}

// CloseIdleConnections closes those that carry nothing.
func (all roads) CloseIdleConnections() {
	for _, to := range all {
		if idle, ok := to.transport.(interface{ CloseIdleConnections() }); ok {
			idle.CloseIdleConnections()
		}
	}
}

// How often a request is tried again that nobody took, and how long after. Together they stay well below the life of an assertion.
const (
	mostTries = 3
	tryAgain  = 100 * time.Millisecond
)

// roundTrip tries again only what can have had no effect: the connection was refused, so nobody has read a byte, and the request would change
// nothing anyhow. That carries reads over an upstream's restart.
func (to *road) roundTrip(r *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		answer, err := to.transport.RoundTrip(r)
		if err == nil || try == mostTries || !errors.Is(err, syscall.ECONNREFUSED) || !repeatable(r) {
			return answer, err
		}
		select {
		case <-r.Context().Done():
			return nil, err
		case <-time.After(tryAgain):
		}
	}
}

func repeatable(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && (r.Body == nil || r.Body == http.NoBody)
}

const (
	lookEvery = 5 * time.Second
	lookWait  = 2 * time.Second
)

// watchUpstreams looks every few seconds whether somebody is at each upstream's address, until ctx ends.
func (s *Server) watchUpstreams(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		for _, to := range s.roads {
			s.look(ctx, to)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// lost names the upstreams at which the last look found nobody.
func (all roads) lost() (names []string) {
	for _, to := range all {
		if to.lost.Load() {
			names = append(names, to.name)
		}
	}
	slices.Sort(names)
	return names
}

func (s *Server) look(ctx context.Context, to *road) {
	within, cancel := context.WithTimeout(ctx, lookWait)
	defer cancel()
	conn, err := to.dial(within)
	if ctx.Err() != nil {
		return
	}
	up := 0.0
	if err == nil {
		_ = conn.Close()
		up = 1
	}
	s.metrics.upstreams.WithLabelValues(to.name).Set(up)
	switch before := to.lost.Swap(err != nil); {
	case err != nil && !before:
		s.opts.Log.WarnContext(ctx, "an upstream cannot be reached", "upstream", to.name, "error", err)
	case err == nil && before:
		s.opts.Log.InfoContext(ctx, "an upstream is reached again", "upstream", to.name)
	}
}
