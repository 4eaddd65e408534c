package journey_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// TestAStolenMailAddressComesBack: an attacker who has Ada's password and her app's secret makes the mail address theirs. Money waits three days; on the
// third Ada reads her old mailbox, and one button puts everything back: before it answers the attacker is out, and the hold has not ended.
func TestAStolenMailAddressComesBack(t *testing.T) {
	inBubble(t, func(l *life) {
		l.until(24 * time.Hour)
		eve := l.Browser("198.51.100.66")
		l.mustSignIn(eve)
		var begun struct{ Change string }
		eve.Into(eve.StepUp(http.MethodPost, "/v1/contact/changes", map[string]string{"place": "mail", "mail": "eve@example.net"}, l.secret), &begun)
		l.Settle()
		letters := l.Mailbox.Letters("eve@example.net")
		code := map[string]string{"code": letters[len(letters)-1].Code}
		if got := eve.Call(http.MethodPost, "/v1/contact/changes/"+begun.Change+"/code", code); got.Status >= http.StatusBadRequest {
			t.Fatalf("the change: %d %s", got.Status, got.Text)
		}
		l.work()
		changed := time.Since(l.born)
		l.expect("the old address signs in", fault.SignInRefused, l.signIn(l.Browser(home)).Code)

		l.until(changed + 72*time.Hour - time.Minute)
		link := l.linkOf(mail, notify.ContactChanged)
		held := l.heldUntil()
		if !held.After(time.Now()) {
			t.Errorf("a minute before three days are over, money is held until %s", held)
		}
		l.expect("the button", http.StatusOK, l.Browser(home).Call(http.MethodPost, "/v1"+link, nil).Status)
		l.expect("the attacker, at once", fault.SessionEnded, eve.Call(http.MethodGet, "/v1/session", nil).Code)
		l.expect("the attacker's address", fault.SignInRefused, eve.SignIn("eve@example.net", authtest.Password, "").Code)
		l.work()
		l.mustSignIn(l.ada)
		if again := l.heldUntil(); !again.After(held) {
			t.Errorf("what was done holds money until %s, before it was %s", again, held)
		}
	})
}

// TestAfterThreeDaysTheMailAddressStays: from then on the change is the user's own.
func TestAfterThreeDaysTheMailAddressStays(t *testing.T) {
	inBubble(t, func(l *life) {
		l.mustSignIn(l.ada)
		var begun struct{ Change string }
		l.ada.Into(l.ada.StepUp(http.MethodPost, "/v1/contact/changes", map[string]string{"place": "mail", "mail": "ada@example.org"}, l.secret), &begun)
		l.Settle()
		letters := l.Mailbox.Letters("ada@example.org")
		l.ada.Call(http.MethodPost, "/v1/contact/changes/"+begun.Change+"/code", map[string]string{"code": letters[len(letters)-1].Code})
		l.work()
		link := l.linkOf(mail, notify.ContactChanged)
		time.Sleep(72 * time.Hour)
		l.work()
		l.expect("the button after three days", fault.NoticeLinkOver, l.Browser(home).Call(http.MethodPost, "/v1"+link, nil).Code)
	})
}

// linkOf is the link of the newest mail of a kind to an address.
func (l *life) linkOf(to string, kind notify.Letter) string {
	l.t.Helper()
	link := ""
	for _, letter := range l.Mailbox.Letters(to) {
		if letter.Notice == kind {
			link = letter.Link
		}
	}
	if !strings.HasPrefix(link, "/not-me/") {
		l.t.Fatalf("no %s with a link was sent to %s", kind, to)
	}
	return link
}

// heldUntil is when the last hold on Ada's money ends.
func (l *life) heldUntil() time.Time {
	l.t.Helper()
	u, _, err := l.Accounts.ByMail(l.t.Context(), mail)
	if err != nil { // while the address is the attacker's
		u, _, err = l.Accounts.ByMail(l.t.Context(), "eve@example.net")
	}
	if err != nil {
		l.t.Fatal(err)
	}
	s, err := l.Holds.Of(l.t.Context(), u.ID)
	if err != nil || !s.Held || s.Until.IsZero() {
		l.t.Fatalf("money is held: %t, until %s: %v", s.Held, s.Until, err)
	}
	return s.Until
}
