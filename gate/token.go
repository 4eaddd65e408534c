package gate

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"
)

// Type is the only value of typ in an assertion's header. Explicit typing keeps every other kind of token out, whoever
// signed it (RFC 8725 §3.11).
const Type = "sallyport-assertion+jwt"

// maxAssertion bounds the header's length in bytes. A request target of 8 KiB leaves half of it free.
const maxAssertion = 16 << 10

// signedClaims takes the token apart and hands out claims only from a payload that one of the keys signed.
func signedClaims(token string, keys []Key) (Claims, error) {
	dot := strings.IndexByte(token, '.')
	last := strings.LastIndexByte(token, '.')
	if len(token) > maxAssertion || dot <= 0 || last == dot {
		return Claims{}, ErrMalformed
	}
	header, err := decodePart(token[:dot])
	if err != nil {
		return Claims{}, err
	}
	key, err := knownKey(header, keys)
	if err != nil {
		return Claims{}, err
	}
	signature, err := decodePart(token[last+1:])
	if err != nil {
		return Claims{}, err
	}
	if !key.verify([]byte(token[:last]), []byte(signature)) {
		return Claims{}, ErrSignature
	}
	payload, err := decodePart(token[dot+1 : last])
	if err != nil {
		return Claims{}, err
	}
	return parseClaims(payload)
}

// decodePart is strict where encoding/base64 is not: it skips line breaks and, without Strict, takes several spellings of one
// value (RFC 7515 §2).
func decodePart(part string) (string, error) {
	if strings.IndexByte(part, '\n') >= 0 || strings.IndexByte(part, '\r') >= 0 {
		return "", ErrMalformed
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return "", ErrMalformed
	}
	return string(raw), nil
}

// knownKey finds the key the header names. The header holds alg, typ and kid and nothing else, so that no crit, jwk or x5u can
// ask for anything (RFC 7515 §4.1.11), and alg and typ must be what they can only be (RFC 8725 §3.1).
func knownKey(header string, keys []Key) (Key, error) {
	var alg, typ, kid string
	ok := members(header, func(name, text string, kind valueKind) bool {
		switch name {
		case "alg":
			alg = text
		case "typ":
			typ = text
		case "kid":
			kid = text
		default:
			return false
		}
		return kind == aString
	})
	if !ok {
		return Key{}, ErrMalformed
	}
	for _, k := range keys {
		if k.id == kid && k.algorithm == alg && typ == Type {
			return k, nil
		}
	}
	return Key{}, ErrKey
}

func parseClaims(payload string) (Claims, error) {
	var c Claims
	if !members(payload, c.set) {
		return Claims{}, ErrMalformed
	}
	return c, nil
}

// valueKind is the kind of a member's value. Claims are flat: an object or array is malformed.
type valueKind byte

const (
	aString valueKind = iota + 1
	aNumber
	aLiteral // true, false, null
)

// maxMembers bounds an object, which also bounds the search for doubles.
const maxMembers = 48

// members reads one flat JSON object without white space, to its end, and calls each for every member. It is stricter than
// encoding/json: valid UTF-8 only, no escape in a name, no name twice, no lone surrogate. It stops when each says false.
func members(s string, each func(name, text string, kind valueKind) bool) bool {
	if !utf8.ValidString(s) || len(s) < 2 || s[0] != '{' {
		return false
	}
	if s == "{}" {
		return true
	}
	var seen [maxMembers]string
	for n, rest := 0, s[1:]; n < maxMembers; n++ {
		name, after, ok := stringToken(rest)
		if !ok || strings.IndexByte(name, '\\') >= 0 || after == "" || after[0] != ':' {
			return false
		}
		if slices.Contains(seen[:n], name) {
			return false
		}
		seen[n] = name
		text, kind, after, ok := valueToken(after[1:])
		if !ok || !each(name, text, kind) || after == "" {
			return false
		}
		switch rest = after[1:]; after[0] {
		case ',':
		case '}':
			return rest == ""
		default:
			return false
		}
	}
	return false
}

func valueToken(s string) (text string, kind valueKind, rest string, ok bool) {
	if s == "" {
		return "", 0, "", false
	}
	switch c := s[0]; {
	case c == '"':
		text, rest, ok = stringToken(s)
		if ok && strings.IndexByte(text, '\\') >= 0 {
			text, ok = unescape(text)
		}
		return text, aString, rest, ok
	case c == '-' || '0' <= c && c <= '9':
		text, ok = numberToken(s)
		return text, aNumber, s[len(text):], ok
	}
	for _, literal := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(s, literal) {
			return literal, aLiteral, s[len(literal):], true
		}
	}
	return "", 0, "", false
}

// stringToken takes a JSON string off the front of s and gives what stands between the quotes, escapes untouched.
func stringToken(s string) (inner, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", "", false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[1:i], s[i+1:], true
		case c < 0x20:
			return "", "", false
		case c == '\\':
			i++
		}
	}
	return "", "", false
}

// numberToken takes a JSON number off the front of s (RFC 8259 §6).
func numberToken(s string) (string, bool) {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if s[0] == '-' {
		i++
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else if !digits() {
		return "", false
	}
	if i < len(s) && s[i] == '.' {
		if i++; !digits() {
			return "", false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return "", false
		}
	}
	return s[:i], true
}
