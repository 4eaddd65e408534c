package sign

import (
	"encoding/base64"
	"strings"
	"time"
)

// field reads one structured field (RFC 8941) from left to right, in the narrow shape of this profile: one dictionary member. Space
// where the canonical form has none is NonCanonical, a second member is TwoLabels, anything else is Malformed.
type field struct {
	name string
	text string
	at   int
}

func (f *field) rest() string { return f.text[f.at:] }

// peek is the next byte, or 0 at the end; a 0 in the text is refused by whoever reads on.
func (f *field) peek() byte {
	if f.at < len(f.text) {
		return f.text[f.at]
	}
	return 0
}

func (f *field) accept(c byte) bool {
	if f.peek() != c || f.at == len(f.text) {
		return false
	}
	f.at++
	return true
}

func (f *field) expect(c byte) error {
	if f.accept(c) {
		return nil
	}
	return f.unexpected()
}

func (f *field) unexpected() error {
	switch f.peek() {
	case ' ', '\t':
		return refuse(NonCanonical, f.name)
	case ',':
		return refuse(TwoLabels, f.name)
	default:
		return refuse(Malformed, f.name)
	}
}

func (f *field) end() error {
	if f.at == len(f.text) {
		return nil
	}
	return f.unexpected()
}

// label reads key= at the start of a dictionary member.
func (f *field) label() (string, error) {
	key := f.key()
	if key == "" {
		return "", f.unexpected()
	}
	return key, f.expect('=')
}

// key reads a key of RFC 8941 §3.1.2; it is empty when there is none.
func (f *field) key() string {
	start := f.at
	if !startsKey[f.peek()] {
		return ""
	}
	for f.at < len(f.text) && isKeyByte[f.text[f.at]] {
		f.at++
	}
	return f.text[start:f.at]
}

var (
	startsKey = tableOf(func(c byte) bool { return 'a' <= c && c <= 'z' || c == '*' })
	isKeyByte = tableOf(func(c byte) bool { return startsKey[c] || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.' })
)

// quoted reads a string. It knows no escapes, because no value of this profile needs one: the backslash stays, and whoever compares
// or checks the value refuses it.
func (f *field) quoted() (string, error) {
	if f.peek() == ')' { // a space, and then no string after it
		return "", refuse(NonCanonical, f.name)
	}
	if err := f.expect('"'); err != nil {
		return "", err
	}
	return f.until('"')
}

// until reads up to the byte c and past it.
func (f *field) until(c byte) (string, error) {
	n := strings.IndexByte(f.rest(), c)
	if n < 0 {
		return "", refuse(Malformed, f.name)
	}
	text := f.rest()[:n]
	f.at += n + 1
	return text, nil
}

// stringValue reads ="text" after a parameter's name.
func (f *field) stringValue(name string) (string, error) {
	if !f.accept('=') || f.peek() != '"' {
		return "", refuse(BadParameter, name)
	}
	return f.quoted()
}

// seconds reads =integer after a parameter's name: 1 to 10 digits, no sign, no leading zero.
func (f *field) seconds(name string) (time.Time, error) {
	if !f.accept('=') {
		return time.Time{}, refuse(BadParameter, name)
	}
	start := f.at
	for c := f.peek(); '0' <= c && c <= '9'; c = f.peek() {
		f.at++
	}
	n, ok := parseDecimal(f.text[start:f.at], 10)
	if !ok {
		return time.Time{}, refuse(BadParameter, name)
	}
	return time.Unix(n, 0).UTC(), nil
}

// bytes reads the text between the colons of a byte sequence.
func (f *field) bytes() (string, error) {
	if err := f.expect(':'); err != nil {
		return "", err
	}
	return f.until(':')
}

// parseDecimal reads digits only, at most longest of them (≤ 18), without a sign or a leading zero.
func parseDecimal(s string, longest int) (n int64, ok bool) {
	if s == "" || len(s) > longest || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

var (
	stdBase64 = base64.StdEncoding.Strict()
	urlBase64 = base64.RawURLEncoding.Strict()
)

// setValue decodes the signature, 32 or 64 bytes in canonical base64.
func (s *Signature) setValue(encoding *base64.Encoding, encoded string) error {
	var text [90]byte // room for more than 64 bytes, so that Decode and not the copy says no
	var value [base64Decoded]byte
	if len(encoded) > len(text) {
		return refuse(NonCanonical, "signature")
	}
	n, err := encoding.Decode(value[:], text[:copy(text[:], encoded)])
	if err != nil || encoding.EncodedLen(n) != len(encoded) { // the decoder skips line ends
		return refuse(NonCanonical, "signature")
	}
	if n != 32 && n != 64 {
		return refuse(BadParameter, "signature")
	}
	s.length = copy(s.value[:], value[:n])
	return nil
}

// base64Decoded is what the decoder may want for 90 characters.
const base64Decoded = 69
