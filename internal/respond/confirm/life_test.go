package confirm_test

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// changed holds the money for 24 h from the notice on, which arrives with the next Settle.
func (s *scene) changed() {
	s.t.Helper()
	err := store.Of[any](s.Store).Update(s.t.Context(), func(tx any) (audit.Event, error) {
		h := happening.Happening{Kind: happening.PasswordChanged, User: s.ada.User.ID, Session: s.who.Session}
		return audit.Quiet(audit.Housekeeping), s.Consequences.Apply(s.t.Context(), tx, h)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestItWaitsOutAHold, whenever that was placed and whenever its clock began, and lives one hour longer.
func TestItWaitsOutAHold(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		before := s.approved()
		later := maps.Clone(withdrawal())
		later["amount"] = "0.03"
		unconfirmed := s.send(s.bot, later, "")
		s.later(30 * time.Minute)
		s.changed()
		held := s.send(s.bot, withdrawal(), before.Fields.Confirmation.String())
		if held.Code != fault.ConfirmationHeld || held.status != http.StatusConflict || !held.Fields.HeldUntil.IsZero() || held.Fields.WaitsFor != "notice" {
			t.Errorf("held before the owner was told: %+v", held)
		}
		during := maps.Clone(withdrawal())
		during["amount"] = "0.02"
		asked := s.send(s.bot, during, "")
		if err := s.passkey.Approve(asked.address()); err != nil {
			t.Fatal(err)
		}
		s.later(3 * time.Hour) // the relay was away
		s.Settle()
		for name, got := range map[string]answer{
			"confirmed before it was placed": s.send(s.bot, withdrawal(), before.Fields.Confirmation.String()),
			"confirmed before it had begun":  s.send(s.bot, during, asked.Fields.Confirmation.String()),
		} {
			if got.Code != fault.ConfirmationHeld || got.Fields.WaitsFor != "end" {
				t.Errorf("%s: %+v", name, got)
			}
			if wait := got.Fields.ExpiresAt.Sub(got.Fields.HeldUntil); wait < time.Hour-time.Second || wait > time.Hour+time.Second {
				t.Errorf("%s: it lives %v longer than the hold", name, wait)
			}
		}
		s.later(24*time.Hour + 30*time.Minute)
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.passkey.Approve(unconfirmed.address()); err != nil {
			t.Errorf("asked for before the hold, confirmed after it: %v", err)
		}
		for name, got := range map[string]answer{
			"confirmed before it was placed": s.send(s.bot, withdrawal(), before.Fields.Confirmation.String()),
			"confirmed before it had begun":  s.send(s.bot, during, asked.Fields.Confirmation.String()),
		} {
			if got.status != http.StatusCreated {
				t.Errorf("after the hold, %s: %+v", name, got)
			}
		}
		s.later(30 * time.Minute)
		if got := s.send(s.bot, later, unconfirmed.Fields.Confirmation.String()); got.Code != fault.ConfirmationVoid {
			t.Errorf("an hour after the hold: %+v", got)
		}
	})
}

// TestHoldsKeepNothingAliveForEver: what is over stays over, and a hold that is placed while another keeps one waiting adds nothing.
func TestHoldsKeepNothingAliveForEver(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		over := s.approved()
		s.later(time.Hour)
		s.changed()
		if got := s.send(s.bot, withdrawal(), over.Fields.Confirmation.String()); got.Code != fault.ConfirmationVoid {
			t.Errorf("a hold brought back what was over: %+v", got)
		}
		s.Settle()
		s.later(26 * time.Hour)
		waiting := s.approved()
		s.changed()
		s.Settle()
		s.later(24*time.Hour + 30*time.Minute)
		s.changed()
		if got := s.send(s.bot, withdrawal(), waiting.Fields.Confirmation.String()); got.Code != fault.ConfirmationHeld {
			t.Errorf("within the hour after the first hold: %+v", got)
		}
		s.later(30 * time.Minute)
		if got := s.send(s.bot, withdrawal(), waiting.Fields.Confirmation.String()); got.Code != fault.ConfirmationVoid {
			t.Errorf("a second hold kept it alive: %+v", got)
		}
		untold := s.send(s.bot, withdrawal(), "") // the second hold is never told
		s.later(confirm.Longest)
		open := func() bool {
			list, err := s.Confirmations.List(t.Context(), s.who)
			if err != nil {
				t.Fatal(err)
			}
			return len(list) == 1 && list[0].ID == untold.Fields.Confirmation
		}
		if !open() {
			t.Error("under a hold without an end it is over too early")
		}
		s.later(25*time.Hour + time.Minute)
		if open() {
			t.Error("under a hold without an end it lives for ever")
		}
	})
}

// TestAHeldRefusalSaysWhy: for a page to say it, with the way out.
func TestAHeldRefusalSaysWhy(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		under := s.approved()
		s.changed()
		s.Settle()
		got := s.send(s.bot, withdrawal(), under.Fields.Confirmation.String())
		if got.Code != fault.ConfirmationHeld || got.Fields.HeldUntil.IsZero() {
			t.Fatalf("%+v", got)
		}
		if diff := cmp.Diff([]string{"password_changed"}, got.Fields.Reasons); diff != "" || got.Fields.WaitsFor != "end" || got.Fields.CancelURL != got.Fields.URL {
			t.Errorf("%+v", got.Fields)
		}
		at, err := url.Parse(got.Fields.CancelURL)
		if err != nil || at.Path != "/c/"+under.address() {
			t.Errorf("it is cancelled at %q", got.Fields.CancelURL)
		}
	})
}

// TestALockEndsWhatWaits, for good; what is asked for while the account is locked waits for the owner and nothing else.
func TestALockEndsWhatWaits(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		before, host := s.approved(), principal.Host("tests")
		if err := s.Locks.Lock(t.Context(), host, s.ada.User.ID); err != nil {
			t.Fatal(err)
		}
		in, err := s.SignIns.WithPassword(t.Context(), signin.From{Origin: authtest.PersonOrigin(), Browser: [32]byte{1}, Device: s.ada.Device},
			s.ada.Mail, secret.FromString("password", authtest.Password))
		if err != nil {
			t.Fatal(err)
		}
		s.ada.Bearer = in.Bearer
		who := s.ada.Principal()
		wanted := confirm.Content{Action: scope.Withdraw, Environment: id.Test, Upstream: "paper", Asset: "BTC", Address: "paper1qother", Amount: "1"}
		during, err := s.Confirmations.Ask(t.Context(), confirm.Asking{Content: wanted, User: who.User, Account: who.Account, Subaccount: who.Subaccount})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.passkey.Approve(s.Confirmations.Address(during.ID)); err != nil {
			t.Fatal(err)
		}
		err = s.Confirmations.Execute(t.Context(), who, confirm.Order{Confirmation: during.ID, Content: wanted})
		if f := faultOf(err); f.Code != fault.ConfirmationHeld || f.Fields["waits_for"] != "unlock" || f.Fields["held_until"] != nil {
			t.Errorf("while it is locked: %v %+v", err, f)
		}
		if err := s.Locks.Unlock(t.Context(), host, s.ada.User.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.Confirmations.Execute(t.Context(), who, confirm.Order{Confirmation: during.ID, Content: wanted}); err != nil {
			t.Errorf("unlocked: %v", err)
		}
		if got := s.send(s.bot, withdrawal(), before.Fields.Confirmation.String()); got.Code != fault.ConfirmationVoid {
			t.Errorf("confirmed before the lock: %+v", got)
		}
	})
}

// faultOf is the refusal in an error; one that is none has no code.
func faultOf(err error) *fault.Error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	return &fault.Error{}
}
