package notify_test

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

// A stranger who relayed a password and a code, and reads the notice about themselves, is no witness that its user was told.
func TestAStrangerDoesNotTellTheUser(t *testing.T) {
	clock := storetest.NewClock()
	m := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	ada := m.SignUp(address)
	ada.EnrolPasskey()
	host := principal.Host("tests") // needs no step-up
	host.User = ada.User.ID
	made, err := m.Factors.BeginTOTP(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	uri, err := url.Parse(string(made.URI.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	ada.TOTP = uri.Query().Get("secret")
	if _, err := m.Factors.ConfirmTOTP(t.Context(), host, ada.Code()); err != nil {
		t.Fatal(err)
	}
	thief := m.Browser("198.51.100.4")
	thief.Wait = clock.Advance
	signIn := func() {
		t.Helper()
		clock.Advance(time.Minute)
		if got := thief.SignIn(address, authtest.Password, ada.TOTP); got.Status != http.StatusOK {
			t.Fatalf("%d %s", got.Status, got.Text)
		}
	}
	known := principal.Principal{Kind: principal.KindUser, User: ada.User.ID}
	if err := m.Contacts.SetPhrase(t.Context(), host, "blue heron at noon"); err != nil {
		t.Fatal(err)
	}
	signIn()
	if seen, err := m.Contacts.Of(t.Context(), thief.Principal()); err != nil || seen.Phrase != "" {
		t.Errorf("a stranger reads the phrase of our mails: %q %v", seen.Phrase, err)
	}
	if seen, err := m.Contacts.Of(t.Context(), known); err != nil || seen.Phrase == "" {
		t.Errorf("its owner does not: %v", err)
	}
	list, err := m.Notices.Messages(t.Context(), thief.Principal(), id.Message{})
	if err != nil || list[0].Letter != notify.LimitedSignIn {
		t.Fatalf("%+v %v", list, err)
	}
	if got := thief.Call(http.MethodPost, "/v1/messages/"+list[0].ID.String()+"/read", nil); got.Status >= 300 {
		t.Fatalf("%d %s", got.Status, got.Text)
	}
	clock.Advance(24 * time.Hour)
	signIn()
	if thief.Principal().Challenge.Why == "" {
		t.Error("the stranger's browser is known although nobody was told")
	}
}

// A claim ends with the address that it began with: neither who leaves a mailbox that others read, nor who has a change of address undone, is
// recovered from there.
func TestAClaimEndsWithItsAddress(t *testing.T) {
	const eve = "eve@example.com"
	from := recovery.From{Origin: authtest.PersonOrigin(), Browser: sha256.Sum256([]byte("eve's browser"))}
	for what, run := range map[string]func(t *testing.T, m *mailbox, change func(), claim func(mail string) id.Recovery) id.Recovery{
		"an address that was left": func(_ *testing.T, _ *mailbox, change func(), claim func(mail string) id.Recovery) id.Recovery {
			defer change()
			return claim(address)
		},
		"an address that was undone": func(t *testing.T, m *mailbox, change func(), claim func(mail string) id.Recovery) id.Recovery {
			change()
			c := claim(eve)
			letters := m.Mailbox.Letters(address)
			link := letters[slices.IndexFunc(letters, func(l authtest.Letter) bool { return l.Notice == notify.ContactChanged })].Link
			if r, err := m.Notices.Contain(t.Context(), authtest.PersonOrigin(), "en", strings.TrimPrefix(link, "/not-me/")); err != nil || !r.Undone {
				t.Fatalf("%+v %v", r, err)
			}
			return c
		},
	} {
		t.Run(what, func(t *testing.T) {
			m := open(t)
			change := func() {
				p := m.ada.Principal()
				c, err := m.Contacts.Begin(t.Context(), p, contact.Mail, eve)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := m.Contacts.Finish(t.Context(), p, c, m.newest(eve).Code); err != nil {
					t.Fatal(err)
				}
			}
			claim := func(mail string) id.Recovery {
				c, err := m.Recoveries.Begin(t.Context(), from, mail, "en")
				if err != nil {
					t.Fatal(err)
				}
				if err := m.Recoveries.ShowMailbox(t.Context(), from, c.ID, m.newest(mail).Code); err != nil {
					t.Fatal(err)
				}
				if err := m.Recoveries.ClaimWithPassword(t.Context(), from, c.ID, secret.FromString("password", authtest.Password)); err != nil {
					t.Fatal(err)
				}
				m.Settle()
				return c.ID
			}
			c := run(t, m, change, claim)
			m.Settle()
			if claims, err := m.Recoveries.Claims(t.Context(), principal.Principal{User: m.user}); err != nil || len(claims) > 0 {
				t.Errorf("%d claims go on, %v", len(claims), err)
			}
			m.clock.Advance(73 * time.Hour)
			if _, err := m.Recoveries.Review(t.Context(), from, c); fault.CodeOf(err) != fault.RecoveryOver {
				t.Errorf("after its wait: %v", err)
			}
		})
	}
}

// A stranger's browser is known a day after every settled address was told of it, and not after the first: one whose mail is stuck was told nothing.
func TestEveryChannelIsToldBeforeALimitLapses(t *testing.T) {
	const second = "ada@work.example.com"
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	ada := s.SignUp(address)
	change, err := s.Contacts.Begin(t.Context(), ada.Principal(), contact.Second, second)
	if err != nil {
		t.Fatal(err)
	}
	s.Settle()
	if ada.Bearer, err = s.Contacts.Finish(t.Context(), ada.Principal(), change, s.Mailbox.Letters(second)[0].Code); err != nil {
		t.Fatal(err)
	}
	ada.EnrolPasskey()
	s.Settle()
	clock.Advance(8 * 24 * time.Hour)
	thief := s.Browser("198.51.100.4")
	thief.Wait = clock.Advance
	s.Mailbox.Refuse(second)
	if got := thief.SignIn(address, authtest.Password, ""); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Text)
	}
	if _, err := s.Store.DrainDue(t.Context(), s.Handlers()); err == nil {
		t.Fatal("the second mailbox took the notice")
	}
	letters := s.Mailbox.Letters(address)
	if last := letters[len(letters)-1]; last.Notice != notify.LimitedSignIn {
		t.Fatalf("the first mailbox has %+v", last)
	}
	if c := thief.Principal().Challenge; c.Why == "" || !c.Until.IsZero() {
		t.Errorf("one of two addresses was told, and the limit is %+v", c)
	}
	s.Mailbox.Refuse("")
	clock.Advance(time.Hour)
	s.Settle()
	if c := thief.Principal().Challenge; !c.Until.Equal(clock.Now().Add(24 * time.Hour)) {
		t.Errorf("both were told, and the limit is %+v", c)
	}
}
