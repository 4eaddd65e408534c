package passkey_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// vectors is shared/vectors/webauthn-vectors.json: the test vectors of WebAuthn Level 3, §16.
type vectors struct {
	RPID, Origin, TopOrigin string
	Vectors                 []vector
}

type vector struct {
	ID           string
	Registration struct {
		Challenge, ClientDataJSON, AttestationObject string
		CredentialID                                 string `json:"credential_id"`
	}
	Authentication struct{ Challenge, AuthenticatorData, ClientDataJSON, Signature string }
}

// unable are the vectors that the library does not take, each with the reason. Whoever uses such an authenticator with us gets a passkey.refused.
var unable = map[string]string{
	"packed-ed448":      "its algorithm, Ed448 (-53), is not in the library; no authenticator on the market signs with it alone",
	"tpm-es256":         "the vendor in its certificate is invented, and only those of the TCG's list are taken",
	"android-key-es256": "its chain ends in an invented root, and only Google's are taken",
	"apple-es256":       "its chain ends in an invented root, and only Apple's is taken",
}

// TestTheStandardsVectors: 11 of the 15 vectors register and sign in with the library as it is, and the other four are refused, as listed above.
func TestTheStandardsVectors(t *testing.T) {
	var v vectors
	sharedVector(t, "webauthn-vectors.json", &v)
	wa, err := webauthn.New(&webauthn.Config{
		RPID: v.RPID, RPDisplayName: "Sallyport", RPOrigins: []string{v.Origin}, RPAllowCrossOrigin: true,
		RPTopOrigins: []string{v.TopOrigin}, RPTopOriginVerificationMode: protocol.TopOriginExplicitVerificationMode,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Vectors) != 15 {
		t.Errorf("%d vectors, want 15", len(v.Vectors))
	}
	for _, one := range v.Vectors {
		t.Run(one.ID, func(t *testing.T) {
			err := one.run(t, wa)
			if why := unable[one.ID]; (err != nil) != (why != "") {
				t.Errorf("%v; listed as unable because %q", err, why)
			}
		})
	}
}

// run registers and signs in.
func (v vector) run(t *testing.T, wa *webauthn.WebAuthn) error {
	t.Helper()
	u := &somebody{}
	text := func(s string) string {
		raw, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	body := func(response map[string]string) []byte {
		b, err := json.Marshal(map[string]any{
			"id": text(v.Registration.CredentialID), "rawId": text(v.Registration.CredentialID), "type": "public-key", "response": response,
		})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	made, err := protocol.ParseCredentialCreationResponseBytes(body(map[string]string{
		"clientDataJSON": text(v.Registration.ClientDataJSON), "attestationObject": text(v.Registration.AttestationObject),
	}))
	if err != nil {
		return err
	}
	state := webauthn.SessionData{Challenge: text(v.Registration.Challenge), UserID: u.WebAuthnID(), CredParams: webauthn.CredentialParametersDefault()}
	c, err := wa.CreateCredential(u, state, made)
	if err != nil {
		return err
	}
	u.credentials = []webauthn.Credential{*c}
	proven, err := protocol.ParseCredentialRequestResponseBytes(body(map[string]string{
		"clientDataJSON": text(v.Authentication.ClientDataJSON), "authenticatorData": text(v.Authentication.AuthenticatorData),
		"signature": text(v.Authentication.Signature),
	}))
	if err != nil {
		return err
	}
	_, err = wa.ValidateLogin(u, webauthn.SessionData{Challenge: text(v.Authentication.Challenge), UserID: u.WebAuthnID()}, proven)
	return err
}

// somebody is the library's view of a user.
type somebody struct{ credentials []webauthn.Credential }

func (*somebody) WebAuthnID() []byte                           { return []byte("somebody") }
func (*somebody) WebAuthnName() string                         { return "somebody" }
func (*somebody) WebAuthnDisplayName() string                  { return "somebody" }
func (s *somebody) WebAuthnCredentials() []webauthn.Credential { return s.credentials }

// sharedVector reads a file that lies beside the repository, in shared/vectors of one of the folders above. Without it the test is
// skipped, except in CI, where its absence is an error.
func sharedVector(t *testing.T, name string, into any) {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for ; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "shared", "vectors", name))
		if err != nil {
			continue
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("shared/vectors/%s is ABSENT: it must lie beside the repository in CI", name)
	}
	t.Skipf("shared/vectors/%s is ABSENT beside the repository: this test did not run", name)
}
