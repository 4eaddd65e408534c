package sign_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"testing"

	"github.com/seed-21c57000/sallyport/sign"
)

// FuzzParsePublicKey: what people paste is a key that we would take, or nothing. Its plain spelling is the same key, and no private key passes
// for a public one but by its bare 32 bytes, which nobody can tell apart.
func FuzzParsePublicKey(f *testing.F) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	public := []byte(private.Public().(ed25519.PublicKey))
	spki, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(public))
	if err != nil {
		f.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		base64.StdEncoding.EncodeToString(public), base64.RawURLEncoding.EncodeToString(public), hex.EncodeToString(public), hex.EncodeToString(private),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
		"-----BEGIN PUBLIC KEY-----" + base64.StdEncoding.EncodeToString(spki) + "-----END PUBLIC KEY-----", "sps_test_x", "",
		base64.StdEncoding.EncodeToString(make([]byte, 32)),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, form, err := sign.ParsePublicKey(text)
		if err != nil {
			if sign.ReasonOf(err) == "" {
				t.Errorf("%q is refused without a reason: %v", text, err)
			}
			return
		}
		if err := sign.CheckPublicKey(key); err != nil {
			t.Errorf("%q is a key that nobody may have: %v", text, err)
		}
		again, _, err := sign.ParsePublicKey(base64.StdEncoding.EncodeToString(key))
		if err != nil || !bytes.Equal(again, key) {
			t.Errorf("%q is %x, and spelt plainly %x, %v", text, key, again, err)
		}
		if private, _, err := sign.ParsePrivateKey(text); err == nil && (form == sign.FormSPKI || form == sign.FormPKCS8 || !bytes.Equal(private.Seed(), key)) {
			t.Errorf("%q passes for a private and for a public key", text)
		}
	})
}
