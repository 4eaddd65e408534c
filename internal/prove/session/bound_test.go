package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/sign"
)

// operations are those of a session that leave something behind, for somebody with a password alone.
var operations = map[string]func(ctx context.Context, s *authtest.Stack, p principal.Principal, key id.Key) error{
	"set a password": func(ctx context.Context, s *authtest.Stack, p principal.Principal, _ id.Key) error {
		_, err := s.Factors.SetPassword(ctx, p, secret.FromString("password", "quite another long passphrase"))
		return err
	},
	"begin an authenticator app": func(ctx context.Context, s *authtest.Stack, p principal.Principal, _ id.Key) error {
		_, err := s.Factors.BeginTOTP(ctx, p)
		return err
	},
	"revoke a key": func(ctx context.Context, s *authtest.Stack, p principal.Principal, key id.Key) error {
		return s.APIKeys.Revoke(ctx, p, key)
	},
	"sign out the others": func(ctx context.Context, s *authtest.Stack, p principal.Principal, _ id.Key) error {
		_, err := s.Sessions.SignOutOthers(ctx, p, session.KeepBots)
		return err
	},
	"go over to a host": func(ctx context.Context, s *authtest.Stack, p principal.Principal, _ id.Key) error {
		_, err := s.Sessions.IssueChildCode(ctx, p, session.Way{Host: authtest.PageHost, Path: "/"})
		return err
	},
}

// Between the check at the door and the commit a session may end or get another bearer; nothing then changes in its name.
func TestNothingChangesInTheNameOfABearerThatIsGone(t *testing.T) {
	ends := map[string]func(t *testing.T, s *authtest.Stack, p *authtest.Person){
		"signed out": func(t *testing.T, s *authtest.Stack, p *authtest.Person) {
			if err := s.Sessions.SignOut(t.Context(), p.Principal()); err != nil {
				t.Fatal(err)
			}
		},
		"raised": func(t *testing.T, s *authtest.Stack, p *authtest.Person) {
			if _, err := s.Factors.SetPassword(t.Context(), p.Principal(), secret.FromString("password", "some long passphrase of one's own")); err != nil {
				t.Fatal(err)
			}
		},
	}
	for how, end := range ends {
		for name, operation := range operations {
			t.Run(how+"/"+name, func(t *testing.T) {
				s := authtest.Start(t)
				ada := s.SignUp("ada@example.com")
				key := s.IssueKey(ada, apikey.IssueInput{})
				before := ada.Principal()
				end(t, s, ada)
				if err := operation(t.Context(), s, before, key.ID); fault.CodeOf(err) != fault.SessionEnded {
					t.Errorf("afterwards: %v", err)
				}
				if s.APIKeys.Find(key.ID).State(s.Now()) != nil {
					t.Error("the key was revoked")
				}
			})
		}
	}
}

// The 51st sign-in ends the session that was unused for the longest, and its owner is told.
func TestAUserHasFiftySessions(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	ada := s.SignUp("ada@example.com")
	signIn := func(n int) signin.SignedIn {
		t.Helper()
		clock.Advance(1e9)
		from := signin.From{Origin: authtest.PersonOrigin(), Browser: [32]byte{1}, Device: ada.Device}
		from.Origin.Agent = fmt.Sprint("browser ", n)
		in, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, secret.FromString("password", authtest.Password))
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	var ins []signin.SignedIn
	for n := range session.MaxPerUser - 1 {
		ins = append(ins, signIn(n))
	}
	who := ada.Principal()
	s.Sessions.Act(who) // the first session is the one that was used last
	signIn(session.MaxPerUser)
	list, err := s.Sessions.List(t.Context(), who)
	if err != nil || len(list) != session.MaxPerUser {
		t.Errorf("%d sessions, %v; want %d", len(list), err, session.MaxPerUser)
	}
	if _, err := s.Sessions.Authenticate(ins[0].Bearer.Reveal(), "", authtest.PersonOrigin()); fault.CodeOf(err) != fault.SessionEnded {
		t.Errorf("the session that was unused for the longest: %v", err)
	}
	ada.Principal() // and this one goes on
	told, err := s.Log.Activity(t.Context(), who, 0, 1)
	if err != nil || told[0].Action != "session.signed_in_crowded" || told[0].Readable.Facts["device"] != "browser 0" {
		t.Errorf("the owner is told %+v, %v", told, err)
	}
}

// However often a session asks for something that needs a proof, it leaves a bounded number of questions, the last of which can be answered.
func TestASessionHasTwentyOpenStepUps(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	ada := s.SignUp("ada@example.com")
	ada.EnrolTOTP()
	var asked []id.StepUp
	for n := range stepup.MaxOpen + 10 {
		clock.Advance(1e6)
		_, err := s.APIKeys.Issue(t.Context(), ada.Principal(), apikey.IssueInput{
			Name: fmt.Sprint(n), Purpose: "x", Environment: id.Test, Dialect: sign.Native, Algorithm: sign.HMACSHA256,
		})
		refused, ok := errors.AsType[*fault.Error](err)
		if !ok || refused.Code != fault.StepUpRequired {
			t.Fatal(err)
		}
		step, err := id.Parse[id.StepUpKind](fmt.Sprint(refused.Fields["step_up"]))
		if err != nil {
			t.Fatal(err)
		}
		asked = append(asked, step)
	}
	open := 0
	for _, step := range asked {
		if _, err := s.StepUps.Open(t.Context(), ada.Principal(), step); err == nil {
			open++
		}
	}
	if _, err := s.StepUps.Open(t.Context(), ada.Principal(), asked[len(asked)-1]); err != nil || open != stepup.MaxOpen {
		t.Errorf("%d are open, want %d; the last: %v", open, stepup.MaxOpen, err)
	}
}

// A session in a second browser crosses over to no exchange, and a child of an honest crossing that a second browser shows, or opened, is asked
// for a factor as its parent would be.
func TestAChallengeIsNotLeftBehindByCrossing(t *testing.T) {
	s := authtest.StartWith(t, authtest.Options{})
	ada := s.SignUp("ada@example.com")
	ada.EnrolTOTP()
	for agent, why := range map[string]assurance.Why{"curl/8": assurance.Program, "Mozilla/5.0 (Windows NT 10.0) Firefox/150.0": assurance.TwoAgents} {
		thief := authtest.PersonOrigin()
		thief.Agent = agent
		who, err := s.Sessions.Authenticate(ada.Bearer.Reveal(), "", thief)
		if err != nil || who.Challenge.Why != why {
			t.Fatalf("%s on the dashboard: %q %v", agent, who.Challenge.Why, err)
		}
		if _, err := s.Sessions.IssueChildCode(t.Context(), who, session.Way{Host: authtest.PageHost, Path: "/"}); fault.CodeOf(err) != fault.SessionUnusual {
			t.Errorf("%s crosses over: %v", agent, err)
		}
		code, way := s.Crossing(t, ada.Principal(), authtest.PageHost, "/")
		_, bearer, _, err := s.Sessions.RedeemChildCode(t.Context(), code, way, authtest.PageHost, thief)
		if err != nil {
			t.Fatal(err)
		}
		child, err := s.Sessions.Authenticate(bearer.Reveal(), authtest.PageHost, thief)
		if err != nil || child.Challenge.Why != why {
			t.Errorf("%s on the exchange: %q, want %q, %v", agent, child.Challenge.Why, why, err)
		}
	}
}
