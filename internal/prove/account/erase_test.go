package account_test

import (
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// An erasure takes a disabled user away on both engines, leaves everybody else alone, and the address can sign up again.
func TestErase(t *testing.T) {
	for engine, options := range map[string]authtest.Options{"sqlite": {}, "postgres": {PostgresDSN: storetest.Postgres.New(t)}} {
		t.Run(engine, func(t *testing.T) { erase(t, authtest.StartWith(t, options)) })
	}
}

func erase(t *testing.T, s *authtest.Stack) {
	ada, eve := s.SignUp("ada@example.com"), s.SignUp("eve@example.com")
	ada.EnrolTOTP()
	key, other := s.IssueKey(ada, apikey.IssueInput{}), s.IssueKey(eve, apikey.IssueInput{})
	host := principal.Host("tests")
	for _, refused := range []struct {
		who  principal.Principal
		want fault.Code
	}{{ada.Principal(), fault.Forbidden}, {host, fault.NotFound}} { // the host may, but she is not disabled
		if err := s.Accounts.Erase(t.Context(), refused.who, ada.User.ID); fault.CodeOf(err) != refused.want {
			t.Errorf("%s may: %v", refused.who.Kind, err)
		}
	}
	if err := s.Accounts.Disable(t.Context(), host, ada.User.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Accounts.Erase(t.Context(), host, ada.User.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Accounts.Erase(t.Context(), host, ada.User.ID); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a second time: %v", err)
	}
	if _, _, err := s.Accounts.ByMail(t.Context(), ada.Mail); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("her address is still there: %v", err)
	}
	if now := s.KeyNow(key.ID); now.RevokedAt.IsZero() || now.Name != "" || now.OwnerName != "" || s.KeyNow(other.ID).Name == "" {
		t.Errorf("her key: revoked %v, name %q, owner %q", now.RevokedAt, now.Name, now.OwnerName)
	}
	if live := s.APIKeys.Find(key.ID); live.Name != "" || fault.CodeOf(live.State(s.Now())) != fault.KeyRevoked {
		t.Errorf("her key in memory: %q, %v", live.Name, live.State(s.Now()))
	}
	// Her key goes on being tried. It is recorded, and holds up nobody else's refusals.
	s.Tally.Note(audit.Refusal{Action: audit.RequestRefused, Person: ada.User.ID, Key: key.ID, Reason: "key.revoked"}, principal.Nobody(authtest.PersonOrigin()), nil)
	s.Settle()
	found, err := s.Log.VerifyAll(t.Context(), audit.Head{})
	if err != nil || found.Erased == 0 || found.Erased >= found.Events {
		t.Errorf("the log: %+v, %v", found, err)
	}
	page, err := s.Log.Activity(t.Context(), eve.Principal(), 0, 100)
	if err != nil || len(page) == 0 {
		t.Errorf("Eve reads %d events, %v", len(page), err)
	}
	if again := s.SignUp(ada.Mail); again.User.ID == ada.User.ID {
		t.Error("who signs up with the address is the one who was erased")
	}
}
