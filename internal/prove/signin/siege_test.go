package signin_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
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
