package confirm_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// letterWith is the newest letter to the trader that has a link.
func (s *scene) letterWith() authtest.Letter {
	s.t.Helper()
	s.Settle()
	letters := s.Mailbox.Letters(s.ada.Mail)
	for _, l := range slices.Backward(letters) {
		if l.Link != "" {
			return l
		}
	}
	s.t.Fatal("no letter has a link")
	return authtest.Letter{}
}

// TestAMailsButtonTakesConfirmedMoneyBack: what was confirmed before somebody says "this wasn't me" is not executed after it, nor once its hold is over.
func TestAMailsButtonTakesConfirmedMoneyBack(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		under := s.approved().Fields.Confirmation.String()
		thief := s.Browser("198.51.100.4")
		if got := thief.SignIn(s.ada.Mail, authtest.Password, ""); got.Status != http.StatusOK {
			t.Fatalf("%d %s", got.Status, got.Text)
		}
		link := s.letterWith().Link
		reader := s.Browser("192.0.2.9")
		if got := reader.Call(http.MethodPost, "/v1"+link, nil); got.Status != http.StatusOK {
			t.Fatalf("the button: %d %s", got.Status, got.Text)
		}
		if got := s.send(s.bot, withdrawal(), under); got.Code != fault.ConfirmationVoid {
			t.Errorf("at once: %+v", got)
		}
		s.later(25 * time.Hour)
		if got := s.send(s.bot, withdrawal(), under); got.Code != fault.ConfirmationVoid || s.withdrawals() != 0 {
			t.Errorf("after the hold: %+v, %d withdrawals", got, s.withdrawals())
		}
	})
}

// TestARecoveryStartsMoneyAnew: what was confirmed before it is void, a passkey that its owner kept approves nothing for 72 hours, and the browsers of
// before are strangers.
func TestARecoveryStartsMoneyAnew(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		host := principal.Host("tests")
		host.User = s.who.User
		under := s.approved().Fields.Confirmation.String()
		issued, err := s.Factors.IssueCodes(t.Context(), host)
		if err != nil {
			t.Fatal(err)
		}
		s.recoverKeeping(string(issued.Codes[0].Reveal()))
		if err := s.APIKeys.Resume(t.Context(), principal.Host("tests"), s.bot.ID, apikey.Freeze); err != nil {
			t.Fatal(err)
		}
		if got := s.send(s.bot, withdrawal(), under); got.Code != fault.ConfirmationVoid {
			t.Errorf("what was confirmed before: %+v", got)
		}
		from := signin.From{Origin: authtest.PersonOrigin(), Browser: [32]byte{1}, Device: s.ada.Device}
		in, err := s.SignIns.WithPassword(t.Context(), from, s.ada.Mail, secret.FromString("password", fresh))
		if err != nil || !in.Session.Challenge.Open(s.Now()) {
			t.Errorf("the browser of before is known: %+v %v", in.Session.Challenge, err)
		}
		for _, row := range []struct {
			after time.Duration
			want  fault.Code
		}{{0, fault.ConfirmationPasskeyYoung}, {72*time.Hour - time.Minute, fault.ConfirmationPasskeyYoung}, {2 * time.Minute, ""}} {
			s.later(row.after)
			if err := s.passkey.Approve(s.send(s.bot, withdrawal(), "").address()); (err != nil) != (row.want != "") || err != nil && fault.CodeOf(err) != row.want {
				t.Errorf("%s later the kept passkey: %v, want %q", row.after, err, row.want)
			}
		}
	})
}

const fresh = "another fine set of words"

// recoverKeeping brings the trader back with a recovery code, in a browser that nobody knows, and keeps all passkeys.
func (s *scene) recoverKeeping(code string) {
	s.t.Helper()
	b := s.Browser("198.51.100.9")
	must := func(r authtest.Reply) authtest.Reply {
		s.t.Helper()
		if r.Status >= http.StatusBadRequest {
			s.t.Fatalf("%d %s", r.Status, r.Text)
		}
		return r
	}
	var begun struct{ Recovery string }
	b.Into(must(b.Call(http.MethodPost, "/v1/recoveries", map[string]string{"mail": s.ada.Mail})), &begun)
	s.Settle()
	letters := s.Mailbox.Letters(s.ada.Mail)
	at := "/v1/recoveries/" + begun.Recovery
	must(b.Call(http.MethodPost, at+"/mail", map[string]string{"code": letters[len(letters)-1].Code}))
	must(b.Call(http.MethodPost, at+"/recovery-code", map[string]string{"code": code}))
	var review struct {
		Credentials struct{ Passkeys []struct{ ID string } }
	}
	b.Into(must(b.Call(http.MethodGet, at, nil)), &review)
	var kept []string
	for _, p := range review.Credentials.Passkeys {
		kept = append(kept, p.ID)
	}
	if len(kept) != 1 {
		s.t.Fatalf("the review shows %d passkeys", len(kept))
	}
	must(b.Call(http.MethodPost, at+"/password", map[string]any{"password": fresh, "keep": map[string]any{"passkeys": kept}}))
}

// TestAnOwnerIsToldWhenANewPasskeyApproves: the letter says how long it waits, and the list of methods until when.
func TestAnOwnerIsToldWhenANewPasskeyApproves(t *testing.T) {
	s := sceneOf(t, authtest.Options{})
	strange := signin.From{Origin: authtest.PersonOrigin(), Browser: [32]byte{2}}
	for _, row := range []struct {
		name  string
		enrol func() *authtest.Passkey
		waits time.Duration
		says  string
	}{
		{"in a known browser", func() *authtest.Passkey { return s.ada.EnrolPasskeyWith(s.passkey) }, 24 * time.Hour, "24 hours"},
		{"on the day of a strange sign-in", func() *authtest.Passkey {
			in, err := s.SignIns.WithPassword(t.Context(), strange, s.ada.Mail, secret.FromString("password", authtest.Password))
			if err != nil {
				t.Fatal(err)
			}
			s.ada.Bearer = in.Bearer
			return s.ada.EnrolPasskeyWith(s.passkey)
		}, 72 * time.Hour, "72 hours"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.enrol()
			s.Settle()
			var told string
			for _, l := range s.Mailbox.Letters(s.ada.Mail) {
				if l.Notice == notify.FactorAdded {
					told = l.Facts["settles"]
				}
			}
			if told != row.waits.String() {
				t.Errorf("the letter says %q, want %s", told, row.waits)
			}
			if text := s.readLetter(notify.FactorAdded); !strings.Contains(text, row.says) {
				t.Errorf("its words do not say %q: %s", row.says, text)
			}
			has, err := s.Factors.Of(t.Context(), s.ada.Principal())
			if err != nil {
				t.Fatal(err)
			}
			newest := slices.MaxFunc(has.Passkeys, func(a, b passkey.Credential) int { return a.Born.Compare(b.Born) })
			if left := newest.ApprovesFrom.Sub(s.Now()).Round(time.Hour); left != row.waits {
				t.Errorf("it approves in %s, want %s", left, row.waits)
			}
			until := newest.ApprovesFrom.UTC().Format(time.RFC3339)
			for _, path := range []string{"/", "/methods"} {
				if page := s.reads(path); !strings.Contains(page, "oo new to approve money") || !strings.Contains(page, `datetime="`+until) {
					t.Errorf("%s does not say until %s", path, until)
				}
			}
			var overview struct {
				Young []struct {
					ID string
					At time.Time `json:"approves_money_from"`
				} `json:"young_passkeys"`
			}
			if err := json.Unmarshal([]byte(s.reads("/v1/overview")), &overview); err != nil {
				t.Fatal(err)
			}
			if last := len(overview.Young) - 1; last < 0 || overview.Young[last].ID != newest.ID.String() || !overview.Young[last].At.Equal(newest.ApprovesFrom) {
				t.Errorf("/v1/overview: %+v", overview.Young)
			}
		})
	}
}

// reads is what Ada's browser is shown at a path of the dashboard.
func (s *scene) reads(path string) string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, authtest.Origin+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(&http.Cookie{Name: httpx.SessionCookie, Value: string(s.ada.Bearer.Reveal())})
	return authtest.Body(s.t, s.Do(r))
}

// readLetter gives the words of Ada's newest letter of a kind.
func (s *scene) readLetter(of notify.Letter) string {
	s.t.Helper()
	list, err := s.Notices.Messages(s.t.Context(), s.ada.Principal(), id.Message{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range list {
		if m.Letter == of {
			return m.Body
		}
	}
	s.t.Fatalf("no letter %s", of)
	return ""
}
