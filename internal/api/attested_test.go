package api_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/descope/virtualwebauthn"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// TestAnAttestedKeyIsPhrh: what its maker attests is shown, and its owner's session has the highest level.
func TestAnAttestedKeyIsPhrh(t *testing.T) {
	maker, folder := authtest.NewMaker(t), t.TempDir()
	blob, root := filepath.Join(folder, "blob.jwt"), filepath.Join(folder, "root.pem")
	for path, text := range map[string][]byte{blob: maker.Blob("FIDO_CERTIFIED_L2"), root: maker.RootPEM()} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := openWith(t, authtest.Options{YAML: fmt.Sprintf("passkeys: {attestation: required, certified: l1, metadata_file: %q, metadata_root_file: %q}\n", blob, root)})
	b, path := d.verified("min@example.com")
	key := newAuthenticator(t)
	key.auth = virtualwebauthn.NewAuthenticator()
	key.auth.Aaguid = maker.AAGUID
	begun := b.post(path+"/passkey/begin", nil).want(200, "")
	if asked, _ := begun.body["options"].(map[string]any); asked["attestation"] != "direct" {
		t.Errorf("the browser is asked for %v", asked["attestation"])
	}
	b.post(path+"/passkey", key.made(begun)).want(403, "passkey.unattested")
	attested := key.made(b.post(path+"/passkey/begin", nil))
	response, _ := attested["response"].(json.RawMessage)
	attested["response"] = json.RawMessage(maker.Attest(response))
	b.post(path+"/passkey", attested).want(201, "")
	own, _ := b.get("/v1/methods").body["passkeys"].([]any)
	row, _ := own[0].(map[string]any)
	if row["model"] != "Test Key 3000" || row["attested"] != true || row["certified"] != "L2" || row["synced"] != false {
		t.Errorf("listed as %v", row)
	}
	again := d.visitor()
	again.post("/v1/sign-in/passkey", key.proven(again.post("/v1/sign-in/passkey/begin", nil))).want(200, "")
	if acr := again.get("/v1/session").text("acr"); acr != "phrh" {
		t.Errorf("the session is %s", acr)
	}
}

// TestAnInstallationWithoutPasswords: people come in with passkeys, and nothing else is to be had or asked for.
func TestAnInstallationWithoutPasswords(t *testing.T) {
	d := openWith(t, authtest.Options{Environ: []string{"SALLYPORT_PASSWORD_ENABLED=false"}})
	b, path := d.verified("min@example.com")
	phone, spare := newAuthenticator(t), newAuthenticator(t)
	run(t, d, []outcome{
		{"signing up with a password", func() answer { return b.post(path+"/password", `{"password":"four words in a row"}`) }, 403, "password.disabled"},
		{"signing up with a passkey", func() answer { return b.post(path+"/passkey", phone.made(b.post(path+"/passkey/begin", nil))) }, 201, ""},
		{"setting a password", func() answer { return b.call("PUT", "/v1/password", `{"password":"four words in a row"}`) }, 403, "password.disabled"},
		{"an authenticator app", func() answer { return b.post("/v1/totp", nil) }, 403, "password.disabled"},
		{"a second passkey, confirmed with the first", func() answer {
			body := spare.made(b.post("/v1/passkeys/begin", nil))
			refused := b.post("/v1/passkeys", body)
			confirmed(b, refused, "passkey", phone.proven(b.post("/v1/step-ups/"+refused.field("step_up")+"/passkey/begin", nil)))
			return b.post("/v1/passkeys", body)
		}, 201, ""},
		{"a key, confirmed with a passkey", func() answer {
			body := `{"name":"Bot","purpose":"tests","environment":"test","dialect":"native","algorithm":"hmac-sha256","scopes":["orders:read"]}`
			refused := b.post("/v1/keys", body)
			confirmed(b, refused, "passkey", spare.proven(b.post("/v1/step-ups/"+refused.field("step_up")+"/passkey/begin", nil)))
			return b.post("/v1/keys", body)
		}, 201, ""},
		{"a stranger with a password", func() answer {
			return d.visitor().post("/v1/sign-in", `{"mail":"min@example.com","password":"four words in a row"}`)
		}, 403, "password.disabled"},
		{"the owner on another device", func() answer {
			v := d.visitor()
			return v.post("/v1/sign-in/passkey", spare.proven(v.post("/v1/sign-in/passkey/begin", nil)))
		}, 200, ""},
	})
}
