package web_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
)

// A form that trickles in is sent by whoever its sender is at its last byte.
func TestAHeldFormActsForNobodyWhoIsGone(t *testing.T) {
	s, _ := stack(t)
	ada := s.SignUp("ada@example.com")
	b, other := as(t, s, ada), another(t, s, "ada@example.com")
	key := s.IssueKey(ada, apikey.IssueInput{})
	path := "/keys/" + key.Text() + "/revoke"
	form := tokenOf(b, "/keys")
	r := request(http.MethodPost, path, form)
	r.Body = io.NopCloser(authtest.Held(form.Encode(), func() {
		if _, err := s.Sessions.SignOutEverywhere(t.Context(), principalOf(other), session.KeepBots); err != nil {
			t.Error(err)
		}
	}))
	b.send(r)
	b.leads("/sign-in")
	if s.APIKeys.Find(key.ID).State(s.Now()) != nil {
		t.Error("the key was revoked")
	}
}
