package sign

import (
	"strings"
	"unicode/utf8"
)

const maxTarget = 8 << 10

// CheckTarget refuses a request target that two readers could understand differently. It must be in origin form (RFC 9112 §3.2.1):
// net/http hides a Host line that differs from an absolute-form target, so that form is refused altogether. The path obeys
// CheckPath. The query keeps its spelling, but holds no control byte, space, byte ≥ 0x7f, "#", ";" (a separator to some parsers)
// or broken percent escape: what Go's proxy would drop from a query never gets that far.
// Refusals: TargetForm, TooLarge, QueryByte and those of CheckPath.
func CheckTarget(target string) error {
	if len(target) > maxTarget {
		return refuse(TooLarge, "target")
	}
	path, query, _ := strings.Cut(target, "?")
	if err := CheckPath(path); err != nil {
		return err
	}
	return checkQuery(query)
}

// CheckPath refuses every raw path that a proxy, a router and an upstream could read differently; nothing is normalised.
//
// After it, a path begins with a slash, has no "//", no "." or ".." segment, and holds only RFC 3986 §3.3 characters without the
// semicolon. A percent escape stands only for a byte that must or may be escaped and means nothing to a path: never for a letter,
// digit, "-", ".", "_", "~", slash, backslash, percent sign, question mark, hash, semicolon or control byte; bytes ≥ 0x80 form valid
// UTF-8. So a fixed route of letters, digits and -._~ has exactly one spelling.
// Refusals: TargetForm, DotSegment, EmptySegment, PathByte, PathEscape.
func CheckPath(path string) error {
	if path == "" || path[0] != '/' {
		return refuse(TargetForm, "")
	}
	segment := 1 // where the current segment begins
	for i := 1; i < len(path); i++ {
		switch c := path[i]; {
		case c == '/':
			if err := checkSegment(path[segment:i]); err != nil {
				return err
			}
			segment = i + 1
		case c == '%':
			n := escapeLength(path[i:])
			if n == 0 {
				return refuse(PathEscape, "")
			}
			i += n - 1
		case !isPathByte[c]:
			return refuse(PathByte, "")
		}
	}
	if last := path[segment:]; last != "" { // a path may end in a slash
		return checkSegment(last)
	}
	return nil
}

func checkSegment(s string) error {
	switch s {
	case "":
		return refuse(EmptySegment, "")
	case ".", "..":
		return refuse(DotSegment, "")
	default:
		return nil
	}
}

// escapeLength is the length of the escaped character at the start of s, or 0 when it may not stand in a path.
func escapeLength(s string) int {
	c, ok := unescape(s)
	if !ok {
		return 0
	}
	if c < utf8.RuneSelf {
		if c < ' ' || c == 0x7f || isUnreserved(c) || strings.IndexByte(`/\%?#;`, c) >= 0 {
			return 0
		}
		return 3
	}
	// One character of two to four bytes: overlong forms, which some decoders take for a slash or a dot, are not valid.
	var char [utf8.UTFMax]byte
	for n := 0; ; n++ { // four bytes are always a full rune, if only a wrong one
		c, ok := unescape(s[min(3*n, len(s)):])
		if !ok {
			return 0
		}
		char[n] = c
		if utf8.FullRune(char[:n+1]) {
			if r, size := utf8.DecodeRune(char[:n+1]); r == utf8.RuneError && size == 1 {
				return 0
			}
			return 3 * (n + 1)
		}
	}
}

func checkQuery(query string) error {
	for i := 0; i < len(query); i++ {
		switch c := query[i]; {
		case c == '%':
			if _, ok := unescape(query[i:]); !ok {
				return refuse(QueryByte, "")
			}
			i += 2
		case c <= ' ' || c >= 0x7f || c == '#' || c == ';':
			return refuse(QueryByte, "")
		}
	}
	return nil
}

// unescape reads the percent escape at the start of s.
func unescape(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, low := hexValue(s[1]), hexValue(s[2])
	return high<<4 | low, high < 16 && low < 16
}

func hexValue(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	default:
		return 0xff
	}
}

// isUnreserved: RFC 3986 §2.3.
func isUnreserved(c byte) bool {
	return isAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

// isPathByte maps a byte to whether it may stand bare in a path segment: pchar of RFC 3986 §3.3 without ";", which some servers
// take for the start of a path parameter.
var isPathByte = tableOf(func(c byte) bool { return isUnreserved(c) || strings.IndexByte("!$&'()*+,=:@", c) >= 0 })

// tableOf writes the answers to a question about a byte down: the bytes of a request come in no order that a processor could foresee, and
// a look-up costs it the same for all of them.
func tableOf(is func(c byte) bool) (table [256]bool) {
	for c := range table {
		table[c] = is(byte(c))
	}
	return table
}
