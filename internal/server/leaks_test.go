package server_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/respond/leak"
)

// Anybody may fetch what a scanner needs to find our secrets.
func TestRulesForScanners(t *testing.T) {
	s := authtest.Start(t)
	for path, want := range map[string]struct{ kind, text string }{
		"/.well-known/sallyport-gitleaks.toml":   {"application/toml", leak.Rules},
		"/.well-known/sallyport-trufflehog.yaml": {"application/yaml", leak.TrufflehogRules},
	} {
		answer := visit(t, s, authtest.Origin+path)
		text := authtest.Body(t, answer)
		if diff := cmp.Diff(want.text, text); diff != "" || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != want.kind {
			t.Errorf("%s: %d %s (-want +got):\n%s", path, answer.StatusCode, answer.Header.Get("Content-Type"), diff)
		}
	}
}
