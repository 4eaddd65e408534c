package password

import (
	"strings"
	"unicode"
	"unicode/utf8"

	zxcvbn "github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/matching"
	"golang.org/x/text/unicode/norm"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// Choice is a password that somebody wants to use from now on.
type Choice struct {
	Password secret.Value
	// AloneSufficient says that the password can be the only factor of a sign-in.
	AloneSufficient bool
	// Context holds words that a stranger would try first for this person: mail address, name, product, host.
	Context []string
}

// Check says whether the password may be chosen. It asks for length and for nothing that everybody has, and for no kind of
// character (SP 800-63B-4 §3.1.1.2). It is for choosing, never for signing in: the rules may have grown since.
//
// Errors, each with its own advice: password.too_long (field limit), password.not_text, password.too_short (field min),
// password.common (the whole password is on the blocklist), password.own_words (the whole password is one of the context words).
func Check(in Choice) error {
	text, err := canonical(in.Password)
	if err != nil {
		return err
	}
	least := MinWithFactor
	if in.AloneSufficient {
		least = MinAlone
	}
	if utf8.RuneCount(text) < least {
		return fault.New(fault.PasswordTooShort, "min", least)
	}
	folded := fold(string(text))
	if common(folded) {
		return fault.New(fault.PasswordCommon)
	}
	for _, word := range in.Context {
		if sameWords(folded, word) {
			return fault.New(fault.PasswordOwnWords)
		}
	}
	return nil
}

// LongEnoughAlone says whether the password could be the only factor. It is stored when a password is set, so that removing the
// last second factor can ask for a longer one without knowing the password.
func LongEnoughAlone(p secret.Value) bool {
	text, err := canonical(p)
	return err == nil && utf8.RuneCount(text) >= MinAlone
}

// fold makes spellings equal that a guesser tries together: capitals and compatibility forms (full width, ligatures).
func fold(s string) string { return strings.ToLower(norm.NFKC.String(s)) }

// sameWords says whether the folded password is the context word and nothing else, however either is spaced or punctuated. Of a
// mail address the part before the @ counts as a word too.
func sameWords(folded, word string) bool {
	word = fold(strings.ToValidUTF8(word, ""))
	local, _, _ := strings.Cut(word, "@")
	bare := letters(folded)
	return bare != "" && (bare == letters(word) || bare == letters(local))
}

// letters keeps the letters and digits of s.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			return r
		}
		return -1
	}, s)
}

// strengthRunes bounds the work of Strength, which grows with the square of the length.
const strengthRunes = 72

// unleet undoes the usual stand-ins. The library tries every combination of them, and twenty such signs in 72 runes cost it the
// better part of a second; one reading is enough for advice.
var unleet = strings.NewReplacer("@", "a", "4", "a", "8", "b", "(", "c", "3", "e", "6", "g", "1", "i", "!", "i", "|", "l",
	"0", "o", "$", "s", "5", "s", "7", "t", "+", "t", "2", "z")

// Strength guesses how hard the password is to guess, from 0 (at once) to 4 (hard), from its first 72 runes. It is advice for the
// one who chooses and never a rule: it finds "Tr0ub4dor&3" strong. Text that Check would not read scores 0. It may take 30 ms, so
// strangers reach it behind a throttle only.
func Strength(p secret.Value) int {
	text, err := canonical(p)
	if err != nil {
		return 0
	}
	runes := []rune(string(text))
	beginning := string(runes[:min(len(runes), strengthRunes)])
	return min(score(beginning), score(unleet.Replace(beginning)))
}

func score(s string) int { return zxcvbn.PasswordStrength(s, nil, matching.FilterL33tMatcher).Score }
