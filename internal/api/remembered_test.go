package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
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

// TestNeverRemembered: the switch takes back what is there, keeps anything from coming, and is loosened with a proof alone (A33).
func TestNeverRemembered(t *testing.T) {
	d := open(t)
	_, b := d.person("ada@example.com")
	d.clock.Advance(10 * time.Minute)
	shown := func(want int, never bool) func() answer {
		return func() answer {
			list, _ := b.get("/v1/remembered").body["accounts"].([]any)
			a := b.get("/v1/remembered/browsers")
			if len(list) != want || a.body["never"] != never {
				t.Errorf("%d are shown, want %d; %v", len(list), want, a.body)
			}
			return a
		}
	}
	remember := func() answer { return b.post("/v1/remembered", nil) }
	may := func() answer { return b.call(http.MethodDelete, "/v1/remembered/never", nil) }
	run(t, d, []outcome{
		{"remembered", remember, 204, ""},
		{"shown", shown(1, false), 200, ""},
		{"never", func() answer { return b.call(http.MethodPut, "/v1/remembered/never", nil) }, 204, ""},
		{"what was there is gone", shown(0, true), 200, ""},
		{"and cannot come back", remember, 409, "browser.never_kept"},
		{"nor the switch without a proof", may, 403, "step_up_required"},
		{"with a proof", func() answer {
			confirmed(b, may(), "password", map[string]any{"password": authtest.Password})
			return may()
		}, 204, ""},
		{"which shows nothing by itself", shown(0, false), 200, ""},
		{"remembered again", remember, 204, ""},
	})
}
