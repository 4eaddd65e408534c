package recoverycode_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/prove/recoverycode"
)

func TestForm(t *testing.T) {
	tests := []struct {
		name string
		code recoverycode.Code
		want string
	}{
		{"nothing", recoverycode.Code{}, "00000-00000-00000-00000-00000-00"},
		{"one", recoverycode.Code{15: 1}, "00000-00000-00000-00000-00000-11"},
		{"a check beyond the digits", recoverycode.Code{15: 36}, "00000-00000-00000-00000-00001-4U"},
		{"everything", recoverycode.Code([]byte(strings.Repeat("\xff", 16))), "7ZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-Z*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(tt.code.Text().Reveal()); got != tt.want {
				t.Errorf("text %s, want %s", got, tt.want)
			}
		})
	}
}

// TestTypedByHand: what people do to a code when they copy it from paper changes nothing.
func TestTypedByHand(t *testing.T) {
	code := recoverycode.Code{0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	text := string(code.Text().Reveal())
	for name, typed := range map[string]string{
		"as printed": text, "small": strings.ToLower(text), "in one": strings.ReplaceAll(text, "-", ""),
		"with spaces": strings.ReplaceAll(text, "-", " "), "o and l": strings.NewReplacer("0", "o", "1", "l").Replace(text), "around it": "  " + text + " ",
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := recoverycode.Parse(typed); !ok || got != code {
				t.Errorf("%q is read as %x, %t", typed, got, ok)
			}
		})
	}
	for name, typed := range map[string]string{
		"empty": "", "short": text[:len(text)-1], "long": text + "0", "too large": "8" + text[1:], "no digit": "!" + text[1:],
		"endless": strings.Repeat("0", 1000), "another check": text[:len(text)-1] + "=",
	} {
		t.Run(name, func(t *testing.T) {
			if _, ok := recoverycode.Parse(typed); ok {
				t.Errorf("%q is a code", typed)
			}
		})
	}
}

// TestSlips: one wrong character, or two neighbours that changed places, are always told.
func TestSlips(t *testing.T) {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	rapid.Check(t, func(t *rapid.T) {
		code := recoverycode.Code(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "code"))
		text := []byte(strings.ReplaceAll(string(code.Text().Reveal()), "-", ""))
		if got, ok := recoverycode.Parse(string(text)); !ok || got != code {
			t.Fatalf("%s is read as %x, %t", text, got, ok)
		}
		at := rapid.IntRange(0, 24).Draw(t, "at")
		slipped := []byte(string(text))
		slipped[at] = digits[rapid.IntRange(0, 31).Draw(t, "digit")]
		if _, ok := recoverycode.Parse(string(slipped)); ok && string(slipped) != string(text) {
			t.Errorf("%s instead of %s is a code", slipped, text)
		}
		swapped := []byte(string(text))
		swapped[at], swapped[at+1] = swapped[at+1], swapped[at]
		if _, ok := recoverycode.Parse(string(swapped)); ok && string(swapped) != string(text) {
			t.Errorf("%s instead of %s is a code", swapped, text)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("00000-00000-00000-00000-00000-00")
	f.Fuzz(func(t *testing.T, text string) {
		code, ok := recoverycode.Parse(text)
		if !ok {
			return
		}
		again, ok := recoverycode.Parse(string(code.Text().Reveal()))
		if !ok || again != code {
			t.Errorf("%q is %x, whose text is not", text, code)
		}
	})
}
