package signin_test

import (
	"context"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
)

// A browser whose session its user ended from elsewhere shows their name and address no more.
func TestABrowserThatWasSignedOutShowsNobody(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, s *authtest.Stack, p principal.Principal, sid id.Session) error{
		"revoked": func(ctx context.Context, s *authtest.Stack, p principal.Principal, sid id.Session) error {
			return s.Sessions.Revoke(ctx, p, sid)
		},
		"selected": func(ctx context.Context, s *authtest.Stack, p principal.Principal, sid id.Session) error {
			_, err := s.Sessions.RevokeSelected(ctx, p, []id.Session{sid})
			return err
		},
		"disowned": func(ctx context.Context, s *authtest.Stack, p principal.Principal, sid id.Session) error {
			return s.Sessions.Disown(ctx, p, sid)
		},
		"disowned in this browser": func(ctx context.Context, s *authtest.Stack, p principal.Principal, sid id.Session) error {
			row, err := s.Sessions.List(ctx, p)
			for _, r := range row {
				if r.ID == sid {
					p.Origin.Device = r.Device
				}
			}
			if err != nil {
				return err
			}
			return s.Sessions.Disown(ctx, p, sid)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *authtest.Stack) {
				ada := s.SignUp("ada@example.com")
				from := stranger("198.51.100.1")
				in, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word(authtest.Password))
				must(t, err)
				there, err := s.Sessions.Authenticate(in.Bearer.Reveal(), "", from.Origin)
				must(t, err)
				must(t, s.SignIns.Remember(t.Context(), there))
				if list, err := s.SignIns.Accounts(t.Context(), in.DeviceCookie); err != nil || len(list) != 1 {
					t.Fatalf("remembered: %+v, %v", list, err)
				}
				must(t, end(t.Context(), s, ada.Principal(), there.Session))
				list, err := s.SignIns.Accounts(t.Context(), in.DeviceCookie)
				must(t, err)
				if len(list) > 0 {
					t.Errorf("it still shows %+v", list)
				}
			})
		})
	}
}

// A session that still owes a proof leaves no mark, and a shared computer keeps nothing.
func TestWhoMayBeRemembered(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		o := newOwner(t, s)
		from := stranger("198.51.100.1")
		in := o.relayed(from)
		who := o.who(in.Bearer, from)
		if who.Challenge.Why == "" {
			t.Fatal("a stranger's browser has full power")
		}
		if err := s.SignIns.Remember(t.Context(), who); fault.CodeOf(err) != fault.DeviceUnknown {
			t.Errorf("a stranger's browser: %v, want what it owes", err)
		}
		bob := s.SignUp("bob@example.com")
		shared := signin.From{Origin: authtest.PersonOrigin(), Device: bob.Device, Shared: true}
		lent, err := s.SignIns.WithPassword(t.Context(), shared, bob.Mail, word(authtest.Password))
		must(t, err)
		if err := s.SignIns.Remember(t.Context(), o.who(lent.Bearer, shared)); err == nil {
			t.Error("a shared computer remembers")
		}
	})
}

// Who ends all other sessions one by one, in one press, is told of as who ends them all.
func TestSigningSelectedOutIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		at, err := s.SignIns.WithPassword(t.Context(), signin.From{Origin: authtest.PersonOrigin()}, ada.Mail, word(authtest.Password))
		if err != nil {
			t.Fatal(err)
		}
		thief, err := s.Sessions.Authenticate(at.Bearer.Reveal(), "", authtest.PersonOrigin())
		if err != nil {
			t.Fatal(err)
		}
		s.Settle()
		before := len(s.Mailbox.Letters(ada.Mail))
		if _, err := s.Sessions.RevokeSelected(t.Context(), thief, []id.Session{ada.Principal().Session}); err != nil {
			t.Fatal(err)
		}
		s.Settle()
		if n := len(s.Mailbox.Letters(ada.Mail)) - before; n != 1 {
			t.Errorf("%d letters say so", n)
		}
	})
}
