package gate

import (
	"strconv"
	"strings"
	"unicode/utf16"
)

// escapes are the two-character escapes of JSON (RFC 8259 §7).
var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape resolves the escapes of a JSON string. Unlike encoding/json it refuses a lone surrogate instead of replacing it:
// what was signed is what is compared.
func unescape(s string) (string, bool) {
	var out strings.Builder
	for {
		before, after, more := strings.Cut(s, `\`)
		out.WriteString(before)
		switch {
		case !more:
			return out.String(), true
		case after == "":
			return "", false
		case after[0] == 'u':
			r, length, ok := codePoint(after)
			if !ok {
				return "", false
			}
			out.WriteRune(r)
			s = after[length:]
		default:
			c, known := escapes[after[0]]
			if !known {
				return "", false
			}
			out.WriteByte(c)
			s = after[1:]
		}
	}
}

// codePoint reads uXXXX, or uXXXX\uXXXX where the first is half of a pair.
func codePoint(s string) (r rune, length int, ok bool) {
	r, ok = hex4(s)
	if !ok || !utf16.IsSurrogate(r) {
		return r, len("uXXXX"), ok
	}
	low, ok := hex4(strings.TrimPrefix(s[len("uXXXX"):], `\`))
	pair := utf16.DecodeRune(r, low)
	return pair, len(`uXXXX\uXXXX`), ok && s[len("uXXXX")] == '\\' && pair != '\uFFFD'
}

func hex4(s string) (rune, bool) {
	if len(s) < 5 || s[0] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:5], 16, 16)
	return rune(n), err == nil
}
