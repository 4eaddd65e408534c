package signin_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

// Whoever rides a session types wrong codes there all day, in rehearsals say, and uses up nothing that its user signs in with.
func TestASessionShutsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.Start(t)
		ada := s.SignUp("ada@example.com")
		ada.EnrolTOTP()
		for wait := time.Duration(0); wait < time.Hour; time.Sleep(min(wait, time.Hour)) {
			wait = 0
			err := s.Recoveries.Rehearse(t.Context(), ada.Principal(), recovery.WithApp, secret.FromString("code", wrong(s, ada)))
			if f, _ := errors.AsType[*fault.Error](err); f.Code == fault.SignInThrottled {
				wait = f.RetryAfter
			} else if f.Code != fault.RecoveryProofRefused {
				t.Fatal(err)
			}
		}
		if err := withCode(t, s, signin.From{Origin: authtest.PersonOrigin(), Device: ada.Device}, ada, ada.Code()); err != nil {
			f, _ := errors.AsType[*fault.Error](err)
			t.Errorf("its user signs in: %v, after %v", err, f.RetryAfter)
		}
	})
}

// A password that is typed in a session, for a step-up, is counted apart too.
func TestAPasswordWithinShutsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.Start(t)
		ada := s.SignUp("ada@example.com")
		time.Sleep(20 * time.Minute) // the sign-in was the proof until then
		asked, _ := errors.AsType[*fault.Error](s.SignIns.MayRemember(t.Context(), ada.Principal()))
		step, err := id.Parse[id.StepUpKind](fmt.Sprint(asked.Fields["step_up"]))
		if err != nil {
			t.Fatal(err)
		}
		compared := 0
		for err == nil {
			_, refused := s.Factors.SatisfyWithPassword(t.Context(), ada.Principal(), step, word("a wrong guess"))
			if compared++; fault.CodeOf(refused) != fault.SignInRefused {
				err = refused
			}
		}
		if fault.CodeOf(err) != fault.SignInThrottled || compared > 10 {
			t.Fatalf("guess %d: %v", compared, err)
		}
		from := signin.From{Origin: authtest.PersonOrigin(), Device: ada.Device}
		if _, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word(authtest.Password)); err != nil {
			t.Errorf("its user signs in: %v", err)
		}
	})
}

// What a session may do for nothing is bounded, so that it buries nothing under its own events; what takes power away goes on.
func TestASessionBuriesNothing(t *testing.T) {
	s := authtest.Start(t)
	ada := s.SignUp("ada@example.com")
	ada.EnrolPasskey()
	bot := s.IssueKey(ada, apikey.IssueInput{})
	ctx, p := t.Context(), ada.Principal()
	methods, err := s.Factors.Of(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	key := methods.Passkeys[0].ID
	acts := map[string]func(n int) error{
		"rename a passkey": func(n int) error { return s.Factors.RenamePasskey(ctx, p, key, fmt.Sprint("key ", n)) },
		"label it": func(n int) error {
			return s.Factors.LabelPasskey(ctx, p, key, []factor.Label{factor.Primary, factor.Backup}[n%2])
		},
		"try it out": func(int) error {
			begun, err := s.Factors.BeginTest(ctx, p, key)
			if err == nil {
				_, err = s.Factors.FinishTest(ctx, p, key, begun.State, []byte(`{}`))
			}
			return err
		},
		"speak":              func(n int) error { return s.Accounts.SetLang(ctx, p, []string{"ko", "en"}[n%2]) },
		"remember":           func(int) error { return s.SignIns.Remember(ctx, p) },
		"switch accounts":    func(int) error { return s.Members.Switch(ctx, ada.Principal(), p.Account) },
		"switch subaccounts": func(int) error { return s.Subaccounts.Enter(ctx, ada.Principal(), p.Subaccount) },
		"rename an API key": func(n int) error {
			name := fmt.Sprint("bot ", n)
			_, err := s.APIKeys.Edit(ctx, ada.Principal(), apikey.EditInput{Key: bot.ID, Name: &name})
			return err
		},
		"answer the check-up": func(int) error {
			state, err := s.CheckUps.Of(ctx, ada.Principal())
			if err == nil {
				err = s.CheckUps.Confirm(ctx, ada.Principal(), state.Questions[0].Item(), state.Questions[0].State())
			}
			return err
		},
	}
	done := 0
	for n := range 60 / len(acts) {
		for _, act := range acts {
			if fault.CodeOf(act(n)) != fault.RateLimited {
				done++
			}
		}
	}
	if done > 45 {
		t.Errorf("%d were done in a row", done)
	}
	for name, act := range acts {
		if err := act(98); fault.CodeOf(err) != fault.RateLimited {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.APIKeys.Stop(ctx, ada.Principal(), bot.ID, apikey.Freeze); err != nil {
		t.Errorf("to freeze a key: %v", err)
	}
}
