package server

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/respond/leak"
)

// reporters are those whose reports of found secrets are believed; none without a file.
func reporters(c config.Leaks) (leak.Reporters, error) {
	if c.PublicKeysFile == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(c.PublicKeysFile)
	if err != nil {
		return nil, fmt.Errorf("leaks.public_keys_file: %w", err)
	}
	known, err := leak.ReadReporters(raw)
	if err != nil {
		return nil, fmt.Errorf("leaks.public_keys_file: %s: %w", c.PublicKeysFile, err)
	}
	return known, nil
}

// The headers of a report, as GitHub sends them.
const (
	reporterHeader  = "Github-Public-Key-Identifier"
	signatureHeader = "Github-Public-Key-Signature"
	reportTime      = 10 * time.Second
)

// mountLeaks takes reports of found secrets, and tells scanners what ours look like.
func (s *Server) mountLeaks(machines *route.Door) {
	machines.Handle(http.MethodPost, "/v1/leaks", func(w http.ResponseWriter, r *http.Request, _ route.Line) {
		if err := s.takeReport(w, r); err != nil {
			httpx.Note(r, fault.CodeOf(err), err)
			httpx.WriteProblem(w, r, err)
		}
	})
	for path, rules := range map[string]struct{ kind, text string }{
		"/.well-known/sallyport-gitleaks.toml":   {"application/toml", leak.Rules},
		"/.well-known/sallyport-trufflehog.yaml": {"application/yaml", leak.TrufflehogRules},
	} {
		machines.Handle(http.MethodGet, path, func(w http.ResponseWriter, _ *http.Request, _ route.Line) {
			w.Header().Set("Content-Type", rules.kind)
			w.Header().Set("Cache-Control", "public, max-age=3600")
			_, _ = w.Write([]byte(rules.text))
		})
	}
}

// takeReport answers a report that is believed alike, whatever was found.
func (s *Server) takeReport(w http.ResponseWriter, r *http.Request) error {
	report := leak.Signed{
		Reporter: r.Header.Get(reporterHeader), Signature: r.Header.Get(signatureHeader), From: httpx.RecordOf(r.Context()).Addr,
		ReadBody: func() ([]byte, error) { return httpx.ReadBody(w, r, leak.MaxBody, reportTime) },
	}
	if err := s.Leaks.Receive(r.Context(), report); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}
