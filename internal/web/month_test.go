package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// TestTheMonthlyCheckUp: it becomes due after 30 days, is shown on the overview, in the message centre and in their twins, asks about each browser that shows
// the account, and is quiet again once it was done (B27, B53).
func TestTheMonthlyCheckUp(t *testing.T) {
	s, clock := stack(t)
	ada := s.SignUp("ada@example.com")
	b := as(t, s, ada)
	b.get("/sessions")
	b.submit("/sessions/remember")
	due := func(want bool) {
		t.Helper()
		for path, word := range map[string]string{
			"/": "Your monthly check-up is due", "/messages": "Your monthly check-up is due", "/check-up": "I have looked through it",
			"/v1/overview": `"code":"check_up"`, "/v1/messages": `"check_up_due":true`, "/v1/check-up": `"due":true`,
		} {
			if b.get(path); b.page.StatusCode != http.StatusOK || strings.Contains(b.page.body, word) != want {
				t.Errorf("%s says %q: %t, want %t", path, word, !want, want)
			}
		}
	}
	due(false)
	clock.Advance(29 * 24 * time.Hour)
	b.get("/sign-in")
	b.submit("/sign-in", "mail", ada.Mail, "password", authtest.Password)
	due(false)
	clock.Advance(25 * time.Hour)
	b.get("/sign-in")
	b.submit("/sign-in", "mail", ada.Mail, "password", authtest.Password)
	due(true)

	b.get("/check-up")
	b.shows(http.StatusOK, "shows your name and address where people sign in")
	forget := ""
	for _, form := range all(b.page.root, "form") {
		if action := get(form, "action"); strings.HasPrefix(action, "/remembered/") {
			forget = action
		}
	}
	b.submit(forget)
	b.leads("/check-up")
	b.follow()
	if strings.Contains(b.page.body, "/remembered/") {
		t.Error("it asks about a browser that forgot")
	}
	due(true)
	b.get("/check-up")
	b.submit("/check-up/done")
	b.leads("/")
	due(false)
	clock.Advance(30 * 24 * time.Hour)
	b.get("/sign-in")
	b.submit("/sign-in", "mail", ada.Mail, "password", authtest.Password)
	due(true)
}
