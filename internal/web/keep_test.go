package web_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

const typed = "second@example.org"

// halfFilled is Ada's browser with a form open that she has filled in, and one of hers elsewhere.
func halfFilled(t *testing.T) (s *authtest.Stack, later func(time.Duration), ada, elsewhere *browser) {
	t.Helper()
	s, clock := stack(t)
	p := s.SignUp("ada@example.com")
	ada, elsewhere = as(t, s, p), as(t, s, p)
	ada.get("/contact")
	return s, func(d time.Duration) { clock.Advance(d) }, ada, elsewhere
}

// keptSealed demands that the form that came too late is on the page, and nothing of it can be read there.
func (b *browser) keptSealed(status int, words string) {
	b.t.Helper()
	b.shows(status, words)
	if strings.Contains(b.page.body, typed) {
		b.t.Error("what was typed stands on the page in clear")
	}
	if got := b.page.Header.Get("Cache-Control"); got != "no-store" {
		b.t.Errorf("Cache-Control %q", got)
	}
}

func TestAHalfFilledFormOutlivesItsSession(t *testing.T) {
	ends := map[string]func(later func(time.Duration), elsewhere *browser){
		"by time": func(later func(time.Duration), _ *browser) { later(13 * time.Hour) },
		"signed out elsewhere": func(_ func(time.Duration), elsewhere *browser) {
			elsewhere.post("/sessions/sign-out-everywhere", tokenOf(elsewhere, "/sessions"))
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			s, later, ada, elsewhere := halfFilled(t)
			end(later, elsewhere)
			ada.submit("/contact/second", "second", typed)
			ada.keptSealed(http.StatusUnauthorized, "What you filled in is kept on this page")
			ada.submit("/sign-in", "mail", "ada@example.com", "password", "not the right words")
			ada.keptSealed(http.StatusUnauthorized, "What you filled in is kept on this page")
			ada.submit("/sign-in", "mail", "ada@example.com", "password", authtest.Password)
			ada.keptSealed(http.StatusOK, "Send it again?")
			ada.submit("/contact/second")
			if to := ada.page.Header.Get("Location"); !strings.HasPrefix(to, "/contact/code?change=") {
				t.Fatalf("sent again: %d %q %s", ada.page.StatusCode, to, ada.page.text())
			}
			s.Settle()
			if letters := s.Mailbox.Letters(typed); len(letters) != 1 {
				t.Errorf("%d letters went to what was typed", len(letters))
			}
		})
	}
}

func TestAHalfFilledFormIsKeptForItsUserAlone(t *testing.T) {
	s, later, ada, _ := halfFilled(t)
	s.SignUp("eve@example.com")
	later(13 * time.Hour)
	ada.submit("/contact/second", "second", typed)
	late := ada.page
	ada.submit("/sign-in", "mail", "eve@example.com", "password", authtest.Password)
	if ada.page.StatusCode != http.StatusSeeOther {
		t.Errorf("another user was shown the form: %d %s", ada.page.StatusCode, ada.page.text())
	}
	ada.page = late
	sealed := ""
	for _, field := range all(formTo(ada, "/contact/second"), "input") {
		if get(field, "name") == "kept" {
			sealed = get(field, "value")
		}
	}
	ada.post("/contact/second", with(tokenOf(ada, "/contact"), "kept", sealed))
	ada.shows(http.StatusForbidden, says(fault.RequestFormExpired))
	if strings.Contains(ada.page.body, typed) {
		t.Error("another user reads what Ada typed")
	}
}

// Each change renews the session: the form of a page from before is kept too, for an hour.
func TestAHalfFilledFormOutlivesARenewal(t *testing.T) {
	_, later, ada, _ := halfFilled(t)
	before := ada.page
	later(6 * time.Minute)
	ada.post("/contact/phrase", with(tokenOf(ada, "/contact"), "phrase", "blue heron at noon"))
	ada.submit("/contact/phrase", "proof_password", authtest.Password)
	ada.leads("/contact")
	ada.page = before
	ada.submit("/contact/second", "second", typed)
	ada.keptSealed(http.StatusForbidden, "Send it again?")
	late := ada.page
	ada.submit("/contact/second")
	if to := ada.page.Header.Get("Location"); !strings.HasPrefix(to, "/contact/code?change=") {
		t.Errorf("sent again: %d %q %s", ada.page.StatusCode, to, ada.page.text())
	}
	later(time.Hour)
	ada.page = late
	ada.submit("/contact/second")
	ada.shows(http.StatusForbidden, says(fault.RequestFormExpired))
}

// What no page of ours showed, what another site sends, what script sends and what has nothing to lose goes the way it always did.
func TestNothingElseIsKept(t *testing.T) {
	tests := map[string]func(r *http.Request, values map[string][]string){
		"no page of ours": func(_ *http.Request, values map[string][]string) { delete(values, "form_owner") },
		"a forged mark":   func(_ *http.Request, values map[string][]string) { values["form_owner"] = []string{"AAAA"} },
		"another site":    func(r *http.Request, _ map[string][]string) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"script":          func(r *http.Request, _ map[string][]string) { r.Header.Set("Sec-Fetch-Mode", "cors") },
		"nothing typed":   func(_ *http.Request, values map[string][]string) { delete(values, "second") },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			_, later, ada, _ := halfFilled(t)
			values := map[string][]string{"second": {typed}}
			for _, field := range all(formTo(ada, "/contact/second"), "input") {
				if get(field, "type") == "hidden" {
					values[get(field, "name")] = []string{get(field, "value")}
				}
			}
			later(13 * time.Hour)
			r := request(http.MethodPost, "/contact/second", values)
			change(r, values)
			again := request(http.MethodPost, "/contact/second", values)
			again.Header = r.Header
			ada.send(again)
			if ada.page.StatusCode != http.StatusSeeOther || strings.Contains(ada.page.body, "kept") {
				t.Errorf("%d %s", ada.page.StatusCode, ada.page.text())
			}
		})
	}
}

// A browser that may prove its device no more for a while is asked for a passkey, and what was typed waits for it.
func TestABrowserOutOfProofsIsAskedForAPasskey(t *testing.T) {
	s, clock := stack(t)
	device := s.Browser("203.0.113.7")
	device.SignUp("ada@example.com")
	bound := device.Bind()
	ada := open(t, s)
	ada.agent = device.Agent
	for _, cookies := range device.Cookies {
		maps.Copy(ada.cookies, cookies)
	}
	ada.get("/contact")
	clock.Advance(11 * time.Minute)
	ada.skipped = "quota_exceeded"
	bearer := ada.cookies[httpx.SessionCookie]
	ada.submit("/contact/second", "second", typed)
	ada.keptSealed(http.StatusUnauthorized, "What you filled in is kept on this page")
	ada.shows(http.StatusUnauthorized, "Use a passkey")
	if ada.cookies[httpx.SessionCookie] != bearer {
		t.Error("the session's cookie is gone, which its device may still prove")
	}
	bound.Refresh()
	ada.cookies[httpx.BoundCookie], ada.skipped = device.Cookies["localhost:8080"][httpx.BoundCookie], ""
	ada.get("/contact")
	ada.shows(http.StatusOK)
}
