package recovery_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

// TestARehearsalIsDatedWhetherItWorksOrNot: the latest of either is kept with what was tried, and neither wipes the other.
func TestARehearsalIsDatedWhetherItWorksOrNot(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	ada := s.SignUp("ada@example.com")
	ada.EnrolTOTP()
	want := recovery.Choice{}
	for _, step := range []struct {
		name  string
		with  recovery.Proof
		typed func() string
		works bool
	}{
		{"a wrong recovery code", recovery.WithCode, func() string { return "nonsense" }, false},
		{"a code of the app", recovery.WithApp, ada.Code, true},
		{"the same code again", recovery.WithApp, ada.Code, false},
	} {
		if step.works {
			clock.Advance(time.Minute)
		}
		err := s.Recoveries.Rehearse(t.Context(), ada.Principal(), step.with, secret.FromString("code", step.typed()))
		if step.works {
			want.RehearsedAt, want.Rehearsed = clock.Now(), string(step.with)
		} else {
			want.FailedAt, want.Failed = clock.Now(), string(step.with)
		}
		if works := err == nil; works != step.works || (err != nil && fault.CodeOf(err) != fault.RecoveryProofRefused) {
			t.Fatalf("%s: %v", step.name, err)
		}
		ready, err := s.Recoveries.Readiness(t.Context(), ada.Principal())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, ready.Choice); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}
