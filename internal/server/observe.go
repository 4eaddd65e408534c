package server

import (
	"bytes"
	"context"
	"log" //nolint:depguard // net/http takes no other logger for broken connections
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed-21c57000/sallyport/internal/geo"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/respond/report"
)

// metrics are the installation's measurements. No label holds what a user or client chose: doors and routes come from tables, codes from the
// registry.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	refusals *prometheus.CounterVec
	rows     prometheus.Counter
	jobs     *prometheus.CounterVec
	routes   *prometheus.CounterVec
	// upstreams is 1 where somebody was at an upstream's address when it was last looked at, else 0.
	upstreams  *prometheus.GaugeVec
	rehearsals *prometheus.CounterVec
	// recoveries are measured from when they were asked for.
	recoveries *prometheus.HistogramVec
	// spread is measured per snapshot from the commit of a change.
	spread *prometheus.HistogramVec

	mu sync.RWMutex
	// found are counters that were looked up once: a look-up by three words costs more than counting. There are as many as routes times five.
	found map[counted]prometheus.Counter // guarded by mu
}

// counted names one of the counters of requests.
type counted struct {
	door, route string
	class       int // of the status
}

// countBindings tells how the proofs of devices ended, from where that is counted.
func (m *metrics) countBindings(counts func() map[string]int64) {
	for outcome := range counts() {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "sallyport_binding_proofs_total", Help: "Registrations and refreshes of device-bound sessions, by outcome.",
			ConstLabels: prometheus.Labels{"outcome": outcome},
		}, func() float64 { return float64(counts()[outcome]) }))
	}
}

// countTexts tells how attempts to send text messages ended, where any are sent.
func (m *metrics) countTexts(t *texts) {
	if t == nil {
		return
	}
	for outcome := range t.counts() {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "sallyport_text_messages_total", Help: "Attempts to hand text messages to the platform's gateway, by outcome.",
			ConstLabels: prometheus.Labels{"outcome": outcome},
		}, func() float64 { return float64(t.counts()[outcome]) }))
	}
}

// datePlaces tells how old the file of places is, where there is one.
func (m *metrics) datePlaces(p *geo.Places) {
	if p == nil {
		return
	}
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sallyport_places_built_timestamp_seconds", Help: "When the file of places in use was made.",
	}, func() float64 { return float64(p.Built().Unix()) }))
}

// countLeaks tells how many reports of found secrets were taken, how many finds stood in them, and how many keys were blocked for it.
func (m *metrics) countLeaks(counts func() map[string]int64) {
	for what := range counts() {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "sallyport_leak_" + what + "_total", Help: "Reports of secrets that were found in public: reports, finds in them, keys blocked.",
		}, func() float64 { return float64(counts()[what]) }))
	}
}

// newMetrics makes them. age says how long ago this process last knew of every change, refused how many connections found no room.
func newMetrics(age func() time.Duration, refused func() int64) *metrics {
	m := &metrics{
		found:    map[counted]prometheus.Counter{},
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sallyport_requests_total", Help: "Requests by door, route and status class.",
		}, []string{"door", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sallyport_request_seconds", Help: "Time from the first byte to the last, by door.",
			NativeHistogramBucketFactor: 1.1, Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9),
		}, []string{"door"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sallyport_refusals_total", Help: "Refusals by door and code of the error registry.",
		}, []string{"door", "code"}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{Name: "sallyport_swept_rows_total", Help: "Expired rows deleted."}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sallyport_jobs_given_up_total", Help: "Jobs, such as letters, that failed for the last time, by kind.",
		}, []string{"kind"}),
		routes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sallyport_routes_read_total", Help: "Changed routes files by upstream and result: taken, or refused while the old routes stay.",
		}, []string{"upstream", "result"}),
		upstreams: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sallyport_upstream_up", Help: "Whether an upstream's address took a connection, and showed its certificate, a few seconds ago.",
		}, []string{"upstream"}),
		recoveries: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sallyport_recovery_seconds", Help: "Completed recoveries from when they were asked for, by what was shown besides the mailbox.",
			NativeHistogramBucketFactor: 1.1, Buckets: []float64{60, 600, 3600, 86400, 3 * 86400, 4 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 60 * 86400},
		}, []string{"proof"}),
		rehearsals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sallyport_rehearsals_total", Help: "Rehearsals of a recovery by what was tried and result: worked or failed.",
		}, []string{"proof", "result"}),
		spread: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sallyport_spread_seconds", Help: "Time from a change's commit, such as a revocation's, until a snapshot that requests are checked by knew of it.",
			NativeHistogramBucketFactor: 1.1, Buckets: []float64{0.001, 0.005, 0.025, 0.1, 0.15, 0.25, 0.5, 1, 2, 5},
		}, []string{"listener", "heard"}),
	}
	known := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sallyport_known_age_seconds", Help: "How long ago this node last knew of every change. Orders stop at 2, everything at 120.",
	}, func() float64 { return age().Seconds() })
	connections := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "sallyport_connections_refused_total", Help: "Connections beyond what a listener or one source may hold.",
	}, func() float64 { return float64(refused()) })
	m.registry.MustRegister(m.requests, m.seconds, m.refusals, m.rows, m.jobs, m.routes, m.upstreams, m.recoveries, m.rehearsals, m.spread, known, connections)
	return m
}

func (m *metrics) request(r *httpx.Record, status int, took time.Duration) {
	m.counter(counted{r.Door, r.Route, status / 100}).Inc()
	m.seconds.WithLabelValues(r.Door).Observe(took.Seconds())
	if r.Code != "" {
		m.refusals.WithLabelValues(r.Door, string(r.Code)).Inc()
	}
}

func (m *metrics) counter(c counted) prometheus.Counter {
	m.mu.RLock()
	found := m.found[c]
	m.mu.RUnlock()
	if found == nil {
		found = m.requests.WithLabelValues(c.door, c.route, strconv.Itoa(c.class)+"xx")
		m.mu.Lock()
		m.found[c] = found
		m.mu.Unlock()
	}
	return found
}

// spreads hears of changes that reached a snapshot: heard "here" before their acknowledgement, or by the "poll", as other nodes hear of them.
func (m *metrics) spreads(listener string, polled bool, took time.Duration) {
	heard := "here"
	if polled {
		heard = "poll"
	}
	m.spread.WithLabelValues(listener, heard).Observe(took.Seconds())
}

func (m *metrics) recovered(with string, took time.Duration) {
	m.recoveries.WithLabelValues(with).Observe(took.Seconds())
}

func (m *metrics) rehearsed(with string, worked bool) {
	result := "failed"
	if worked {
		result = "worked"
	}
	m.rehearsals.WithLabelValues(with, result).Inc()
}

// reportKinds are what users can say was not them.
var reportKinds = []happening.Kind{
	happening.Disowned, happening.ReportedSession, happening.ReportedChange, happening.ReportedOther, happening.KeyLeaked, happening.MoneyKeyLeaked, happening.RecoveryCancelled,
}

// reportTally collects the cases of what users said was not them. It asks the database once a scrape, and says nothing where that does not answer.
type reportTally struct {
	cases *prometheus.Desc
	count func(context.Context) (map[report.Tally]int, error)
}

// countReports tells how many of those cases can be read.
func (m *metrics) countReports(count func(context.Context) (map[report.Tally]int, error)) {
	m.registry.MustRegister(reportTally{
		cases: prometheus.NewDesc("sallyport_reports", "Cases of the last 30 days in which a user said that it was not them, by kind and whether an operator closed them.", []string{"kind", "state"}, nil),
		count: count,
	})
}

// Describe says what is collected.
func (t reportTally) Describe(out chan<- *prometheus.Desc) { out <- t.cases }

// Collect counts the cases.
func (t reportTally) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	counts, err := t.count(ctx)
	if err != nil {
		return
	}
	for _, kind := range reportKinds {
		for state, open := range map[string]bool{"open": true, "closed": false} {
			out <- prometheus.MustNewConstMetric(t.cases, prometheus.GaugeValue, float64(counts[report.Tally{Kind: kind, Open: open}]), string(kind), state)
		}
	}
}

// countSessions tells how many people's sessions there are, by whether they are bound to their device.
func (m *metrics) countSessions(count func() (bound, unbound int)) {
	for word, pick := range map[string]func() int{
		"yes": func() int { bound, _ := count(); return bound }, "no": func() int { _, unbound := count(); return unbound },
	} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "sallyport_sessions", Help: "Live sessions on the dashboard, by whether they are bound to their device.", ConstLabels: prometheus.Labels{"bound": word},
		}, func() float64 { return float64(pick()) }))
	}
}

// dateSessions tells how old the oldest live session is.
func (m *metrics) dateSessions(oldest func() time.Duration) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sallyport_oldest_session_seconds", Help: "How long ago the oldest live session on the dashboard began; 0 if there is none.",
	}, func() float64 { return oldest().Seconds() }))
}

// countChallenges tells how the challenges of sessions ended.
func (m *metrics) countChallenges(count func(session.Challenged) int64) {
	for _, why := range session.Counted {
		for _, outcome := range []session.Outcome{session.Answered, session.Ended} {
			m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
				Name: "sallyport_challenges_total", Help: "Sessions that were asked for a factor before they went on, by reason and how it ended.",
				ConstLabels: prometheus.Labels{"why": string(why), "outcome": string(outcome)},
			}, func() float64 { return float64(count(session.Challenged{Why: why, Outcome: outcome})) }))
		}
	}
}

// keyCensus collects figures of API keys when they are asked for, from memory.
type keyCensus struct {
	keys, ages *prometheus.Desc
	count      func() []apikey.Census
}

// countKeys tells how many API keys there are and how old their secrets, by what they can do.
func (m *metrics) countKeys(count func() []apikey.Census) {
	m.registry.MustRegister(keyCensus{
		keys:  prometheus.NewDesc("sallyport_keys", "API keys that have not ended, by environment, highest class of their scopes, and whether they are tied to a network.", []string{"environment", "class", "tied"}, nil),
		ages:  prometheus.NewDesc("sallyport_key_age_seconds", "How long ago the newest secrets of API keys were made, by the highest class of their scopes.", []string{"class"}, nil),
		count: count,
	})
}

// Describe says what is collected.
func (c keyCensus) Describe(out chan<- *prometheus.Desc) { out <- c.keys; out <- c.ages }

// Collect counts the keys.
func (c keyCensus) Collect(out chan<- prometheus.Metric) {
	classes := map[scope.Class]apikey.Census{}
	for _, g := range c.count() {
		tied := map[bool]string{true: "yes", false: "no"}[g.Tied]
		out <- prometheus.MustNewConstMetric(c.keys, prometheus.GaugeValue, float64(g.Keys), g.Environment.String(), g.Class.String(), tied)
		all := classes[g.Class]
		all.Keys, all.Age = all.Keys+g.Keys, all.Age+g.Age
		for i, n := range g.Younger {
			all.Younger[i] += n
		}
		classes[g.Class] = all
	}
	for class, all := range classes {
		buckets := map[float64]uint64{}
		for i, step := range apikey.AgeSteps {
			buckets[step.Seconds()] = uint64(all.Younger[i])
		}
		out <- prometheus.MustNewConstHistogram(c.ages, uint64(all.Keys), all.Age.Seconds(), buckets, class.String())
	}
}

func (m *metrics) swept(rows int64) { m.rows.Add(float64(rows)) }

// newMetricsMux serves what an operator's machines ask: measurements, is it alive, may it get traffic.
func (s *Server) newMetricsMux() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	return mux
}

// healthz says that the process answers; nothing more, so that a database that is down does not get the process killed.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") }

// readyz says whether new traffic should come here: not while draining, and not while the database cannot be read.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		answer(w, http.StatusServiceUnavailable, "draining")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if err := s.Store.Ping(ctx); err != nil {
		s.logger().WarnContext(ctx, "not ready", "error", err)
		answer(w, http.StatusServiceUnavailable, "the database cannot be read")
		return
	}
	text := []string{"ready"}
	for _, name := range s.roads.lost() { // no reason to send people and other upstreams' clients away
		text = append(text, "upstream "+name+" cannot be reached")
	}
	answer(w, http.StatusOK, strings.Join(text, "\n"))
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

// outage tells of a database that is not heard: once, again every ten seconds while it lasts, and once when it is over. It belongs to the one
// goroutine that follows the feed.
type outage struct {
	now         func() time.Time
	log         *slog.Logger
	since, told time.Time
}

const outageRepeat = 10 * time.Second

func (o *outage) polled(err error) {
	now := o.now()
	switch {
	case err == nil && !o.since.IsZero():
		o.log.Warn("the database is heard again", "after", now.Sub(o.since).Round(time.Millisecond).String())
		o.since, o.told = time.Time{}, time.Time{}
	case err != nil && (o.told.IsZero() || now.Sub(o.told) >= outageRepeat):
		if o.since.IsZero() {
			o.since = now
		}
		o.told = now
		o.log.Error("follow the feed", "error", err, "for", now.Sub(o.since).Round(time.Millisecond).String())
	}
}

// quietLog takes net/http's own lines (broken handshakes, clients that go away) at debug level: strangers cause them at will.
func quietLog(to *slog.Logger) *log.Logger { return log.New(debugWriter{to}, "", 0) }

type debugWriter struct{ to *slog.Logger }

func (w debugWriter) Write(b []byte) (int, error) {
	w.to.Debug("http", "line", string(bytes.TrimSpace(b)))
	return len(b), nil
}
