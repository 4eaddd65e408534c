package web_test

import (
	"net/http"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

func principalOf(b *browser) principal.Principal {
	b.t.Helper()
	p, err := b.stack.Sessions.Authenticate([]byte(b.cookies[httpx.SessionCookie]), "", authtest.PersonOrigin())
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// another signs the same person in once more.
func another(t *testing.T, s *authtest.Stack, mail string) *browser {
	t.Helper()
	b := open(t, s)
	b.get("/sign-in")
	b.submit("/sign-in", "mail", mail, "password", authtest.Password)
	b.leads("/")
	return b
}

func TestSessions(t *testing.T) {
	s, _ := stack(t)
	here := as(t, s, s.SignUp("ada@example.com"))
	there := another(t, s, "ada@example.com")
	sid := principalOf(there).Session.String()

	here.get("/sessions")
	here.shows(http.StatusOK, "This device", "Chrome on Windows", "203.0.113.7", "API keys stay: your bots keep running")
	here.submit("/sessions/" + sid + "/sign-out")
	here.leads("/sessions")
	here.follow()
	here.shows(http.StatusOK, "That device is signed out")
	there.get("/")
	there.leads("/sign-in")

	here.get("/sessions")
	here.shows(http.StatusOK, "No other device is signed in")
	here.post("/sessions/"+sid+"/sign-out", tokenOf(here, "/sessions"))
	here.shows(http.StatusNotFound, says(fault.SessionNotFound))
	here.post("/sessions/nonsense/sign-out", tokenOf(here, "/sessions"))
	here.shows(http.StatusNotFound, says(fault.SessionNotFound))

	there = another(t, s, "ada@example.com")
	here.get("/sessions")
	here.submit("/sessions/sign-out-others")
	here.leads("/sessions")
	here.follow()
	here.shows(http.StatusOK, "1 other session was signed out")
	there.get("/")
	there.leads("/sign-in")

	there = another(t, s, "ada@example.com")
	here.get("/sessions")
	here.submit("/sessions/sign-out-everywhere")
	here.leads("/sign-in")
	here.follow()
	here.shows(http.StatusOK, "2 sessions have ended. Your bots keep running")
	there.get("/")
	there.leads("/sign-in")
}

func TestSignOut(t *testing.T) {
	s, _ := stack(t)
	b := as(t, s, s.SignUp("ada@example.com"))
	bearer := b.cookies[httpx.SessionCookie]
	b.get("/")
	b.submit("/sign-out")
	b.leads("/sign-in")
	b.follow()
	b.shows(http.StatusOK, "You are signed out")
	b.cookies[httpx.SessionCookie] = bearer
	b.get("/")
	b.leads("/sign-in")

	b = as(t, s, s.SignUp("eve@example.com"))
	b.post("/sessions/"+principalOf(b).Session.String()+"/sign-out", tokenOf(b, "/sessions"))
	b.leads("/sign-in")
	if b.cookies[httpx.SessionCookie] != "" {
		t.Error("the cookie of the ended session stays")
	}
}

// Nobody ends the sessions of somebody else.
func TestForeignSession(t *testing.T) {
	s, _ := stack(t)
	eve := as(t, s, s.SignUp("eve@example.com"))
	ada := as(t, s, s.SignUp("ada@example.com"))
	eve.post("/sessions/"+principalOf(ada).Session.String()+"/sign-out", tokenOf(eve, "/sessions"))
	eve.shows(http.StatusNotFound, says(fault.SessionNotFound))
	ada.get("/")
	ada.shows(http.StatusOK)
}
