package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestRemembered: a browser shows who wanted it, to nobody else, and forgets from either side.
func TestRemembered(t *testing.T) {
	d := open(t)
	ada, b := d.person("ada@example.com")
	elsewhere := d.visitor()
	names := func(b *browser, want bool) func() answer {
		return func() answer {
			a := b.get("/v1/remembered")
			if got := strings.Contains(fmt.Sprint(a.body), ada.Mail); got != want {
				t.Errorf("ada is shown: %t, want %t: %s", got, want, a.body)
			}
			return a
		}
	}
	listed := func(want bool) func() answer {
		return func() answer {
			a := b.get("/v1/remembered/browsers")
			if got := strings.Contains(fmt.Sprint(a.body), ada.Principal().Origin.Device.String()); got != want {
				t.Errorf("the browser is listed: %t, want %t: %s", got, want, a.body)
			}
			return a
		}
	}
	remember := func() answer { return b.post("/v1/remembered", nil) }
	run(t, d, []outcome{
		{"nobody wanted it", names(b, false), 200, ""},
		{"no browser is listed", listed(false), 200, ""},
		{"a stranger", func() answer { return elsewhere.post("/v1/remembered", nil) }, 401, "unauthorized"},
		{"remember", remember, 204, ""},
		{"shown", names(b, true), 200, ""},
		{"not elsewhere", names(elsewhere, false), 200, ""},
		{"listed", listed(true), 200, ""},
		{"a stranger takes nothing back", func() answer { return elsewhere.call(http.MethodDelete, "/v1/remembered/"+ada.User.ID.String(), nil) }, 204, ""},
		{"still shown", names(b, true), 200, ""},
		{"forget here", func() answer { return b.call(http.MethodDelete, "/v1/remembered/"+ada.User.ID.String(), nil) }, 204, ""},
		{"shown no more", names(b, false), 200, ""},
		{"remember again", remember, 204, ""},
		{"forget there", func() answer {
			return b.call(http.MethodDelete, "/v1/remembered/browsers/"+ada.Principal().Origin.Device.String(), nil)
		}, 204, ""},
		{"twice", func() answer {
			return b.call(http.MethodDelete, "/v1/remembered/browsers/"+ada.Principal().Origin.Device.String(), nil)
		}, 404, "not_found"},
		{"gone", names(b, false), 200, ""},
	})
}
