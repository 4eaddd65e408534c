package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

const (
	forgotten = "Nobody signed in to it from this browser for 30 days"
	ended     = "are not shown any more"
	endedOne  = "is not shown any more"
)

// lapses is what the sign-in page and its twin say in a browser.
func lapses(b *browser) (page, twin string) {
	b.t.Helper()
	b.get("/sign-in")
	page = b.page.body
	b.get("/v1/remembered")
	return page, b.page.body
}

// TestARememberedBrowserSaysThatItLapsed: unused for 30 days it is dropped, and says so at the next visit, before its row is swept and after (B53). The mark
// does not come back by a sign-in, and no other browser says anything.
func TestARememberedBrowserSaysThatItLapsed(t *testing.T) {
	s, clock := stack(t)
	ada, bob := s.SignUp("ada@example.com"), s.SignUp("bob@example.com")
	b, stranger := as(t, s, ada), open(t, s)
	b.get("/sessions")
	b.submit("/sessions/remember")
	clock.Advance(15 * 24 * time.Hour)
	b.get("/sign-in") // bob, in the same browser, who keeps it from being swept
	b.submit("/sign-in", "mail", bob.Mail, "password", authtest.Password)
	if page, twin := lapses(b); strings.Contains(page, forgotten) || !strings.Contains(page, ada.Mail) || !strings.Contains(twin, `"unused":0`) {
		t.Errorf("after 15 days: %s", twin)
	}
	clock.Advance(16 * 24 * time.Hour)
	for _, swept := range []bool{false, true} {
		if swept {
			if err := s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if page, twin := lapses(b); !strings.Contains(page, forgotten) || strings.Contains(page, ada.Mail) || !strings.Contains(twin, `"unused":1`) {
			t.Errorf("after 31 days, swept %t: %s", swept, twin)
		}
		if page, twin := lapses(stranger); strings.Contains(page, forgotten) || !strings.Contains(twin, `"unused":0`) {
			t.Errorf("a stranger's browser, swept %t: %s", swept, twin)
		}
	}
	b.get("/sign-in")
	b.submit("/sign-in", "mail", ada.Mail, "password", authtest.Password)
	if page, twin := lapses(b); strings.Contains(page, forgotten) || strings.Contains(page, "Choose an account") || !strings.Contains(twin, `"unused":0`) {
		t.Errorf("after she signed in again, which asked for nothing to be shown: %s", twin)
	}
	b.get("/sessions")
	b.submit("/sessions/remember")
	clock.Advance(40 * 24 * time.Hour) // nobody at all: the browser's row goes
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if page, twin := lapses(b); !strings.Contains(page, forgotten) || !strings.Contains(twin, `"unused":1`) {
		t.Errorf("after its row was swept: %s", twin)
	}
	clock.Advance(91 * 24 * time.Hour)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if page, twin := lapses(b); strings.Contains(page, forgotten) || !strings.Contains(twin, `"unused":0`) {
		t.Errorf("three months later: %s", twin)
	}
}

// TestARememberedBrowserSaysThatItWasForgotten elsewhere, and not what its reader did there themselves.
func TestARememberedBrowserSaysThatItWasForgotten(t *testing.T) {
	s, _ := stack(t)
	ada, bob := s.SignUp("ada@example.com"), s.SignUp("bob@example.com")
	b := as(t, s, ada)
	b.get("/sessions")
	b.submit("/sessions/remember")
	b.get("/sign-in")
	b.submit("/sign-in/forget")
	if page, twin := lapses(b); strings.Contains(page, endedOne) || !strings.Contains(twin, `"ended":0`) {
		t.Errorf("forgotten here: %s", twin)
	}
	b.get("/sessions")
	b.submit("/sessions/remember")
	b.get("/sign-in")
	b.submit("/sign-in", "mail", bob.Mail, "password", authtest.Password)
	b.get("/sessions")
	b.submit("/sessions/remember")
	for _, who := range []*authtest.Person{ada, bob} {
		far := another(t, s, who.Mail)
		far.get("/sessions")
		far.submit("/sessions/sign-out-everywhere")
	}
	page, twin := lapses(b)
	if !strings.Contains(page, ended) || strings.Contains(page, ada.Mail) || strings.Contains(page, bob.Mail) || !strings.Contains(twin, `"ended":2`) {
		t.Errorf("ended elsewhere: %s", twin)
	}
	b.get("/sign-in")
	b.submit("/sign-in", "mail", ada.Mail, "password", authtest.Password)
	b.leads("/")
	if page, twin := lapses(b); !strings.Contains(page, endedOne) || !strings.Contains(twin, `"ended":1`) {
		t.Errorf("one came back: %s", twin)
	}
	stranger := open(t, s)
	if page, _ := lapses(stranger); strings.Contains(page, endedOne) || stranger.page.StatusCode != http.StatusOK {
		t.Error("a stranger's browser says it too")
	}
}
