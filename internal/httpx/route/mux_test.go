package route_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// writer refuses in a shape of its own, so that a test sees which door answered.
func writer(door string) route.Refuse {
	return func(w http.ResponseWriter, _ *http.Request, err error) {
		entry, _ := fault.Lookup(fault.CodeOf(err))
		w.WriteHeader(entry.Status)
		_, _ = w.Write([]byte(door + ": " + string(entry.Code)))
	}
}

func newMux(t *testing.T) *route.Mux {
	t.Helper()
	mux := route.NewMux()
	door := mux.Door("api", "/v1/", writer("api"))
	mux.Door("web", "/", writer("web"))
	answer := func(w http.ResponseWriter, r *http.Request, line route.Line) {
		_, _ = w.Write([]byte(line.Name() + " " + r.PathValue("id")))
	}
	door.Handle(http.MethodGet, "/v1/time", answer)
	door.Handle(http.MethodDelete, "/v1/sessions/{id}", answer)
	if err := mux.Check(); err != nil {
		t.Fatal(err)
	}
	return mux
}

func TestMux(t *testing.T) {
	mux := newMux(t)
	tests := []struct {
		method, target string
		status         int
		body, allow    string
	}{
		{"GET", "/v1/time", 200, "GET /v1/time ", ""},
		{"HEAD", "/v1/time", 200, "GET /v1/time ", ""},
		{"GET", "/v1/time?a=b", 200, "GET /v1/time ", ""},
		{"DELETE", "/v1/sessions/ses_1", 200, "DELETE /v1/sessions/{id} ses_1", ""},
		{"DELETE", "/v1/sessions/a%2Fb", 200, "DELETE /v1/sessions/{id} a/b", ""},
		{"POST", "/v1/time", 405, "api: method_not_allowed", "GET, HEAD"},
		{"OPTIONS", "/v1/time", 405, "api: method_not_allowed", "GET, HEAD"},
		{"GET", "/v1/sessions/ses_1", 405, "api: method_not_allowed", "DELETE"},
		{"GET", "/v1/", 404, "api: not_found", ""},
		{"GET", "/v1/time/", 404, "api: not_found", ""},
		{"GET", "/v1/time/style.css", 404, "api: not_found", ""},
		{"GET", "/v1//time", 404, "api: not_found", ""},
		{"GET", "/v1/./time", 404, "api: not_found", ""},
		{"GET", "/x/../v1/time", 404, "web: not_found", ""},
		{"GET", "/v1/%2e%2e/time", 404, "api: not_found", ""},
		{"GET", "/V1/time", 404, "web: not_found", ""},
		{"GET", "/nowhere", 404, "web: not_found", ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.target, func(t *testing.T) {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest(tt.method, tt.target, nil))
			if w.Code != tt.status || w.Body.String() != tt.body || w.Header().Get("Allow") != tt.allow {
				t.Errorf("%d %q, Allow %q; want %d %q, %q", w.Code, w.Body, w.Header().Get("Allow"), tt.status, tt.body, tt.allow)
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Security-Policy") == "" {
				t.Errorf("no security headers: %v", w.Header())
			}
		})
	}
}

func TestAMuxWithoutADoorRefusesAsJSON(t *testing.T) {
	w := httptest.NewRecorder()
	route.NewMux().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/time", nil))
	if w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestARouteWithoutALineIsNeverServed(t *testing.T) {
	mux := route.NewMux()
	door := mux.Door("api", "/v1/", httpx.WriteProblem)
	door.Handle(http.MethodPost, "/v1/time", func(http.ResponseWriter, *http.Request, route.Line) { t.Error("served") })
	door.Handle(http.MethodGet, "/v1/time", func(http.ResponseWriter, *http.Request, route.Line) {})
	err := mux.Check()
	if err == nil || !strings.HasSuffix(err.Error(), ": api POST /v1/time") {
		t.Errorf("Check = %v", err)
	}
	if diff := cmp.Diff([]string{"api GET /v1/time"}, mux.Mounted()); diff != "" {
		t.Errorf("mounted (-want +got):\n%s", diff)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/time", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /v1/time: %d", w.Code)
	}
}

func TestLines(t *testing.T) {
	line, ok := route.Lookup("api", http.MethodGet, "/v1/keys")
	want := route.Line{
		Door: "api", Method: "GET", Pattern: "/v1/keys", Needs: route.SessionOrKey, Scope: "keys:read", Assurance: route.AssurancePwd, Rate: "signature",
	}
	if diff := cmp.Diff(want, line); diff != "" || !ok {
		t.Errorf("found %t (-want +got):\n%s", ok, diff)
	}
	if _, ok := route.Lookup("web", http.MethodGet, "/v1/keys"); ok {
		t.Error("a route of one door is found at another")
	}
	for _, l := range route.Of("api") {
		if l.Door != "api" || !strings.HasPrefix(l.Pattern, "/v1/") {
			t.Errorf("%s %s among the routes of api", l.Door, l.Name())
		}
	}
}

func TestPower(t *testing.T) {
	tests := []struct {
		word  string
		class scope.Class
		scope scope.Scope
		asked bool
	}{
		{"", scope.Look, 0, false},
		{"keys:read", scope.Look, scope.KeysRead, true},
		{"orders:write", scope.Order, scope.OrdersWrite, true},
		{"setting", scope.Setting, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.word, func(t *testing.T) {
			class, needed, asked := route.Line{Scope: tt.word}.Power()
			if asked != tt.asked || asked && (class != tt.class || needed != tt.scope) {
				t.Errorf("Power = %s, %s, %t", class, needed, asked)
			}
		})
	}
}
