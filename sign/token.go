package sign

import (
	"encoding/base64"
	"strings"
	"time"
)

// What the dialects of tokens share: a JWT of three base64url parts (RFC 7515), of which only the canonical spelling is taken.

const (
	maxToken       = 4 << 10
	minTokenNonce  = 1 // the dialects ask for a UUID or 32 hex digits; old clients send milliseconds
	bearerPrefix   = "Bearer "
	tokenHeader    = "token header"
	tokenClaims    = "token claims"
	accessKeyClaim = `"access_key"`
)

// splitToken takes header.claims.signature apart; claims is empty when there are not exactly three parts.
func splitToken(token string) (header, claims, signature string) {
	header, rest, _ := strings.Cut(token, ".")
	claims, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return "", "", ""
	}
	return header, claims, signature
}

// canonicalBase64 takes the one spelling of its bytes: no padding, no line ends, no bits left over (RFC 7515 §2).
func canonicalBase64(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || base64.RawURLEncoding.EncodeToString(b) != s {
		return nil, refuse(TokenMalformed, "")
	}
	return b, nil
}

// parseToken reads a token whose claims the dialect reads.
func parseToken(d Dialect, token string, readClaims func(*Signature, []member) error) (Signature, error) {
	if len(token) > maxToken {
		return Signature{}, refuse(TooLarge, "token")
	}
	header, claims, signature := splitToken(token)
	s := Signature{Dialect: d}
	if err := s.parseTokenHeader(header); err != nil {
		return Signature{}, err
	}
	text, err := canonicalBase64(claims)
	if err != nil {
		return Signature{}, err
	}
	members, err := readFlat(text, tokenClaims, d == Coinbase)
	if err != nil {
		return Signature{}, err
	}
	if err := readClaims(&s, members); err != nil {
		return Signature{}, err
	}
	if err := s.setValue(urlBase64, signature); err != nil {
		return Signature{}, err
	}
	s.exchange.token = token[:len(header)+1+len(claims)]
	return s, nil
}

// tokenAlgorithms maps the alg of a token to what the dialect takes for it (RFC 7518 §3.1, RFC 8037 §3.1).
var tokenAlgorithms = map[Dialect]map[string]Algorithm{
	Upbit:    {"HS256": HMACSHA256, "HS512": HMACSHA512},
	Coinbase: {"ES256": ES256, "EdDSA": Ed25519},
}

// parseTokenHeader takes alg, typ, kid and nonce, and so refuses crit, jku, jwk, x5u, b64 and zip (RFC 7515 §4.1, RFC 7797). kid and
// nonce are Coinbase's key and nonce, and change nothing in Upbit's dialect.
func (s *Signature) parseTokenHeader(encoded string) error {
	text, err := canonicalBase64(encoded)
	if err != nil {
		return err
	}
	members, err := flatObject(text, tokenHeader)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.kind != kindString {
			return refuse(TokenHeader, m.name)
		}
		switch {
		case m.name == "alg":
			if s.Algorithm = tokenAlgorithms[s.Dialect][m.text]; s.Algorithm == 0 {
				return refuse(AlgUnknown, m.text)
			}
		case m.name == "kid" && s.Dialect == Coinbase:
			s.KeyID = m.text
		case m.name == "nonce" && s.Dialect == Coinbase:
			s.Nonce = m.text
		case m.name == "typ" && m.text != "JWT", m.name != "typ" && m.name != "kid" && m.name != "nonce":
			return refuse(TokenHeader, m.name)
		}
	}
	if s.Algorithm == 0 {
		return refuse(AlgUnknown, "")
	}
	return nil
}

// time reads a number of milliseconds or seconds since 1970: digits only, no sign, no leading zero.
func (m *member) time(unit time.Duration) (time.Time, bool) {
	digits := 10
	if unit == time.Millisecond {
		digits = 13
	}
	n, ok := parseDecimal(m.text, digits)
	if !ok || m.kind != kindNumber {
		return time.Time{}, false
	}
	return time.UnixMilli(n * int64(unit/time.Millisecond)).UTC(), true
}

func encodePart(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
