package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// The texts of gaps name how long the ways back take, as those of the page do, and leave no place unfilled.
func TestTheTextsOfGapsAreWhole(t *testing.T) {
	s := authtest.Start(t)
	b := s.Browser("203.0.113.7")
	b.SignUp("ada@example.com")
	for _, step := range []string{"a password", "an app"} {
		var shown struct {
			Gaps []struct{ Code, Title, Text string }
		}
		b.Into(b.Call(http.MethodGet, "/v1/overview", nil), &shown)
		if len(shown.Gaps) == 0 {
			t.Errorf("%s: no gaps", step)
		}
		for _, g := range shown.Gaps {
			if strings.ContainsAny(g.Title+g.Text, "{}") {
				t.Errorf("%s: %s says %q, %q", step, g.Code, g.Title, g.Text)
			}
		}
		if step == "a password" {
			b.EnrolTOTP()
		}
	}
}
