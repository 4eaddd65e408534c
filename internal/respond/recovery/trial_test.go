package recovery_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

// trying is somebody who tries their mailbox out.
type trying struct {
	*authtest.Stack
	t     *testing.T
	clock *storetest.Clock
	ada   *authtest.Person
}

func startTrying(t *testing.T) *trying {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	return &trying{s, t, clock, s.SignUp("ada@example.com")}
}

// asked is the code of a new trial, as the mailbox shows it.
func (r *trying) asked() string {
	r.t.Helper()
	if _, err := r.Recoveries.AskMailbox(r.t.Context(), r.ada.Principal()); err != nil {
		r.t.Fatal(err)
	}
	r.Settle()
	return r.newest(r.ada.Mail, notify.MailboxTrial).Code
}

func (r *trying) newest(mail string, kind notify.Letter) (newest authtest.Letter) {
	r.t.Helper()
	for _, l := range r.Mailbox.Letters(mail) {
		if l.Notice == kind {
			newest = l
		}
	}
	if newest.Code == "" {
		r.t.Fatalf("no letter %s with a code went to %s", kind, mail)
	}
	return newest
}

func (r *trying) typed(code string) fault.Code {
	err := r.Recoveries.Rehearse(r.t.Context(), r.ada.Principal(), recovery.MailboxAlone, secret.FromString("code", code))
	if err == nil {
		return ""
	}
	return fault.CodeOf(err)
}

func (r *trying) choice() recovery.Choice {
	r.t.Helper()
	ready, err := r.Recoveries.Readiness(r.t.Context(), r.ada.Principal())
	if err != nil {
		r.t.Fatal(err)
	}
	return ready.Choice
}

// TestTheMailboxIsRehearsed: its code works once, dates the trial, and a wrong one dates a failure. What was there before stays.
func TestTheMailboxIsRehearsed(t *testing.T) {
	r := startTrying(t)
	if got := r.typed("12345678"); got != fault.RecoveryProofRefused || r.choice() != (recovery.Choice{}) {
		t.Fatalf("a code that nobody asked for: %q, %+v", got, r.choice())
	}
	code := r.asked()
	if trial := r.choice().Trial; !trial.Open(r.clock.Now()) || trial.GoodUntil() != r.clock.Now().Add(recovery.MailCodeLife) {
		t.Errorf("the trial that was asked for: %+v", trial)
	}
	if got := r.typed("00000000"); got != fault.RecoveryProofRefused {
		t.Errorf("a wrong code: %q", got)
	}
	want := recovery.Choice{FailedAt: r.clock.Now(), Failed: "mailbox"}
	r.clock.Advance(time.Minute)
	if got := r.typed(code[:4] + " " + code[4:]); got != "" {
		t.Errorf("the right code: %q", got)
	}
	want.MailboxAt = r.clock.Now()
	r.clock.Advance(time.Minute)
	if got := r.typed(code); got != fault.RecoveryProofRefused {
		t.Errorf("the right code again: %q", got)
	}
	if diff := cmp.Diff(want, r.choice()); diff != "" {
		t.Errorf("what is kept (-want +got):\n%s", diff)
	}
	kept, err := r.Notices.Message(t.Context(), r.ada.Principal(), r.newest(r.ada.Mail, notify.MailboxTrial).Message)
	if said := fmt.Sprintf("%+v", kept); err != nil || strings.Contains(said, code) || strings.Contains(said, code[:4]+" "+code[4:]) {
		t.Errorf("its letter in the app: %s, %v", said, err)
	}
}

// TestACodeOfATrialEnds with its life, its five tries, the next trial, and its address.
func TestACodeOfATrialEnds(t *testing.T) {
	for name, end := range map[string]func(*trying){
		"after ten minutes": func(r *trying) { r.clock.Advance(recovery.MailCodeLife) },
		"after five wrong tries": func(r *trying) {
			for range 5 {
				r.typed("00000000")
			}
		},
		"with the next": func(r *trying) { r.clock.Advance(time.Second); r.asked() },
		"with the address": func(r *trying) {
			change, err := r.Contacts.Begin(r.t.Context(), r.ada.Principal(), contact.Mail, "ada@example.net")
			if err != nil {
				r.t.Fatal(err)
			}
			r.Settle()
			if r.ada.Bearer, err = r.Contacts.Finish(r.t.Context(), r.ada.Principal(), change, r.newest("ada@example.net", notify.ContactCode).Code); err != nil {
				r.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := startTrying(t)
			code := r.asked()
			end(r)
			if got := r.typed(code); got != fault.RecoveryProofRefused || !r.choice().MailboxAt.IsZero() {
				t.Errorf("its code gives %q", got)
			}
		})
	}
}

// TestATrialIsNoRecovery: neither takes the code of the other, and letters of trials leave those of recoveries their budget.
func TestATrialIsNoRecovery(t *testing.T) {
	r := startTrying(t)
	tried := r.asked()
	from := recovery.From{Origin: authtest.PersonOrigin(), Browser: sha256.Sum256([]byte("a browser"))}
	begin := func() recovery.Begun {
		t.Helper()
		begun, err := r.Recoveries.Begin(t.Context(), from, r.ada.Mail, "en")
		if err != nil {
			t.Fatal(err)
		}
		r.Settle()
		return begun
	}
	begun := begin()
	if got := fault.CodeOf(r.Recoveries.ShowMailbox(t.Context(), from, begun.ID, tried)); got != fault.RecoveryMailCodeRefused {
		t.Errorf("a recovery takes the code of a trial: %q", got)
	}
	if got := r.typed(r.newest(r.ada.Mail, notify.RecoveryCode).Code); got != fault.RecoveryProofRefused {
		t.Errorf("a trial takes the code of a recovery: %q", got)
	}
	var err error
	for range 50 {
		if _, err = r.Recoveries.AskMailbox(t.Context(), r.ada.Principal()); err != nil {
			break
		}
	}
	if fault.CodeOf(err) != fault.SignInThrottled {
		t.Errorf("50 letters in a row: %v", err)
	}
	begin()
}

// TestTrialsThatWorkAreFewToo: whoever reads the mailbox cannot have us write to it all day by typing each code.
func TestTrialsThatWorkAreFewToo(t *testing.T) {
	r := startTrying(t)
	for n := range 30 {
		if _, err := r.Recoveries.AskMailbox(t.Context(), r.ada.Principal()); fault.CodeOf(err) == fault.SignInThrottled {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		r.Settle()
		r.clock.Advance(time.Second)
		if got := r.typed(r.newest(r.ada.Mail, notify.MailboxTrial).Code); got != "" {
			t.Fatalf("code %d: %q", n, got)
		}
	}
	t.Error("30 letters in half a minute")
}
