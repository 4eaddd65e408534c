package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

var paper = regexp.MustCompile(`(?:[0-9A-Z]{5}-){5}[0-9A-Z][0-9A-Z*~$=]`)

func TestRecoveryCodes(t *testing.T) {
	s, clock := stack(t)
	ada := s.SignUp("ada@example.com")
	b := as(t, s, ada)
	b.get("/recovery/codes")
	b.shows(http.StatusOK, "a password alone cannot make them")
	b.post("/recovery/codes", tokenOf(b, "/methods"))
	b.shows(http.StatusForbidden, says(fault.AssuranceTooLow))
	b.get("/keys/new")
	b.shows(http.StatusForbidden, "Add a passkey or an authenticator app")

	ada.EnrolTOTP()
	b = as(t, s, ada)
	b.get("/")
	b.shows(http.StatusOK, "A lost phone would cost you days")
	b.get("/recovery/codes")
	b.submit("/recovery/codes")
	b.shows(http.StatusForbidden, "Confirm that it is you", "Make a new set of recovery codes")
	clock.Advance(30 * time.Second)
	b.submit("/recovery/codes", "proof_code", authtest.CodeAt(ada.TOTP, clock.Now()))
	b.shows(http.StatusOK, "shown only now", "Not in a mail")
	if b.page.Header.Get("Cache-Control") != "no-store" {
		t.Error("the codes may be kept by a cache")
	}
	set := paper.FindAllString(text(b.page.root), -1)
	if len(set) != 10 {
		t.Fatalf("%d codes are shown", len(set))
	}
	for _, section := range all(b.page.root, "section") {
		if get(section, "aria-labelledby") == "codes-sheet" && strings.Contains(text(section), ada.Mail) {
			t.Error("the paper names the account")
		}
	}

	slipped := []byte(set[3])
	slipped[0] ^= 1
	for _, wrong := range []string{string(slipped), "nonsense", "00000-00000-00000-00000-00000-00"} {
		b.get("/recovery/codes")
		b.submit("/recovery/codes/confirm", "code", wrong)
		b.shows(http.StatusForbidden, says(fault.RecoveryCodeRefused))
	}
	b.submit("/recovery/codes/confirm", "code", strings.ToLower(set[3]))
	b.leads("/recovery/codes")
	b.follow()
	b.shows(http.StatusOK, "Your recovery codes are kept", "10 codes left")
	b.get("/methods")
	b.shows(http.StatusOK, "10 codes left")

	clock.Advance(30 * time.Second)
	b.get("/recovery/codes")
	b.submit("/recovery/codes")
	b.submit("/recovery/codes", "proof_code", authtest.CodeAt(ada.TOTP, clock.Now()))
	again := paper.FindAllString(text(b.page.root), -1)
	b.submit("/recovery/codes/confirm", "code", set[3])
	b.shows(http.StatusForbidden, says(fault.RecoveryCodeRefused))
	b.submit("/recovery/codes/confirm", "code", again[9])
	b.leads("/recovery/codes")
	b.get("/")
	b.shows(http.StatusOK, "held") // a set was replaced

	clock.Advance(30 * time.Second)
	b.get("/methods")
	b.submit("/methods/totp/remove")
	b.submit("/methods/totp/remove", "proof_code", authtest.CodeAt(ada.TOTP, clock.Now()))
	b.get("/recovery/codes")
	b.shows(http.StatusOK, "a password alone cannot make them")
	if strings.Contains(text(b.page.root), "codes left") {
		t.Error("the codes outlived the last factor that they stood in for")
	}
}
