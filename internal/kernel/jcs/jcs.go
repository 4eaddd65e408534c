// Package jcs owns the one canonical form of a JSON value (RFC 8785), over which things are hashed that must read the same everywhere.
//
// It does not parse: what it is handed was built by us from stored rows. It does not normalise text; who writes text into a row does.
//
// Invariant: equal values have equal bytes, and what has no canonical form (a number that is not finite, a string that is not UTF-8, a kind
// that JSON does not know) is an error, never a guess.
package jcs

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrNoForm is the answer to a value without a canonical form.
var ErrNoForm = errors.New("no canonical form")

// Append writes the canonical form of a value: nil, bool, string, float64, int64 (within ±2^53), []any and map[string]any of these.
func Append(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		return appendString(b, v)
	case float64:
		return appendNumber(b, v)
	case int64:
		if v > 1<<53 || v < -1<<53 { // RFC 8785 §3.1: what a double cannot hold exactly
			return nil, fmt.Errorf("%w: integer %d", ErrNoForm, v)
		}
		return strconv.AppendInt(b, v, 10), nil
	case []any:
		return appendArray(b, v)
	case map[string]any:
		return appendObject(b, v)
	}
	return nil, fmt.Errorf("%w: %T", ErrNoForm, value)
}

func appendArray(b []byte, list []any) (_ []byte, err error) {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = Append(b, v); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// appendObject sorts members by the UTF-16 code units of their names (RFC 8785 §3.2.3), which is not the order of their bytes.
func appendObject(b []byte, object map[string]any) (_ []byte, err error) {
	type member struct {
		name  string
		units []uint16
	}
	members := make([]member, 0, len(object))
	for name := range object {
		members = append(members, member{name, utf16.Encode([]rune(name))})
	}
	slices.SortFunc(members, func(a, b member) int { return slices.Compare(a.units, b.units) })
	b = append(b, '{')
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendString(b, m.name); err != nil {
			return nil, err
		}
		if b, err = Append(append(b, ':'), object[m.name]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

const hex = "0123456789abcdef"

// appendString escapes what has to be escaped and nothing else (RFC 8785 §3.2.2.2).
func appendString(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%w: text that is not UTF-8", ErrNoForm)
	}
	short := map[byte]byte{'"': '"', '\\': '\\', '\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r'}
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		switch letter, ok := short[c]; {
		case ok:
			b = append(b, '\\', letter)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"'), nil
}

// appendNumber writes a double as ECMAScript does (RFC 8785 §3.2.2.3): the shortest digits that read back the same, plain between 10^-6 and
// 10^21, and with an exponent outside.
func appendNumber(b []byte, f float64) ([]byte, error) {
	switch abs := math.Abs(f); {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil, fmt.Errorf("%w: %v", ErrNoForm, f)
	case f == 0:
		return append(b, '0'), nil // minus zero too
	case abs >= 1e-6 && abs < 1e21:
		return strconv.AppendFloat(b, f, 'f', -1, 64), nil
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	if n := len(b); b[n-2] == '0' && (b[n-3] == '-' || b[n-3] == '+') { // Go writes at least two digits of exponent
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b, nil
}
