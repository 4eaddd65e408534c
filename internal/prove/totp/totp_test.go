package totp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/totp"
)

// rfcSecret is the key of the vectors in RFC 6238 Appendix B.
var rfcSecret = secret.FromString("totp secret", "12345678901234567890")

// The vectors have eight digits; six digits are the last six of them (RFC 4226 §5.3: the same number modulo 10^6).
var rfcVectors = []struct {
	time int64
	code string
}{
	{59, "94287082"},
	{1111111109, "07081804"},
	{1111111111, "14050471"},
	{1234567890, "89005924"},
	{2000000000, "69279037"},
	{20000000000, "65353130"},
}

func TestRFC6238Vectors(t *testing.T) {
	for _, vector := range rfcVectors {
		step, ok := totp.Match(rfcSecret, vector.code[2:], time.Unix(vector.time, 0))
		if !ok || step != vector.time/30 {
			t.Errorf("at %d: step %d, %v; want step %d", vector.time, step, ok, vector.time/30)
		}
	}
}

// The code of step 37037037 (from 1111111110) counts from the first nanosecond of its step to the last of the next one.
func TestCodeCountsForItsStepAndTheNext(t *testing.T) {
	const begin = 1111111110
	tests := []struct {
		name string
		now  time.Time
		ok   bool
	}{
		{"one nanosecond before its step", time.Unix(begin, -1), false},
		{"its first moment", time.Unix(begin, 0), true},
		{"its last moment", time.Unix(begin+30, -1), true},
		{"the next step's first moment", time.Unix(begin+30, 0), true},
		{"the next step's last moment", time.Unix(begin+60, -1), true},
		{"the step after that", time.Unix(begin+60, 0), false},
		{"an hour later", time.Unix(begin+3600, 0), false},
		{"a day before", time.Unix(begin-86400, 0), false},
		{"another zone's clock at its first moment", time.Unix(begin, 0).In(time.FixedZone("KST", 9*3600)), true},
		{"before the first step", time.Unix(29, 0), false},
		{"before 1970", time.Unix(-begin, 0), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			step, ok := totp.Match(rfcSecret, "050471", test.now)
			if ok != test.ok || ok && step != begin/30 {
				t.Errorf("step %d, %v; want %v", step, ok, test.ok)
			}
		})
	}
}

func TestOnlySixDigitsAreACode(t *testing.T) {
	now := time.Unix(1111111111, 0)
	for _, code := range []string{
		"", "05047", "0504710", "50471", "14050471", " 050471", "050471 ", "050 471", "050-471", "050471\n", "+50471", "-50471", "0x5047",
		"０５０４７１", "٠٥٠٤٧١", "05047１", "050471\x00", "05047\xff", "050472", "150471",
	} {
		if step, ok := totp.Match(rfcSecret, code, now); ok || step != 0 {
			t.Errorf("%q matches step %d", code, step)
		}
	}
}

func TestSecretsOfAnotherLengthMatchNothing(t *testing.T) {
	now := time.Unix(59, 0)
	// The codes that these keys have at that time, so that only their length can refuse them.
	for key, code := range map[string]string{
		"":                                 "812658",
		"1234567890":                       "263420",
		"12345678901234567890123456789012": "599872",
	} {
		if _, ok := totp.Match(secret.FromString("totp secret", key), code, now); ok {
			t.Errorf("a secret of %d bytes matches", len(key))
		}
	}
}

// Steps 910737 and 910738 of this secret have the same code: the later one must be named, because the earlier may be spent already.
func TestTheLaterOfTwoEqualCodesIsNamed(t *testing.T) {
	const code, later = "911617", 910738
	for now, want := range map[int64]int64{(later - 1) * 30: later - 1, later * 30: later, (later + 1) * 30: later} {
		if step, ok := totp.Match(rfcSecret, code, time.Unix(now, 0)); !ok || step != want {
			t.Errorf("at %d: step %d, %v; want %d", now, step, ok, want)
		}
	}
}

func TestMintedSecretsAreLongAndDiffer(t *testing.T) {
	a, b := totp.MintSecret(), totp.MintSecret()
	if len(a.Reveal()) != 20 || a.Equal(b) {
		t.Errorf("%d bytes, equal %v; want 160 bits that differ", len(a.Reveal()), a.Equal(b))
	}
	if strings.Contains(a.String(), string(a.Reveal())) {
		t.Error("a secret prints its bytes")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("050471", int64(1111111111))
	f.Add("05047１", int64(0))
	f.Add("", int64(-1))
	f.Fuzz(func(t *testing.T, code string, unix int64) {
		step, ok := totp.Match(rfcSecret, code, time.Unix(unix, 0))
		if ok && (len(code) != 6 || step != unix/30 && step != unix/30-1) {
			t.Errorf("%q at %d matches step %d", code, unix, step)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	now := time.Unix(1111111111, 0)
	b.ReportAllocs()
	for b.Loop() {
		totp.Match(rfcSecret, "000000", now)
	}
}
