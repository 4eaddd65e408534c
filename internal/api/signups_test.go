package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// begun is a sign-up whose letter has arrived.
func (d *door) begun(mail string) (b *browser, path, code string) {
	d.t.Helper()
	b = d.visitor()
	path = "/v1/sign-up/" + b.post("/v1/sign-up", map[string]string{"mail": mail, "name": "Min", "lang": "ko"}).want(201, "").text("sign_up")
	d.Settle()
	letters := d.Mailbox.Letters(mail)
	if len(letters) == 0 {
		d.t.Fatalf("no letter to %s", mail)
	}
	return b, path, letters[len(letters)-1].Code
}

// verified is a sign-up with a proven address.
func (d *door) verified(mail string) (*browser, string) {
	d.t.Helper()
	b, path, code := d.begun(mail)
	b.post(path+"/code", map[string]string{"code": code[:4] + " " + code[4:]}).want(204, "")
	return b, path
}

func TestSignUps(t *testing.T) {
	d := open(t)
	d.SignUp("kim@example.com")
	const nowhere = "/v1/sign-up/sup_069g9r2kt0f7s8w3a5q1z7y6xc"
	password := map[string]string{"password": authtest.Password}
	b, path, code := d.begun("min@example.com")
	stranger := d.visitor()
	wrong := "00000000"
	if code == wrong {
		wrong = "00000001"
	}
	run(t, d, []outcome{
		{"an address that is none", func() answer { return b.post("/v1/sign-up", `{"mail":"min","name":"Min"}`) }, 422, "mail_address.malformed"},
		{"no name", func() answer { return b.post("/v1/sign-up", `{"mail":"min@example.com","name":" "}`) }, 422, "request.invalid"},
		{"a name that moves a cursor", func() answer { return b.post("/v1/sign-up", `{"mail":"min@example.com","name":"Min\u001b[2K"}`) }, 422, "request.invalid"},
		{"a name that is missing", func() answer { return b.post("/v1/sign-up", `{"mail":"min@example.com"}`) }, 422, "request.invalid"},
		{"a language that we do not speak", func() answer {
			return b.post("/v1/sign-up", `{"mail":"min@example.com","name":"Min","lang":"fr"}`)
		}, 422, "request.invalid"},
		{"an address that has a user", func() answer { return b.post("/v1/sign-up", `{"mail":"kim@example.com","name":"Kim"}`) }, 201, ""},
		{"without a form token", func() answer { return d.fresh().post("/v1/sign-up", `{"mail":"a@example.com","name":"A"}`) }, 403, "request.form_expired"},
		{"a wrong code", func() answer { return b.post(path+"/code", map[string]string{"code": wrong}) }, 403, "sign_up.code_refused"},
		{"the code in another browser", func() answer { return stranger.post(path+"/code", map[string]string{"code": code}) }, 403, "sign_up.code_refused"},
		{"a sign-up that does not exist", func() answer { return b.post(nowhere+"/code", map[string]string{"code": code}) }, 403, "sign_up.code_refused"},
		{"what is no sign-up", func() answer { return b.post("/v1/sign-up/x/code", map[string]string{"code": code}) }, 404, "not_found"},
		{"a password before the code", func() answer { return b.post(path+"/password", password) }, 403, "sign_up.expired"},
		{"a passkey before the code", func() answer { return b.post(path+"/passkey/begin", nil) }, 403, "sign_up.expired"},
		{"the code", func() answer { return b.post(path+"/code", map[string]string{"code": code}) }, 204, ""},
		{"a password that is too short", func() answer { return b.post(path+"/password", `{"password":"short"}`) }, 422, "password.too_short"},
		{"a password that everybody has", func() answer { return b.post(path+"/password", `{"password":"passwordpassword"}`) }, 422, "password.common"},
		{"a password that is no text", func() answer { return b.post(path+"/password", `{"password":12345678901234567}`) }, 422, "request.invalid"},
		{"a body that is too large", func() answer {
			return b.post(path+"/password", map[string]string{"password": strings.Repeat("x", 64<<10)})
		}, 413, "request.too_large"},
		{"a form", func() answer {
			r := b.request(http.MethodPost, path+"/password", "password=x")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return b.do(r)
		}, 415, "request.media_type"},
		{"a password", func() answer { return b.post(path+"/password", password) }, 201, ""},
		{"a second time", func() answer { return stranger.post(path+"/password", password) }, 403, "sign_up.expired"},
	})
	if b.get("/v1/session").want(200, "").text("name") != "Min" || b.cookies[httpx.DeviceCookie] == "" || b.cookies[httpx.BrowserCookie] != "" {
		t.Errorf("after the sign-up the browser has cookies %v", b.cookies)
	}
	for i, letter := range d.Mailbox.Letters("kim@example.com") {
		if letter.Code != "" && i > 0 {
			t.Error("an address with a user was sent a code")
		}
	}
}

func TestSignUpWithPasskey(t *testing.T) {
	d := open(t)
	b, path := d.verified("min@example.com")
	phone := newAuthenticator(t)
	begun := b.post(path+"/passkey/begin", nil).want(200, "")
	made := phone.made(begun)
	forged := newAuthenticator(t)
	forged.rp.Origin = "https://evil.example"
	run(t, d, []outcome{
		{"made on another site", func() answer { return b.post(path+"/passkey", forged.made(begun)) }, 403, "passkey.refused"},
		{"another state", func() answer {
			return b.post(path+"/passkey", map[string]any{"state": "x", "response": made["response"]})
		}, 401, "sign_in.expired"},
		{"no answer", func() answer { return b.post(path+"/passkey", map[string]any{"state": made["state"]}) }, 422, "request.invalid"},
		{"made", func() answer {
			a := b.post(path+"/passkey", made)
			if next := a.text("next"); next != "recovery_codes" {
				t.Errorf("after the sign-up comes %q", next)
			}
			return a
		}, 201, ""},
	})
	if acr := b.get("/v1/session").want(200, "").text("acr"); acr != "phr" {
		t.Errorf("the session is proven as %s, want phr", acr)
	}
}

func TestSignUpIsThrottled(t *testing.T) {
	d := open(t)
	b := d.visitor()
	body := `{"mail":"min@example.com","name":"Min"}`
	for range 5 {
		b.post("/v1/sign-up", body).want(201, "")
	}
	a := b.post("/v1/sign-up", body).want(429, "sign_in.throttled")
	if a.header.Get("Retry-After") == "" {
		t.Error("a throttled sign-up does not say when to come back")
	}
}
