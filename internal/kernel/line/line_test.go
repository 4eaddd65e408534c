package line_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/kernel/line"
)

func TestClean(t *testing.T) {
	tests := []struct {
		name, given, want string
		ok                bool
	}{
		{"a name", "Ada Lovelace", "Ada Lovelace", true},
		{"a Korean name", "김하늘", "김하늘", true},
		{"a name in conjoining letters", "김", "김", true},
		{"white space of every kind", "\t grid \u3000 btc\r\n\u2028x ", "grid btc x", true},
		{"nothing", " \n ", "", true},
		{"an emoji of several", "👩‍🚀 bot", "👩‍🚀 bot", true},
		{"an emoji with a tone and a sign", "🧗🏽‍♀️", "🧗🏽‍♀️", true},
		{"a flag of two pictures", "🏳️‍🌈", "🏳️‍🌈", true},
		{"a joiner between letters", "gr\u200did", "grid", true},
		{"a joiner at the end", "👩\u200d", "👩", true},
		{"two joiners", "👩\u200d\u200d🚀", "👩\u200d🚀", true},
		{"a turned direction", "\u202egnp.exe", "gnp.exe", true},
		{"an isolated direction", "a\u2066b\u2069", "ab", true},
		{"a zero-width space", "grid\u200b-btc", "grid-btc", true},
		{"spaces around what nobody sees", "a \ufeff b", "a b", true},
		{"tags", "a\U000e0061\U000e007f", "a", true},
		{"an escape sequence", "grid\x1b[2K", "", false},
		{"a bell", "grid\a", "", false},
		{"a null", "gr\x00id", "", false},
		{"a control sequence of one character", "grid\u009b2K", "", false},
		{"private use", "\ue000", "", false},
		{"half a character", "grid\xc3", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, ok := line.Clean(test.given); got != test.want || ok != test.ok {
				t.Errorf("Clean(%q) = %q, %t, want %q, %t", test.given, got, ok, test.want, test.ok)
			}
		})
	}
}

func TestFilled(t *testing.T) {
	for given, want := range map[string]bool{
		"": false, "\u200b": false, "김": true, strings.Repeat("김", line.Most): true, strings.Repeat("김", line.Most+1): false, "a\x1b": false,
	} {
		if _, ok := line.Filled(given); ok != want {
			t.Errorf("Filled(%q) is %t", given, ok)
		}
	}
}

func TestVisible(t *testing.T) {
	if got := line.Visible("Mozilla/5.0\x1b[31m \u202e(X11)\xff\u009b"); got != "Mozilla/5.0[31m (X11)" {
		t.Errorf("got %q", got)
	}
}

// What is kept stays as it is when it is kept again, and holds nothing that a terminal or a page obeys.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z 👩🚀‍️\x00-\x20\x{80}-\x{9f}\x{200b}-\x{202e}]{0,12}`)).Draw(t, "given")
		clean, ok := line.Clean(given)
		if again, still := line.Clean(clean); again != clean || !still {
			t.Fatalf("Clean(%q) = %q, and again %q, %t", given, clean, again, still)
		}
		if visible := line.Visible(given); ok && visible != clean {
			t.Fatalf("Visible(%q) = %q, Clean %q", given, visible, clean)
		}
		for i, r := range line.Visible(given) {
			emoji := r == '\u200d' && i > 0 && i+utf8.RuneLen(r) < len(line.Visible(given))
			if unicode.Is(unicode.C, r) && !emoji {
				t.Fatalf("Visible(%q) holds %U", given, r)
			}
		}
	})
}
