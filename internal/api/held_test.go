package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
)

// codeOf sends a request without holding the log against its line: what happens meanwhile is not the request's doing.
func (d *door) codeOf(r *http.Request) (code string) {
	d.t.Helper()
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	var problem struct{ Code string }
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		d.t.Fatalf("%d %q: %v", w.Code, w.Body, err)
	}
	return problem.Code
}

// A request that trickles in is made by whoever its sender is at its last byte.
func TestAHeldBodyActsForNobodyWhoIsGone(t *testing.T) {
	d := open(t)
	p, b := d.withApp("kim@example.com")
	confirmed(b, b.post("/v1/keys", wanted(nil)), "totp", map[string]any{"code": p.Code()})
	kim, err := d.Sessions.Authenticate([]byte(b.cookies[httpx.SessionCookie]), "", authtest.PersonOrigin())
	if err != nil {
		t.Fatal(err)
	}
	r := b.request(http.MethodPost, "/v1/keys", wanted(nil))
	whole, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(authtest.Held(string(whole), func() {
		if _, err := d.Sessions.SignOutEverywhere(t.Context(), kim, session.KeepBots); err != nil {
			t.Error(err)
		}
	}))
	if got := d.codeOf(r); got != "session.ended" {
		t.Errorf("with a session that ended: %q", got)
	}
	if keys, err := d.APIKeys.List(t.Context(), kim); err != nil || len(keys) != 0 {
		t.Errorf("keys: %v, %v", keys, err)
	}

	lee := d.SignUp("lee@example.com")
	key := d.IssueKey(lee, apikey.IssueInput{})
	signed := d.Signed(key, http.MethodGet, "localhost:8080", "/v1/session", "{}")
	signed.RemoteAddr, signed.RequestURI = "203.0.113.7:40000", "/v1/session"
	signed.Body = io.NopCloser(authtest.Held("{}", func() {
		if err := d.APIKeys.Revoke(t.Context(), principal.Host("tests"), key.ID); err != nil {
			t.Error(err)
		}
	}))
	if got := d.codeOf(signed); got != "key.revoked" {
		t.Errorf("with a key that was revoked: %q", got)
	}
}
