package notify_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// mailbox is somebody who reads their mails.
type mailbox struct {
	*authtest.Stack
	t     *testing.T
	clock *storetest.Clock
	ada   *authtest.Browser
	user  id.User
}

const address = "ada@example.com"

func open(t *testing.T) *mailbox {
	t.Helper()
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	m := &mailbox{Stack: s, t: t, clock: clock, ada: s.Browser("203.0.113.7")}
	m.ada.Wait = clock.Advance
	m.ada.SignUp(address)
	m.user = m.ada.Principal().User
	return m
}

// newest is the newest letter to an address, once everything that is due was sent.
func (m *mailbox) newest(to string) authtest.Letter {
	m.t.Helper()
	m.Settle()
	letters := m.Mailbox.Letters(to)
	if len(letters) == 0 {
		m.t.Fatalf("nothing was sent to %s", to)
	}
	return letters[len(letters)-1]
}

// stranger signs in with Ada's password, from elsewhere.
func (m *mailbox) stranger() *authtest.Browser {
	m.t.Helper()
	b := m.Browser("198.51.100.4")
	if got := b.SignIn(address, authtest.Password, ""); got.Status != http.StatusOK {
		m.t.Fatalf("%d %s", got.Status, got.Text)
	}
	return b
}

// press sends the form of a link's page from a browser that was never here.
func (m *mailbox) press(link string) authtest.Reply {
	m.t.Helper()
	reader := m.Browser("192.0.2.9")
	page := reader.Do(reader.Request(http.MethodGet, authtest.Origin+link, ""))
	token := fieldOf(page.Text, "form_token")
	r := reader.Request(http.MethodPost, authtest.Origin+link, "form_token="+token)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return reader.Do(r)
}

func fieldOf(page, name string) string {
	_, after, _ := strings.Cut(page, `name="`+name+`" value="`)
	value, _, _ := strings.Cut(after, `"`)
	return value
}

func (m *mailbox) alive(b *authtest.Browser) bool {
	m.t.Helper()
	return b.Call(http.MethodGet, "/v1/session", nil).Status == http.StatusOK
}

func (m *mailbox) holds() int {
	m.t.Helper()
	s, err := m.Holds.Of(m.t.Context(), m.user)
	if err != nil {
		m.t.Fatal(err)
	}
	return len(s.Holds)
}

// Scanners of mails follow links: looking at one changes nothing, however often; its button does everything before it answers, once.
func TestTheLinkOfAMailLooksHarmlessAndItsButtonContains(t *testing.T) {
	m := open(t)
	thief := m.stranger()
	mail := m.newest(address)
	if mail.Notice != notify.LimitedSignIn && mail.Notice != notify.NewDevice {
		t.Fatalf("the newest mail is %s", mail.Notice)
	}
	for range 3 {
		scanner := m.Browser("192.0.2.50")
		page := scanner.Do(scanner.Request(http.MethodGet, authtest.Origin+mail.Link, ""))
		if page.Status != http.StatusOK || !strings.Contains(page.Text, "Nothing has changed yet.") {
			t.Fatalf("the page: %d", page.Status)
		}
		if got := page.Header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("Referrer-Policy %q", got)
		}
		if got := page.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control %q", got)
		}
	}
	if !m.alive(thief) || m.holds() != 0 {
		t.Fatal("looking at the page did something")
	}
	if got := m.press(mail.Link); got.Status != http.StatusOK || !strings.Contains(got.Text, "This is done:") {
		t.Fatalf("the button: %d %s", got.Status, got.Text)
	}
	if m.alive(thief) || !m.alive(m.ada) || m.holds() != 1 {
		t.Errorf("the thief is there: %t, Ada: %t, holds: %d", m.alive(thief), m.alive(m.ada), m.holds())
	}
	if got := m.press(mail.Link); !strings.Contains(got.Text, "This link was used") || m.holds() != 1 {
		t.Errorf("the second time: %d, holds: %d", got.Status, m.holds())
	}
	told := m.newest(address)
	if told.Notice != notify.Contained || told.Link != "" {
		t.Errorf("after it, the newest mail is %s with link %q", told.Notice, told.Link)
	}
}

func TestTheLinkDiesAfterADay(t *testing.T) {
	for name, c := range map[string]struct {
		age   time.Duration
		says  string
		holds int
	}{
		"a second before": {24*time.Hour - time.Second, "This is done:", 1},
		"a day old":       {24 * time.Hour, "This link is too old", 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t)
			m.stranger()
			mail := m.newest(address)
			m.clock.Advance(c.age)
			if got := m.press(mail.Link); !strings.Contains(got.Text, c.says) || m.holds() != c.holds {
				t.Errorf("%d, %d holds: %s", got.Status, m.holds(), got.Text)
			}
		})
	}
}

// A link that was not made here, or is another's, opens nothing.
func TestForgedLinksOpenNothing(t *testing.T) {
	m := open(t)
	m.stranger()
	mail := m.newest(address)
	text, token, _ := strings.Cut(strings.TrimPrefix(mail.Link, "/not-me/"), ".")
	other := id.New[id.MessageKind](m.clock.Now()).String()
	for name, at := range map[string]string{
		"no token": text, "another message": other + "." + token, "a cut token": text + "." + token[:len(token)-1], "a token more": text + "." + token + "A",
		"padding": text + "." + token + "=", "nothing": ".", "an id of another kind": strings.Replace(text, "msg_", "cnf_", 1) + "." + token,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := m.Notices.Report(t.Context(), "en", at); fault.CodeOf(err) != fault.NoticeLinkUnknown {
				t.Errorf("looking gives %v", err)
			}
			if _, err := m.Notices.Contain(t.Context(), authtest.PersonOrigin(), "en", at); fault.CodeOf(err) != fault.NoticeLinkUnknown {
				t.Errorf("pressing gives %v", err)
			}
		})
	}
}

func TestOneOfAHundredUsesTheLink(t *testing.T) {
	m := open(t)
	m.stranger()
	at := strings.TrimPrefix(m.newest(address).Link, "/not-me/")
	var mu sync.Mutex
	answers := map[fault.Code]int{}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			_, err := m.Notices.Contain(t.Context(), authtest.PersonOrigin(), "en", at)
			mu.Lock()
			defer mu.Unlock()
			answers[fault.CodeOf(err)]++
		})
	}
	all.Wait()
	if answers[fault.NoticeLinkOver] != 99 || m.holds() != 1 {
		t.Errorf("the racers were told %v, holds: %d", answers, m.holds())
	}
}

// What the mail of a change reports is stopped whole: everybody is signed out, and the key it names goes on no more.
func TestAReportedKeyIsBlocked(t *testing.T) {
	m := open(t)
	who := m.ada.Principal()
	key := m.IssueKeyTo(who.Account, who.User, apikey.IssueInput{Name: "planted", Purpose: "tests"})
	mail := m.newest(address)
	if mail.Notice != notify.KeyCreated {
		t.Fatalf("the newest mail is %s", mail.Notice)
	}
	m.press(mail.Link)
	live := m.APIKeys.Find(key.ID)
	if live == nil || live.State(m.clock.Now()) == nil {
		t.Error("the key goes on")
	}
	if m.alive(m.ada) {
		t.Error("the session that made it goes on")
	}
}

// Every mail lies in the app, where its id finds it, says the same, and is nobody else's.
func TestEveryMailLiesInTheMessageCentre(t *testing.T) {
	m := open(t)
	const phrase = "blue heron at noon"
	if got := m.ada.StepUp(http.MethodPut, "/v1/contact/phrase", map[string]string{"phrase": phrase}, ""); got.Status >= http.StatusBadRequest {
		t.Fatalf("the phrase: %d %s", got.Status, got.Text)
	}
	signUp := m.newest(address)
	before := len(m.Mailbox.Letters(address))
	m.stranger()
	m.asked()
	mail := m.newest(address)
	p := m.ada.Principal()
	sent := m.Mailbox.Letters(address)
	if kinds := kindsOf(sent[before:]); len(kinds) != 4 {
		t.Fatalf("the strangers made us write %v, after %s", kinds, signUp.Notice)
	}
	for i, letter := range sent {
		if letter.Notice == notify.SignUpCode && i == 0 {
			continue // before there was anybody
		}
		if i >= before && letter.To.Phrase != phrase {
			t.Errorf("%s has the phrase %q", letter.Notice, letter.To.Phrase)
		}
		shown, err := m.Notices.Message(t.Context(), p, letter.Message)
		if err != nil || shown.Letter != letter.Notice || shown.Mailed.IsZero() || strings.Contains(shown.Body, "/not-me/") {
			t.Errorf("%s: %v %+v", letter.Notice, err, shown)
		}
		if letter.Code != "" && strings.Contains(shown.Body, letter.Code) {
			t.Errorf("%s: the app shows the code of the mail", letter.Notice)
		}
	}
	eve := m.SignUp("eve@example.com")
	if _, err := m.Notices.Message(t.Context(), eve.Principal(), mail.Message); fault.CodeOf(err) != fault.MessageNotFound {
		t.Errorf("somebody else reads it: %v", err)
	}
	if err := m.Notices.Read(t.Context(), eve.Principal(), mail.Message); fault.CodeOf(err) != fault.MessageNotFound {
		t.Errorf("somebody else has read it: %v", err)
	}
	found := m.ada.Do(m.ada.Request(http.MethodGet, authtest.Origin+"/messages?find="+mail.Message.String(), ""))
	if found.Header.Get("Location") != "/messages/"+mail.Message.String() {
		t.Errorf("its id leads to %d %s", found.Status, found.Header.Get("Location"))
	}
	missed := m.ada.Do(m.ada.Request(http.MethodGet, authtest.Origin+"/messages?find=msg_069g9r2kt0f7s8w3a5q1z7y6xc", ""))
	if !strings.Contains(missed.Text, "that mail is not from us") {
		t.Error("a forged id is not called one")
	}
}

// asked lets strangers ask for what writes to Ada: a sign-up with her address, a recovery, and a change of somebody else's address to hers.
func (m *mailbox) asked() {
	m.t.Helper()
	b := m.Browser("198.51.100.7")
	for path, body := range map[string]map[string]string{
		"/v1/sign-up":    {"mail": address, "name": "Mallory", "lang": "en"},
		"/v1/recoveries": {"mail": address},
	} {
		if got := b.Call(http.MethodPost, path, body); got.Status >= http.StatusBadRequest {
			m.t.Fatalf("%s: %d %s", path, got.Status, got.Text)
		}
	}
	mallory := m.SignUp("mallory@example.com")
	if _, err := m.Contacts.Begin(m.t.Context(), mallory.Principal(), contact.Mail, address); err != nil {
		m.t.Fatal(err)
	}
	m.Settle()
}

func kindsOf(letters []authtest.Letter) map[notify.Letter]bool {
	kinds := map[notify.Letter]bool{}
	for _, l := range letters {
		kinds[l.Notice] = true
	}
	return kinds
}

// Whoever asks whether we contact them reads of the code that a stranger made us send: when, with which browser and from where, and no code.
func TestTheCodeOfARecoveryIsFoundInTheApp(t *testing.T) {
	m := open(t)
	m.clock.Advance(25 * time.Hour) // what the sign-up wrote is no longer of late
	b := m.Browser("198.51.100.7")
	for range 2 { // another letter is another message
		if got := b.Call(http.MethodPost, "/v1/recoveries", map[string]string{"mail": address}); got.Status >= http.StatusBadRequest {
			t.Fatalf("%d %s", got.Status, got.Text)
		}
	}
	code := m.newest(address).Code
	reader := m.Browser("203.0.113.7")
	reader.Wait = m.clock.Advance
	if got := reader.SignIn(address, authtest.Password, ""); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Text)
	}
	state, list, err := m.Notices.Contacted(t.Context(), reader.Principal())
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, shown := range list {
		if shown.Letter != notify.RecoveryCode {
			continue
		}
		found++
		if !strings.Contains(shown.Body, "198.51.100.7") || !strings.Contains(shown.Body, "Device") || strings.Contains(shown.Body, code) {
			t.Errorf("the app says:\n%s", shown.Body)
		}
	}
	if found != 2 || state == notify.Silent {
		t.Errorf("%s: %d letters with codes are listed, want 2", state, found)
	}
}

// A mail to an address that is younger than a week starts no clock; having read the message in the app does.
func TestAYoungAddressStartsNoClock(t *testing.T) {
	m := open(t)
	p := m.ada.Principal()
	change, err := m.Contacts.Begin(t.Context(), p, contact.Mail, "new@example.org")
	if err != nil {
		t.Fatal(err)
	}
	code := m.newest("new@example.org").Code
	if _, err := m.Contacts.Finish(t.Context(), p, change, code); err != nil {
		t.Fatal(err)
	}
	if begun := m.begun(p.User); len(begun) != 1 || begun[0] {
		t.Fatalf("before any mail: %v", begun)
	}
	m.Settle()
	if begun := m.begun(p.User); !begun[0] {
		t.Errorf("the mail to the old address, which is settled, did not start the clock: %v", begun)
	}
	b := m.Browser("203.0.113.7")
	m.clock.Advance(time.Hour)
	if got := b.SignIn("new@example.org", authtest.Password, ""); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Text)
	}
	if got := b.StepUp(http.MethodPut, "/v1/password", map[string]string{"password": "quite another long passphrase"}, ""); got.Status >= 400 {
		t.Fatalf("%d %s", got.Status, got.Text)
	}
	told := m.newest("new@example.org")
	if begun := m.begun(p.User); len(begun) != 2 || begun[1] {
		t.Errorf("a mail to an address of an hour started the clock: %v", begun)
	}
	later := m.Browser("203.0.113.7")
	later.Wait = m.clock.Advance
	for _, row := range []struct {
		what  string
		reads *authtest.Browser
		after time.Duration
		begun bool
	}{
		{"the session that did it", b, 0, false},
		{"another, which came after it", later, time.Hour, false},
		{"one that came a day after it", later, 24 * time.Hour, true},
	} {
		m.clock.Advance(row.after)
		if row.reads == later {
			if got := later.SignIn("new@example.org", "quite another long passphrase", ""); got.Status != http.StatusOK {
				t.Fatalf("%d %s", got.Status, got.Text)
			}
		}
		if err := m.Notices.Read(t.Context(), row.reads.Principal(), told.Message); err != nil {
			t.Fatal(err)
		}
		if begun := m.begun(p.User); begun[1] != row.begun {
			t.Errorf("%s read the message: begun %v, want %v", row.what, begun[1], row.begun)
		}
	}
}

// begun says of each hold of a user whether its clock runs.
func (m *mailbox) begun(u id.User) (list []bool) {
	m.t.Helper()
	s, err := m.Holds.Of(m.t.Context(), u)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, h := range s.Holds {
		list = append(list, !h.Begun.IsZero())
	}
	return list
}
