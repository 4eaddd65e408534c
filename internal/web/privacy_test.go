package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
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
