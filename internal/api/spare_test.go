package api_test

import (
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// keyed is somebody who signed up with a security key, which keeps its passkey to itself and counts.
func keyed(d *door, mail string) (*browser, *authenticator, string) {
	d.t.Helper()
	b, path := d.verified(mail)
	key := newAuthenticator(d.t)
	key.auth = virtualwebauthn.NewAuthenticator()
	key.cred.Counter = 5
	b.post(path+"/passkey", key.made(b.post(path+"/passkey/begin", nil))).want(201, "")
	own, _ := b.get("/v1/methods").body["passkeys"].([]any)
	row, _ := own[0].(map[string]any)
	return b, key, "/v1/passkeys/" + row["id"].(string)
}

// TestASpareIsTriedWithoutAChange: what was tried is dated, and everything else is as it was.
func TestASpareIsTriedWithoutAChange(t *testing.T) {
	d := open(t)
	b, key, path := keyed(d, "min@example.com")
	methods := func() map[string]any {
		own, _ := b.get("/v1/methods").want(200, "").body["passkeys"].([]any)
		row, _ := own[0].(map[string]any)
		return row
	}
	before, session := methods(), b.get("/v1/session").body
	d.clock.Advance(time.Minute)
	other := newAuthenticator(t)
	other.auth.Options.UserHandle = key.auth.Options.UserHandle
	var begun answer
	run(t, d, []outcome{
		{"a passkey that is not ours", func() answer { return b.post("/v1/passkeys/pk_069g9r2kt0f7s8w3a5q1z7y6xc/test/begin", nil) }, 404, "passkey.not_found"},
		{"beginning", func() answer { begun = b.post(path+"/test/begin", nil); return begun }, 200, ""},
		{"the answer of another key", func() answer { return b.post(path+"/test", other.proven(begun)) }, 403, "passkey.refused"},
		{"the answer for another passkey", func() answer {
			return b.post("/v1/passkeys/pk_069g9r2kt0f7s8w3a5q1z7y6xc/test", key.proven(begun))
		}, 401, "sign_in.expired"},
		{"beginning again", func() answer { begun = b.post(path+"/test/begin", nil); return begun }, 200, ""},
		{"its own answer", func() answer { return b.post(path+"/test", key.proven(begun)) }, 200, ""},
		{"the same again", func() answer { return b.post(path+"/test", key.proven(begun)) }, 401, "sign_in.expired"},
	})
	after := methods()
	for _, date := range []string{"tested_at", "test_failed_at"} {
		if after[date] == nil {
			t.Errorf("%s was not written down", date)
		}
		delete(after, date)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the passkey changed (-before +after):\n%s", diff)
	}
	now := b.get("/v1/session").body
	for _, same := range []string{"acr", "proven_at", "id"} {
		if diff := cmp.Diff(session[same], now[same]); diff != "" {
			t.Errorf("%s of the session changed:\n%s", same, diff)
		}
	}
}

// TestACloneIsRefusedAndTold at each door that takes a passkey: nothing comes of it, and its owner hears of it.
func TestACloneIsRefusedAndTold(t *testing.T) {
	d := open(t)
	b, key, path := keyed(d, "min@example.com")
	stale := func(begun answer) map[string]any {
		key.cred.Counter = 1
		return key.proven(begun)
	}
	told := func() (n int) {
		d.Settle()
		for _, l := range d.Mailbox.Letters("min@example.com") {
			if l.Notice == notify.PasskeyCloned && l.Facts["name"] != "" {
				n++
			}
		}
		return n
	}
	again := d.visitor()
	run(t, d, []outcome{
		{"signing in with the key", func() answer {
			key.cred.Counter = 10
			return again.post("/v1/sign-in/passkey", key.proven(again.post("/v1/sign-in/passkey/begin", nil)))
		}, 200, ""},
		{"trying the copy out", func() answer { return b.post(path+"/test", stale(b.post(path+"/test/begin", nil))) }, 403, "passkey.cloned"},
		{"stepping up with the copy", func() answer {
			at := "/v1/step-ups/" + b.call("PUT", "/v1/password", `{"password":"four words in a row"}`).want(403, "step_up_required").field("step_up")
			return b.post(at+"/passkey", stale(b.post(at+"/passkey/begin", nil)))
		}, 403, "passkey.cloned"},
		{"signing in with the copy", func() answer {
			third := d.visitor()
			return third.post("/v1/sign-in/passkey", stale(third.post("/v1/sign-in/passkey/begin", nil)))
		}, 403, "passkey.refused"},
	})
	if got := told(); got != 3 {
		t.Errorf("told %d times of 3 clones", got)
	}
}
