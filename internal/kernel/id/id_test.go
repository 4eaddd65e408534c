package id_test

import (
	"bytes"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"pgregory.net/rapid"
)

func TestIDsCarryTheirBirthAndSortByIt(t *testing.T) {
	born := time.Date(2026, 11, 21, 9, 0, 0, 123_000_000, time.UTC)
	early, late := id.New[id.UserKind](born), id.New[id.UserKind](born.Add(time.Millisecond))
	if !early.Born().Equal(born) {
		t.Errorf("Born() = %v, want %v", early.Born(), born)
	}
	if early.String() >= late.String() {
		t.Errorf("%s does not sort before %s", early, late)
	}
	if early[6]>>4 != 7 || early[8]>>6 != 2 {
		t.Errorf("version and variant of %x are not those of RFC 9562 §5.7", early)
	}
}

func TestParseAcceptsOneSpellingOnly(t *testing.T) {
	u := id.New[id.UserKind](time.Unix(1795292455, 0))
	good := u.String()
	if got, err := id.Parse[id.UserKind](good); err != nil || got != u {
		t.Fatalf("Parse(%q) = %v, %v", good, got, err)
	}
	last := good[len(good)-1]
	for _, bad := range []string{
		"", "usr_", good[4:], "acc_" + good[4:], strings.ToUpper(good), good + "0", good[:len(good)-1], " " + good,
		good[:len(good)-1] + string(last+1), // same bytes, other padding bits
	} {
		if got, err := id.Parse[id.UserKind](bad); err == nil {
			t.Errorf("Parse(%q) = %v, want a refusal", bad, got)
		}
	}
}

func TestKeyTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, err := id.FromBytes[id.KeyKind](rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes"))
		if err != nil {
			t.Fatal(err)
		}
		env := rapid.SampledFrom([]id.Environment{id.Live, id.Test}).Draw(t, "env")
		s := id.FormatKey(k, env)
		if len(s) != id.KeyIDLength {
			t.Fatalf("%q has %d bytes, want %d", s, len(s), id.KeyIDLength)
		}
		got, gotEnv, err := id.ParseKey(s)
		if err != nil || got != k || gotEnv != env {
			t.Fatalf("ParseKey(%q) = %x, %v, %v", s, got, gotEnv, err)
		}
	})
}

func TestEveryTypingErrorInAKeyIsCaught(t *testing.T) {
	s := id.FormatKey(id.New[id.KeyKind](time.Unix(1795292455, 0)), id.Live)
	for i := range len(s) {
		for _, c := range []byte("0aZ_-") {
			if s[i] == c {
				continue
			}
			wrong := s[:i] + string(c) + s[i+1:]
			if _, _, err := id.ParseKey(wrong); err == nil {
				t.Errorf("ParseKey(%q) accepted a wrong character at %d", wrong, i)
			}
		}
	}
}

func TestSecretsCarryPrefixEnvironmentAndChecksum(t *testing.T) {
	s := id.FormatSecret([32]byte{31: 1}, id.Test)
	if !strings.HasPrefix(s, "sps_test_") || len(s) != id.SecretLength || !id.CheckSecret(s) {
		t.Errorf("FormatSecret = %q", s)
	}
	if id.CheckSecret("sps_live_" + s[len("sps_test_"):]) {
		t.Error("the checksum does not cover the environment")
	}
}

func TestChecksumIsCRC32OverThePrefixToo(t *testing.T) {
	s := id.FormatKey(id.New[id.KeyKind](time.Unix(1795292455, 0)), id.Live)
	covered, sum := s[:len(s)-6], uint64(0)
	for _, c := range s[len(s)-6:] {
		sum = sum*62 + uint64(strings.IndexRune("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", c))
	}
	if want := uint64(crc32.ChecksumIEEE([]byte(covered))); sum != want {
		t.Errorf("checksum of %q is %d, want %d", covered, sum, want)
	}
}

// TestNumbersBeyondAKeyAreRefused: 22 digits hold more than 128 bits, and a second spelling modulo 2^128 would be a second name.
func TestNumbersBeyondAKeyAreRefused(t *testing.T) {
	largest := id.Key(bytes.Repeat([]byte{0xff}, 16))
	text := id.FormatKey(largest, id.Live)
	if got, ok := id.PeekKey(text); !ok || got != largest {
		t.Errorf("PeekKey(%q) = %x, %t", text, got, ok)
	}
	digits := []byte(text)
	digits[len("spk_live_")+21]++ // the last digit carries one more
	if got, ok := id.PeekKey(string(digits)); ok {
		t.Errorf("PeekKey(%q) = %x, a number of 129 bits", digits, got)
	}
	for _, other := range []string{"", "spk_live_", text + "0", text[:len("spk_live_")] + "-" + text[len("spk_live_")+1:]} {
		if got, ok := id.PeekKey(other); ok {
			t.Errorf("PeekKey(%q) = %x", other, got)
		}
	}
}

func TestParseKeyAllocatesNothing(t *testing.T) {
	s := id.FormatKey(id.New[id.KeyKind](time.Unix(1795292455, 0)), id.Live)
	if n := testing.AllocsPerRun(100, func() { _, _, _ = id.ParseKey(s) }); n != 0 {
		t.Errorf("ParseKey allocates %v times", n)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(id.FormatKey(id.Key{}, id.Live))
	f.Add(id.FormatKey(id.Key{15: 1}, id.Test))
	f.Add("spk_live_")
	f.Fuzz(func(t *testing.T, s string) {
		k, env, err := id.ParseKey(s)
		if err == nil && id.FormatKey(k, env) != s {
			t.Errorf("ParseKey(%q) accepted a second spelling of %s", s, id.FormatKey(k, env))
		}
	})
}
