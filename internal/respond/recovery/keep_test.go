package recovery_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// What an account still has at the end of a recovery.
type left struct {
	Passkeys   []string
	App, Codes bool
	Second     string
}

// TestWhatNobodyConfirmsGoes: of two passkeys, an app, codes and a second address each stays if it was ticked, and goes if it was not, so that what somebody
// planted does not survive; an address that goes is told, and can stop nothing.
func TestWhatNobodyConfirmsGoes(t *testing.T) {
	const mail, second = "ada@example.com", "planted@example.org"
	for _, tt := range []struct {
		name string
		keep func(passkeys []string) map[string]any
		want func(passkeys []string) left
	}{
		{"nothing", func([]string) map[string]any { return nil }, func([]string) left { return left{} }},
		{"one passkey", func(p []string) map[string]any { return map[string]any{"passkeys": p[:1]} }, func(p []string) left { return left{Passkeys: p[:1]} }},
		{"the app", func([]string) map[string]any { return map[string]any{"totp": true} }, func([]string) left { return left{App: true} }},
		{"the codes", func([]string) map[string]any { return map[string]any{"recovery_codes": true} }, func([]string) left { return left{Codes: true} }},
		{"the second address", func([]string) map[string]any { return map[string]any{"second": true} }, func([]string) left { return left{Second: second} }},
		{
			"everything", func(p []string) map[string]any {
				return map[string]any{"passkeys": p, "totp": true, "recovery_codes": true, "second": true}
			}, func(p []string) left { return left{p, true, true, second} },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock := storetest.NewClock()
			s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
			ada := s.SignUp(mail)
			change, err := s.Contacts.Begin(t.Context(), ada.Principal(), contact.Second, second)
			if err != nil {
				t.Fatal(err)
			}
			s.Settle()
			if ada.Bearer, err = s.Contacts.Finish(t.Context(), ada.Principal(), change, s.Mailbox.Letters(second)[0].Code); err != nil {
				t.Fatal(err)
			}
			ada.EnrolPasskeyWith(ada.EnrolPasskey())
			host := principal.Host("tests") // needs no step-up
			host.User = ada.User.ID
			app, err := s.Factors.BeginTOTP(t.Context(), host)
			if err != nil {
				t.Fatal(err)
			}
			uri, err := url.Parse(string(app.URI.Reveal()))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Factors.ConfirmTOTP(t.Context(), host, authtest.CodeAt(uri.Query().Get("secret"), clock.Now())); err != nil {
				t.Fatal(err)
			}
			issued, err := s.Factors.IssueCodes(t.Context(), host)
			if err != nil {
				t.Fatal(err)
			}
			b := s.Browser("198.51.100.9")
			must := func(r authtest.Reply) authtest.Reply {
				t.Helper()
				if r.Status >= http.StatusBadRequest {
					t.Fatalf("%d %s", r.Status, r.Text)
				}
				return r
			}
			var begun struct{ Recovery string }
			b.Into(must(b.Call(http.MethodPost, "/v1/recoveries", map[string]string{"mail": mail})), &begun)
			s.Settle()
			letters := s.Mailbox.Letters(mail)
			at := "/v1/recoveries/" + begun.Recovery
			must(b.Call(http.MethodPost, at+"/mail", map[string]string{"code": letters[len(letters)-1].Code}))
			must(b.Call(http.MethodPost, at+"/recovery-code", map[string]string{"code": string(issued.Codes[0].Reveal())}))
			var review struct {
				Credentials struct {
					Passkeys []struct{ ID string }
					Second   string
				}
			}
			b.Into(must(b.Call(http.MethodGet, at, nil)), &review)
			var passkeys []string
			for _, p := range review.Credentials.Passkeys {
				passkeys = append(passkeys, p.ID)
			}
			if len(passkeys) != 2 || review.Credentials.Second != second {
				t.Fatalf("the review shows %+v", review.Credentials)
			}
			must(b.Call(http.MethodPost, at+"/password", map[string]any{"password": "another fine set of words", "keep": tt.keep(passkeys)}))
			s.Settle()

			who := b.Principal()
			has, err := s.Factors.Of(t.Context(), who)
			if err != nil {
				t.Fatal(err)
			}
			reached, err := s.Contacts.Of(t.Context(), who)
			if err != nil {
				t.Fatal(err)
			}
			got := left{App: has.TOTP != nil, Codes: has.Codes != nil, Second: reached.Second}
			for _, p := range has.Passkeys {
				got.Passkeys = append(got.Passkeys, p.ID.String())
			}
			if diff := cmp.Diff(tt.want(passkeys), got); diff != "" {
				t.Errorf("what is left (-want +got):\n%s", diff)
			}
			told := slices.DeleteFunc(s.Mailbox.Letters(second), func(l authtest.Letter) bool { return l.Notice != notify.RecoveryCompleted })
			if len(told) != 1 || (told[0].Link != "") != (got.Second != "") {
				t.Errorf("the second address was told %+v", told)
			}
		})
	}
}
