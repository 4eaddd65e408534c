package api_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// wanted is a key with some of its members changed; nil takes one away.
func wanted(changes map[string]any) map[string]any {
	body := map[string]any{"name": "Bot", "purpose": "tests", "environment": "test", "dialect": "native", "algorithm": "hmac-sha256"}
	maps.Copy(body, changes)
	maps.DeleteFunc(body, func(_ string, v any) bool { return v == nil })
	return body
}

// withApp is a person who can step up with an authenticator app.
func (d *door) withApp(mail string) (*authtest.Person, *browser) {
	d.t.Helper()
	p := d.SignUp(mail)
	p.EnrolTOTP()
	d.clock.Advance(30 * time.Second)
	return p, d.of(p.Bearer, p.Device)
}

// createKey goes through the step-up.
func createKey(p *authtest.Person, b *browser, body map[string]any) answer {
	b.d.t.Helper()
	b.d.clock.Advance(30 * time.Second)
	confirmed(b, b.post("/v1/keys", body), "totp", map[string]any{"code": p.Code()})
	return b.post("/v1/keys", body)
}

func TestKeys(t *testing.T) {
	d := open(t)
	p, b := d.withApp("kim@example.com")
	_, weak := d.person("lee@example.com")
	trader, viewer := d.member(p, principal.Trader), d.member(p, principal.Viewer)
	foreign := d.IssueKey(d.SignUp("min@example.com"), apikey.IssueInput{})
	create := func(changes map[string]any) func() answer {
		return func() answer { return b.post("/v1/keys", wanted(changes)) }
	}
	var path string
	var made map[string]any
	run(t, d, []outcome{
		{"no keys yet", func() answer { return b.get("/v1/keys") }, 200, ""},
		{"the list, as a trader", func() answer { return trader.get("/v1/keys") }, 200, ""},
		{"the list, as a viewer", func() answer { return viewer.get("/v1/keys") }, 403, "forbidden"},
		{"a key without a proof", create(nil), 403, "step_up_required"},
		{"a key of somebody who cannot prove enough", func() answer { return weak.post("/v1/keys", wanted(nil)) }, 403, "assurance.too_low"},
		{"a key of a trader", func() answer { return trader.post("/v1/keys", wanted(nil)) }, 403, "forbidden"},
		{"no name", create(map[string]any{"name": nil}), 422, "request.invalid"},
		{"a name of two lines that is empty", create(map[string]any{"name": " \n "}), 422, "request.invalid"},
		{"a name that moves a cursor", create(map[string]any{"name": "grid\x1b[2K"}), 422, "request.invalid"},
		{"a purpose that rings", create(map[string]any{"purpose": "tests\a"}), 422, "request.invalid"},
		{"an environment that is none", create(map[string]any{"environment": "paper"}), 422, "request.invalid"},
		{"an algorithm of another dialect", create(map[string]any{"dialect": "upbit"}), 422, "request.invalid"},
		{"a scope that is none", create(map[string]any{"scopes": []string{"everything"}}), 422, "request.invalid"},
		{"a network that is none", create(map[string]any{"allowlist": []string{"203.0.113.0/33"}}), 422, "request.invalid"},
		{"a life that is too long", create(map[string]any{"life_seconds": 400 * 86400}), 422, "request.invalid"},
		{"a life that is longer than the policy's longest", create(map[string]any{"life_seconds": 366 * 86400}), 422, "request.invalid"},
		{"money without a list", create(map[string]any{"scopes": []string{"withdrawals:write"}}), 422, "key.needs_allowlist"},
		{"money to anywhere", create(map[string]any{"scopes": []string{"withdrawals:write"}, "allowlist": []string{"203.0.113.7"}}), 422, "key.needs_destinations"},
		{"a destination without an address", create(map[string]any{"destinations": []any{map[string]any{"asset": "BTC"}}}), 422, "request.invalid"},
		{"a destination, without a passkey", create(map[string]any{"destinations": []any{map[string]any{"asset": "BTC", "address": "bc1q"}}}), 403, "assurance.too_low"},
		{"money for a vendor", create(map[string]any{
			"scopes": []string{"withdrawals:write"}, "vendor": "Kimchi Bots", "allowlist": []string{"203.0.113.7"},
		}), 422, "key.vendor_no_withdraw"},
		{"a vendor of two lines", create(map[string]any{"vendor": "a\x1b[2K"}), 422, "request.invalid"},
		{"a window of half a second", create(map[string]any{"window_ms": 500}), 422, "request.invalid"},
		{"a window of two minutes", create(map[string]any{"window_ms": 120_000}), 422, "request.invalid"},
		{"a window without a time", create(map[string]any{"window_ms": 5000, "dialect": "kraken", "algorithm": "hmac-sha512"}), 422, "request.invalid"},
		{"a life that is no number", create(map[string]any{"life_seconds": "1h"}), 422, "request.invalid"},
		{"a subaccount that is none", create(map[string]any{"subaccount": "main"}), 422, "request.invalid"},
		{"a subaccount of another account", create(map[string]any{"subaccount": foreign.Subaccount.String()}), 422, "request.invalid"},
		{"a subaccount in a second spelling", create(map[string]any{"subaccount": "sub_069g9r2kt0f7s8w3a5q1z7y6xd"}), 400, "request.malformed"},
		{"more than the dialect carries", create(map[string]any{
			"dialect": "upbit", "algorithm": "hmac-sha2", "scopes": []string{"withdrawals:write"},
		}), 422, "key.above_ceiling"},
		{"a public key that is none", create(map[string]any{"algorithm": "ed25519", "public_key": "x"}), 422, "request.invalid"},
		{"an owner of my choice", create(map[string]any{"owner": p.User.ID.String()}), 400, "request.malformed"},
		{"a key", func() answer {
			a := createKey(p, b, wanted(map[string]any{"scopes": []string{"orders:read"}}))
			shown, _ := a.body["key"].(map[string]any)
			path, made = "/v1/keys/"+shown["key_id"].(string), shown
			return a
		}, 201, ""},
		{"it stands as it will be listed", func() answer {
			a := b.get("/v1/keys")
			kid := strings.TrimPrefix(path, "/v1/keys/")
			for _, k := range a.body["keys"].([]any) {
				if listed := k.(map[string]any); listed["key_id"] == kid {
					if diff := cmp.Diff(listed, made); diff != "" || made["state"] != "live" {
						t.Errorf("as it was answered (-listed +answered):\n%s", diff)
					}
				}
			}
			return a
		}, 200, ""},
		{"the same again needs another proof", create(map[string]any{"scopes": []string{"orders:read"}}), 403, "step_up_required"},
		{"revoking a key of another account", func() answer { return b.call("DELETE", "/v1/keys/"+foreign.Text(), nil) }, 404, "key.not_found"},
		{"revoking what is no key", func() answer { return b.call("DELETE", "/v1/keys/spk_test_1", nil) }, 404, "key.not_found"},
		{"revoking it under the other environment", func() answer {
			kid, _, err := id.ParseKey(strings.TrimPrefix(path, "/v1/keys/"))
			if err != nil {
				t.Fatal(err)
			}
			return b.call("DELETE", "/v1/keys/"+id.FormatKey(kid, id.Live), nil)
		}, 404, "key.not_found"},
		{"revoking it as a trader", func() answer { return trader.call("DELETE", path, nil) }, 403, "forbidden"},
		{"revoking it", func() answer { return b.call("DELETE", path, nil) }, 204, ""},
		{"revoking it twice", func() answer { return b.call("DELETE", path, nil) }, 404, "key.not_found"},
	})
}

func TestASecretIsShownOnceAndWorks(t *testing.T) {
	d := open(t)
	p, b := d.withApp("kim@example.com")
	a := createKey(p, b, wanted(map[string]any{"scopes": []string{"keys:read"}, "life_seconds": 86400, "allowlist": []string{"203.0.113.7"}, "window_ms": 5000, "vendor": "Kimchi Bots"}))
	secret, key := a.text("secret"), a.body["key"].(map[string]any)
	if !id.CheckSecret(secret) {
		t.Fatalf("the secret has the form of none")
	}
	signer, err := sign.NewHMACSigner(key["key_id"].(string), []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	listed := d.send(d.signed(authtest.Key{Signer: signer}, "GET", "/v1/keys", nil)).want(200, "")
	want := map[string]any{
		"key_id": key["key_id"], "name": "Bot", "purpose": "tests", "owner": p.User.ID.String(), "owner_name": p.User.Name,
		"subaccount": b.get("/v1/session").text("subaccount"), "environment": "test", "dialect": "native", "algorithm": "hmac-sha256",
		"on_end": "leave", "standby": false, "state": "live", "scopes": []any{"keys:read"}, "allowlist": []any{"203.0.113.7/32"}, "window_ms": 5000.0, "vendor": "Kimchi Bots",
		"created_at": d.clock.Now().Format(time.RFC3339Nano), "expires_at": d.clock.Now().Add(24 * time.Hour).Format(time.RFC3339Nano),
	}
	if diff := cmp.Diff(map[string]any{"keys": []any{want}}, listed.body); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

func TestOnlyThePublicHalfOfAnEd25519KeyArrives(t *testing.T) {
	d := open(t)
	p, b := d.withApp("kim@example.com")
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	challenge := b.post("/v1/keys/challenge", nil).want(200, "").text("challenge")
	body := wanted(map[string]any{
		"algorithm": "ed25519", "public_key": base64.StdEncoding.EncodeToString(public), "challenge": challenge,
		"possession": base64.StdEncoding.EncodeToString(ed25519.Sign(private, apikey.ProofText(challenge))),
	})
	unproven := maps.Clone(body)
	unproven["possession"] = base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte(challenge)))
	b.post("/v1/keys", unproven).want(422, "key.possession_unproven")
	a := createKey(p, b, body)
	a.want(201, "")
	if a.body["secret"] != nil {
		t.Error("an Ed25519 key was given a secret")
	}
	again := createKey(p, b, body)
	again.want(401, "sign_in.expired") // the challenge was good for one key
}

func TestAccounts(t *testing.T) {
	d := open(t)
	p, b := d.person("kim@example.com")
	reads, other := d.IssueKey(p, apikey.IssueInput{Scopes: []string{"balances:read"}}), d.IssueKey(p, apikey.IssueInput{Scopes: []string{"orders:read"}})
	viewer := d.member(p, principal.Viewer)
	run(t, d, []outcome{
		{"the owner", func() answer { return b.get("/v1/subaccounts") }, 200, ""},
		{"a viewer", func() answer { return viewer.get("/v1/subaccounts") }, 200, ""},
		{"a key that sees balances", func() answer { return d.send(d.signed(reads, "GET", "/v1/subaccounts", nil)) }, 200, ""},
		{"a key that does not", func() answer { return d.send(d.signed(other, "GET", "/v1/subaccounts", nil)) }, 403, "key.scope_missing"},
		{"nobody", func() answer { return d.fresh().get("/v1/subaccounts") }, 401, "unauthorized"},
	})
	want := map[string]any{"subaccounts": []any{map[string]any{
		"id": p.Principal().Subaccount.String(), "name": "main", "main": true, "created_at": d.clock.Now().Format(time.RFC3339Nano),
	}}}
	if diff := cmp.Diff(want, b.get("/v1/subaccounts").body); diff != "" {
		t.Errorf("subaccounts (-want +got):\n%s", diff)
	}
}

func TestActivity(t *testing.T) {
	d := open(t)
	p, b := d.person("kim@example.com")
	key := d.IssueKey(p, apikey.IssueInput{Scopes: []string{"activity:read"}})
	run(t, d, []outcome{
		{"a page", func() answer { return b.get("/v1/activity") }, 200, ""},
		{"a short page", func() answer { return b.get("/v1/activity?limit=1") }, 200, ""},
		{"a page that is too long", func() answer { return b.get("/v1/activity?limit=101") }, 422, "request.invalid"},
		{"a page of nothing", func() answer { return b.get("/v1/activity?limit=0") }, 422, "request.invalid"},
		{"a place that is none", func() answer { return b.get("/v1/activity?before=x") }, 422, "request.invalid"},
		{"a key", func() answer { return d.send(d.signed(key, "GET", "/v1/activity?limit=3", nil)) }, 200, ""},
		{"nobody", func() answer { return d.fresh().get("/v1/activity") }, 401, "unauthorized"},
	})
}

// Activity tells in the language asked for, page by page, and each page goes on where the last one ended.
func TestActivityPages(t *testing.T) {
	d := open(t)
	p, b := d.person("kim@example.com")
	other := d.visitor()
	other.post("/v1/sign-in", credentials("kim@example.com", authtest.Password)).want(200, "")
	b.call("DELETE", "/v1/sessions/"+other.get("/v1/session").text("session"), nil).want(204, "")
	b.call("PATCH", "/v1/session", map[string]any{"language": "ko"}).want(204, "")
	var actions []any
	var texts []string
	for target := "/v1/activity?limit=1"; target != ""; {
		r := b.request("GET", target, nil)
		r.Header.Set("Accept-Language", "en") // the language of the user goes before it
		page := b.do(r).want(200, "").body
		entries, _ := page["entries"].([]any)
		for _, e := range entries {
			row, _ := e.(map[string]any)
			text, _ := row["text"].(string)
			actions, texts = append(actions, row["action"]), append(texts, text)
			if row["device"] != "Linux의 Chrome" || row["addr"] != "203.0.113.7" || row["actor"] != "user" || row["acr"] != "pwd" {
				t.Errorf("entry %v", row)
			}
		}
		target = ""
		if next, ok := page["next"].(float64); ok {
			target = "/v1/activity?limit=1&before=" + strconv.FormatFloat(next, 'f', 0, 64)
		}
	}
	if diff := cmp.Diff([]any{"user.language_set", "session.revoked", "session.signed_in", "user.signed_up"}, actions); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	for i, want := range []string{"한국어로", "Linux의 Chrome", "로그인", p.Mail} {
		if !strings.Contains(texts[i], want) || !strings.HasSuffix(texts[i], "습니다.") {
			t.Errorf("text %d is %q, without %q", i, texts[i], want)
		}
	}
}
