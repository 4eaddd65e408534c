package web_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// twoAccounts is Ada's browser, who owns another account beside her own.
func twoAccounts(t *testing.T) (s *authtest.Stack, later func(time.Duration), ada *browser, other id.Account) {
	t.Helper()
	s, clock := stack(t)
	p, desk := s.SignUp("ada@example.com"), s.SignUp("desk@example.com")
	other = desk.Principal().Account
	err := store.Of[member.Tx](s.Store).Update(t.Context(), func(tx member.Tx) (audit.Event, error) {
		_, err := tx.JoinMember(t.Context(), other, p.User.ID, principal.Owner, s.Now())
		return audit.Quiet(audit.Housekeeping), err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, func(d time.Duration) { clock.Advance(d) }, as(t, s, p), other
}

// A form does nothing in another account than the one whose page it stands on: neither after another tab went over, nor after a sign-in, which begins in
// the first account again.
func TestAFormCountsInItsAccountAlone(t *testing.T) {
	t.Run("another tab goes over", func(t *testing.T) {
		_, _, ada, other := twoAccounts(t)
		ada.get("/members")
		before := ada.page
		ada.post("/account", with(tokenOf(ada, "/members"), "account", other.String()))
		ada.page = before
		ada.submit("/members/invite", "mail", "eve@example.com", "role", "trader")
		ada.shows(http.StatusForbidden, says(fault.RequestFormExpired))
		ada.page = before
		ada.submit("/sign-out")
		ada.leads("/sign-in")
	})
	t.Run("signed in anew", func(t *testing.T) {
		_, later, ada, other := twoAccounts(t)
		ada.post("/account", with(tokenOf(ada, "/members"), "account", other.String()))
		ada.get("/members")
		later(13 * time.Hour)
		ada.submit("/members/invite", "mail", "eve@example.com", "role", "trader")
		late := ada.page
		ada.submit("/sign-in", "mail", "ada@example.com", "password", authtest.Password)
		if ada.page.StatusCode != http.StatusSeeOther {
			t.Errorf("the form of another account waits: %d %s", ada.page.StatusCode, ada.page.text())
		}
		values := url.Values{}
		for _, field := range all(late.root, "input") {
			if get(field, "name") == "kept" {
				values.Set("kept", get(field, "value"))
			}
		}
		ada.post("/members/invite", with(tokenOf(ada, "/members"), "kept", values.Get("kept")))
		ada.shows(http.StatusForbidden, says(fault.RequestFormExpired))
	})
}
