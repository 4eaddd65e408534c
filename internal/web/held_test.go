package web_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// A form that trickles in is sent by whoever its sender is at its last byte.
func TestAHeldFormActsForNobodyWhoIsGone(t *testing.T) {
	s, _ := stack(t)
	ada := s.SignUp("ada@example.com")
	b, other := as(t, s, ada), another(t, s, "ada@example.com")
	form := with(tokenOf(b, "/methods/password"), "password", "quite another long passphrase").Encode()
	r := request(http.MethodPost, "/methods/password", tokenOf(b, "/methods/password"))
	r.ContentLength = int64(len(form))
	r.Body = io.NopCloser(authtest.Held(form, func() {
		if _, err := s.Sessions.SignOutEverywhere(t.Context(), principalOf(other)); err != nil {
			t.Error(err)
		}
	}))
	b.send(r)
	b.leads("/sign-in")
	another(t, s, "ada@example.com") // the password is what it was
}
