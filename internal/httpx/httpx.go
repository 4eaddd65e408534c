// Package httpx owns what every door does before and after its own work: the chain around handlers, the client's address, cookies, form
// tokens, strict JSON, and the writers of refusals.
//
// It knows no domain: no room, no route, no page. A handler returns an error and this package writes it.
//
//	recover → request id → client address → security headers → door
//
// Invariant: nothing about a request's origin is believed but from a declared proxy, and no refusal says more than the registry of errors
// lets its reader see.
package httpx

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// Record is what is known of one request, filled along its way and logged once at its end. A door adds what it learns.
type Record struct {
	ID     id.Request
	Start  time.Time
	Addr   netip.Addr
	Agent  string
	Secure bool
	// Door and Route name where it went; Route comes from a route table, never from the request.
	Door, Route string
	// Code of the refusal, User and Key of the principal: set by the door.
	Code fault.Code
	User id.User
	Key  id.Key
	// Lang is the language of the user who is signed in, "en" or "ko"; see Language.
	Lang  string
	pages string
	err   error

	bound   [32]byte
	skipped string
}

// Origin is where the request came from, for a principal.
func (r *Record) Origin() principal.Origin {
	return principal.Origin{Request: r.ID, Addr: r.Addr, Agent: r.Agent, Bound: r.bound, Skipped: r.skipped}
}

type recordKey struct{}

// RecordOf finds the record of a request. Outside Chain it is an empty one.
func RecordOf(ctx context.Context) *Record {
	if r, ok := ctx.Value(recordKey{}).(*Record); ok {
		return r
	}
	return &Record{}
}

// Chain is what stands before every door.
type Chain struct {
	Now func() time.Time
	Log *slog.Logger
	// Trusted are the declared proxies. They alone may say who their client is, and only in Header, which is X-Forwarded-For (also when
	// empty) or Forwarded. Every other header of the kind is dropped, and so is this one from anybody else.
	Trusted []netip.Prefix
	Header  string
	// Pages is the dashboard's origin: there is a page about each code, which refusals of every door name.
	Pages string
	// Restore turns a question about a request into that request, for a door that is asked and not called (forward-auth); nil takes requests
	// as they came. It may change r, and believes its headers only if peer is a declared proxy.
	Restore func(r *http.Request, declared bool) error
	// Done hears each record when its request is over, for metrics; nil hears nothing.
	Done func(r *Record, status int, took time.Duration)
}

const maxAgent = 256

// Wrap puts the chain before a door called name.
func (c Chain) Wrap(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		now := c.Now()
		addr, secure := c.client(req)
		rec := &Record{ID: id.New[id.RequestKind](now), Start: now, Addr: addr, Secure: secure, Door: name, Agent: clip(req.UserAgent()), pages: c.Pages}
		rec.bound, rec.skipped = boundOf(req)
		out := &recorder{ResponseWriter: w}
		out.Header().Set("X-Request-Id", rec.ID.String())
		// The copy is ours to change; the server goes by its own when it writes the answer.
		req = req.WithContext(context.WithValue(req.Context(), recordKey{}, rec))
		defer c.finish(out, req, rec)
		if c.Restore != nil {
			if err := c.Restore(req, c.declared(req)); err != nil {
				WriteProblem(out, req, err)
				return
			}
		}
		dropForwarding(req.Header)
		next.ServeHTTP(out, req)
	})
}

// clip bounds what a browser says of itself, which pages and mails show.
func clip(agent string) string {
	return line.Visible(agent[:min(len(agent), maxAgent)])
}

// finish ends one request, also one that panicked: the panic ends nothing else and shows nothing.
func (c Chain) finish(out *recorder, req *http.Request, rec *Record) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares this sentinel by identity, too
			panic(p)
		}
		c.Log.ErrorContext(req.Context(), "panic", "request", rec.ID, "door", rec.Door, "route", rec.Route, "panic", p)
		if !out.wrote {
			http.Error(out, "", http.StatusInternalServerError) //nolint:forbidigo // after a panic no writer can be trusted to know what was written
		}
	}
	took := c.Now().Sub(rec.Start)
	status := out.status
	if status == 0 {
		status = http.StatusOK
	}
	if errors.Is(req.Context().Err(), context.Canceled) {
		status = 499 // the client went away
	}
	if c.Done != nil {
		c.Done(rec, status, took)
	}
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelError
	}
	if !c.Log.Enabled(req.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.Any("request", rec.ID), slog.String("door", rec.Door), slog.String("method", req.Method), slog.String("route", rec.Route),
		slog.Int("status", status), slog.Duration("took", took), slog.Any("addr", rec.Addr),
	}
	if rec.Code != "" {
		attrs = append(attrs, slog.String("code", string(rec.Code)))
	}
	if !rec.User.IsZero() {
		attrs = append(attrs, slog.Any("user", rec.User))
	}
	if !rec.Key.IsZero() {
		attrs = append(attrs, slog.Any("key", rec.Key))
	}
	if status >= 500 && rec.err != nil {
		attrs = append(attrs, slog.String("error", rec.err.Error()))
	}
	c.Log.LogAttrs(req.Context(), level, "request", attrs...)
}

// recorder sees which status was written.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (r *recorder) WriteHeader(status int) {
	if !r.wrote && status >= 200 {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if !r.wrote {
		r.status, r.wrote = http.StatusOK, true
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
