package web_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// phone is an authenticator with one passkey, which does what our script has the browser do.
type phone struct {
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
}

func newPhone() *phone {
	return &phone{
		rp:   virtualwebauthn.RelyingParty{Name: "Sallyport", ID: "localhost", Origin: authtest.Origin},
		auth: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{BackupEligible: true, BackupState: true}),
		cred: authtest.NewCredential(),
	}
}

type begun struct {
	Options json.RawMessage `json:"options"`
	State   string          `json:"state"`
}

// call sends JSON as our script does, with the token of the page that it runs on.
func (b *browser) call(token, path string, body, into any) int {
	b.t.Helper()
	var payload bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&payload).Encode(body); err != nil {
			b.t.Fatal(err)
		}
	}
	r := httptest.NewRequest(http.MethodPost, authtest.Origin+path, &payload)
	r.Header.Set("User-Agent", authtest.PersonOrigin().Agent)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set(httpx.FormTokenHeader, token)
	page := b.page
	a := b.send(r)
	b.page = page
	if into != nil {
		if err := json.Unmarshal([]byte(a.body), into); err != nil {
			b.t.Fatalf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
	return a.StatusCode
}

func (p *phone) made(t *testing.T, first begun) string {
	t.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(string(first.Options))
	if err != nil {
		t.Fatal(err)
	}
	p.auth.Options.UserHandle = []byte(o.UserID)
	p.auth.AddCredential(p.cred)
	return virtualwebauthn.CreateAttestationResponse(p.rp, p.auth, p.cred, *o)
}

func (p *phone) proven(t *testing.T, first begun) string {
	t.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(string(first.Options))
	if err != nil {
		t.Fatal(err)
	}
	p.cred.Counter++
	return virtualwebauthn.CreateAssertionResponse(p.rp, p.auth, p.cred, *o)
}

// addPasskey adds the phone's passkey to whoever is signed in, whose proof is fresh.
func (b *browser) addPasskey(p *phone, name string) {
	b.t.Helper()
	token := b.token("/methods")
	var first begun
	b.call(token, "/v1/passkeys/begin", nil, &first)
	body := map[string]any{"state": first.State, "response": json.RawMessage(p.made(b.t, first)), "name": name}
	if status := b.call(token, "/v1/passkeys", body, nil); status != http.StatusCreated {
		b.t.Fatalf("add passkey: %d", status)
	}
}

// confirm answers the question for another proof on the current page with the phone's passkey, as script fills in the form.
func (b *browser) confirm(p *phone, action string) answer {
	b.t.Helper()
	var id, token string
	for _, field := range all(b.page.root, "input") {
		switch get(field, "name") {
		case "step_up":
			id = get(field, "value")
		case "form_token":
			token = get(field, "value")
		}
	}
	var first begun
	b.call(token, "/v1/step-ups/"+id+"/passkey/begin", nil, &first)
	return b.submit(action, "proof_state", first.State, "proof_response", p.proven(b.t, first))
}

func TestPasswordNeedsAFreshProof(t *testing.T) {
	s, clock := stack(t)
	ada := s.SignUp("ada@example.com")
	b := as(t, s, ada)
	b.get("/methods/password")
	b.shows(http.StatusOK, "At least 15 characters", "All other sessions are signed out")
	b.submit("/methods/password", "password", "ada@example.com")
	b.shows(http.StatusUnprocessableEntity, says(fault.PasswordOwnWords))

	clock.Advance(6 * time.Minute)
	fresh := "another fine set of words"
	b.get("/methods/password")
	b.submit("/methods/password", "password", fresh)
	b.shows(http.StatusForbidden, "Confirm that it is you", "Set a new password", "Nothing has changed yet", "Current password")
	if strings.Contains(b.page.body, fresh) {
		t.Error("the new password stands on the page that asks for a proof")
	}
	b.submit("/methods/password", "proof_password", "not the one that it is")
	b.shows(http.StatusUnauthorized, "Set a new password", says(fault.SignInRefused))
	b.submit("/methods/password", "proof_password", authtest.Password)
	b.leads("/methods")
	b.follow()
	b.shows(http.StatusOK, "Your password is changed. All other sessions were signed out.")

	again := open(t, s)
	again.get("/sign-in")
	again.submit("/sign-in", "mail", "ada@example.com", "password", fresh)
	again.leads("/")
}

func TestAuthenticatorApp(t *testing.T) {
	s, clock := stack(t)
	b := as(t, s, s.SignUp("ada@example.com"))
	b.get("/methods")
	b.submit("/methods/totp")
	b.shows(http.StatusOK, "Scan this picture with the app")
	if b.page.Header.Get("Cache-Control") != "no-store" {
		t.Error("the secret may be kept by a cache")
	}
	secret := ""
	for _, code := range all(b.page.root, "code") {
		if get(code, "id") == "secret" {
			secret = strings.ReplaceAll(text(code), " ", "")
		}
	}
	shown := b.page
	b.submit("/methods/totp/confirm", "code", "000000")
	b.shows(http.StatusForbidden, says(fault.TOTPCodeRefused), "Begin anew with another picture")
	b.page = shown
	b.submit("/methods/totp/confirm", "code", authtest.CodeAt(secret, clock.Now()))
	b.leads("/recovery/codes") // an app alone would be lost with its phone
	b.follow()
	b.shows(http.StatusOK, "The authenticator app is added")
	b.post("/methods/totp", tokenOf(b, "/methods"))
	b.shows(http.StatusConflict, says(fault.TOTPAlreadyEnrolled))

	b.get("/methods/password")
	b.shows(http.StatusOK, "At least 8 characters") // another factor stands beside it now
	b.get("/methods")
	b.submit("/methods/totp/remove")
	b.shows(http.StatusForbidden, "Remove the authenticator app", "Code of 6 digits")
	clock.Advance(time.Minute)
	b.submit("/methods/totp/remove", "proof_code", "123")
	b.shows(http.StatusForbidden, says(fault.TOTPCodeRefused), "Remove the authenticator app")
	code := authtest.CodeAt(secret, clock.Now())
	b.submit("/methods/totp/remove", "proof_code", code[:3]+" "+code[3:])
	b.leads("/methods")
	b.follow()
	b.shows(http.StatusOK, "The authenticator app is removed")
	b.post("/methods/totp/remove", tokenOf(b, "/methods"))
	b.shows(http.StatusNotFound, says(fault.TOTPNotEnrolled))
}

func TestPasskeys(t *testing.T) {
	s, clock := stack(t)
	b := as(t, s, s.SignUp("ada@example.com"))
	p := newPhone()
	b.addPasskey(p, "Ada's phone")
	b.get("/methods")
	b.shows(http.StatusOK, "Ada's phone", "Synced", "Last used Never")
	action := ""
	for _, form := range all(b.page.root, "form") {
		if passkey, ok := strings.CutSuffix(get(form, "action"), "/rename"); ok {
			action = passkey
		}
	}
	b.submit(action+"/rename", "name", "  ")
	b.shows(http.StatusUnprocessableEntity, says(fault.RequestInvalid))
	b.submit(action+"/rename", "name", "My phone")
	b.leads("/methods")
	b.follow()
	b.shows(http.StatusOK, "My phone", "The passkey has its new name")

	clock.Advance(10 * time.Minute)
	b.submit(action + "/remove")
	b.shows(http.StatusForbidden, "Remove the passkey “My phone”", "Confirm with a passkey")
	b.confirm(p, action+"/remove")
	b.leads("/methods")
	b.follow()
	b.shows(http.StatusOK, "The passkey is removed")
	b.post(action+"/remove", tokenOf(b, "/methods"))
	b.shows(http.StatusNotFound, says(fault.PasskeyNotFound))
	b.post("/methods/passkeys/nonsense/remove", tokenOf(b, "/methods"))
	b.shows(http.StatusNotFound, says(fault.PasskeyNotFound))
	b.post("/methods/passkeys/nonsense/rename", tokenOf(b, "/methods"))
	b.shows(http.StatusNotFound, says(fault.PasskeyNotFound))
}

// What is confirmed is said in Korean, by the pages and by /v1 for their scripts.
func TestEverySummaryIsSaidInKorean(t *testing.T) {
	s, clock := stack(t)
	b := as(t, s, s.SignUp("ada@example.com"))
	b.lang = "ko"
	b.cookies["lang"] = "ko"
	asked := func(want string) {
		t.Helper()
		b.shows(http.StatusForbidden, "본인 확인이 필요합니다", want)
	}
	clock.Advance(6 * time.Minute)
	b.post("/methods/password", with(tokenOf(b, "/methods"), "password", "another fine set of words"))
	asked("새 비밀번호 설정")

	b.post("/methods/totp", tokenOf(b, "/methods"))
	secret := ""
	for _, code := range all(b.page.root, "code") {
		if get(code, "id") == "secret" {
			secret = strings.ReplaceAll(text(code), " ", "")
		}
	}
	b.submit("/methods/totp/confirm", "code", authtest.CodeAt(secret, clock.Now()))
	asked("인증 앱 추가")
	b.submit("/methods/totp/confirm", "proof_password", authtest.Password)
	b.leads("/recovery/codes")
	b.post("/methods/totp/remove", tokenOf(b, "/methods"))
	asked("인증 앱 삭제")

	b.post("/keys", with(tokenOf(b, "/methods"), "name", "감시", "purpose", "p", "environment", "test", "kind", "hmac", "scopes", "orders:read"))
	asked("“감시” 키 (테스트), " + clock.Now().AddDate(0, 0, 180).Format("2006년 1월 2일") + "까지. 권한: 주문과 체결 조회.")

	p := newPhone()
	token := b.token("/methods")
	var first begun
	b.call(token, "/v1/passkeys/begin", nil, &first)
	var problem struct {
		Fields struct{ Summary string }
	}
	b.call(token, "/v1/passkeys", map[string]any{"state": first.State, "response": json.RawMessage(p.made(t, first)), "name": "폰"}, &problem)
	if problem.Fields.Summary != "패스키 “폰” 추가" {
		t.Errorf("the summary of a new passkey is %q", problem.Fields.Summary)
	}
}
