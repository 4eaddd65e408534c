package server_test

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/server"
)

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestOnlyWhatNobodyReadIsTriedAgain, and only what would change nothing.
func TestOnlyWhatNobodyReadIsTriedAgain(t *testing.T) {
	refused := &os.SyscallError{Syscall: "connect", Err: syscall.ECONNREFUSED}
	for _, row := range []struct {
		name, method, body string
		fails              int // so many times
		with               error
		tries              int
		passed             bool
	}{
		{"GET over a restart", http.MethodGet, "", 2, refused, 3, true},
		{"HEAD over a restart", http.MethodHead, "", 1, refused, 2, true},
		{"GET without end", http.MethodGet, "", 9, refused, 3, false},
		{"POST", http.MethodPost, "", 9, refused, 1, false},
		{"DELETE", http.MethodDelete, "", 9, refused, 1, false},
		{"GET with a body", http.MethodGet, "x", 9, refused, 1, false},
		{"GET that somebody may have read", http.MethodGet, "", 9, syscall.ECONNRESET, 1, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, tries := time.Now(), 0
				r, err := http.NewRequestWithContext(t.Context(), row.method, "http://paper.invalid/", strings.NewReader(row.body))
				if err != nil {
					t.Fatal(err)
				}
				answer, err := server.Travel(transport(func(*http.Request) (*http.Response, error) {
					if tries++; tries <= row.fails {
						return nil, row.with
					}
					return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
				}), r)
				if err == nil {
					_ = answer.Body.Close()
				}
				if tries != row.tries || (err == nil) != row.passed || err != nil && !errors.Is(err, row.with) {
					t.Errorf("%d tries: %v", tries, err)
				}
				if took := time.Since(began); took > 500*time.Millisecond {
					t.Errorf("took %v; an assertion lives two seconds", took)
				}
			})
		})
	}
}

// TestAnUpstreamIsKnownByItsRoots: https to an upstream holds with the roots that were named, and with no others.
func TestAnUpstreamIsKnownByItsRoots(t *testing.T) {
	upstream := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer upstream.Close()
	upstream.Config.ErrorLog = nil
	roots := filepath.Join(t.TempDir(), "roots.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: upstream.Certificate().Raw})
	if err := os.WriteFile(roots, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, passes := range map[string]bool{roots: true, "": false} {
		ways, err := server.NewRoads(config.Upstream{Name: "paper", URL: config.URL(upstream.URL), CAFile: file})
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, upstream.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := ways.RoundTrip(r)
		if err == nil {
			_ = answer.Body.Close()
		}
		if (err == nil) != passes {
			t.Errorf("with the roots %q: %v", file, err)
		}
	}
	if _, err := server.NewRoads(config.Upstream{Name: "paper", URL: config.URL(upstream.URL), CAFile: "nowhere.pem"}); err == nil {
		t.Error("roots that are not there are taken")
	}
}

// The figures of keys are counted when they are asked for.
func TestKeysAreCountedInMetrics(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	ada := s.SignUp("ada@example.com").Principal()
	s.IssueKeyTo(ada.Account, ada.User, apikey.IssueInput{})
	s.IssueKeyTo(ada.Account, ada.User, apikey.IssueInput{Scopes: []string{"orders:write"}, Allowlist: []string{"203.0.113.7"}})
	clock.Advance(2 * 24 * time.Hour)
	s.IssueKeyTo(ada.Account, ada.User, apikey.IssueInput{})
	w := httptest.NewRecorder()
	s.Metrics.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`sallyport_keys{class="look",environment="test",tied="no"} 2`,
		`sallyport_keys{class="order",environment="test",tied="yes"} 1`,
		`sallyport_key_age_seconds_bucket{class="look",le="86400"} 1`,
		`sallyport_key_age_seconds_bucket{class="look",le="604800"} 2`,
		`sallyport_key_age_seconds_count{class="order"} 1`,
	} {
		if !strings.Contains(w.Body.String(), "\n"+want+"\n") {
			t.Errorf("%s is not in\n%s", want, w.Body.String())
		}
	}
}

// What a revocation took until sessions and keys knew of it is measured in both ways, the oldest session is dated, and no challenge is missing.
func TestRevocationIsMeasured(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now, YAML: "session: {absolute: 24h}\n"})
	ada := s.SignUp("ada@example.com")
	if err := s.Store.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Hour)
	w := httptest.NewRecorder()
	s.Metrics.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		"sallyport_oldest_session_seconds 3600\n",
		`sallyport_spread_seconds_bucket{heard="here",listener="sessions",le="0.001"}`,
		`sallyport_spread_seconds_bucket{heard="poll",listener="keys",le="0.25"}`,
		`sallyport_challenges_total{outcome="answered",why="elsewhere"} 0`,
	} {
		if !strings.Contains(w.Body.String(), "\n"+want) {
			t.Errorf("%s is not in\n%s", want, w.Body.String())
		}
	}
	if err := s.Sessions.SignOut(t.Context(), ada.Principal()); err != nil {
		t.Fatal(err)
	}
	if age := s.Sessions.Oldest(); age != 0 {
		t.Errorf("the oldest session is %v old where there is none", age)
	}
}

// TestALostUpstreamIsNamed in readiness and metrics, and does not send everybody else away.
func TestALostUpstreamIsNamed(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s := authtest.StartWith(t, authtest.Options{Upstream: upstream.URL})
	says := func(ready, metric string) {
		t.Helper()
		s.Look(t.Context())
		for path, want := range map[string]string{"/readyz": ready, "/metrics": metric} {
			w := httptest.NewRecorder()
			s.Metrics.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			if got := w.Body.String(); w.Code != http.StatusOK || path == "/readyz" && got != want || !strings.Contains(got, want) {
				t.Errorf("%s: %d %s, want %s", path, w.Code, got, want)
			}
		}
	}
	says("ready\n", "\nsallyport_upstream_up{upstream=\"paper\"} 1\n")
	upstream.Close()
	says("ready\nupstream paper cannot be reached\n", "\nsallyport_upstream_up{upstream=\"paper\"} 0\n")
}
