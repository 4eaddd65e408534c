package web_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/geotest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
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

// A session on a shared computer rests sooner, and its own pages say so.
func TestASharedComputerReadsItsOwnTime(t *testing.T) {
	s, _ := stack(t)
	s.SignUp("ada@example.com")
	for ticked, span := range map[string]string{"": "30 minutes", "yes": "10 minutes"} {
		b := open(t, s)
		b.get("/sign-in")
		b.submit("/sign-in", "mail", "ada@example.com", "password", authtest.Password, "shared", ticked)
		b.leads("/")
		b.get("/sessions")
		b.shows(http.StatusOK, "Without anything being done for "+span)
		b.get("/")
		b.shows(http.StatusOK, "Each thing you do moves this on by "+span)
	}
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

// What is ticked ends, and nothing else; nobody's own session or somebody else's does so.
func TestSignOutSelected(t *testing.T) {
	s, _ := stack(t)
	here := as(t, s, s.SignUp("ada@example.com"))
	one, two, three := another(t, s, "ada@example.com"), another(t, s, "ada@example.com"), another(t, s, "ada@example.com")
	eve := as(t, s, s.SignUp("eve@example.com"))
	sid := func(b *browser) string { return principalOf(b).Session.String() }

	here.get("/sessions")
	here.submit("/sessions/sign-out-selected")
	here.follow()
	here.shows(http.StatusOK, "Nothing was selected, and nothing has changed")
	for name, picked := range map[string]string{"her own": sid(one) + "|" + sid(here), "somebody else's": sid(one) + "|" + sid(eve), "none": sid(one) + "|nonsense"} {
		here.get("/sessions")
		here.submit("/sessions/sign-out-selected", "session", picked)
		here.shows(http.StatusNotFound, says(fault.SessionNotFound))
		if one.get("/"); one.page.StatusCode != http.StatusOK {
			t.Errorf("with %s among them, a part was done", name)
		}
	}
	here.get("/sessions")
	here.submit("/sessions/sign-out-selected", "session", sid(one)+"|"+sid(three))
	here.leads("/sessions")
	here.follow()
	here.shows(http.StatusOK, "2 selected sessions were signed out. Your bots keep running")
	for _, gone := range []*browser{one, three} {
		gone.get("/")
		gone.leads("/sign-in")
	}
	two.get("/")
	two.shows(http.StatusOK)
}

// Where somebody is stands in words where a file of places knows it, with whom that is owed to; the address is one tap away.
func TestPlacesInWords(t *testing.T) {
	places := geotest.File(t, map[string]geotest.Record{"203.0.113.0/24": geotest.Nested("KR", map[string]any{"en": "Seoul", "ko": "서울"})})
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{
		Now: clock.Now, YAML: "geo: {file: '" + places + "', attribution: Places by Tests, attribution_url: 'https://places.example'}\n",
	})
	ada := s.SignUp("ada@example.com")
	for lang, want := range map[string]string{"en": "near Seoul, KR", "ko": "대한민국 서울 근처"} {
		b := as(t, s, ada)
		b.lang = lang
		b.cookies[httpx.LangCookie] = lang
		b.get("/sessions")
		b.shows(http.StatusOK, want, "Places by Tests", "203.0.113.7")
		b.get("/activity")
		b.shows(http.StatusOK, want)
	}
	list := as(t, s, ada)
	list.get("/v1/sessions")
	if !strings.Contains(list.page.body, `"place":"near Seoul, KR"`) {
		t.Errorf("/v1 says %s", list.page.body)
	}
}

// A sign-in of the log that was not its reader's is disowned where it is told, and a second press finds that it is done.
func TestASignInInTheLogThatWasNotMe(t *testing.T) {
	s, _ := stack(t)
	here := as(t, s, s.SignUp("ada@example.com"))
	there := another(t, s, "ada@example.com")
	for range 2 {
		here.get("/activity")
		at := regexp.MustCompile(`/activity/\d+/not-me`).FindString(here.page.body)
		if at == "" {
			t.Fatal("no sign-in can be disowned")
		}
		here.submit(at)
		here.leads("/disowned")
		here.follow()
		here.shows(http.StatusOK, "The operators have a case", "Change your password")
		there.get("/")
		there.leads("/sign-in")
	}
	if list, err := s.Reports.List(t.Context(), principal.Host("tests")); err != nil || len(list) != 1 {
		t.Errorf("operators have %+v, %v: want one case", list, err)
	}
	here.post("/activity/1/not-me", tokenOf(here, "/activity"))
	here.shows(http.StatusNotFound, says(fault.SignInEntryUnknown))
	here.post("/activity/first/not-me", tokenOf(here, "/activity"))
	here.shows(http.StatusNotFound, says(fault.SignInEntryUnknown))
}

// A session that another browser shows right now stands after this one and before all others, and says what a thief of it could do.
func TestAFlaggedSessionComesFirst(t *testing.T) {
	s, clock := stack(t)
	here := as(t, s, s.SignUp("ada@example.com"))
	copied := another(t, s, "ada@example.com")
	clock.Advance(time.Minute)
	another(t, s, "ada@example.com")
	rows, err := s.Sessions.List(t.Context(), principalOf(here))
	if err != nil || len(rows) != 3 {
		t.Fatal(len(rows), err)
	}
	slices.SortFunc(rows, func(a, b session.Listed) int { return a.Born.Compare(b.Born) })
	first, second := rows[1].ID.String(), rows[2].ID.String()
	if first == principalOf(here).Session.String() {
		first = rows[0].ID.String()
	}
	thief := *copied
	thief.agent = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
	thief.get("/")
	here.get("/sessions")
	here.shows(http.StatusOK, "Shown by another browser", "If this session were stolen", "Send no money and add no destination")
	if f, n := strings.Index(here.page.body, `id="`+first), strings.Index(here.page.body, `id="`+second); f < 0 || f > n {
		t.Errorf("the session that was shown by another browser comes at %d, the other at %d", f, n)
	}
	here.get("/")
	here.shows(http.StatusOK, "One of your sessions was shown by something else")
}
