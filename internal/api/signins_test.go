package api_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

func credentials(mail, password string) map[string]string {
	return map[string]string{"mail": mail, "password": password}
}

func TestSignIns(t *testing.T) {
	d := open(t)
	d.SignUp("kim@example.com")
	lee := d.SignUp("lee@example.com")
	lee.EnrolTOTP()
	b, second, stranger := d.visitor(), d.visitor(), d.visitor()
	var half string
	d.clock.Advance(30 * time.Second) // the code of the enrolment is spent
	run(t, d, []outcome{
		{"a wrong password", func() answer { return b.post("/v1/sign-in", credentials("kim@example.com", "wrong")) }, 401, "sign_in.refused"},
		{"nobody", func() answer { return b.post("/v1/sign-in", credentials("nobody@example.com", "wrong")) }, 401, "sign_in.refused"},
		{"an address that is none", func() answer { return b.post("/v1/sign-in", credentials("kim", "wrong")) }, 401, "sign_in.refused"},
		{"no password", func() answer { return b.post("/v1/sign-in", `{"mail":"kim@example.com"}`) }, 422, "request.invalid"},
		{"an unknown member", func() answer {
			return b.post("/v1/sign-in", `{"mail":"kim@example.com","password":"x","remember":true}`)
		}, 400, "request.malformed"},
		{"no JSON", func() answer { return b.post("/v1/sign-in", `mail=kim`) }, 400, "request.malformed"},
		{"nothing", func() answer { return b.post("/v1/sign-in", nil) }, 400, "request.malformed"},
		{"a password", func() answer { return b.post("/v1/sign-in", credentials("Kim@Example.com", authtest.Password)) }, 200, ""},
		{"again, over the session that it has", func() answer { return b.post("/v1/sign-in", credentials("kim@example.com", authtest.Password)) }, 403, "request.form_expired"},
		{"half", func() answer {
			a := second.post("/v1/sign-in", credentials("lee@example.com", authtest.Password))
			half = a.text("half")
			return a
		}, 200, ""},
		{"a wrong code", func() answer {
			return second.post("/v1/sign-in/code", map[string]string{"half": half, "code": "000000"})
		}, 403, "totp.code_refused"},
		{"a code in another browser", func() answer {
			return stranger.post("/v1/sign-in/code", map[string]string{"half": half, "code": lee.Code()})
		}, 401, "sign_in.expired"},
		{"a code", func() answer {
			return second.post("/v1/sign-in/code", map[string]string{"half": half, "code": lee.Code()})
		}, 200, ""},
	})
	if second.get("/v1/session").want(200, "").text("acr") != "mfa" {
		t.Error("password and code are not mfa")
	}
}

// A browser that signs in again ends the session it had, and proves its forms with that session until then.
func TestSignInAgain(t *testing.T) {
	d := open(t)
	p, b := d.person("kim@example.com")
	if b.cookies[httpx.BrowserCookie] == "" {
		t.Fatal("the page of a sign-in gives no cookie to a browser with a session")
	}
	a := b.post("/v1/sign-in", credentials("kim@example.com", authtest.Password)).want(200, "")
	if diff := cmp.Diff(map[string]any{"signed_in": true}, a.body); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	b.get("/v1/session").want(200, "")
	d.of(p.Bearer, p.Device).get("/v1/session").want(401, "session.ended")
}

// Another user's sign-in in the same browser ends the session that was there: nobody can go back to it.
func TestSignInAsSomebodyElseEndsTheSessionBefore(t *testing.T) {
	d := open(t)
	p, b := d.person("kim@example.com")
	d.SignUp("lee@example.com")
	b.post("/v1/sign-in", credentials("lee@example.com", authtest.Password)).want(200, "")
	d.of(p.Bearer, p.Device).get("/v1/session").want(401, "session.ended")
}

func TestSignInWithPasskey(t *testing.T) {
	d := open(t)
	owner, path := d.verified("min@example.com")
	phone := newAuthenticator(t)
	owner.post(path+"/passkey", phone.made(owner.post(path+"/passkey/begin", nil))).want(201, "")
	b, stranger := d.visitor(), d.visitor()
	begun := b.post("/v1/sign-in/passkey/begin", nil).want(200, "")
	unknown := newAuthenticator(t)
	unknown.auth.Options.UserHandle = make([]byte, 64)
	run(t, d, []outcome{
		{"a passkey that we do not know", func() answer { return b.post("/v1/sign-in/passkey", unknown.proven(begun)) }, 403, "passkey.unknown"},
		{"in another browser", func() answer { return stranger.post("/v1/sign-in/passkey", phone.proven(begun)) }, 401, "sign_in.expired"},
		{"a passkey", func() answer { return b.post("/v1/sign-in/passkey", phone.proven(begun)) }, 200, ""},
	})
	if b.get("/v1/session").text("acr") != "phr" {
		t.Error("a passkey is not phr")
	}
}

// Whoever is not signed in does not learn that a passkey looks cloned; the record does.
func TestAStrangerLearnsLess(t *testing.T) {
	d := open(t)
	owner, path := d.verified("min@example.com")
	key := newAuthenticator(t)
	key.auth.Options.BackupEligible, key.auth.Options.BackupState = false, false
	owner.post(path+"/passkey", key.made(owner.post(path+"/passkey/begin", nil))).want(201, "")
	signIn := func(b *browser) answer {
		return b.post("/v1/sign-in/passkey", key.proven(b.post("/v1/sign-in/passkey/begin", nil)))
	}
	key.cred.Counter = 7
	signIn(d.visitor()).want(200, "")
	key.cred.Counter = 3
	signIn(d.visitor()).want(403, "passkey.refused")
	if d.last.Code != fault.PasskeyCloned {
		t.Errorf("the record says %s, want passkey.cloned", d.last.Code)
	}
}

func TestAStateWorksOnce(t *testing.T) {
	d := open(t)
	owner, path := d.verified("min@example.com")
	phone := newAuthenticator(t)
	owner.post(path+"/passkey", phone.made(owner.post(path+"/passkey/begin", nil))).want(201, "")
	b := d.visitor()
	pre, form := b.cookies[httpx.BrowserCookie], b.form
	begun := b.post("/v1/sign-in/passkey/begin", nil)
	b.post("/v1/sign-in/passkey", phone.proven(begun)).want(200, "")
	thief := d.fresh()
	thief.cookies[httpx.BrowserCookie], thief.form = pre, form
	thief.post("/v1/sign-in/passkey", phone.proven(begun)).want(401, "sign_in.expired")
}

func TestSignInIsThrottledAndSaysForHowLong(t *testing.T) {
	d := open(t)
	p := d.SignUp("kim@example.com")
	b := d.visitor()
	for range 5 {
		b.post("/v1/sign-in", credentials("kim@example.com", "wrong")).want(401, "sign_in.refused")
	}
	a := b.post("/v1/sign-in", credentials("kim@example.com", authtest.Password)).want(429, "sign_in.throttled")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	known := d.visitor()
	known.cookies[httpx.DeviceCookie] = string(p.Device.Reveal())
	known.post("/v1/sign-in", credentials("kim@example.com", authtest.Password)).want(200, "")
}
