package recovery_test

import (
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

// A browser that is given up is signed out and shows nobody's name, whoever gives it up; only who owes no proof makes a stranger of it.
func TestWhoGivesADeviceUp(t *testing.T) {
	for name, row := range map[string]struct {
		why   assurance.Why
		known bool
	}{
		"its user":                         {"", false},
		"a stranger's browser":             {assurance.Stranger, true},
		"a program that shows the cookie":  {assurance.Program, true},
		"a cookie from another country":    {assurance.Elsewhere, true},
		"somebody who was away for long":   {assurance.Idle, true},
		"a device that we kept from proof": {assurance.Unrenewed, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := authtest.Start(t)
			ada := s.SignUp("ada@example.com")
			from := signin.From{Origin: authtest.PersonOrigin()}
			in, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, secret.FromString("password", authtest.Password))
			if err != nil {
				t.Fatal(err)
			}
			there := func() (principal.Principal, error) {
				return s.Sessions.Authenticate(in.Bearer.Reveal(), "", from.Origin)
			}
			lost, err := there()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SignIns.Remember(t.Context(), lost); err != nil {
				t.Fatal(err)
			}
			who := ada.Principal()
			who.Challenge.Why = row.why
			if _, err := s.Recoveries.GiveUp(t.Context(), who, recovery.LostInput{Device: lost.Origin.Device}); err != nil {
				t.Fatal(err)
			}
			if _, err := there(); fault.CodeOf(err) != fault.SessionEnded {
				t.Errorf("its session: %v", err)
			}
			if shown, err := s.SignIns.Accounts(t.Context(), in.DeviceCookie); err != nil || len(shown) > 0 {
				t.Errorf("it still shows %+v, %v", shown, err)
			}
			d, _, err := s.Recoveries.Losable(t.Context(), ada.Principal(), lost.Origin.Device)
			if err != nil || d.Ended.IsZero() != row.known {
				t.Errorf("recognised %t, want %t, %v", d.Ended.IsZero(), row.known, err)
			}
		})
	}
}
