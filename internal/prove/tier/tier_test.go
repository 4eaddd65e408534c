package tier_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// TestAUserOfHighValue: a week after they were told, a code of the app makes no key any more, and the refusal names what is missing; what protects them,
// and the passkey that they need, asks for no more than before.
func TestAUserOfHighValue(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	const home, mail = "203.0.113.7", "ada@example.com"
	b := s.Browser(home)
	b.Wait = clock.Advance
	b.SignUp(mail)
	secret := b.EnrolTOTP()
	ada := b.Principal()
	if err := s.Tiers.Raise(t.Context(), ada, ada.User); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("raising oneself: %v", err)
	}
	host := principal.Host("tests")
	if err := s.Tiers.Raise(t.Context(), host, ada.User); err != nil {
		t.Fatal(err)
	}
	if err := s.Tiers.Raise(t.Context(), host, ada.User); fault.CodeOf(err) != fault.TierUnchanged {
		t.Errorf("raising again: %v", err)
	}
	s.Settle()
	letters := s.Mailbox.Letters(mail)
	if last := letters[len(letters)-1]; last.Notice != notify.UserRaised || last.Facts["from"] == "" {
		t.Errorf("the newest letter is %+v", last)
	}
	key := func() authtest.Reply {
		return b.StepUp(http.MethodPost, "/v1/keys", map[string]any{
			"name": "bot", "purpose": "tests", "environment": "test", "dialect": "native", "algorithm": "hmac-sha256", "scopes": []string{"orders:write"},
		}, secret)
	}
	signIn := func() {
		t.Helper()
		clock.Advance(30 * time.Second)
		if got := b.SignIn(mail, authtest.Password, secret); got.Status != http.StatusOK {
			t.Fatalf("sign-in: %d %s", got.Status, got.Text)
		}
	}
	clock.Advance(7*24*time.Hour - 10*time.Minute)
	signIn()
	if got := key(); got.Status != http.StatusCreated {
		t.Errorf("before the notice is over: %d %s", got.Status, got.Text)
	}
	clock.Advance(time.Hour)
	signIn()
	got := key()
	var refused struct {
		Fields struct {
			Needs   string
			Missing []string
		}
	}
	if b.Into(got, &refused); got.Code != fault.AssuranceTooLow || refused.Fields.Needs != "phr" || len(refused.Fields.Missing) == 0 {
		t.Errorf("after it: %d %s", got.Status, got.Text)
	}
	if got := b.StepUp(http.MethodPut, "/v1/contact/phrase", map[string]string{"phrase": "blue heron at noon"}, secret); got.Status >= http.StatusBadRequest {
		t.Errorf("what is not sensitive: %d %s", got.Status, got.Text)
	}
	if err := s.Tiers.Lower(t.Context(), host, ada.User); err != nil {
		t.Fatal(err)
	}
	if got := key(); got.Status != http.StatusCreated {
		t.Errorf("lowered: %d %s", got.Status, got.Text)
	}
}
