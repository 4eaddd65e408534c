package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

const another = "five other words in another row"

// confirmed satisfies the step-up that a refusal asks for.
func confirmed(b *browser, refused answer, with string, body map[string]any) answer {
	b.d.t.Helper()
	refused.want(403, "step_up_required")
	return b.post("/v1/step-ups/"+refused.field("step_up")+"/"+with, body).want(204, "")
}

func TestMethods(t *testing.T) {
	d := open(t)
	p, b := d.person("kim@example.com")
	set := func(password string) answer {
		return b.call("PUT", "/v1/password", map[string]string{"password": password})
	}
	var uri string
	code := func() map[string]string {
		_, after, _ := strings.Cut(uri, "secret=")
		secret, _, _ := strings.Cut(after, "&")
		return map[string]string{"code": authtest.CodeAt(secret, d.clock.Now())}
	}
	run(t, d, []outcome{
		{"the list", func() answer { return b.get("/v1/methods") }, 200, ""},
		{"a password that is my address", func() answer { return set("kim@example.com") }, 422, "password.own_words"},
		{"a password, just after the sign-up", func() answer { return set(another) }, 204, ""},
		{"a password, later", func() answer {
			d.clock.Advance(time.Hour)
			return set(authtest.Password)
		}, 403, "step_up_required"},
		{"no app to remove", func() answer { return b.call("DELETE", "/v1/totp", nil) }, 404, "totp.not_enrolled"},
		{"no app to confirm", func() answer { return b.post("/v1/totp/confirm", map[string]string{"code": "123456"}) }, 404, "totp.not_enrolled"},
		{"an app", func() answer {
			a := b.post("/v1/totp", nil)
			uri = a.text("uri")
			return a
		}, 201, ""},
		{"a wrong code", func() answer { return b.post("/v1/totp/confirm", map[string]string{"code": "000000"}) }, 403, "totp.code_refused"},
		{"a code without a fresh proof", func() answer { return b.post("/v1/totp/confirm", code()) }, 403, "step_up_required"},
		{"a code", func() answer {
			confirmed(b, b.post("/v1/totp/confirm", code()), "password", map[string]any{"password": another})
			a := b.post("/v1/totp/confirm", code())
			if next := a.text("next"); next != "recovery_codes" {
				t.Errorf("after an app comes %q", next)
			}
			return a
		}, 200, ""},
		{"a second app", func() answer { return b.post("/v1/totp", nil) }, 409, "totp.already_enrolled"},
		{"an app confirmed twice", func() answer { return b.post("/v1/totp/confirm", code()) }, 409, "totp.already_enrolled"},
		{"removing it without a proof", func() answer { return b.call("DELETE", "/v1/totp", nil) }, 403, "step_up_required"},
		{"removing it", func() answer {
			d.clock.Advance(30 * time.Second)
			confirmed(b, b.call("DELETE", "/v1/totp", nil), "totp", map[string]any{"code": code()["code"]})
			return b.call("DELETE", "/v1/totp", nil)
		}, 204, ""},
	})
	got := b.get("/v1/methods").want(200, "").body
	signal, _ := got["signal"].(map[string]any)
	if handle, _ := signal["userId"].(string); len(handle) != 86 { // 64 random bytes
		t.Errorf("the user handle is %q", handle)
	}
	delete(signal, "userId")
	want := map[string]any{
		"password": map[string]any{"alone": true, "changed_at": d.clock.Now().Add(-time.Hour - 30*time.Second).Format(time.RFC3339Nano)},
		"passkeys": []any{}, "demands": []any{}, "strongest": "pwd",
		"signal": map[string]any{"allAcceptedCredentialIds": []any{}, "displayName": "Test kim@example.com", "name": "kim@example.com", "rpId": "localhost"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("methods (-want +got):\n%s", diff)
	}
	d.of(p.Bearer, p.Device).get("/v1/session").want(401, "session.ended")
}

// Every change of a factor gives the session a new bearer, and with it the form token that goes with it.
func TestAChangeRenewsTheSession(t *testing.T) {
	d := open(t)
	_, b := d.person("kim@example.com")
	bearer, form := b.cookies[httpx.SessionCookie], b.form
	old := d.fresh()
	old.cookies[httpx.SessionCookie], old.form = bearer, form
	a := b.call("PUT", "/v1/password", map[string]string{"password": another}).want(204, "")
	if b.cookies[httpx.SessionCookie] == bearer || b.form == form || a.header.Get("Set-Cookie") == "" {
		t.Fatal("the bearer or the form token is the one before")
	}
	old.get("/v1/session").want(401, "session.ended")
	b.form = form
	b.post("/v1/totp", nil).want(403, "request.form_expired")
	b.form = b.get("/v1/form-token").text("form_token")
	b.post("/v1/totp", nil).want(201, "")
}

func TestPasskeys(t *testing.T) {
	d := open(t)
	_, b := d.person("kim@example.com")
	phone, second := newAuthenticator(t), newAuthenticator(t)
	named := func(body map[string]any, name string) map[string]any {
		body["name"] = name
		return body
	}
	d.clock.Advance(time.Hour)
	loud := newAuthenticator(t)
	made := named(phone.made(b.post("/v1/passkeys/begin", nil).want(200, "")), "My phone")
	var path string
	run(t, d, []outcome{
		{"no answer of the browser", func() answer { return b.post("/v1/passkeys", `{"state":"x","response":{}}`) }, 401, "sign_in.expired"},
		{"an answer of another kind", func() answer {
			return b.post("/v1/passkeys", map[string]any{"state": made["state"], "response": "nothing"})
		}, 403, "passkey.refused"},
		{"a name that moves a cursor", func() answer {
			return b.post("/v1/passkeys", named(loud.made(b.post("/v1/passkeys/begin", nil)), "phone\x1b[2K"))
		}, 422, "request.invalid"},
		{"without a fresh proof", func() answer { return b.post("/v1/passkeys", made) }, 403, "step_up_required"},
		{"the same answer again, confirmed", func() answer {
			confirmed(b, b.post("/v1/passkeys", made), "password", map[string]any{"password": authtest.Password})
			a := b.post("/v1/passkeys", made)
			path = "/v1/passkeys/" + a.text("id")
			if next := a.text("next"); next != "recovery_codes" || b.get("/v1/methods").text("next") != next {
				t.Errorf("after the first passkey comes %q", next)
			}
			return a
		}, 201, ""},
		{"codes that are kept", func() answer {
			refused := b.post("/v1/recovery-codes", nil)
			confirmed(b, refused, "passkey", phone.proven(b.post("/v1/step-ups/"+refused.field("step_up")+"/passkey/begin", nil)))
			codes, _ := b.post("/v1/recovery-codes", nil).want(201, "").body["codes"].([]any)
			return b.post("/v1/recovery-codes/confirm", map[string]any{"code": codes[0]})
		}, 204, ""},
		{"a third time", func() answer { return b.post("/v1/passkeys", made) }, 409, "passkey.duplicate"},
		{"renaming it", func() answer { return b.call("PATCH", path, `{"name":"Old phone"}`) }, 204, ""},
		{"renaming it to nothing", func() answer { return b.call("PATCH", path, `{"name":" "}`) }, 422, "request.invalid"},
		{"renaming it to what turns the line", func() answer { return b.call("PATCH", path, `{"name":"\u202e"}`) }, 422, "request.invalid"},
		{"renaming another", func() answer {
			return b.call("PATCH", "/v1/passkeys/pk_069g9r2kt0f7s8w3a5q1z7y6xc", `{"name":"x"}`)
		}, 404, "passkey.not_found"},
		{"removing another", func() answer { return b.call("DELETE", "/v1/passkeys/pk_069g9r2kt0f7s8w3a5q1z7y6xc", nil) }, 404, "passkey.not_found"},
		{"a second one, confirmed with the first", func() answer {
			body := second.made(b.post("/v1/passkeys/begin", nil))
			refused := b.post("/v1/passkeys", body)
			confirmed(b, refused, "passkey", phone.proven(b.post("/v1/step-ups/"+refused.field("step_up")+"/passkey/begin", nil)))
			a := b.post("/v1/passkeys", body)
			if next, still := a.body["next"], b.get("/v1/methods").body["next"]; next != nil || still != nil {
				t.Errorf("after the second passkey, with codes kept, comes %v %v", next, still)
			}
			return a
		}, 201, ""},
		{"removing it without a proof", func() answer { return b.call("DELETE", path, nil) }, 403, "step_up_required"},
		{"removing it", func() answer {
			refused := b.call("DELETE", path, nil)
			confirmed(b, refused, "passkey", second.proven(b.post("/v1/step-ups/"+refused.field("step_up")+"/passkey/begin", nil)))
			return b.call("DELETE", path, nil)
		}, 204, ""},
	})
	left, _ := b.get("/v1/methods").want(200, "").body["passkeys"].([]any)
	if len(left) != 1 {
		t.Errorf("%d passkeys are left, want 1", len(left))
	}
}

// The last way in stays, whoever asks.
func TestTheLastPasskeyStays(t *testing.T) {
	d := open(t)
	b, path := d.verified("min@example.com")
	phone := newAuthenticator(t)
	b.post(path+"/passkey", phone.made(b.post(path+"/passkey/begin", nil))).want(201, "")
	own, _ := b.get("/v1/methods").body["passkeys"].([]any)
	row, _ := own[0].(map[string]any)
	b.call("DELETE", "/v1/passkeys/"+row["id"].(string), nil).want(409, "factor.last")
}

// A step-up is for one content: a proof that was given for one passkey or one password opens nothing for another.
func TestAStepUpIsForOneContent(t *testing.T) {
	d := open(t)
	_, b := d.person("kim@example.com")
	first, shown, hidden := newAuthenticator(t), newAuthenticator(t), newAuthenticator(t)
	b.post("/v1/passkeys", first.made(b.post("/v1/passkeys/begin", nil))).want(201, "")
	d.clock.Advance(time.Hour)
	hidden.cred.ID = shown.cred.ID // the id is the authenticator's choice; the key behind it is what signs in
	one, other := shown.made(b.post("/v1/passkeys/begin", nil)), hidden.made(b.post("/v1/passkeys/begin", nil))
	password := func(text string) map[string]any { return map[string]any{"password": text} }
	renamed := shown.made(b.post("/v1/passkeys/begin", nil))
	renamed["name"] = "another name"

	confirm := func(refused answer) {
		confirmed(b, refused, "passkey", first.proven(b.post("/v1/step-ups/"+refused.field("step_up")+"/passkey/begin", nil)))
	}
	confirm(b.post("/v1/passkeys", one))
	b.post("/v1/passkeys", other).want(403, "step_up_required")
	b.post("/v1/passkeys", renamed).want(403, "step_up_required")
	b.post("/v1/passkeys", one).want(201, "")

	set := func(text string) answer { return b.call("PUT", "/v1/password", password(text)) }
	confirm(set(another))
	set(another+" else").want(403, "step_up_required")
	set(another).want(204, "")
}

// What is confirmed is said in the language that was asked for, and as facts.
func TestAStepUpSaysWhatItIsFor(t *testing.T) {
	d := open(t)
	_, b := d.withApp("kim@example.com")
	d.clock.Advance(time.Hour)
	b.cookies[httpx.LangCookie] = "ko"
	refused := b.post("/v1/keys", wanted(map[string]any{"name": "감시"})).want(403, "step_up_required")
	const want = "“감시” 키 (테스트), "
	if got := refused.field("summary"); !strings.HasPrefix(got, want) {
		t.Errorf("the refusal says %q", got)
	}
	step := b.get("/v1/step-ups/"+refused.field("step_up")).want(200, "")
	facts, _ := step.body["facts"].(map[string]any)
	if got := step.text("summary"); !strings.HasPrefix(got, want) || facts["name"] != "감시" || facts["environment"] != "test" {
		t.Errorf("the step-up says %q, with facts %v", got, facts)
	}
}

func TestStepUps(t *testing.T) {
	d := open(t)
	_, b := d.person("kim@example.com")
	_, stranger := d.person("lee@example.com")
	d.clock.Advance(time.Hour)
	step := "/v1/step-ups/" + b.call("PUT", "/v1/password", map[string]string{"password": another}).want(403, "step_up_required").field("step_up")
	password := map[string]string{"password": authtest.Password}
	run(t, d, []outcome{
		{"what it is", func() answer { return b.get(step) }, 200, ""},
		{"somebody else's", func() answer { return stranger.get(step) }, 404, "step_up.not_found"},
		{"satisfied by somebody else", func() answer { return stranger.post(step+"/password", password) }, 404, "step_up.not_found"},
		{"one that does not exist", func() answer { return b.get("/v1/step-ups/stp_069g9r2kt0f7s8w3a5q1z7y6xc") }, 404, "step_up.not_found"},
		{"what is none", func() answer { return b.get("/v1/step-ups/x") }, 404, "not_found"},
		{"a wrong password", func() answer { return b.post(step+"/password", `{"password":"wrong"}`) }, 401, "sign_in.refused"},
		{"a code without an app", func() answer { return b.post(step+"/totp", `{"code":"123456"}`) }, 404, "totp.not_enrolled"},
		{"a passkey, without having one", func() answer { return b.post(step+"/passkey/begin", nil) }, 404, "passkey.not_found"},
		{"a passkey with another state", func() answer { return b.post(step+"/passkey", `{"state":"x","response":{}}`) }, 401, "sign_in.expired"},
		{"too many tries", func() answer {
			for range 4 {
				b.post(step+"/password", `{"password":"wrong"}`)
			}
			return b.post(step+"/password", password)
		}, 429, "sign_in.throttled"},
		{"the password", func() answer {
			d.clock.Advance(time.Minute)
			return b.post(step+"/password", password)
		}, 204, ""},
		{"twice", func() answer { return b.post(step+"/password", password) }, 404, "step_up.not_found"},
		{"the same request again", func() answer { return b.call("PUT", "/v1/password", map[string]string{"password": another}) }, 204, ""},
	})
}

func TestAStepUpSaysHow(t *testing.T) {
	d := open(t)
	_, b := d.withApp("kim@example.com")
	d.clock.Advance(time.Hour)
	refused := b.call("DELETE", "/v1/totp", nil).want(403, "step_up_required")
	got := b.get("/v1/step-ups/"+refused.field("step_up")).want(200, "").body
	want := map[string]any{
		"action": "totp.removed", "summary": "Remove the authenticator app", "needs": "mfa", "methods": []any{"totp"},
		"expires_at": d.clock.Now().Add(d.Config.StepUp.Life).Format(time.RFC3339Nano),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("step-up (-want +got):\n%s", diff)
	}
	b.post("/v1/step-ups/"+refused.field("step_up")+"/password", map[string]string{"password": authtest.Password}).want(403, "assurance.too_low")
}
