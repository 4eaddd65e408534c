package page_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// TestEveryExactTimeHasItsZone: who reads when something ends also reads by whose clock, on pages without a foot too.
func TestEveryExactTimeHasItsZone(t *testing.T) {
	everyPage(t, zoned)
	w := i18n.In("en")
	soon := w.Moment(time.Unix(0, 0).Add(time.Hour), time.Unix(0, 0))
	for _, state := range []string{"open", "approved"} {
		root, text := render(t, page.ConfirmPage(frame(w, false), page.Confirm{State: state, Expires: soon}))
		if !strings.Contains(text, soon.Absolute) {
			t.Errorf("%s: the page does not say %s", state, soon.Absolute)
		}
		zoned(t, root, text)
	}
}

func zoned(t *testing.T, root *html.Node, _ string) {
	t.Helper()
	exact, zone := false, false
	each(root, func(n *html.Node) {
		_, isExact := attr(n, "data-exact")
		_, isZone := attr(n, "data-zone")
		exact, zone = exact || isExact, zone || isZone
	})
	if exact && !zone {
		t.Error("a time stands here without its zone")
	}
}

// TestWhoLostTheMailboxKeepsThePasskey: no other passkey is spoken of to somebody who may have one alone.
func TestWhoLostTheMailboxKeepsThePasskey(t *testing.T) {
	w := i18n.In("en")
	for loss, want := range map[string]string{"phone": "Sign in with another passkey", "mailbox": "Sign in with your passkey"} {
		v := page.RecoveryPlan{Answers: []page.RecoveryAnswer{{Loss: loss, Steps: []page.RecoveryStep{{Way: "passkey"}}}}}
		if _, text := render(t, page.RecoveryPlanPage(frame(w, true), v)); !strings.Contains(text, want) {
			t.Errorf("a lost %s: the page does not say %q", loss, want)
		}
	}
}

// TestABrowserThatShowsTheAccountIsNotAskedTo: the offer is made where it would change something.
func TestABrowserThatShowsTheAccountIsNotAskedTo(t *testing.T) {
	w := i18n.In("en")
	for _, mine := range []bool{false, true} {
		v := page.Sessions{Remembering: []page.Remembering{{ID: "dev_1", Device: "Chrome on Linux", Mine: mine}}}
		_, text := render(t, page.SessionsPage(frame(w, true), v))
		if offered := strings.Contains(text, `action="/sessions/remember"`); offered == mine {
			t.Errorf("shown here %t, offered %t", mine, offered)
		}
	}
}

// TestTheCodesThatAreLeftAreCountedOnce: beside the heading, or below it where the heading says something else.
func TestTheCodesThatAreLeftAreCountedOnce(t *testing.T) {
	w := i18n.In("en")
	for _, confirmed := range []bool{false, true} {
		v := page.RecoveryCodes{Codes: &page.CodeSet{Left: 7, Confirmed: confirmed}}
		if _, text := render(t, page.RecoveryCodesPage(frame(w, true), v)); strings.Count(text, "7 codes left") != 1 {
			t.Errorf("confirmed %t: counted %d times", confirmed, strings.Count(text, "7 codes left"))
		}
	}
}
