package web_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/rawsql"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Refused requests of a key are told with what was seen, what was expected and the next step.
func TestActivity(t *testing.T) {
	s, clock := stack(t)
	ada := s.SignUp("ada@example.com")
	k := s.IssueKey(ada, apikey.IssueInput{Name: "grid", Purpose: "p", Allowlist: []string{"198.51.100.7"}})
	for range 3 {
		s.Do(s.Signed(k, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
	}
	wrong := open(t, s)
	wrong.get("/sign-in")
	wrong.submit("/sign-in", "mail", "ada@example.com", "password", "not it at all, no")
	s.Settle()
	clock.Advance(2 * time.Minute)
	s.Settle()

	b := as(t, s, ada)
	b.get("/activity")
	b.shows(
		http.StatusOK, happened(audit.UserSignedUp), "proven with one factor", "A signed request was refused",
		"3 times", says(fault.KeyIPNotAllowed), fixes(fault.KeyIPNotAllowed), "API key grid",
		happened(audit.SignInFailed), "Somebody who was not signed in", "Chrome on Windows, from 203.0.113.7",
	)
	if got := b.href("More about this"); got != "/errors/key.ip_not_allowed" {
		t.Errorf("the refusal leads to %q", got)
	}
	if got := b.href("The same as JSON"); !strings.HasPrefix(got, "/v1/activity") {
		t.Errorf("the twin is %q", got)
	}
}

// Whoever changes the log by force must not blind its reader: the entry says that it was changed, and the others stand.
func TestActivityOfALogThatWasChanged(t *testing.T) {
	folder := t.TempDir()
	s := authtest.StartWith(t, authtest.Options{Now: storetest.NewClock().Now, Folder: folder})
	ada := s.SignUp("ada@example.com")
	s.IssueKey(ada, apikey.IssueInput{Name: "grid", Purpose: "p"})
	if err := rawsql.Exec(filepath.Join(folder, "sallyport.db"), "UPDATE audit_event SET sealed = x'00' WHERE action = 'key.created'"); err != nil {
		t.Fatal(err)
	}
	b := as(t, s, ada)
	b.get("/activity")
	b.shows(http.StatusOK, happened(audit.UserSignedUp), "was changed or damaged in the database")
	if shown := b.page.text(); strings.Contains(shown, "grid") {
		t.Errorf("the changed entry still speaks: %s", shown)
	}
	b.get("/v1/activity")
	b.shows(http.StatusOK, `"broken":true`, string(audit.UserSignedUp))
}

func TestActivityByPages(t *testing.T) {
	s, _ := stack(t)
	ada := s.SignUp("ada@example.com")
	for range 35 {
		s.IssueKey(ada, apikey.IssueInput{})
	}
	b := as(t, s, ada)
	b.get("/activity")
	b.shows(http.StatusOK, "Older")
	if strings.Contains(b.page.text(), happened(audit.UserSignedUp)) {
		t.Error("everything is on one page")
	}
	older := b.href("Older")
	b.get(older)
	b.shows(http.StatusOK, happened(audit.UserSignedUp), "Newest")
	twin, err := url.Parse(b.href("The same as JSON"))
	if err != nil || twin.Query().Get("before") == "" {
		t.Errorf("the twin of the second page is %s", twin)
	}
	b.get("/activity?before=nonsense")
	b.shows(http.StatusOK, "Older")
}

// What somebody looks for is found and nothing else, and the pages and their twin go on looking for it.
func TestActivityIsSearched(t *testing.T) {
	s, _ := stack(t)
	ada := s.SignUp("ada@example.com")
	key := s.IssueKey(ada, apikey.IssueInput{Name: "Grid", Purpose: "tests"})
	for range 31 {
		s.IssueKey(ada, apikey.IssueInput{Name: "Other", Purpose: "tests"})
		note := audit.Refusal{Action: audit.RequestRefused, Person: ada.User.ID, Account: ada.Principal().Account, Key: key.ID, Reason: string(fault.KeyFrozen)}
		s.Tally.Note(note, principal.Nobody(authtest.PersonOrigin()), nil)
		if err := s.Tally.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b := as(t, s, ada)
	b.get("/activity?code=key.frozen")
	b.shows(http.StatusOK, "Older")
	if strings.Contains(b.page.text(), "Other") {
		t.Error("it shows what nobody looked for")
	}
	for _, name := range []string{"Older", "The same as JSON"} {
		if at, err := url.Parse(b.href(name)); err != nil || at.Query().Get("code") != "key.frozen" {
			t.Errorf("%s leads to %s", name, at)
		}
	}
	b.get("/activity?key_id=" + key.Text())
	b.shows(http.StatusOK, "Grid")
	b.get("/activity?code=key.revoked")
	b.shows(http.StatusOK, "Nothing was found here")
	for _, wrong := range []string{"key_id=grid", "since=yesterday"} {
		b.get("/activity?" + wrong)
		b.shows(http.StatusUnprocessableEntity)
	}
}
