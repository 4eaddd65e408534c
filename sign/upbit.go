package sign

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"
)

// Upbit's dialect: a JWT of three base64url parts, HS256 or HS512 over one secret.
//
//	header   {"alg":"HS256","typ":"JWT"}
//	claims   {"access_key":"…","nonce":"…","query_hash":"128 hex digits","query_hash_alg":"SHA512"}
//
// query_hash and query_hash_alg are there exactly when the request has parameters. Our extension, in the manner of Bithumb: the
// claim timestamp (milliseconds), or the iat (seconds) that some JWT libraries add by themselves, gives the token a window.

const (
	maxToken       = 4 << 10
	minUpbitNonce  = 1 // the dialect asks for a UUID; old clients send milliseconds
	hashHexLength  = 128
	bearerPrefix   = "Bearer "
	tokenHeader    = "token header"
	tokenClaims    = "token claims"
	accessKeyClaim = `"access_key"`
)

type upbitInput struct {
	signingInput string // header.claims as received
	queryHash    string // lower-case hex, or empty when the token has none
}

// exchangeToken finds a token of an exchange dialect in the lines of Authorization. A Bearer token without the claim access_key belongs
// to OAuth and is left alone.
func exchangeToken(lines []string) (token string, found bool) {
	for _, line := range lines {
		if len(line) < len(bearerPrefix) || !strings.EqualFold(line[:len(bearerPrefix)], bearerPrefix) {
			continue
		}
		text := line[len(bearerPrefix):]
		if _, claims, _ := splitToken(text); bytes.Contains(looseBase64(claims), []byte(accessKeyClaim)) {
			token, found = text, true
		}
	}
	return token, found
}

// splitToken takes header.claims.signature apart; claims is empty when there are not exactly three parts.
func splitToken(token string) (header, claims, signature string) {
	header, rest, _ := strings.Cut(token, ".")
	claims, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return "", "", ""
	}
	return header, claims, signature
}

// looseBase64 decodes as far as it gets, only to see whose token it is; canonicalBase64 decides afterwards.
func looseBase64(s string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(strings.TrimRight(s[:min(len(s), maxToken)], "="))
	return b
}

// canonicalBase64 takes the one spelling of its bytes: no padding, no line ends, no bits left over (RFC 7515 §2).
func canonicalBase64(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || base64.RawURLEncoding.EncodeToString(b) != s {
		return nil, refuse(TokenMalformed, "")
	}
	return b, nil
}

func parseUpbit(token string) (Signature, error) {
	if len(token) > maxToken {
		return Signature{}, refuse(TooLarge, "token")
	}
	header, claims, signature := splitToken(token)
	s := Signature{Dialect: Upbit}
	if err := s.parseTokenHeader(header); err != nil {
		return Signature{}, err
	}
	if err := s.parseClaims(claims); err != nil {
		return Signature{}, err
	}
	if err := s.setValue(urlBase64, signature); err != nil {
		return Signature{}, err
	}
	s.upbit.signingInput = token[:len(header)+1+len(claims)]
	return s, nil
}

// parseTokenHeader takes alg, typ, kid and nonce, and so refuses crit, jku, jwk, x5u, b64 and zip (RFC 7515 §4.1, RFC 7797). kid and
// nonce change nothing here.
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
		switch {
		case m.kind != kindString:
			return refuse(TokenHeader, m.name)
		case m.name == "alg" && m.text == "HS256":
			s.Algorithm = HMACSHA256
		case m.name == "alg" && m.text == "HS512":
			s.Algorithm = HMACSHA512
		case m.name == "alg":
			return refuse(AlgUnknown, m.text)
		case m.name == "typ" && m.text != "JWT", m.name != "typ" && m.name != "kid" && m.name != "nonce":
			return refuse(TokenHeader, m.name)
		}
	}
	if s.Algorithm == 0 {
		return refuse(AlgUnknown, "")
	}
	return nil
}

func (s *Signature) parseClaims(encoded string) error {
	text, err := canonicalBase64(encoded)
	if err != nil {
		return err
	}
	members, err := flatObject(text, tokenClaims)
	if err != nil {
		return err
	}
	var hashAlg string
	var issued time.Time
	for _, m := range members {
		ok := m.kind == kindString
		switch m.name {
		case "access_key":
			s.KeyID = m.text
		case "nonce":
			s.Nonce = m.text
			ok = ok || m.kind == kindNumber
		case "query_hash":
			s.upbit.queryHash = m.text
			ok = ok && isHash(m.text)
		case "query_hash_alg":
			hashAlg = m.text
		case "timestamp":
			s.Created, ok = m.time(time.Millisecond)
		case "iat":
			issued, ok = m.time(time.Second)
		case "query":
			return refuse(QueryClaim, "")
		default:
			return refuse(UnknownClaim, m.name)
		}
		if !ok {
			return refuse(BadParameter, m.name)
		}
	}
	if s.Created.IsZero() { // the finer of the two counts when a library adds its iat to the client's timestamp
		s.Created = issued
	}
	return s.completeClaims(hashAlg)
}

func (s *Signature) completeClaims(hashAlg string) error {
	switch {
	case s.KeyID == "":
		return refuse(MissingClaim, "access_key")
	case s.Nonce == "":
		return refuse(MissingClaim, "nonce")
	case (s.upbit.queryHash == "") != (hashAlg == ""), hashAlg != "" && hashAlg != "SHA512":
		return refuse(HashAlg, hashAlg)
	}
	if err := checkKeyID(s.KeyID); err != nil {
		return err
	}
	return checkNonce(s.Nonce, minUpbitNonce)
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

func isHash(s string) bool {
	for i := range len(s) {
		if hexValue(s[i]) > 15 || s[i] < '0' || 'A' <= s[i] && s[i] <= 'F' {
			return false
		}
	}
	return len(s) == hashHexLength
}
