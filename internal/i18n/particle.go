package i18n

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// particles are the forms as a catalogue writes them, and what becomes of them after a closed and after an open syllable.
var particles = []struct{ written, closed, open string }{
	{"을(를)", "을", "를"},
	{"이(가)", "이", "가"},
	{"은(는)", "은", "는"},
	{"과(와)", "과", "와"},
	{"(으)로", "으로", "로"},
	{"(이)라", "이라", "라"},
	{"(이)며", "이며", "며"},
}

// sound is how a word ends when it is spoken.
type sound uint8

const (
	unknown sound = iota
	open          // in a vowel
	closed        // in a consonant
	liquid        // in ㄹ, after which (으)로 behaves as after a vowel
)

// closers may stand between a value and its particle.
const closers = `'"’”)]」』`

// particleAfter reads the particle at the beginning of after, quotes before it included, and gives the form that fits the value, with how
// many bytes of after it stands for. Where the sound of the value cannot be known both forms stay, as Koreans write it then.
func particleAfter(value, after string) (text string, length int) {
	bare := strings.TrimLeft(after, closers)
	quotes := after[:len(after)-len(bare)]
	for _, p := range particles {
		if !strings.HasPrefix(bare, p.written) {
			continue
		}
		length = len(quotes) + len(p.written)
		switch s := soundOf(value); {
		case s == unknown:
			return quotes + p.written, length
		case s == open, s == liquid && p.written == "(으)로":
			return quotes + p.open, length
		default:
			return quotes + p.closed, length
		}
	}
	return "", 0
}

// soundOf listens to the last letter or digit of a word.
func soundOf(word string) sound {
	word = strings.TrimRightFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	last, size := utf8.DecodeLastRuneInString(word)
	switch {
	case last >= '가' && last <= '힣':
		return syllable(last)
	case last >= '0' && last <= '9':
		return [...]sound{closed, liquid, open, closed, open, open, closed, liquid, liquid, open}[last-'0'] // 영 일 이 삼 사 오 육 칠 팔 구
	case size == 1:
		return latin(last)
	}
	return unknown
}

// syllable reads the final consonant out of a Hangul syllable: syllables are numbered by it modulo 28, ㄹ is the eighth.
func syllable(r rune) sound {
	switch (r - '가') % 28 {
	case 0:
		return open
	case 8:
		return liquid
	}
	return closed
}

// latin knows only the endings that Korean nearly always writes in one way: a vowel stays open, these consonants get one (윈도즈, 안드로이드,
// 서버), and m, n and l close the syllable. After any other letter it depends on the word (봇 but 테스트, 크롬 but 파이).
func latin(r rune) sound {
	switch unicode.ToLower(r) {
	case 'a', 'i', 'o', 'u', 'y', 'd', 'f', 'h', 'j', 'r', 's', 'v', 'w', 'x', 'z':
		return open
	case 'm', 'n':
		return closed
	case 'l':
		return liquid
	}
	return unknown
}
