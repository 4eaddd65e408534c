package binding

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
)

// Algorithm is how a device's key signs. Words are stored and never change.
type Algorithm string

// The algorithms that we offer, the better first (RFC 7518 §3.1).
const (
	ES256 Algorithm = "ES256"
	RS256 Algorithm = "RS256"
)

const (
	// maxProof bounds the header: a registration with an RSA key of 4096 bits is below it.
	maxProof = 4 << 10
	// proofType is what the header of a proof must call itself.
	proofType = "dbsc+jwt"
	// The sizes that an RSA key may have: below, it is weak; above, checking it is work that strangers could order.
	minRSA, maxRSA = 2048, 4096
)

// Key is the public key of a device, and the one algorithm that it is used with.
type Key struct {
	Algorithm Algorithm
	// DER is its SubjectPublicKeyInfo (RFC 5280 §4.1).
	DER []byte
}

// Proof is what a browser signed, read and not yet believed.
type Proof struct {
	// Challenge, Authorization and Audience are its claims; the last two may be empty.
	Challenge, Authorization, Audience string
	// Key is the one that it brings along, at a registration and never later; nil if none.
	Key *Key

	algorithm Algorithm
	signed    string // header.payload, as received
	signature []byte
}

var errProof = errors.New("no proof of a device")

// ParseProof reads the header Secure-Session-Response: a signed JWT, as a quoted string or bare, as browsers send it. What has another
// algorithm than ours (also "none"), another type, or a key that is weak or off its curve, is an error. Claims that we do not know are left
// alone: the draft still grows.
func ParseProof(header string) (p Proof, err error) {
	if len(header) > maxProof {
		return p, errProof
	}
	if n := len(header); n >= 2 && header[0] == '"' && header[n-1] == '"' {
		header = header[1 : n-1]
	}
	signed, tail, found := cutLast(header)
	head, body, two := strings.Cut(signed, ".")
	if !found || !two || strings.Contains(body, ".") {
		return p, errProof
	}
	p.signed = signed
	if p.signature, err = decode(tail); err != nil {
		return p, err
	}
	fields, err := object(head)
	if err != nil {
		return p, err
	}
	p.algorithm = Algorithm(fields.text("alg"))
	if p.algorithm != ES256 && p.algorithm != RS256 || fields.text("typ") != proofType || fields["crit"] != nil {
		return p, errProof
	}
	if raw := fields["jwk"]; raw != nil {
		if p.Key, err = parseJWK(raw, p.algorithm); err != nil {
			return p, err
		}
	}
	claims, err := object(body)
	p.Challenge, p.Authorization, p.Audience = claims.text("jti"), claims.text("authorization"), claims.text("aud")
	if err != nil || p.Challenge == "" || claims["aud"] != nil && p.Audience == "" {
		return p, errProof
	}
	return p, nil
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// members are those of a JSON object, by their exact names.
type members map[string]json.RawMessage

func object(encoded string) (members, error) {
	plain, err := decode(encoded)
	if err != nil {
		return nil, err
	}
	var m members
	if err := json.Unmarshal(plain, &m); err != nil || m == nil {
		return nil, errProof
	}
	return m, nil
}

// text is a member that is a string; empty for anything else.
func (m members) text(name string) (s string) {
	if json.Unmarshal(m[name], &s) != nil {
		return ""
	}
	return s
}

// parseJWK reads a public key (RFC 7517 §4, RFC 7518 §6) that fits the algorithm of its proof.
func parseJWK(raw json.RawMessage, alg Algorithm) (*Key, error) {
	var m members
	if json.Unmarshal(raw, &m) != nil {
		return nil, errProof
	}
	var public any
	switch kind := m.text("kty"); {
	case kind == "EC" && alg == ES256 && m.text("crv") == "P-256":
		x, y := m.number("x"), m.number("y")
		if len(x) != 32 || len(y) != 32 {
			return nil, errProof
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...)) // refuses what is off the curve
		if err != nil {
			return nil, errProof
		}
		public = key
	case kind == "RSA" && alg == RS256:
		n, e := new(big.Int).SetBytes(m.number("n")), new(big.Int).SetBytes(m.number("e"))
		if size := n.BitLen(); size < minRSA || size > maxRSA || n.Bit(0) == 0 || e.Cmp(big.NewInt(65537)) != 0 {
			return nil, errProof
		}
		public = &rsa.PublicKey{N: n, E: 65537}
	default:
		return nil, errProof
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, errProof
	}
	return &Key{Algorithm: alg, DER: der}, nil
}

func (m members) number(name string) []byte {
	b, err := decode(m.text(name))
	if err != nil {
		return nil
	}
	return b
}

// decode reads base64url in its one spelling; the library alone would skip line breaks.
func decode(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return nil, errProof
	}
	return b, nil
}

// SignedBy says whether the proof was signed by that key, with the key's own algorithm and none that the proof would choose.
func (p Proof) SignedBy(k Key) bool {
	if p.algorithm != k.Algorithm {
		return false
	}
	public, err := x509.ParsePKIXPublicKey(k.DER)
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(p.signed))
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		// R and S, 32 bytes each (RFC 7518 §3.4).
		return k.Algorithm == ES256 && len(p.signature) == 64 &&
			ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(p.signature[:32]), new(big.Int).SetBytes(p.signature[32:]))
	case *rsa.PublicKey:
		return k.Algorithm == RS256 && rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], p.signature) == nil
	}
	return false
}
