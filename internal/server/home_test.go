package server_test

import (
	"net/http"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

func TestTheDashboardAnswersToItsOwnNameAlone(t *testing.T) {
	s := authtest.Start(t)
	b := s.Browser("203.0.113.7")
	for _, path := range []string{"/sign-in", "/v1/form-token", "/v1/time", "/assets/app.js", "/nothing/here"} {
		for _, host := range []string{"evil.example", "127.0.0.1:8080", "localhost", "localhost:80801", "localhost.evil.example:8080", ""} {
			r := b.Request(http.MethodGet, authtest.Origin+path, "")
			r.Host = host
			if got := b.Do(r); got.Status != http.StatusMisdirectedRequest || got.Code != fault.RequestUnknownHost || got.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s as %q: %d %s", path, host, got.Status, got.Text)
			}
		}
	}
	for _, host := range []string{"localhost:8080", "LOCALHOST:8080"} {
		r := b.Request(http.MethodGet, authtest.Origin+"/sign-in", "")
		r.Host = host
		if got := b.Do(r); got.Status != http.StatusOK {
			t.Errorf("as %q: %d %s", host, got.Status, got.Text)
		}
	}
	for _, path := range []string{"/healthz", "/.well-known/sallyport-assertion-jwks.json"} {
		r := b.Request(http.MethodGet, authtest.Origin+path, "")
		r.Host = "10.0.0.7:8080"
		if got := b.Do(r); got.Status != http.StatusOK {
			t.Errorf("%s by address: %d %s", path, got.Status, got.Text)
		}
	}
}
