// Package line owns what a text must be that people write for people to read: a name, a purpose, what a browser says of itself.
//
// It knows no field. Invariant: what Clean accepts shows on a page, in a mail and on a terminal as what it
// is. It moves no cursor, turns no direction of writing and has no part that nobody sees.
package line

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Most is how many characters a name or a purpose may have.
const Most = 80

// joiner is ZERO WIDTH JOINER: several emoji in a row become one picture by it (UTS #51 §2.2, ED-16).
const joiner = '\u200d'

// Clean gives the text as it is kept: white space at the ends cut off, each run of it within, line breaks too, one space. ok is false for
// bytes that are no UTF-8, for control characters and for code points of private use, which mean what each font makes of them; such a
// text is somebody's mistake or attack, and is refused as a whole. Format characters (category Cf: directions of writing, zero-width
// spaces, soft hyphens, byte order marks) come along when text is copied and nobody sees them, so they are left out without a word.
//
// The one that stays is the joiner between two emoji. Between letters it goes: no language of ours needs it, and with it two names could
// look the same.
func Clean(s string) (clean string, ok bool) {
	if plain(s) {
		return s, true
	}
	if !utf8.ValidString(s) {
		return "", false
	}
	runes := []rune(strings.Join(strings.Fields(s), " "))
	kept := make([]rune, 0, len(runes))
	for i, r := range runes {
		switch {
		case unicode.IsControl(r) || unicode.Is(unicode.Co, r):
			return "", false
		case !unicode.Is(unicode.Cf, r), r == joiner && joins(kept, runes[i+1:]):
			kept = append(kept, r)
		}
	}
	// What was left out may have stood between two spaces, or alone.
	return strings.Join(strings.Fields(string(kept)), " "), true
}

// plain says that s is clean as it is: printable ASCII with single spaces within, as nearly every browser describes itself.
func plain(s string) bool {
	before := byte(' ')
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' || c == ' ' && before == ' ' {
			return false
		}
		before = c
	}
	return before != ' ' || s == ""
}

// joins says whether a joiner stands between two emoji.
func joins(before, after []rune) bool {
	return len(before) > 0 && len(after) > 0 && pictured(before[len(before)-1]) && unicode.Is(unicode.So, after[0])
}

// pictured says whether a rune ends an emoji: a picture, a tone of skin, or the selector that asks for a picture (UTS #51 §1.4.4).
func pictured(r rune) bool {
	return unicode.Is(unicode.So, r) || (r >= 0x1f3fb && r <= 0x1f3ff) || r == '\ufe0f'
}

// Filled is Clean for a field that must be filled in, with 1 to Most characters.
func Filled(s string) (clean string, ok bool) {
	clean, ok = Clean(s)
	n := utf8.RuneCountInString(clean)
	return clean, ok && n > 0 && n <= Most
}

// Visible is s without what Clean refuses or leaves out, for texts that cannot be refused: what a browser says of itself.
func Visible(s string) string {
	if plain(s) {
		return s
	}
	clean, _ := Clean(strings.Map(func(r rune) rune {
		if (unicode.IsControl(r) && !unicode.IsSpace(r)) || unicode.Is(unicode.Co, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
	return clean
}
