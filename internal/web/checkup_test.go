package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/geotest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
)

// The check-up is answered in a browser without script: a yes rests, another answer to the same question is told what happened.
func TestCheckUp(t *testing.T) {
	s, _ := stack(t)
	b := as(t, s, s.SignUp("ada@example.com"))
	b.get("/check-up")
	b.shows(http.StatusOK, "Do you know your password by yourself alone", "read the mail to ada@example.com", "0 of 2 questions answered")

	b.submit("/check-up", "state", "AAAAAAAAAAAAAAAAAAAAAA")
	b.shows(http.StatusConflict, says(fault.CheckUpChanged))
	b.get("/check-up")
	b.submit("/check-up")
	b.leads("/check-up#first")
	b.get("/check-up")
	b.shows(http.StatusOK, "Noted. We ask again when it changes.", "1 of 2 questions answered", "1 thing you said yes to")
	b.submit("/check-up")
	b.get("/check-up")
	b.shows(http.StatusOK, "Everything is as you said it should be")
}

// A tip stands on its page until its reader puts it away, and leads back there.
func TestTips(t *testing.T) {
	s, _ := stack(t)
	b := as(t, s, s.SignUp("ada@example.com"))
	const advice = "Treat a key like a password"
	b.get("/keys")
	b.shows(http.StatusOK, advice)
	b.submit("/tips/keys")
	b.leads("/keys")
	b.get("/keys")
	if strings.Contains(b.page.text(), advice) {
		t.Error("the tip came back")
	}
	b.get("/contact")
	b.shows(http.StatusOK, "Your mailbox can bring your account back")
}

func TestPicturesAreToldInTheZoneAskedFor(t *testing.T) {
	s, _ := stack(t)
	b := as(t, s, s.SignUp("ada@example.com"))
	b.get("/activity/pictures")
	b.shows(http.StatusOK, "UTC+00:00", "Sign-ins by weekday and hour", "There is no map")
	b.get("/activity/pictures?offset=540")
	b.shows(http.StatusOK, "(UTC+09:00)")
	for _, bad := range []string{"?offset=541", "?offset=x", "?offset=99999999999999999999"} {
		b.get("/activity/pictures" + bad)
		b.shows(http.StatusOK, "(UTC+00:00)")
	}
}

// With a file of places the countries of sign-ins stand on the map and in its table.
func TestPlacesOnTheMap(t *testing.T) {
	clock := storetest.NewClock()
	places := geotest.File(t, map[string]geotest.Record{"203.0.113.0/24": geotest.Nested("KR", map[string]any{"en": "Seoul", "ko": "서울"})})
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now, YAML: "geo: {file: '" + places + "', attribution: Places by Tests}\n"})
	s.SignUp("ada@example.com")
	b := open(t, s)
	b.get("/sign-in")
	b.submit("/sign-in", "mail", "ada@example.com", "password", authtest.Password)
	b.get("/activity/pictures")
	b.shows(http.StatusOK, "near Seoul, KR", "Places by Tests")
	if n := strings.Count(b.page.body, `class="spot"`); n != 1 {
		t.Errorf("%d places on the map", n)
	}
	b.get("/v1/activity/rhythm")
	if !strings.Contains(b.page.body, `"places":[{"country":"KR","sign_ins":1}]`) {
		t.Errorf("/v1 says %s", b.page.body)
	}
}
