package privacy_test

import (
	"crypto/sha256"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

// claim lets an owner who has nothing but their mailbox ask for their account.
func claim(t *testing.T, s *authtest.Stack, mail string) (recovery.From, id.Recovery) {
	t.Helper()
	from := recovery.From{Origin: authtest.PersonOrigin(), Browser: sha256.Sum256([]byte("her new phone"))}
	from.Origin.Addr = netip.MustParseAddr("198.51.100.9")
	begun, err := s.Recoveries.Begin(t.Context(), from, mail, "en")
	if err != nil {
		t.Fatal(err)
	}
	s.Settle()
	letters := s.Mailbox.Letters(mail)
	if err := s.Recoveries.ShowMailbox(t.Context(), from, begun.ID, letters[len(letters)-1].Code); err != nil {
		t.Fatal(err)
	}
	if err := s.Recoveries.Claim(t.Context(), from, begun.ID); err != nil {
		t.Fatal(err)
	}
	s.Settle()
	return from, begun.ID
}

// A thief has the account deleted and locks its owner out. Whether they asked for that before or after the owner claimed it by the mailbox
// alone, the account is there when the owner's wait is over.
func TestWhoComesBackFindsTheirAccount(t *testing.T) {
	for name, before := range map[string]bool{"begun before the claim": true, "begun while it waits": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *authtest.Stack) {
				ada := s.SignUp("ada@example.com")
				who := ada.Principal()
				leave := func() { // the thief, in her session
					if _, err := s.Privacy.Leave(t.Context(), who, ada.Mail); err != nil {
						t.Fatal(err)
					}
					s.Settle()
				}
				if before {
					leave()
					time.Sleep(25 * time.Hour)
				}
				from, which := claim(t, s, ada.Mail)
				_, leaving, err := s.Privacy.Of(t.Context(), who)
				if err != nil || leaving {
					t.Errorf("leaving after the claim: %t, %v", leaving, err)
				}
				if !before {
					leave()
				}
				for range 8 {
					time.Sleep(24 * time.Hour)
					s.Settle()
				}
				if _, _, err := s.Accounts.ByMail(t.Context(), ada.Mail); err != nil {
					t.Errorf("her account when her wait is over: %v", err)
				}
				if c, err := s.Recoveries.Mine(t.Context(), from, which); err != nil || c.State(s.Now()) != recovery.Ready {
					t.Errorf("her case: %v, %v", c.State(s.Now()), err)
				}
			})
		})
	}
}

// The owner finds the thief's session and says that it was not theirs, from the dashboard. What it began ends.
func TestWhatADisownedSessionBeganEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		at, err := s.SignIns.WithPassword(t.Context(), signin.From{Origin: authtest.PersonOrigin()}, ada.Mail, secret.FromString("password", authtest.Password))
		if err != nil {
			t.Fatal(err)
		}
		thief, err := s.Sessions.Authenticate(at.Bearer.Reveal(), "", authtest.PersonOrigin())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Privacy.Leave(t.Context(), thief, ada.Mail); err != nil {
			t.Fatal(err)
		}
		if state, err := s.CheckUps.Of(t.Context(), ada.Principal()); err != nil || !state.Posture.Wrong() {
			t.Errorf("her overview says that nothing is wrong while her account is being deleted: gaps %+v, %v", state.Posture.Gaps, err)
		}
		if err := s.Sessions.Disown(t.Context(), ada.Principal(), thief.Session); err != nil {
			t.Fatal(err)
		}
		if d, found, err := s.Privacy.Of(t.Context(), ada.Principal()); found || err != nil {
			t.Errorf("what the disowned session began goes on: %+v %v", d, err)
		}
	})
}
