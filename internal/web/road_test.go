package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
)

// stack is an installation whose clock the test moves.
func stack(t *testing.T) (*authtest.Stack, *storetest.Clock) {
	t.Helper()
	clock := storetest.NewClock()
	return authtest.StartWith(t, authtest.Options{Now: clock.Now}), clock
}

func (b *browser) code(mail string) string {
	b.t.Helper()
	b.stack.Settle()
	letters := b.stack.Mailbox.Letters(mail)
	if len(letters) == 0 {
		b.t.Fatalf("no letter to %s", mail)
	}
	return letters[len(letters)-1].Code
}

func TestSignUpWithPassword(t *testing.T) {
	s, _ := stack(t)
	b := open(t, s)
	b.get("/sign-up")
	b.shows(http.StatusOK, "Create an account")
	b.submit("/sign-up", "mail", "kim@example.com", "name", "Kim Min", "lang", "ko")
	b.follow()
	b.shows(http.StatusOK, "kim@example.com", "We will never ask for this code", "in 10 minutes")

	b.submit("/sign-up/code", "code", "00000000")
	b.shows(http.StatusForbidden, says(fault.SignUpCodeRefused))
	code := b.code("kim@example.com")
	b.submit("/sign-up/code", "code", code[:4]+" "+code[4:])
	b.follow()
	b.shows(http.StatusOK, "Choose how you sign in", "fingerprint or face stays on this device")

	b.submit("/sign-up/secure", "password", "short")
	b.shows(http.StatusUnprocessableEntity, says(fault.PasswordTooShort))
	b.submit("/sign-up/secure", "password", "passwordpassword")
	b.shows(http.StatusUnprocessableEntity, says(fault.PasswordCommon))
	b.submit("/sign-up/secure", "password", authtest.Password)
	b.leads("/")
	b.follow()
	// No language was chosen in this browser, so the pages speak the user's.
	b.shows(http.StatusOK, "계정이 준비되었습니다", "Kim Min님", "조회만 할 수 있고 거래는 할 수 없습니다")
	if b.cookies[httpx.SessionCookie] == "" || b.cookies[httpx.DeviceCookie] == "" || b.cookies[httpx.BrowserCookie] != "" {
		t.Errorf("cookies after sign-up: %v", b.cookies)
	}
	b.get("/")
	if strings.Contains(b.page.text(), "계정이 준비되었습니다") {
		t.Error("a notice is told twice")
	}
}

// An address that has a user walks the same way: every answer is the same but for the mail and the code that never fits.
func TestSignUpOfAnExistingAddress(t *testing.T) {
	s, _ := stack(t)
	s.SignUp("ada@example.com")
	walk := func(mail string) (pages []string) {
		b := open(t, s)
		b.get("/sign-up")
		b.submit("/sign-up", "mail", mail, "name", "Ada", "lang", "en")
		pages = append(pages, b.page.Status, strings.SplitN(b.page.Header.Get("Location"), "=", 2)[0])
		b.follow()
		pages = append(pages, strings.ReplaceAll(b.page.text(), mail, "MAIL"))
		b.submit("/sign-up/code", "code", "12345678")
		return append(pages, b.page.Status, strings.ReplaceAll(b.page.text(), mail, "MAIL"))
	}
	known, unknown := walk("ada@example.com"), walk("eve@example.com")
	for i := range known {
		if known[i] != unknown[i] {
			t.Errorf("step %d tells them apart:\n%s\n%s", i, known[i], unknown[i])
		}
	}
	s.Settle()
	letters := s.Mailbox.Letters("ada@example.com")
	if !letters[len(letters)-1].Existing {
		t.Error("the owner of the address got a code")
	}
}

func TestSignUpStepsBelongToOneBrowser(t *testing.T) {
	s, clock := stack(t)
	b := open(t, s)
	b.get("/sign-up")
	b.submit("/sign-up", "mail", "kim@example.com", "name", "Kim", "lang", "en")
	at := b.page.Header.Get("Location")
	secure := strings.Replace(at, "code", "secure", 1)
	b.follow()

	other := open(t, s)
	for _, path := range []string{at, secure, "/sign-up/code", "/sign-up/secure?sign_up=nonsense"} {
		other.get(path)
		other.shows(http.StatusForbidden, says(fault.SignUpExpired))
	}
	b.get(secure)
	b.leads(at) // not verified yet
	b.get(at)
	b.submit("/sign-up/again")
	fresh := b.page.Header.Get("Location")
	if fresh == at || !strings.HasPrefix(fresh, "/sign-up/code?sign_up=sup_") {
		t.Errorf("again leads to %q", fresh)
	}
	b.follow()
	b.submit("/sign-up/code", "code", b.code("kim@example.com"))
	b.follow()
	b.get(fresh)
	b.leads(strings.Replace(fresh, "code", "secure", 1)) // verified already
	clock.Advance(31 * time.Minute)
	b.get(strings.Replace(fresh, "code", "secure", 1))
	b.shows(http.StatusForbidden, says(fault.SignUpExpired))
}

func TestSignUpIsThrottledInWords(t *testing.T) {
	s, _ := stack(t)
	b := open(t, s)
	for range 8 {
		b.get("/sign-up")
		b.submit("/sign-up", "mail", "kim@example.com", "name", "Kim", "lang", "en")
		if b.page.StatusCode == http.StatusTooManyRequests {
			b.shows(http.StatusTooManyRequests, says(fault.SignInThrottled), "You can try again")
			if b.page.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			return
		}
	}
	t.Error("never throttled")
}

// Where a passkey or a password is made the page says what the address bar must show.
func TestEnrolmentNamesTheTrueDomain(t *testing.T) {
	s, _ := stack(t)
	stranger, ada := open(t, s), as(t, s, s.SignUp("ada@example.com"))
	const bar = "address bar must show exactly " + authtest.Origin
	stranger.get("/sign-up")
	stranger.shows(http.StatusOK, bar)
	stranger.submit("/sign-up", "mail", "bob@example.com", "name", "Bob")
	stranger.follow()
	stranger.submit("/sign-up/code", "code", stranger.code("bob@example.com"))
	stranger.follow()
	stranger.shows(http.StatusOK, bar)
	ada.get("/methods")
	ada.shows(http.StatusOK, bar)
}

func TestSignIn(t *testing.T) {
	s, clock := stack(t)
	ada := s.SignUp("ada@example.com")

	t.Run("password", func(t *testing.T) {
		b := open(t, s)
		b.get("/sign-in?return_to=/sessions")
		b.shows(http.StatusOK, authtest.Origin)
		b.submit("/sign-in", "mail", "Ada@Example.com", "password", authtest.Password)
		b.leads("/sessions")
		b.follow()
		b.shows(http.StatusOK, "Chrome on Windows", "This device", "A password alone")
	})
	t.Run("wrong", func(t *testing.T) {
		b := open(t, s)
		for mail, password := range map[string]string{"ada@example.com": "not it at all, no", "eve@example.com": authtest.Password, "no address": "x"} {
			b.get("/sign-in")
			b.submit("/sign-in", "mail", mail, "password", password)
			b.shows(http.StatusUnauthorized, says(fault.SignInRefused))
		}
	})
	t.Run("code", func(t *testing.T) {
		ada.EnrolTOTP()
		clock.Advance(time.Minute)
		b := open(t, s)
		b.get("/sign-in?return_to=/keys")
		b.submit("/sign-in", "mail", "ada@example.com", "password", authtest.Password)
		b.shows(http.StatusOK, "Enter the code of your app", "We will never ask for this code")
		b.submit("/sign-in/code", "code", "000 000")
		b.shows(http.StatusForbidden, says(fault.TOTPCodeRefused))
		code := ada.Code()
		b.submit("/sign-in/code", "code", code[:3]+" "+code[3:])
		b.leads("/keys")
		b.get("/")
		b.shows(http.StatusOK, "Password and authenticator app")

		b.get("/sign-in")
		b.shows(http.StatusOK, "You are signed in")
		b.submit("/sign-in", "mail", "ada@example.com", "password", authtest.Password)
		clock.Advance(6 * time.Minute)
		b.submit("/sign-in/code", "code", ada.Code())
		b.shows(http.StatusUnauthorized, says(fault.SignInExpired))
		b.get("/sign-in/code")
		b.leads("/sign-in")
	})
}

// A session that ended brings its reader to the sign-in and back, with the reason.
func TestEndedSession(t *testing.T) {
	s, clock := stack(t)
	b := as(t, s, s.SignUp("ada@example.com"))
	token := b.token("/sessions")
	clock.Advance(13 * time.Hour)
	b.get("/keys/new")
	b.leads("/sign-in?return_to=%2Fkeys%2Fnew")
	b.follow()
	b.shows(http.StatusOK, "Your session has ended")

	stranger := open(t, s)
	stranger.get("/")
	stranger.leads("/sign-in")
	r := request(http.MethodPost, "/sessions/sign-out-others", url.Values{"form_token": {token}})
	r.Header.Set("Referer", authtest.Origin+"/sessions")
	stranger.send(r)
	stranger.leads("/sign-in?return_to=%2Fsessions")
}

// A session that rests says so on every page, and one proof in place gives it its power back.
func TestIdleSession(t *testing.T) {
	s, clock := stack(t)
	b := as(t, s, s.SignUp("ada@example.com"))
	b.get("/")
	b.shows(http.StatusOK, "in 30 minutes", "in 12 hours")
	clock.Advance(31 * time.Minute)
	b.get("/activity")
	b.shows(http.StatusOK, "This session is resting", "Your bots keep running")
	b.submit("/sessions/restore")
	b.shows(http.StatusForbidden, "Give this session its full power again")
	b.submit("/sessions/restore", "proof_password", authtest.Password)
	b.leads("/activity")
	b.follow()
	if strings.Contains(b.page.text(), "resting") {
		t.Error("still resting")
	}
}

// Looking at a page in the background is no human act; saying "I am still here" is.
func TestStillHere(t *testing.T) {
	s, clock := stack(t)
	b := as(t, s, s.SignUp("ada@example.com"))
	token := b.token("/")
	clock.Advance(20 * time.Minute)
	poll := request(http.MethodGet, "/activity", nil)
	poll.Header.Set("Sec-Fetch-Mode", "cors")
	b.send(poll)
	b.shows(http.StatusOK)
	if idle, _ := s.Sessions.Ends(principalOf(b)); idle.Sub(clock.Now()) > 11*time.Minute {
		t.Errorf("a poll moved the idle limit to %s", idle.Sub(clock.Now()))
	}
	b.post("/still-here", url.Values{"form_token": {token}})
	b.shows(http.StatusNoContent)
	if idle, _ := s.Sessions.Ends(principalOf(b)); idle.Sub(clock.Now()) != 30*time.Minute {
		t.Errorf("a human act moved the idle limit to %s", idle.Sub(clock.Now()))
	}
}
