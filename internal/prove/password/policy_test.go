package password_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/password"
)

func text(s string) secret.Value { return secret.FromString("password", s) }

// check gives the code of the refusal, or "" for a password that may be chosen.
func check(s string, alone bool, context ...string) fault.Code {
	err := password.Check(password.Choice{Password: text(s), AloneSufficient: alone, Context: context})
	if err == nil {
		return ""
	}
	return fault.CodeOf(err)
}

func TestLengthIsCountedInCodePoints(t *testing.T) {
	tests := []struct {
		name  string
		text  string
		alone bool
		want  fault.Code
	}{
		{"14 alone", strings.Repeat("ab", 7), true, fault.PasswordTooShort},
		{"15 alone", strings.Repeat("ab", 7) + "c", true, ""},
		{"7 with a factor", "qpzmxnt", false, fault.PasswordTooShort},
		{"8 with a factor", "qpzmxntw", false, ""},
		{"nothing", "", false, fault.PasswordTooShort},
		{"14 syllables are 42 bytes and still 14", strings.Repeat("문", 14), true, fault.PasswordTooShort},
		{"15 syllables", strings.Repeat("문", 15), true, ""},
		{"8 syllables typed as 24 jamo still count as 8", norm.NFD.String(strings.Repeat("문", 8)), true, fault.PasswordTooShort},
		{"15 syllables typed as 45 jamo", norm.NFD.String(strings.Repeat("문", 15)), true, ""},
		{"spaces count, also at the ends", strings.Repeat(" ", 14) + "x", true, ""},
		{"one kind of character is enough", strings.Repeat("a", 15), true, ""},
		{"64 characters", strings.Repeat("correct ", 8), true, ""},
		{"256 characters of four bytes", strings.Repeat("🏰", 256), true, ""},
		{"257 characters of four bytes", strings.Repeat("🏰", 257), true, fault.PasswordTooLong},
		{"1024 bytes", strings.Repeat("a", 1024), true, ""},
		{"1025 bytes", strings.Repeat("a", 1025), true, fault.PasswordTooLong},
		{"not UTF-8", "fifteen and more \xff", true, fault.PasswordNotText},
		{"half a character at the end", "fifteen and more \xeb\xac", true, fault.PasswordNotText},
		{"a surrogate", "fifteen and more \xed\xa0\x80", true, fault.PasswordNotText},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := check(test.text, test.alone); got != test.want {
				t.Errorf("Check: %q, want %q", got, test.want)
			}
			if long := password.LongEnoughAlone(text(test.text)); long != (check(test.text, true) == "") {
				t.Errorf("LongEnoughAlone: %v, but Check says %q", long, check(test.text, true))
			}
		})
	}
}

func TestRefusalNamesTheBound(t *testing.T) {
	for alone, want := range map[bool]int{true: 15, false: 8} {
		err := password.Check(password.Choice{Password: text("short"), AloneSufficient: alone})
		refusal, ok := errors.AsType[*fault.Error](err)
		if !ok || refusal.Fields["min"] != want {
			t.Errorf("alone %v: %v, want the field min to be %d", alone, err, want)
		}
	}
}

func TestWholePasswordIsComparedWithTheList(t *testing.T) {
	tests := []struct {
		text string
		want fault.Code
	}{
		{"12345678", fault.PasswordCommon},
		{"password", fault.PasswordCommon},
		{"PassWord", fault.PasswordCommon},
		{"ｐａｓｓｗｏｒｄ", fault.PasswordCommon},
		{"passwordpassword", fault.PasswordCommon},
		{"password of mine", ""},    // a listed word inside is no reason
		{"password1234567890x", ""}, // nor is one at the start
		{"password\n12345678", ""},  // nor a line break that joins two entries
		{" password", ""},           // not trimmed, so not the listed one
	}
	for _, test := range tests {
		if got := check(test.text, false); got != test.want {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}

func TestOwnWordsAreRefusedOnlyAsTheWholePassword(t *testing.T) {
	context := []string{"kim.minsoo1984@example.com", "Kim Min Soo the Third", "Sallyport Exchange", "거래소 문지기 김민수", "", "\xff\xfe"}
	tests := []struct {
		text string
		want fault.Code
	}{
		{"kim.minsoo1984@example.com", fault.PasswordOwnWords},
		{"KIM.Minsoo1984@Example.com", fault.PasswordOwnWords},
		{"kim.minsoo1984", fault.PasswordOwnWords},
		{"kimminsoo1984", fault.PasswordOwnWords},
		{"kimminsoothethird", fault.PasswordOwnWords},
		{"Sallyport-Exchange!", fault.PasswordOwnWords},
		{"거래소문지기김민수", fault.PasswordOwnWords},
		{norm.NFD.String("거래소 문지기 김민수"), fault.PasswordOwnWords},
		{"my sallyport exchange", ""},
		{"kimminsoo1984 and more", ""},
		{"---------------", ""}, // no letters at all is not the empty word
	}
	for _, test := range tests {
		if got := check(test.text, false, context...); got != test.want {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}

// A password that may be chosen alone may be chosen beside a factor; both ways of typing a text get one answer; and length is
// the only thing ever asked of a password that is on no list.
func TestLawsOfThePolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringN(0, 40, -1).Draw(t, "text")
		alone, beside := check(s, true), check(s, false)
		if alone == "" && beside != "" {
			t.Fatalf("%q may stand alone but not beside a factor: %s", s, beside)
		}
		if nfd := check(norm.NFD.String(s), true); nfd != alone {
			t.Fatalf("%q: %q as typed, %q decomposed", s, alone, nfd)
		}
		long := utf8.RuneCountInString(norm.NFC.String(s)) >= 15
		if alone != fault.PasswordCommon && long != (alone == "") {
			t.Fatalf("%q: long enough %v, answer %q", s, long, alone)
		}
	})
}

func TestStrengthIsAdvice(t *testing.T) {
	tests := []struct {
		text string
		want int
	}{
		{"", 0},
		{"password", 0},
		{"P@ssw0rd2", 0},
		{"4dm1n1str4t0r", 0},
		{"aaaaaaaaaaaaaaaaaaaaaaaa", 0},
		{"Tr0ub4dor&3", 4}, // the reason why this is no rule
		{"correct horse battery staple", 4},
		{"xkT9#qLw2!vRz8@b", 4},
		{"not text \xff", 0},
	}
	for _, test := range tests {
		if got := password.Strength(text(test.text)); got != test.want {
			t.Errorf("%q: %d, want %d", test.text, got, test.want)
		}
	}
}

// Only the first 72 runes are scored: what stands behind them changes nothing, however long it is.
func TestStrengthReadsOnlyTheBeginning(t *testing.T) {
	weak := strings.Repeat("문", 72)
	if a, b := password.Strength(text(weak)), password.Strength(text(weak+"xkT9#qLw2!vRz8@b")); a != b {
		t.Errorf("%d without and %d with a tail", a, b)
	}
}

func FuzzCheckAndStrength(f *testing.F) {
	for _, seed := range []string{"", "password", "문문문문문문문문", "\xff", "İıſK", strings.Repeat("a1", 60), "qwertyuiop[]\\asdf", "2026-11-21 21.11.26", strings.Repeat("4@8({[<6931!|70$5+%2", 4)} {
		f.Add(seed, "kim@example.com")
	}
	f.Fuzz(func(t *testing.T, s, word string) {
		code := check(s, true, word)
		if code == "" && !utf8.ValidString(s) {
			t.Errorf("%q is no text but may be chosen", s)
		}
		if score := password.Strength(text(s)); score < 0 || score > 4 {
			t.Errorf("%q scores %d", s, score)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	in := password.Choice{Password: text("correct horse battery staple"), AloneSufficient: true, Context: []string{"kim@example.com", "Sallyport"}}
	b.ReportAllocs()
	for b.Loop() {
		if err := password.Check(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStrength(b *testing.B) {
	for name, s := range map[string]string{"repeated": "abcdefgh", "stand-ins": "4@8({[<6931!|70$5+%2"} {
		worst := text(strings.Repeat(s, 50))
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				password.Strength(worst)
			}
		})
	}
}
