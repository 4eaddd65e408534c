package sign_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/sign"
)

func privatePEM(key any) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))}))
}

func publicPEM(key any) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(key))}))
}

func keyRefusals() []refusal {
	ecdsaKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	public := private.Public().(ed25519.PublicKey)
	priv := func(text string) func() error {
		return func() error { _, _, err := sign.ParsePrivateKey(text); return err }
	}
	pub := func(text string) func() error {
		return func() error { _, _, err := sign.ParsePublicKey(text); return err }
	}
	point := func(encoded string) func() error {
		return func() error { return sign.CheckPublicKey(must(hex.DecodeString(encoded))) }
	}
	wrongHalf := append(slices.Clone(private.Seed()), bytes.Repeat([]byte{1}, 32)...)
	return []refusal{
		{"nothing", priv(""), sign.KeyUnreadable},
		{"no base64", priv("not a key!"), sign.KeyUnreadable},
		{"31 bytes", priv(base64.StdEncoding.EncodeToString(private[:31])), sign.KeyUnreadable},
		{"PEM cut off", priv("-----BEGIN PRIVATE KEY-----\nMC4C"), sign.KeyUnreadable},
		{"PEM with other content", priv("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"), sign.KeyUnreadable},
		{"PEM with broken base64", priv("-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----"), sign.KeyUnreadable},
		{"two PEM blocks", priv(privatePEM(private) + privatePEM(private)), sign.KeyUnreadable},
		{"ECDSA key", priv(privatePEM(ecdsaKey)), sign.KeyOtherKind},
		{"SEC 1 key", priv("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----"), sign.KeyOtherKind},
		{"encrypted key", priv("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----"), sign.KeyOtherKind},
		{"public for private", priv(publicPEM(public)), sign.KeyOtherKind},
		{"HMAC secret", priv(secret), sign.KeyOtherKind},
		{"key id", priv(keyID), sign.KeyOtherKind},
		{"halves of two keys", priv(base64.StdEncoding.EncodeToString(wrongHalf)), sign.KeyHalvesDiffer},
		{"private for public", pub(privatePEM(private)), sign.KeyOtherKind},
		{"64 bytes for public", pub(base64.StdEncoding.EncodeToString(private)), sign.KeyOtherKind},
		{"ECDSA public key", pub(publicPEM(ecdsaKey.Public())), sign.KeyOtherKind},
		{"public PEM with other content", pub("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"), sign.KeyUnreadable},
		{"no public key", pub("?"), sign.KeyUnreadable},
		{"33 bytes", pub(base64.StdEncoding.EncodeToString(make([]byte, 33))), sign.KeyUnreadable},
		{"public key of zeros", pub(base64.StdEncoding.EncodeToString(make([]byte, 32))), sign.KeyWeak},
		{"short public key", point("00"), sign.KeyWeak},
		{"not on the curve", point("0200000000000000000000000000000000000000000000000000000000000000"), sign.KeyWeak},
		{"neutral element", point("0100000000000000000000000000000000000000000000000000000000000000"), sign.KeyWeak},
		{"neutral element, negative zero", point("0100000000000000000000000000000000000000000000000000000000000080"), sign.KeyWeak},
		{"order 2", point("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), sign.KeyWeak},
		{"order 4, negative", point("0000000000000000000000000000000000000000000000000000000000000080"), sign.KeyWeak},
		{"order 8", point("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), sign.KeyWeak},
		{"order 8, negative", point("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"), sign.KeyWeak},
		{"order 8, the other", point("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), sign.KeyWeak},
		{"order 8, the other, negative", point("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"), sign.KeyWeak},
		{"y is p", point("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), sign.KeyWeak},
		{"y is p + 3, a point twice", point("f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), sign.KeyWeak},
		{"signer without a secret", func() error { _, err := sign.NewHMACSigner(keyID, nil); return err }, sign.KeyWeak},
		{"upbit signer without a secret", func() error {
			_, err := sign.NewExchangeSigner(sign.ExchangeKey{Dialect: sign.Upbit, KeyID: keyID})
			return err
		}, sign.KeyWeak},
		{"upbit signer without a key", func() error {
			_, err := sign.NewExchangeSigner(sign.ExchangeKey{Dialect: sign.Upbit, Secret: []byte("x")})
			return err
		}, sign.BadParameter},
		{"signer without a key", func() error { _, err := sign.NewEd25519Signer(keyID, nil); return err }, sign.KeyUnreadable},
		{"signer with a bad id", func() error { _, err := sign.NewEd25519Signer("a\"b", private); return err }, sign.BadParameter},
		{"HMAC signer with a bad id", func() error { _, err := sign.NewHMACSigner("", []byte("x")); return err }, sign.BadParameter},
	}
}

func TestKeyRefusals(t *testing.T) { runRefusals(t, keyRefusals()) }

func TestKeyOtherKindSaysWhich(t *testing.T) {
	for text, kind := range map[string]string{
		secret: "HMAC secret", publicPEM(private.Public()): "public key",
		privatePEM(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))): "ECDSA key",
		privatePEM(must(rsa.GenerateKey(rand.Reader, 2048))):              "RSA key",
		privatePEM(must(ecdh.X25519().GenerateKey(rand.Reader))):          "key of another algorithm",
	} {
		_, _, err := sign.ParsePrivateKey(text)
		if refused, ok := errors.AsType[*sign.Error](err); !ok || refused.Seen != kind {
			t.Errorf("%v, want %s", err, kind)
		}
	}
}

func TestPrivateKeyForms(t *testing.T) {
	text := privatePEM(private)
	for name, c := range map[string]struct {
		text string
		form sign.KeyForm
	}{
		"PEM":                   {text, sign.FormPKCS8},
		"PEM with CRLF":         {strings.ReplaceAll(text, "\n", "\r\n"), sign.FormPKCS8},
		"PEM with \\n":          {strings.ReplaceAll(text, "\n", `\n`), sign.FormPKCS8},
		"PEM on one line":       {strings.ReplaceAll(text, "\n", " "), sign.FormPKCS8},
		"PEM without end":       {strings.TrimSpace(text), sign.FormPKCS8},
		"seed":                  {base64.StdEncoding.EncodeToString(private.Seed()), sign.FormBase64},
		"seed without padding":  {base64.RawStdEncoding.EncodeToString(private.Seed()), sign.FormBase64},
		"seed, URL alphabet":    {base64.URLEncoding.EncodeToString(private.Seed()), sign.FormBase64},
		"seed and public key":   {base64.StdEncoding.EncodeToString(private), sign.FormBase64},
		"seed, hex":             {hex.EncodeToString(private.Seed()), sign.FormHex},
		"seed and public, hex":  {strings.ToUpper(hex.EncodeToString(private)), sign.FormHex},
		"seed with white space": {" " + base64.StdEncoding.EncodeToString(private.Seed()) + "\n", sign.FormBase64},
	} {
		t.Run(name, func(t *testing.T) {
			key, form, err := sign.ParsePrivateKey(c.text)
			if err != nil || !key.Equal(private) || form != c.form {
				t.Errorf("got %v, %v", form, err)
			}
		})
	}
}

func TestPublicKeyForms(t *testing.T) {
	public := private.Public().(ed25519.PublicKey)
	for name, c := range map[string]struct {
		text string
		form sign.KeyForm
	}{
		"PEM": {publicPEM(public), sign.FormSPKI}, "base64": {base64.StdEncoding.EncodeToString(public), sign.FormBase64},
		"URL alphabet": {base64.RawURLEncoding.EncodeToString(public), sign.FormBase64}, "hex": {hex.EncodeToString(public), sign.FormHex},
	} {
		t.Run(name, func(t *testing.T) {
			key, form, err := sign.ParsePublicKey(c.text)
			if err != nil || !key.Equal(public) || form != c.form {
				t.Errorf("got %v, %v", form, err)
			}
		})
	}
}

func TestEveryGeneratedPublicKeyIsAccepted(t *testing.T) {
	for i := range 200 {
		public := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i)}, 32)).Public().(ed25519.PublicKey)
		if err := sign.CheckPublicKey(public); err != nil {
			t.Errorf("%x: %v", public, err)
		}
	}
}

// Why points of small order are refused: crypto/ed25519 takes the neutral element as a public key, under which one signature, made
// without any private key, holds for every message.
func TestSmallOrderKeyProvesNothing(t *testing.T) {
	neutral := append([]byte{1}, make([]byte, 31)...)
	forged := append(slices.Clone(neutral), make([]byte, 32)...) // R neutral, s zero
	for _, message := range []string{"one", "two"} {
		if !ed25519.Verify(neutral, []byte(message), forged) {
			t.Fatal("crypto/ed25519 refuses it now: CheckPublicKey may be simpler")
		}
	}
	want(t, sign.CheckPublicKey(neutral), sign.KeyWeak)
}

// The table of small order is complete: the y of every point with 8·P neutral, found by doubling three times on the curve.
func TestSmallOrderTable(t *testing.T) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	for _, encoded := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	} {
		raw := must(hex.DecodeString(encoded))
		slices.Reverse(raw)
		y := new(big.Int).SetBytes(raw)
		// Doubling on -x² + y² = 1 + d·x²·y²: y' = (y² + x²) / (2 - (y² - x²)), and both sides need x² only.
		for range 3 {
			y = doubledY(y, p)
		}
		if y.Cmp(big.NewInt(1)) != 0 {
			t.Errorf("%s is not of small order", encoded)
		}
	}
}

func doubledY(y, p *big.Int) *big.Int {
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665))
	yy := new(big.Int).Mul(y, y)
	under := new(big.Int).Mul(d, yy)
	under.ModInverse(under.Mod(under.Add(under, big.NewInt(1)), p), p)
	xx := new(big.Int).Sub(yy, big.NewInt(1))
	xx.Mod(xx.Mul(xx, under), p)
	numerator := new(big.Int).Add(yy, xx)
	denominator := new(big.Int).Sub(big.NewInt(2), new(big.Int).Sub(yy, xx))
	denominator.ModInverse(denominator.Mod(denominator, p), p)
	return numerator.Mod(numerator.Mul(numerator, denominator), p)
}
