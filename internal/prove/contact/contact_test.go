package contact_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// desk is a stack with two people, and a clock.
type desk struct {
	*authtest.Stack
	t     *testing.T
	clock *storetest.Clock
	ada   *authtest.Person
}

func open(t *testing.T) *desk {
	t.Helper()
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	return &desk{s, t, clock, s.SignUp("ada@example.com")}
}

// begin asks for an address and gives the code that its mailbox got.
func (d *desk) begin(place contact.Place, mail string) (id.ContactChange, string) {
	d.t.Helper()
	change, err := d.Contacts.Begin(d.t.Context(), d.ada.Principal(), place, mail)
	if err != nil {
		d.t.Fatal(err)
	}
	d.Settle()
	letters := d.Mailbox.Letters(strings.ToLower(mail))
	return change, letters[len(letters)-1].Code
}

// moves changes an address whole.
func (d *desk) moves(place contact.Place, mail string) {
	d.t.Helper()
	change, code := d.begin(place, mail)
	var err error
	if d.ada.Bearer, err = d.Contacts.Finish(d.t.Context(), d.ada.Principal(), change, code); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) reached() contact.Reached {
	d.t.Helper()
	r, err := d.Contacts.Of(d.t.Context(), d.ada.Principal())
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// told lists the notices of a kind that an address got.
func (d *desk) told(mail string, l notify.Letter) (list []authtest.Letter) {
	d.t.Helper()
	d.Settle()
	return slices.DeleteFunc(d.Mailbox.Letters(mail), func(got authtest.Letter) bool { return got.Notice != l })
}

func TestAnAddressTakesItsPlaceWithTheCodeFromItsMailbox(t *testing.T) {
	d := open(t)
	before := d.ada.Bearer
	d.moves(contact.Mail, "Ada@Example.org")
	if got := d.reached(); got.Mail != "ada@example.org" || !got.MailSince.Equal(d.clock.Now()) {
		t.Errorf("reached at %+v", got)
	}
	if _, err := d.Sessions.Authenticate(before.Reveal(), "", authtest.PersonOrigin()); fault.CodeOf(err) != fault.SessionEnded {
		t.Errorf("the bearer from before: %v", err)
	}
	old, fresh := d.told("ada@example.com", notify.ContactChanged), d.told("ada@example.org", notify.ContactChanged)
	if len(old) != 1 || old[0].Link == "" {
		t.Errorf("the old address was told %+v", old)
	}
	if len(fresh) != 1 || fresh[0].Link != "" {
		t.Errorf("the new address was told %+v, with no link to put the old one back", fresh)
	}
	b := d.Browser("203.0.113.7")
	if got := b.SignIn("ada@example.com", authtest.Password, ""); got.Code != fault.SignInRefused {
		t.Errorf("the old address signs in: %d %s", got.Status, got.Code)
	}
	if got := b.SignIn("ada@example.org", authtest.Password, ""); got.Status != http.StatusOK {
		t.Errorf("the new address does not sign in: %d %s", got.Status, got.Code)
	}
}

func TestACodeIsForOneSessionAndFiveTries(t *testing.T) {
	d := open(t)
	change, code := d.begin(contact.Mail, "ada@example.org")
	b := d.Browser("203.0.113.8")
	b.SignIn("ada@example.com", authtest.Password, "")
	if _, err := d.Contacts.Finish(t.Context(), b.Principal(), change, code); fault.CodeOf(err) != fault.ContactCodeRefused {
		t.Errorf("in another session: %v", err)
	}
	for range 5 {
		if _, err := d.Contacts.Finish(t.Context(), d.ada.Principal(), change, "00000000"); fault.CodeOf(err) != fault.ContactCodeRefused {
			t.Errorf("a wrong code: %v", err)
		}
	}
	if _, err := d.Contacts.Finish(t.Context(), d.ada.Principal(), change, code); fault.CodeOf(err) != fault.ContactCodeRefused {
		t.Errorf("the right code after five wrong ones: %v", err)
	}
	change, code = d.begin(contact.Mail, "ada@example.net")
	d.clock.Advance(contact.CodeLife)
	if _, err := d.Contacts.Finish(t.Context(), d.ada.Principal(), change, code); fault.CodeOf(err) != fault.ContactCodeRefused {
		t.Errorf("after ten minutes: %v", err)
	}
}

// The answer is the same, and the other user learns of it.
func TestAnAddressOfSomebodyElseIsNeverGivenAway(t *testing.T) {
	d := open(t)
	d.SignUp("eve@example.com")
	change, code := d.begin(contact.Mail, "eve@example.com")
	if code != "" || len(d.told("eve@example.com", notify.ContactTaken)) != 1 {
		t.Errorf("code %q, told %v", code, d.told("eve@example.com", notify.ContactTaken))
	}
	made := string(d.Contacts.Code(change).Reveal())
	if _, err := d.Contacts.Finish(t.Context(), d.ada.Principal(), change, made); fault.CodeOf(err) != fault.ContactCodeRefused {
		t.Errorf("even the code that would fit: %v", err)
	}
}

func TestThePhraseIsInEveryMailToItsUser(t *testing.T) {
	d := open(t)
	if err := d.Contacts.SetPhrase(t.Context(), d.ada.Principal(), " blue heron  at noon "); err != nil {
		t.Fatal(err)
	}
	d.moves(contact.Second, "ada@work.example.com")
	d.Settle()
	for _, mail := range []string{"ada@example.com", "ada@work.example.com"} {
		letters := d.Mailbox.Letters(mail)
		if last := letters[len(letters)-1]; last.To.Phrase != "blue heron at noon" {
			t.Errorf("%s was sent %+v", mail, last)
		}
	}
	for _, bad := range []string{"", "abc", strings.Repeat("가", 61)} {
		if err := d.Contacts.SetPhrase(t.Context(), d.ada.Principal(), bad); fault.CodeOf(err) != fault.RequestInvalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A notice goes to both addresses; taking the second one away tells it, and its link puts it back.
func TestTheSecondAddressIsToldWhenItGoes(t *testing.T) {
	d := open(t)
	d.moves(contact.Second, "ada@work.example.com")
	d.Settle()
	var err error
	if d.ada.Bearer, err = d.Contacts.Remove(t.Context(), d.ada.Principal(), contact.Second); err != nil {
		t.Fatal(err)
	}
	told := d.told("ada@work.example.com", notify.ContactChanged)
	if len(told) != 2 || told[0].Link != "" || told[1].Link == "" {
		t.Fatalf("the second address was told %+v", told)
	}
	if r, err := d.Notices.Contain(t.Context(), authtest.PersonOrigin(), "en", strings.TrimPrefix(told[1].Link, "/not-me/")); err != nil || !r.Undone {
		t.Fatalf("%+v %v", r, err)
	}
	d.signsIn("ada@example.com")
	if got := d.reached(); got.Second != "ada@work.example.com" {
		t.Errorf("reached at %+v", got)
	}
}

func (d *desk) signsIn(mail string) {
	d.t.Helper()
	b := d.Browser("203.0.113.7")
	if got := b.SignIn(mail, authtest.Password, ""); got.Status != http.StatusOK {
		d.t.Fatalf("%s: %d %s", mail, got.Status, got.Code)
	}
	d.ada.Bearer = secret.FromString("session", b.Cookies["localhost:8080"][httpx.SessionCookie])
}

// An attacker who moves on twice keeps nothing: the oldest mailbox wins, and the link in the attacker's own is worth nothing afterwards.
func TestTheOldestMailboxWins(t *testing.T) {
	d := open(t)
	d.moves(contact.Mail, "eve@example.org")
	d.clock.Advance(time.Minute)
	d.moves(contact.Mail, "eve@example.net")
	first, second := d.told("ada@example.com", notify.ContactChanged), d.told("eve@example.org", notify.ContactChanged)
	stop := func(l authtest.Letter) (notify.Reported, error) {
		return d.Notices.Contain(t.Context(), authtest.PersonOrigin(), "en", strings.TrimPrefix(l.Link, "/not-me/"))
	}
	if r, err := stop(first[0]); err != nil || !r.Undone {
		t.Fatalf("%+v %v", r, err)
	}
	if r, err := stop(second[len(second)-1]); err != nil || r.Undone {
		t.Errorf("the attacker's own link put an address back: %+v %v", r, err)
	}
	d.signsIn("ada@example.com")
	if got := d.reached(); got.Mail != "ada@example.com" || !got.MailSince.IsZero() {
		t.Errorf("reached at %+v", got)
	}
}
