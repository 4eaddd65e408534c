package sign

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
)

// KeyForm says in which form a key was written, for the answer "we read this as …".
type KeyForm string

// The forms that ParsePrivateKey and ParsePublicKey know.
const (
	FormPKCS8  KeyForm = "PEM, PKCS #8"
	FormSEC1   KeyForm = "PEM, SEC 1"
	FormSPKI   KeyForm = "PEM, SubjectPublicKeyInfo"
	FormBase64 KeyForm = "base64"
	FormHex    KeyForm = "hexadecimal"
)

// ParsePrivateKey reads an Ed25519 private key as people have it: PEM with PKCS #8 (line breaks may be spaces or the two characters
// \n, as environment variables and forms make them), or the 32-byte seed, or the 64 bytes of seed and public key, in base64 (either
// alphabet, with or without padding) or hexadecimal. It says what it found.
// Refusals: KeyUnreadable, KeyOtherKind (Seen names the kind), KeyHalvesDiffer.
func ParsePrivateKey(text string) (ed25519.PrivateKey, KeyForm, error) {
	raw, form, err := keyBytes(text)
	if err != nil {
		return nil, "", err
	}
	if form == FormPKCS8 {
		parsed, err := x509.ParsePKCS8PrivateKey(raw)
		if err != nil {
			return nil, "", refuse(KeyUnreadable, string(form))
		}
		key, ok := parsed.(ed25519.PrivateKey)
		if !ok {
			return nil, "", refuse(KeyOtherKind, kindOf(parsed))
		}
		return key, form, nil
	}
	switch {
	case form == FormSPKI:
		return nil, "", refuse(KeyOtherKind, "public key")
	case form == FormSEC1:
		return nil, "", refuse(KeyOtherKind, "ec private key")
	case len(raw) == ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(raw), form, nil
	case len(raw) != ed25519.PrivateKeySize:
		return nil, "", refuse(KeyUnreadable, string(form))
	}
	key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	if !bytes.Equal(key, raw) {
		return nil, "", refuse(KeyHalvesDiffer, string(form))
	}
	return key, form, nil
}

// ParsePublicKey reads an Ed25519 public key: PEM with SubjectPublicKeyInfo, or 32 bytes in base64 or hexadecimal. The key has passed
// CheckPublicKey.
// Refusals: KeyUnreadable, KeyOtherKind (Seen names the kind; a private key is the one to watch for), KeyWeak.
func ParsePublicKey(text string) (ed25519.PublicKey, KeyForm, error) {
	raw, form, err := keyBytes(text)
	switch {
	case err != nil:
		return nil, "", err
	case form == FormPKCS8, form == FormSEC1, form != FormSPKI && len(raw) == ed25519.PrivateKeySize:
		return nil, "", refuse(KeyOtherKind, "private key")
	case form != FormSPKI && len(raw) != ed25519.PublicKeySize:
		return nil, "", refuse(KeyUnreadable, string(form))
	}
	if form == FormSPKI {
		parsed, err := x509.ParsePKIXPublicKey(raw)
		if err != nil {
			return nil, "", refuse(KeyUnreadable, string(form))
		}
		key, ok := parsed.(ed25519.PublicKey)
		if !ok {
			return nil, "", refuse(KeyOtherKind, kindOf(parsed))
		}
		raw = key
	}
	if err := CheckPublicKey(raw); err != nil {
		return nil, "", err
	}
	return raw, form, nil
}

// PrivateKeyFor reads the private half of a key of the algorithm: what ParsePrivateKey takes for Ed25519, and for ES256 PEM with SEC 1 (as
// Coinbase gives out) or PKCS #8.
// Refusals: those of ParsePrivateKey.
func PrivateKeyFor(a Algorithm, text string) (crypto.Signer, error) {
	if a != ES256 {
		private, _, err := ParsePrivateKey(text)
		return private, err
	}
	raw, form, err := keyBytes(text)
	if err != nil {
		return nil, err
	}
	var parsed any
	switch form {
	case FormSEC1:
		parsed, err = x509.ParseECPrivateKey(raw)
	case FormPKCS8:
		parsed, err = x509.ParsePKCS8PrivateKey(raw)
	default:
		return nil, refuse(KeyUnreadable, string(form))
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	switch {
	case err != nil:
		return nil, refuse(KeyUnreadable, string(form))
	case !ok || private.Curve != elliptic.P256():
		return nil, refuse(KeyOtherKind, kindOf(parsed))
	}
	return private, nil
}

// PublicKeyFor reads the public half of a key of the algorithm into what Key.Material holds: what ParsePublicKey takes for Ed25519, and for
// ES256 PEM with SubjectPublicKeyInfo, or the uncompressed point in base64 or hexadecimal.
// Refusals: those of ParsePublicKey.
func PublicKeyFor(a Algorithm, text string) ([]byte, error) {
	if a != ES256 {
		public, _, err := ParsePublicKey(text)
		return public, err
	}
	raw, form, err := keyBytes(text)
	switch {
	case err != nil:
		return nil, err
	case form == FormPKCS8, form == FormSEC1:
		return nil, refuse(KeyOtherKind, "private key")
	case form == FormSPKI:
		parsed, err := x509.ParsePKIXPublicKey(raw)
		if err != nil {
			return nil, refuse(KeyUnreadable, string(form))
		}
		public, ok := parsed.(*ecdsa.PublicKey)
		if !ok || public.Curve != elliptic.P256() {
			return nil, refuse(KeyOtherKind, kindOf(parsed))
		}
		return public.Bytes()
	}
	if _, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw); err != nil {
		return nil, refuse(KeyUnreadable, string(form))
	}
	return raw, nil
}

// keyBytes takes the wrapping off.
func keyBytes(text string) ([]byte, KeyForm, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, `\n`, "\n"))
	switch {
	case strings.Contains(text, "-----BEGIN"):
		return pemBytes(text)
	case strings.HasPrefix(text, "sps_"):
		return nil, "", refuse(KeyOtherKind, "HMAC secret")
	case strings.HasPrefix(text, "spk_"):
		return nil, "", refuse(KeyOtherKind, "key id")
	case len(text) == 2*ed25519.SeedSize || len(text) == 2*ed25519.PrivateKeySize || len(text) == 2*len(decoyPoint):
		// 64, 128 or 130 characters of base64 would be 48, 96 or 97 bytes, which is no key.
		if raw, err := hex.DecodeString(text); err == nil {
			return raw, FormHex, nil
		}
	}
	alphabet := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	raw, err := base64.RawStdEncoding.DecodeString(alphabet)
	if err != nil || len(raw) == 0 {
		return nil, "", refuse(KeyUnreadable, "")
	}
	return raw, FormBase64, nil
}

// pemBytes reads one PEM block, restoring the line breaks around a body that came on one line.
func pemBytes(text string) ([]byte, KeyForm, error) {
	const dashes = "-----"
	parts := strings.Split(text, dashes) // "", BEGIN …, body, END …, ""
	if len(parts) != 5 || parts[0] != "" || parts[4] != "" {
		return nil, "", refuse(KeyUnreadable, "PEM")
	}
	body := strings.Join(strings.Fields(parts[2]), "\n")
	if strings.Contains(body, ":") { // headers of an encrypted block
		return nil, "", refuse(KeyOtherKind, "encrypted private key")
	}
	block, _ := pem.Decode([]byte(dashes + parts[1] + dashes + "\n" + body + "\n" + dashes + parts[3] + dashes + "\n"))
	if block == nil {
		return nil, "", refuse(KeyUnreadable, "PEM")
	}
	switch block.Type {
	case "PRIVATE KEY":
		return block.Bytes, FormPKCS8, nil
	case "PUBLIC KEY":
		return block.Bytes, FormSPKI, nil
	case "EC PRIVATE KEY":
		return block.Bytes, FormSEC1, nil
	default: // RSA PRIVATE KEY, OPENSSH PRIVATE KEY, ENCRYPTED PRIVATE KEY, CERTIFICATE …
		return nil, "", refuse(KeyOtherKind, strings.ToLower(block.Type))
	}
}

func kindOf(key any) string {
	switch key.(type) {
	case *ecdsa.PrivateKey, *ecdsa.PublicKey:
		return "ECDSA key"
	case *rsa.PrivateKey, *rsa.PublicKey:
		return "RSA key"
	default:
		return "key of another algorithm"
	}
}
