package server_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

func TestRelatedOrigins(t *testing.T) {
	related := authtest.StartWith(t, authtest.Options{Environ: []string{"SALLYPORT_DASHBOARD_RELATED_ORIGINS=https://a.example,https://b.example"}})
	alone := authtest.Start(t)
	for _, test := range []struct {
		stack  *authtest.Stack
		status int
		kind   string
	}{{related, http.StatusOK, "application/json"}, {alone, http.StatusNotFound, "application/problem+json"}} {
		answer := visit(t, test.stack, authtest.Origin+"/.well-known/webauthn")
		body := authtest.Body(t, answer)
		if answer.StatusCode != test.status || answer.Header.Get("Content-Type") != test.kind {
			t.Errorf("got %d, %s, want %d, %s", answer.StatusCode, answer.Header.Get("Content-Type"), test.status, test.kind)
		}
		if want := `{"origins":["https://a.example","https://b.example"]}` + "\n"; test.status == http.StatusOK && body != want {
			t.Error(cmp.Diff(want, body))
		}
	}
}

// No page is served on the origin of confirmations, in whatever spelling its host comes: a script that was ever served there could later
// speak for it.
func TestTheConfirmationOriginIsKeptFree(t *testing.T) {
	apart := authtest.StartWith(t, authtest.Options{Environ: []string{"SALLYPORT_DASHBOARD_CONFIRMATION_ORIGIN=http://confirm.localhost:8080"}})
	together := authtest.Start(t)
	for _, test := range []struct {
		stack  *authtest.Stack
		url    string
		status int
	}{
		{apart, "http://confirm.localhost:8080/sign-in", http.StatusNotFound},
		{apart, "http://Confirm.Localhost:8080/assets/app.js", http.StatusNotFound},
		{apart, "http://confirm.localhost:8080/", http.StatusNotFound},
		{apart, authtest.Origin + "/sign-in", http.StatusOK},
		{together, authtest.Origin + "/sign-in", http.StatusOK},
	} {
		if got := visit(t, test.stack, test.url).StatusCode; got != test.status {
			t.Errorf("%s answers %d, want %d", test.url, got, test.status)
		}
	}
}

func visit(t *testing.T, s *authtest.Stack, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.Do(r)
}
