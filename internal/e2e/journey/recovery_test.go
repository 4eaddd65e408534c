package journey_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

const newPassword = "another fine set of words"

// wayBack is somebody who asks for a way back into Ada's account, in a browser that nobody knows.
type wayBack struct {
	*life
	b        *authtest.Browser
	at       string // the address of the case
	caseCode string
}

// askBack begins a case and shows the mailbox.
func (l *life) askBack(from string) *wayBack {
	l.t.Helper()
	w := &wayBack{life: l, b: l.Browser(from)}
	var begun struct {
		Recovery string
		CaseCode string `json:"case_code"`
	}
	w.b.Into(w.must(http.MethodPost, "/v1/recoveries", map[string]string{"mail": mail}), &begun)
	w.at, w.caseCode = "/v1/recoveries/"+begun.Recovery, begun.CaseCode
	w.showMailbox()
	return w
}

func (w *wayBack) showMailbox() {
	w.t.Helper()
	w.Settle()
	letters := w.Mailbox.Letters(mail)
	w.must(http.MethodPost, w.at+"/mail", map[string]string{"code": letters[len(letters)-1].Code})
}

func (w *wayBack) must(method, path string, body any) authtest.Reply {
	w.t.Helper()
	got := w.b.Call(method, path, body)
	if got.Status >= http.StatusBadRequest {
		w.t.Fatalf("%s %s: %d %s", method, path, got.Status, got.Text)
	}
	return got
}

func (w *wayBack) state() string {
	w.t.Helper()
	var c struct{ State string }
	w.b.Into(w.must(http.MethodGet, w.at, nil), &c)
	return c.State
}

func (w *wayBack) is(want string) {
	w.t.Helper()
	if got := w.state(); got != want {
		w.t.Fatalf("after %s the case is %s, want %s", time.Since(w.born), got, want)
	}
}

// paper gives Ada a set of codes. How she gets them is told elsewhere.
func (l *life) paper() (codes []string) {
	l.t.Helper()
	host := principal.Host("tests")
	host.User = l.ada.Principal().User
	issued, err := l.Factors.IssueCodes(l.t.Context(), host)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, c := range issued.Codes {
		codes = append(codes, string(c.Reveal()))
	}
	return codes
}

func (l *life) letters(n notify.Letter) (count int) {
	for _, letter := range l.Mailbox.Letters(mail) {
		if letter.Notice == n {
			count++
		}
	}
	return count
}

// days lets whole days pass, and the background work that is done in them.
func (l *life) days(n int) {
	l.t.Helper()
	for range n * 24 {
		time.Sleep(time.Hour)
		l.work()
	}
}

// back says what Ada's account is after a recovery: whoever was in it is out, her bots only look, and money stays.
func (w *wayBack) back(key authtest.Key) {
	w.t.Helper()
	if got := w.ada.Call(http.MethodGet, "/v1/session", nil); got.Status != http.StatusUnauthorized {
		w.t.Errorf("the session of before answers %d", got.Status)
	}
	if got := w.call(key, http.MethodGet, "/v1/accounts", ""); got.Status != http.StatusOK {
		w.t.Errorf("looking with a key gives %d %s", got.Status, got.Text)
	}
	if got := w.call(key, http.MethodPost, "/v1/orders", order); got.Status != http.StatusForbidden {
		w.t.Errorf("an order of a key nobody reviewed gives %d %s", got.Status, got.Text)
	}
	if got := w.b.Call(http.MethodGet, "/v1/methods", nil); strings.Contains(got.Text, `"totp":{`) {
		w.t.Error("an app that nobody confirmed is still there")
	}
	w.Settle()
	stand, err := w.Holds.Of(w.t.Context(), w.b.Principal().User)
	if err != nil || !stand.Held || time.Until(stand.Until) < 71*time.Hour {
		w.t.Errorf("money: %+v %v", stand, err)
	}
	if w.letters(notify.RecoveryCompleted) != 1 {
		w.t.Error("nobody was told that the account was recovered")
	}
}

func TestLostPhoneWithCodes(t *testing.T) {
	inBubble(t, func(l *life) {
		codes := l.paper()
		key := l.newKey(map[string]any{"name": "bot", "scopes": []string{"balances:read", "orders:write"}})
		w := l.askBack("198.51.100.9")
		if got := w.b.Call(http.MethodPost, w.at+"/password", map[string]string{"password": newPassword}); got.Code != fault.RecoveryOver {
			t.Fatalf("finishing with the mailbox alone gives %q", got.Code)
		}
		if got := w.b.Call(http.MethodPost, w.at+"/recovery-code", map[string]string{"code": "00000-00000-00000-00000-00000-00"}); got.Code != fault.RecoveryCodeRefused {
			t.Fatalf("a code that is none gives %q", got.Code)
		}
		w.must(http.MethodPost, w.at+"/recovery-code", map[string]string{"code": codes[4]})
		w.is("ready")
		thief := l.Browser("192.0.2.66")
		if got := thief.Call(http.MethodGet, w.at, nil); got.Code != fault.RecoveryUnknown {
			t.Errorf("another browser with the case's id sees %q", got.Code)
		}
		w.must(http.MethodPost, w.at+"/password", map[string]string{"password": newPassword})
		w.back(key)
		again := l.askBack("198.51.100.10")
		if got := again.b.Call(http.MethodPost, again.at+"/recovery-code", map[string]string{"code": codes[4]}); got.Code != fault.RecoveryCodeRefused {
			t.Errorf("a code that was used gives %q", got.Code)
		}
	})
}

func TestLostPhoneAndCodes(t *testing.T) {
	inBubble(t, func(l *life) {
		key := l.newKey(map[string]any{"name": "bot", "scopes": []string{"balances:read", "orders:write"}})
		w := l.askBack("198.51.100.9")
		if got := w.b.Call(http.MethodPost, w.at+"/claim", map[string]string{"password": "not the one at all"}); got.Code != fault.RecoveryProofRefused {
			t.Fatalf("a wrong password gives %q", got.Code)
		}
		w.must(http.MethodPost, w.at+"/claim", map[string]string{"password": authtest.Password})
		w.is("told")
		l.work()
		w.is("waiting")
		if n := l.letters(notify.RecoveryWaiting); n != 1 {
			t.Errorf("told %d times at once", n)
		}
		l.days(2)
		w.is("waiting")
		if n := l.letters(notify.RecoveryWaiting); n < 3 {
			t.Errorf("told %d times on days 0, 1 and 2", n)
		}
		l.days(1)
		w.is("ready")
		if l.letters(notify.RecoveryReady) != 1 {
			t.Error("nobody was told that the wait is over")
		}
		// Another browser: the one from before is closed.
		w.b = l.Browser("198.51.100.77")
		w.must(http.MethodPost, "/v1/recoveries/reopen", map[string]string{"case_code": w.caseCode})
		w.showMailbox()
		w.must(http.MethodPost, w.at+"/password", map[string]string{"password": newPassword})
		w.back(key)
	})
}

func TestTheMailboxAloneTakesAWeek(t *testing.T) {
	inBubble(t, func(l *life) {
		w := l.askBack("198.51.100.9")
		w.must(http.MethodPost, w.at+"/claim", map[string]string{})
		l.work()
		l.days(6)
		w.is("waiting")
		l.days(1)
		w.is("ready")
		l.days(8)
		w.is("lapsed")
	})
}

// TestTheOwnerStopsAThief: the thief has password and mailbox; the owner has a session and the app.
func TestTheOwnerStopsAThief(t *testing.T) {
	inBubble(t, func(l *life) {
		w := l.askBack("192.0.2.66")
		w.must(http.MethodPost, w.at+"/claim", map[string]string{"password": authtest.Password})
		l.work()
		l.days(1)
		l.ada = l.Browser(home)
		l.mustSignIn(l.ada)
		var plan struct{ Claims []struct{ ID string } }
		l.ada.Into(l.ada.Call(http.MethodGet, "/v1/recovery", nil), &plan)
		if len(plan.Claims) != 1 {
			t.Fatalf("the owner sees %d claims", len(plan.Claims))
		}
		path := "/v1/recovery/claims/" + plan.Claims[0].ID + "/cancel"
		if got := l.ada.Call(http.MethodPost, path, nil); got.Code != fault.StepUpRequired {
			t.Errorf("a session alone cancels: %d %q", got.Status, got.Code) // it may be on a stolen phone
		}
		if got := l.ada.StepUp(http.MethodPost, path, nil, l.secret); got.Status != http.StatusNoContent {
			t.Fatalf("cancel: %d %s", got.Status, got.Text)
		}
		w.is("cancelled")
		l.work()
		if l.letters(notify.RecoveryCancelled) != 1 {
			t.Error("nobody was told that it was stopped")
		}
		l.days(3)
		if got := w.b.Call(http.MethodPost, w.at+"/password", map[string]string{"password": newPassword}); got.Code != fault.RecoveryOver {
			t.Errorf("the thief goes on: %q", got.Code)
		}
	})
}

// TestTwoClaimsStopEachOther: neither of two who show as little as the other gets in; a recovery code outweighs both.
func TestTwoClaimsStopEachOther(t *testing.T) {
	inBubble(t, func(l *life) {
		codes := l.paper()
		thief, owner := l.askBack("192.0.2.66"), l.askBack("198.51.100.9")
		thief.must(http.MethodPost, thief.at+"/claim", map[string]string{"password": authtest.Password})
		l.work()
		owner.must(http.MethodPost, owner.at+"/claim", map[string]string{})
		thief.is("disputed")
		owner.is("disputed")
		l.work()
		if l.letters(notify.RecoveryDisputed) != 1 {
			t.Error("nobody was told of two claims")
		}
		thief = l.askBack("192.0.2.66")
		thief.must(http.MethodPost, thief.at+"/claim", map[string]string{"password": authtest.Password})
		owner = l.askBack("198.51.100.9")
		owner.must(http.MethodPost, owner.at+"/recovery-code", map[string]string{"code": codes[0]})
		thief.is("cancelled")
		owner.is("ready")
	})
}

// TestPasswordAndMailboxReachNoMoney: whoever has both gets in after three days, and then money stays for three more, whatever they add: an app proves
// nothing for money, and a passkey is too new to approve any before the hold is over.
func TestPasswordAndMailboxReachNoMoney(t *testing.T) {
	inBubble(t, func(l *life) {
		user := l.ada.Principal().User
		w := l.askBack("192.0.2.66")
		w.must(http.MethodPost, w.at+"/claim", map[string]string{"password": authtest.Password})
		l.work()
		l.days(3)
		w.must(http.MethodPost, w.at+"/password", map[string]string{"password": newPassword})
		l.work()
		app := w.b.EnrolTOTP()
		l.enter(w.b)
		l.expect("a withdrawal with an app", fault.ConfirmationNoPasskey, w.withdraw().Code)
		theirs := l.newPasskey(w.b, "theirs", func(method, path string, body any) authtest.Reply { return w.b.StepUp(method, path, body, app) })
		for hour := range 71 {
			time.Sleep(time.Hour)
			l.work()
			if stand, err := l.Holds.Of(l.t.Context(), user); err != nil || !stand.Held {
				t.Fatalf("after %s money may go: %+v %v", time.Since(l.born), stand, err)
			}
			if hour%10 == 0 { // the last time in the last hour
				w.b.SignIn(mail, newPassword, app)
				l.enter(w.b)
				l.expect("a withdrawal with a passkey", fault.ConfirmationPasskeyYoung, w.approves(theirs, w.withdraw()))
			}
		}
		if n := l.letters(notify.RecoveryWaiting); n < 3 {
			t.Errorf("the owner was told %d times", n)
		}
	})
}

// withdraw asks for money on the exchange's page.
func (w *wayBack) withdraw() authtest.Reply {
	w.t.Helper()
	r := w.b.Request(http.MethodPost, authtest.PageOrigin+"/withdraw", "currency=BTC&network=BTC&amount=0.01&address=paper1qthief")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.b.Do(r)
}

// approves confirms what a refused withdrawal asks for, or gives the refusal of that.
func (w *wayBack) approves(k passkey, refused authtest.Reply) fault.Code {
	w.t.Helper()
	w.expect("a withdrawal", fault.ConfirmationRequired, refused.Code)
	var asked struct{ Fields struct{ URL string } }
	w.b.Into(refused, &asked)
	address := asked.Fields.URL[strings.LastIndexByte(asked.Fields.URL, '/')+1:]
	options, err := w.Confirmations.Begin(w.t.Context(), authtest.PersonOrigin().Addr, address)
	if err != nil {
		return fault.CodeOf(err)
	}
	signed, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		w.t.Fatal(err)
	}
	response := virtualwebauthn.CreateAssertionResponse(virtualwebauthn.RelyingParty{ID: "localhost", Origin: authtest.ConfirmOrigin}, k.auth, k.cred, *signed)
	_, err = w.Confirmations.Approve(w.t.Context(), authtest.PersonOrigin(), address, []byte(response))
	return fault.CodeOf(err)
}
