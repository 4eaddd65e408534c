package sign

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"math/big"
	"slices"
)

// MaterialOf is what a verifier keeps, sealed, of a secret as it was shown, and of its passphrase in dialects that have one:
//
//	Kraken        the secret decoded from base64
//	OKX, KuCoin   the secret ‖ HMAC-SHA256(secret, passphrase), so that the passphrase itself is nowhere
//	others        the secret
//
// Refusals: KeyWeak, KeyUnreadable.
func MaterialOf(d Dialect, secret []byte, passphrase string) ([]byte, error) {
	switch {
	case len(secret) == 0:
		return nil, refuse(KeyWeak, "empty secret")
	case d == Kraken:
		decoded, err := base64.StdEncoding.Strict().DecodeString(string(secret))
		if err != nil || len(decoded) == 0 {
			return nil, refuse(KeyUnreadable, string(FormBase64))
		}
		return decoded, nil
	case d.HasPassphrase():
		return append(slices.Clone(secret), PassphraseMAC(secret, passphrase)...), nil
	default:
		return slices.Clone(secret), nil
	}
}

// passphraseLength is how much of the material the passphrase takes.
func passphraseLength(d Dialect) int {
	if d.HasPassphrase() {
		return sha256.Size
	}
	return 0
}

// PassphraseMAC is HMAC-SHA256(secret, passphrase).
func PassphraseMAC(secret []byte, passphrase string) []byte {
	mac := hmacSHA256(secret, append(make([]byte, room256, room256+len(passphrase)), passphrase...))
	return mac[:]
}

// holdsPassphrase takes material apart, and says whether the passphrase that was sent is the key's, in constant time.
func (s *Signature) holdsPassphrase(material []byte) (secret []byte, known bool) {
	if len(material) <= sha256.Size {
		return material, false
	}
	secret, kept := material[:len(material)-sha256.Size], material[len(material)-sha256.Size:]
	var stack [room256 + maxPassphrase]byte
	sent := hmacSHA256(secret, append(stack[:room256], s.exchange.passphrase...))
	if s.Dialect == KuCoin {
		sent = [sha256.Size]byte{}
		decoded, err := stdBase64.DecodeString(s.exchange.passphrase)
		if err != nil || len(decoded) != sha256.Size {
			return secret, false
		}
		copy(sent[:], decoded)
	}
	return secret, subtle.ConstantTimeCompare(sent[:], kept) == 1
}

// holdsES256 verifies r‖s (RFC 7518 §3.4) under an uncompressed point.
func (s *Signature) holdsES256(r *Request, point []byte) bool {
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil || s.length != 64 {
		return false
	}
	var stack [usualBase]byte
	digest := sha256.Sum256(s.AppendBase(stack[:0], r))
	return ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(s.value[:32]), new(big.Int).SetBytes(s.value[32:]))
}

// HoldsPossession says whether a signature over a text of ours, not over a request, was made by the private half of a public key: Ed25519, or
// ES256 in ASN.1, as openssl writes it. A signature of a request never passes for one, because no base begins like our text.
func HoldsPossession(a Algorithm, public, text, signature []byte) bool {
	if a == ES256 {
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public)
		digest := sha256.Sum256(text)
		return err == nil && ecdsa.VerifyASN1(key, digest[:], signature)
	}
	return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, text, signature)
}

// decoyPoint is the base point of P-256 (FIPS 186-5): the public key of the private key 1.
var decoyPoint = slices.Concat([]byte{4},
	[]byte{
		0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
		0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
	},
	[]byte{
		0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
		0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
	})
