package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

func TestPrivacy(t *testing.T) {
	s, clock := stack(t)
	ada := s.SignUp("ada@example.com")
	b := as(t, s, ada)
	b.get("/privacy")
	b.shows(http.StatusOK, "What is not collected", "your fingerprint or face stays on your device", "30 days", "Download my data")

	b.submit("/privacy/copy")
	var kept struct{ Profile struct{ Mail string } }
	if err := json.Unmarshal([]byte(b.page.body), &kept); err != nil || kept.Profile.Mail != ada.Mail {
		t.Errorf("the copy: %v, %s", err, b.page.body)
	}
	if h := b.page.Header; !strings.HasPrefix(h.Get("Content-Disposition"), `attachment; filename="sallyport-20`) || h.Get("Cache-Control") != "no-store" {
		t.Errorf("its headers: %v", h)
	}

	b.get("/privacy")
	b.shows(http.StatusOK, "The file with your data is in your downloads.")
	b.submit("/privacy/leave", "own_mail", "somebody@example.com")
	b.shows(http.StatusUnprocessableEntity, says(fault.AccountMailDiffers))
	b.get("/privacy")
	b.submit("/privacy/leave", "own_mail", ada.Mail)
	b.leads("/privacy")
	b.follow()
	b.shows(http.StatusOK, "Your account will be deleted", "Keep my account")
	if strings.Contains(b.page.body, `action="/privacy/leave"`) {
		t.Error("it can be wanted twice")
	}
	clock.Advance(s.Config.Session.Idle / 2)
	b.submit("/privacy/stay")
	b.leads("/privacy")
	b.follow()
	b.shows(http.StatusOK, "Your account stays. Nothing was deleted.")
	b.post("/privacy/stay", tokenOf(b, "/privacy"))
	b.shows(http.StatusConflict, says(fault.AccountNotLeaving))
}

// Two people of one browser choose who they are; nobody is shown who did not want it, and it opens nothing.
func TestAccountsOfABrowser(t *testing.T) {
	s, clock := stack(t)
	ada, bob := s.SignUp("ada@example.com"), s.SignUp("bob@example.com")
	b := as(t, s, ada)
	b.get("/sessions")
	b.submit("/sessions/remember")
	b.leads("/sessions")
	far := another(t, s, ada.Mail)
	far.get("/sessions")
	far.shows(http.StatusOK, "Browsers that show your account")
	for _, form := range all(far.page.root, "form") {
		if action := get(form, "action"); strings.HasPrefix(action, "/remembered/") {
			far.submit(action)
		}
	}
	far.leads("/sessions")
	far.follow()
	if strings.Contains(far.page.body, "/remembered/") {
		t.Error("a browser that was to forget her is still listed")
	}
	b.get("/sign-in")
	if strings.Contains(b.page.body, ada.Mail) {
		t.Error("it was taken back elsewhere, and is still shown")
	}
	b.get("/sessions")
	b.submit("/sessions/remember")
	b.get("/sign-in") // bob, in the same browser
	b.submit("/sign-in", "mail", bob.Mail, "password", authtest.Password)
	b.get("/sign-in")
	b.shows(http.StatusOK, "Choose an account", ada.Mail)
	if strings.Contains(b.page.body, bob.Mail) {
		t.Error("somebody is shown who did not ask for it")
	}
	b.get("/sessions")
	b.submit("/sessions/remember")
	b.get("/sign-in?account=" + ada.User.ID.String())
	b.shows(http.StatusOK, "Chosen", bob.Mail)
	for _, field := range all(formTo(b, "/sign-in"), "input") {
		if got := get(field, "value"); get(field, "name") == "mail" && got != ada.Mail {
			t.Errorf("the address is filled with %q", got)
		}
	}
	stranger := open(t, s)
	stranger.get("/sign-in?account=" + ada.User.ID.String())
	if strings.Contains(stranger.page.body, ada.Mail) || strings.Contains(stranger.page.body, "Choose an account") {
		t.Error("another browser shows it too")
	}
	b.get("/sign-in")
	b.submit("/sign-in/forget")
	b.leads("/sign-in")
	b.follow()
	if strings.Contains(b.page.body, bob.Mail) == strings.Contains(b.page.body, ada.Mail) {
		t.Errorf("one of two was to be forgotten: %s", b.page.text())
	}

	far = another(t, s, ada.Mail) // and ada ends everything from elsewhere
	far.get("/sessions")
	far.submit("/sessions/sign-out-everywhere")
	b.get("/sign-in")
	if strings.Contains(b.page.body, ada.Mail) {
		t.Error("it outlived a sign-out of all other devices")
	}
	clock.Advance(31 * 24 * time.Hour)
	b.get("/sign-in")
	if strings.Contains(b.page.body, "Choose an account") {
		t.Error("it outlived a month without a sign-in")
	}
}

// TestNeverRememberedAnywhere: one button takes the account from every sign-in page, and another, behind a proof, lets it back (A33).
func TestNeverRememberedAnywhere(t *testing.T) {
	s, clock := stack(t)
	ada := s.SignUp("ada@example.com")
	b := as(t, s, ada)
	b.get("/sessions")
	b.submit("/sessions/remember")
	b.get("/sessions")
	b.submit("/sessions/never-remember")
	b.follow()
	b.shows(http.StatusOK, "No browser shows your account any more", "Let browsers remember me again")
	if strings.Contains(b.page.body, "Show my account here when I sign in") {
		t.Error("what is refused is offered")
	}
	b.get("/sign-in")
	if strings.Contains(b.page.body, ada.Mail) {
		t.Error("the account is still shown")
	}
	clock.Advance(10 * time.Minute)
	b.get("/sessions")
	b.submit("/sessions/may-remember")
	b.submit("/sessions/may-remember", "proof_password", authtest.Password)
	b.follow()
	b.shows(http.StatusOK, "Browsers may show your account again", "Show my account here when I sign in")
}
