package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/sign"
)

func TestSessions(t *testing.T) {
	d := open(t)
	_, kim := d.person("kim@example.com")
	lee, other := d.person("lee@example.com")
	leeSession := lee.Principal().Session.String()
	key := d.IssueKey(lee, apikey.IssueInput{})
	run(t, d, []outcome{
		{"our time needs nobody", func() answer { return d.fresh().get("/v1/time") }, 200, ""},
		{"who am I", func() answer { return kim.get("/v1/session") }, 200, ""},
		{"who am I, as a key", func() answer { return d.send(d.signed(key, "GET", "/v1/session", nil)) }, 200, ""},
		{"who am I, without anything", func() answer { return d.fresh().get("/v1/session") }, 401, "unauthorized"},
		{"an unknown parameter", func() answer { return kim.get("/v1/session?verbose=1") }, 422, "request.invalid"},
		{"a parameter twice", func() answer { return kim.get("/v1/activity?limit=1&limit=2") }, 400, "request.malformed"},
		{"a query that cannot be read", func() answer { return kim.get("/v1/session?a=%zz") }, 400, "request.malformed"},
		{"the list", func() answer { return kim.get("/v1/sessions") }, 200, ""},
		{"the list, as a key", func() answer { return d.send(d.signed(key, "GET", "/v1/sessions", nil)) }, 403, "key.needs_session"},
		{"ending a session that is not mine", func() answer { return kim.call("DELETE", "/v1/sessions/"+leeSession, nil) }, 404, "session.not_found"},
		{"ending what is no session", func() answer { return kim.call("DELETE", "/v1/sessions/usr_1", nil) }, 404, "not_found"},
		{"a body where none is taken", func() answer { return kim.post("/v1/remembered", "{}") }, 400, "request.malformed"},
		{"signing out some, with one that is not mine", func() answer { return kim.post("/v1/sessions/sign-out-selected", `{"sessions":["`+leeSession+`"]}`) }, 404, "session.not_found"},
		{"signing out some, but none", func() answer { return kim.post("/v1/sessions/sign-out-selected", `{"sessions":[]}`) }, 422, "request.invalid"},
		{"disowning the sign-in from elsewhere", func() answer {
			from := signin.From{Origin: authtest.PersonOrigin()}
			if _, err := d.SignIns.WithPassword(t.Context(), from, "kim@example.com", secret.FromString("password", authtest.Password)); err != nil {
				t.Fatal(err)
			}
			entries, _ := kim.get("/v1/activity").body["entries"].([]any)
			number := ""
			for _, e := range entries {
				if row, _ := e.(map[string]any); row["may_disown"] == true {
					number = fmt.Sprintf("%.0f", row["number"])
				}
			}
			return kim.post("/v1/activity/"+number+"/not-me", nil)
		}, 204, ""},
		{"disowning what is no sign-in of mine", func() answer { return kim.post("/v1/activity/1/not-me", nil) }, 404, "sign_in.entry_unknown"},
		{"disowning what is no entry", func() answer { return kim.post("/v1/activity/first/not-me", nil) }, 404, "not_found"},
		{"what is kept about me", func() answer { return kim.get("/v1/privacy") }, 200, ""},
		{"what is kept about me, as a key", func() answer { return d.send(d.signed(key, "GET", "/v1/privacy", nil)) }, 403, "key.needs_session"},
		{"a copy of it", func() answer { return kim.post("/v1/privacy/copy", nil) }, 200, ""},
		{"leaving under another address", func() answer { return kim.post("/v1/privacy/departure", `{"own_mail":"lee@example.com"}`) }, 422, "account.mail_differs"},
		{"staying without having wanted to leave", func() answer { return kim.call("DELETE", "/v1/privacy/departure", nil) }, 409, "account.not_leaving"},
		{"leaving", func() answer { return kim.post("/v1/privacy/departure", `{"own_mail":"kim@example.com"}`) }, 200, ""},
		{"leaving twice", func() answer { return kim.post("/v1/privacy/departure", `{"own_mail":"kim@example.com"}`) }, 409, "account.leaving"},
		{"staying", func() answer { return kim.call("DELETE", "/v1/privacy/departure", nil) }, 204, ""},
		{"signing out elsewhere", func() answer { return kim.post("/v1/sessions/sign-out-others", nil) }, 200, ""},
		{"a language", func() answer { return other.call("PATCH", "/v1/session", `{"language":"ko"}`) }, 204, ""},
		{"a language that we do not speak", func() answer { return other.call("PATCH", "/v1/session", `{"language":"fr"}`) }, 422, "request.invalid"},
		{"a language, as a key", func() answer { return d.send(d.signed(key, "PATCH", "/v1/session", `{"language":"en"}`)) }, 403, "key.needs_session"},
		{"ending my own session", func() answer { return other.call("DELETE", "/v1/sessions/"+leeSession, nil) }, 204, ""},
		{"signing out everywhere", func() answer { return kim.post("/v1/sessions/sign-out-everywhere", nil) }, 200, ""},
		{"a method that is not taken", func() answer { return kim.call("PATCH", "/v1/sessions", nil) }, 405, "method_not_allowed"},
		{"nothing there", func() answer { return kim.get("/v1/session/") }, 404, "not_found"},
	})
}

func TestWhoami(t *testing.T) {
	d := open(t)
	p, b := d.person("kim@example.com")
	got := b.get("/v1/session").want(200, "").body
	who := p.Principal()
	idle, absolute := d.Sessions.Ends(who)
	want := map[string]any{
		"kind": "user", "user": p.User.ID.String(), "name": p.User.Name, "language": "en", "account": who.Account.String(), "subaccount": who.Subaccount.String(),
		"role": "owner", "session": who.Session.String(), "acr": "pwd",
		"idle_expires_at": idle.Format(time.RFC3339Nano), "absolute_expires_at": absolute.Format(time.RFC3339Nano),
		"scopes": []any{
			"balances:read", "orders:read", "orders:cancel", "orders:write", "transfers:read", "withdrawals:write", "activity:read", "keys:read",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}

	key := d.IssueKey(p, apikey.IssueInput{Scopes: []string{"orders:read"}, Allowlist: []string{"203.0.113.0/24"}, Environment: id.Live})
	got = d.send(d.signed(key, "GET", "/v1/session", nil)).want(200, "").body
	shown, _ := got["key"].(map[string]any)
	if got["kind"] != "key" || got["session"] != nil || shown["key_id"] != key.Text() || cmp.Diff([]any{"203.0.113.0/24"}, shown["allowlist"]) != "" {
		t.Errorf("key: %v", got)
	}
	if diff := cmp.Diff([]any{"orders:read"}, got["scopes"]); diff != "" {
		t.Errorf("scopes of the key (-want +got):\n%s", diff)
	}
}

// What whoami says about the end of a session is when it ends.
func TestASessionEndsWhenItSays(t *testing.T) {
	d := open(t)
	_, b := d.person("kim@example.com")
	end := func(name string) time.Duration {
		at, err := time.Parse(time.RFC3339Nano, b.get("/v1/session").text(name))
		if err != nil {
			t.Fatal(err)
		}
		return at.Sub(d.clock.Now())
	}
	b.post("/v1/passkeys/begin", nil).want(200, "") // a human act
	idle := end("idle_expires_at")
	d.clock.Advance(idle - time.Second)
	b.get("/v1/sessions").want(200, "") // looking is none
	if got := end("idle_expires_at"); got != time.Second {
		t.Errorf("after a look the session is idle in %s, want 1s", got)
	}
	b.post("/v1/passkeys/begin", nil).want(200, "")
	if got := end("idle_expires_at"); got != idle {
		t.Errorf("after an act the session is idle in %s, want %s", got, idle)
	}
	d.clock.Advance(end("absolute_expires_at") - time.Microsecond)
	b.get("/v1/session").want(200, "")
	d.clock.Advance(time.Microsecond)
	b.get("/v1/session").want(401, "session.ended")
}

func TestSignOut(t *testing.T) {
	d := open(t)
	p, b := d.person("kim@example.com")
	bearer := b.cookies[httpx.SessionCookie]
	a := b.call(http.MethodDelete, "/v1/session", nil).want(204, "")
	if b.cookies[httpx.SessionCookie] != "" || a.header.Get("Clear-Site-Data") == "" {
		t.Errorf("a sign-out leaves cookies %v, Clear-Site-Data %q", b.cookies, a.header.Get("Clear-Site-Data"))
	}
	if b.cookies[httpx.DeviceCookie] != string(p.Device.Reveal()) {
		t.Error("a sign-out takes the device's cookie")
	}
	b.cookies[httpx.SessionCookie] = bearer
	b.get("/v1/session").want(401, "session.ended")
}

func TestSessionListSaysWhichIsThisOne(t *testing.T) {
	d := open(t)
	_, b := d.person("kim@example.com")
	d.clock.Advance(time.Second)
	second := d.visitor()
	second.post("/v1/sign-in", map[string]string{"mail": "kim@example.com", "password": authtest.Password}).want(200, "")
	list, _ := second.get("/v1/sessions").want(200, "").body["sessions"].([]any)
	if len(list) != 2 {
		t.Fatalf("%d sessions, want 2", len(list))
	}
	for i, entry := range list {
		row, _ := entry.(map[string]any)
		if row["current"] != (i == 0) || row["device"] != "Chrome on Linux" || row["addr"] != "203.0.113.7" {
			t.Errorf("row %d: %v", i, row)
		}
	}
	if got := second.post("/v1/sessions/sign-out-others", nil).want(200, "").body["ended"]; got != 1.0 {
		t.Errorf("%v sessions ended, want 1", got)
	}
	b.get("/v1/session").want(401, "session.ended")
	second.get("/v1/session").want(200, "")
}

func TestTimeIsOurs(t *testing.T) {
	d := open(t)
	got := d.fresh().get("/v1/time").want(200, "").body
	now := d.clock.Now()
	want := map[string]any{"iso": now.Format("2006-01-02T15:04:05.000Z"), "unix_ms": float64(now.UnixMilli())}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("time (-want +got):\n%s", diff)
	}
}

// A signature is checked against the dashboard's own authority, and a live and a test key are both at home here.
func TestSignedRequests(t *testing.T) {
	d := open(t)
	p, _ := d.person("kim@example.com")
	live := d.IssueKey(p, apikey.IssueInput{Environment: id.Live, Scopes: []string{"keys:read"}})
	test := d.IssueKey(p, apikey.IssueInput{Scopes: []string{"keys:read"}, Algorithm: sign.HMACSHA256})
	upbit := d.IssueKey(p, apikey.IssueInput{Scopes: []string{"keys:read"}, Dialect: sign.Upbit, Algorithm: sign.HMACSHA2})
	okx := d.IssueKey(p, apikey.IssueInput{Scopes: []string{"keys:read"}, Dialect: sign.OKX})
	pinned := d.IssueKey(p, apikey.IssueInput{Allowlist: []string{"198.51.100.1"}})
	narrow := d.IssueKey(p, apikey.IssueInput{Scopes: []string{"orders:read"}})
	list := func(k authtest.Key) *http.Request { return d.signed(k, "GET", "/v1/keys", nil) }
	change := func(r *http.Request, name, value string) *http.Request {
		r.Header.Set(name, value)
		return r
	}
	replayed := list(live)
	run(t, d, []outcome{
		{"live", func() answer { return d.send(replayed) }, 200, ""},
		{"again", func() answer { return d.send(replayed) }, 401, "signature.nonce_reused"},
		{"test, HMAC", func() answer { return d.send(list(test)) }, 200, ""},
		{"Upbit's way", func() answer { return d.send(list(upbit)) }, 200, ""},
		{"OKX's way", func() answer { return d.send(list(okx)) }, 200, ""},
		{"a scope that the key lacks", func() answer { return d.send(list(narrow)) }, 403, "key.scope_missing"},
		{"from elsewhere", func() answer { return d.send(list(pinned)) }, 403, "key.ip_not_allowed"},
		{"in a browser", func() answer { return d.send(change(list(live), "Origin", authtest.Origin)) }, 401, "key.in_browser"},
		{"for another target", func() answer {
			r := list(live)
			r.RequestURI, r.URL.Path = "/v1/activity", "/v1/activity"
			return d.send(r)
		}, 401, "unauthorized"},
		{"for another host", func() answer {
			r := list(live)
			headers, err := live.Signer.Headers(&sign.Request{Method: "GET", Authority: "other.example", Target: "/v1/keys"}, d.clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(r.Header, headers)
			r.Host = "other.example"
			return d.send(r)
		}, 401, "unauthorized"},
		{"headers that are no signature", func() answer { return d.send(change(list(live), "Signature", "sig1=x")) }, 401, "signature.malformed"},
		{"a token that is none", func() answer {
			r := d.fresh().request("GET", "/v1/keys", nil)
			return d.send(change(r, "Authorization", "Basic a2ltOnBhc3N3b3Jk"))
		}, 401, "unauthorized"},
		{"too old", func() answer {
			r := list(live)
			d.clock.Advance(2 * time.Minute)
			return d.send(r)
		}, 401, "signature.too_old"},
		{"a body where none is taken", func() answer { return d.send(d.signed(live, "GET", "/v1/keys", `{"a":1}`)) }, 400, "request.malformed"},
		{"a body that is too long", func() answer {
			return d.send(d.signed(live, "GET", "/v1/keys", `"`+strings.Repeat("x", 64<<10)+`"`))
		}, 413, "request.too_large"},
		{"after it was revoked", func() answer {
			if err := d.APIKeys.Revoke(t.Context(), p.Principal(), live.ID); err != nil {
				t.Fatal(err)
			}
			return d.send(list(live))
		}, 401, "key.revoked"},
	})
	if got := d.send(list(narrow)).field("scope"); got != "keys:read" {
		t.Errorf("the refusal names the scope %q, want keys:read", got)
	}
}

// The owner of a key reads what was refused to it; a stranger who names the key learns nothing.
func TestRefusalsOfAKeyReachItsOwner(t *testing.T) {
	d := open(t)
	p, b := d.person("kim@example.com")
	key := d.IssueKey(p, apikey.IssueInput{Allowlist: []string{"198.51.100.1"}})
	for range 3 {
		d.send(d.signed(key, "GET", "/v1/session", nil)).want(403, "key.ip_not_allowed")
	}
	forged := d.signed(key, "GET", "/v1/session", nil)
	forged.Header.Set("Signature", "sig1=:"+strings.Repeat("A", 86)+"==:")
	d.send(forged).want(401, "unauthorized")
	d.Settle()
	entries, _ := b.get("/v1/activity?limit=2").want(200, "").body["entries"].([]any)
	reasons := map[any]any{}
	for _, e := range entries {
		row, _ := e.(map[string]any)
		facts, _ := row["facts"].(map[string]any)
		reasons[facts["reason"]] = facts["count"]
		if row["action"] != "request.refused" || row["key_id"] != key.Text() || facts["route"] != "GET /v1/session" {
			t.Errorf("entry %v", row)
		}
	}
	if diff := cmp.Diff(map[any]any{"key.ip_not_allowed": "3", "signature.mismatch": "1"}, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}
