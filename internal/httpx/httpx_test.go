package httpx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// logged runs a handler behind a chain and gives the answer with the lines that were logged.
func logged(t *testing.T, r *http.Request, h http.HandlerFunc) (*httptest.ResponseRecorder, []map[string]any) {
	t.Helper()
	var out bytes.Buffer
	born := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	clock := born
	chain := httpx.Chain{Log: slog.New(slog.NewJSONHandler(&out, nil)), Now: func() time.Time {
		clock = clock.Add(3 * time.Millisecond)
		return clock
	}}
	w := httptest.NewRecorder()
	chain.Wrap("api", h).ServeHTTP(w, r)
	var lines []map[string]any
	for line := range strings.Lines(out.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		delete(m, "time")
		lines = append(lines, m)
	}
	return w, lines
}

func TestEachRequestIsLoggedOnce(t *testing.T) {
	user, key := id.New[id.UserKind](time.Unix(1795292455, 0)), id.New[id.KeyKind](time.Unix(1795292455, 0))
	r := httptest.NewRequest(http.MethodPut, "/v1/password?canary=secret", nil)
	w, lines := logged(t, r, func(w http.ResponseWriter, r *http.Request) {
		rec := httpx.RecordOf(r.Context())
		rec.Route, rec.User, rec.Key = "PUT /v1/password", user, key
		httpx.WriteProblem(w, r, fault.New(fault.Busy).Because(errors.New("all slots are taken")))
	})
	requestID := w.Header().Get("X-Request-Id")
	if _, err := id.Parse[id.RequestKind](requestID); err != nil {
		t.Errorf("X-Request-Id %q: %v", requestID, err)
	}
	want := []map[string]any{{
		"level": "ERROR", "msg": "request", "request": requestID, "door": "api", "method": "PUT", "route": "PUT /v1/password", "status": 503.0,
		"took": float64(3 * time.Millisecond), "addr": "192.0.2.1", "code": "busy", "user": user.String(), "key": key.String(), "error": "busy: all slots are taken",
	}}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	var problem httpx.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem.Instance != requestID {
		t.Errorf("the problem names request %q, want %q (%v)", problem.Instance, requestID, err)
	}
}

func TestAPanicShowsNothing(t *testing.T) {
	tests := []struct {
		name   string
		h      http.HandlerFunc
		status int
	}{
		{"before anything was written", func(http.ResponseWriter, *http.Request) { panic("canary") }, 500},
		{"after the answer began", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			panic("canary")
		}, 202},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, lines := logged(t, httptest.NewRequest(http.MethodGet, "/", nil), tt.h)
			if w.Code != tt.status || strings.Contains(w.Body.String(), "canary") {
				t.Errorf("answer %d %q", w.Code, w.Body)
			}
			if len(lines) != 2 || lines[0]["panic"] != "canary" || lines[0]["request"] != w.Header().Get("X-Request-Id") || lines[1]["status"] != float64(tt.status) {
				t.Errorf("log %v", lines)
			}
		})
	}
}

func TestAnAbortedHandlerAbortsTheConnection(t *testing.T) {
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v, want http.ErrAbortHandler", err)
		}
	}()
	logged(t, httptest.NewRequest(http.MethodGet, "/", nil), func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}

func TestAClientThatWentAwayIs499(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
	_, lines := logged(t, r, func(http.ResponseWriter, *http.Request) { cancel() })
	if len(lines) != 1 || lines[0]["status"] != 499.0 || lines[0]["level"] != "INFO" {
		t.Errorf("log %v", lines)
	}
}

func TestDoneHearsStatusAndTime(t *testing.T) {
	var status int
	chain := httpx.Chain{Now: time.Now, Log: quiet, Done: func(r *httpx.Record, s int, _ time.Duration) {
		if r.Door != "web" {
			t.Errorf("door %q", r.Door)
		}
		status = s
	}}
	chain.Wrap("web", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = w.Write([]byte("hello"))
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if status != http.StatusOK {
		t.Errorf("status %d, want 200", status)
	}
}

func TestAgentIsCutToText(t *testing.T) {
	for _, agent := range []string{strings.Repeat("김", 200), "Mozilla\xff/5.0", strings.Repeat("x", 255) + "é"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["User-Agent"] = []string{agent}
		rec, _ := arrive(t, httpx.Chain{}, r)
		if len(rec.Agent) > 256 || !utf8.ValidString(rec.Agent) || rec.Agent == "" {
			t.Errorf("%q became %d bytes, text %t", agent, len(rec.Agent), utf8.ValidString(rec.Agent))
		}
	}
}

func TestHarden(t *testing.T) {
	serve := func(secure bool) http.Header {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if secure {
			r = httptest.NewRequest(http.MethodGet, "https://gate.example/", nil)
		}
		w := httptest.NewRecorder()
		chain := httpx.Chain{Now: time.Now, Log: quiet}
		chain.Wrap("web", httpx.Harden(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))).ServeHTTP(w, r)
		return w.Header()
	}
	h := serve(false)
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "same-origin",
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Strict-Transport-Security": "",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := serve(true).Get("Strict-Transport-Security"); got != "max-age=63072000" {
		t.Errorf("Strict-Transport-Security over https: %q", got)
	}
}

func TestOutsideAChainTheRecordIsEmpty(t *testing.T) {
	if diff := cmp.Diff("", httpx.RecordOf(t.Context()).ID.String()); diff != "" {
		t.Error(diff)
	}
}
