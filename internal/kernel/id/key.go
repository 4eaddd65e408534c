package id

import (
	"encoding/binary"
	"hash/crc32"
	"math/big"
	"math/bits"
	"strings"
)

// Environment tells real money from play money. A key carries it in its text, so that a bot can see which one it holds.
type Environment uint8

// The two environments of a key. The zero value is neither and is refused everywhere.
const (
	Live Environment = iota + 1
	Test
)

// String is "live" or "test"; anything else prints as nothing.
func (e Environment) String() string {
	switch e {
	case Live:
		return "live"
	case Test:
		return "test"
	}
	return ""
}

// ParseEnvironment reads what String wrote. Errors: ErrMalformed.
func ParseEnvironment(s string) (Environment, error) {
	switch s {
	case "live":
		return Live, nil
	case "test":
		return Test, nil
	}
	return 0, ErrMalformed
}

// MarshalText writes the word of the environment.
func (e Environment) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (e *Environment) UnmarshalText(b []byte) (err error) {
	*e, err = ParseEnvironment(string(b))
	return err
}

// Prefixes of everything a leak scanner should know. The text of each ends in a checksum, so that a scanner has next to no
// false finds and a typing error costs no look-up. The checksum authenticates nothing.
const (
	prefixKeyID  = "spk_"
	prefixSecret = "sps_"
)

const (
	keyIDDigits    = 22 // 62^22 > 2^128
	secretDigits   = 43 // 62^43 > 2^256
	checksumDigits = 6  // 62^6 > 2^32

	// KeyIDLength is the length in bytes of every key id.
	KeyIDLength = len(prefixKeyID) + len("live_") + keyIDDigits + checksumDigits
	// SecretLength is the length in bytes of every secret of our own form.
	SecretLength = len(prefixSecret) + len("live_") + secretDigits + checksumDigits
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// FormatKey writes the public id of a key: spk_live_ or spk_test_, 22 base62 digits of its 16 bytes, 6 of the checksum.
func FormatKey(k Key, env Environment) string {
	return string(AppendKey(make([]byte, 0, KeyIDLength), k, env))
}

// AppendKey appends what FormatKey writes.
func AppendKey(dst []byte, k Key, env Environment) []byte {
	start := len(dst)
	dst = append(append(append(dst, prefixKeyID...), env.String()...), '_')
	high, low := binary.BigEndian.Uint64(k[:8]), binary.BigEndian.Uint64(k[8:])
	var digits [keyIDDigits]byte
	// Ten digits at a time, because a word holds them and dividing it is cheap: 62^10 < 2^60.
	const ten = 839299365868340224
	for end := keyIDDigits; end > 0; end -= 10 {
		var chunk uint64
		high, chunk = high/ten, high%ten
		low, chunk = bits.Div64(chunk, low, ten)
		for i := end - 1; i >= max(end-10, 0); i-- {
			digits[i] = base62[chunk%62]
			chunk /= 62
		}
	}
	dst = append(dst, digits[:]...)
	return appendChecksum(dst, dst[start:])
}

// ParseKey reads the canonical public id of a key. It looks at the text only: whether such a key exists is another question.
// Errors: ErrMalformed.
func ParseKey(s string) (Key, Environment, error) {
	env, digits, err := cutChecked(s, prefixKeyID, keyIDDigits)
	if err != nil {
		return Key{}, 0, err
	}
	k, ok := decode62(digits)
	if !ok {
		return Key{}, 0, ErrMalformed
	}
	return k, env, nil
}

// KeySum is the checksum that ends the text of a key's id.
type KeySum [checksumDigits]byte

// SumKey gives the checksum of a key's text.
func SumKey(k Key, env Environment) (sum KeySum) {
	copy(sum[:], FormatKey(k, env)[KeyIDLength-checksumDigits:])
	return sum
}

// IsKey says whether s, from which PeekKey read the bytes of a key, is that key's id in full.
func IsKey(s string, env Environment, sum KeySum) bool {
	digits := KeyIDLength - checksumDigits - keyIDDigits
	return len(s) == KeyIDLength && s[:len(prefixKeyID)] == prefixKeyID && s[len(prefixKeyID):digits-1] == env.String() && s[digits-1] == '_' &&
		s[KeyIDLength-checksumDigits:] == string(sum[:])
}

// PeekKey reads the bytes of a key id and leaves its checksum alone. It is for finding a key whose known checksum is then compared by IsKey,
// which saves a signed request the tenth of a microsecond that computing it takes.
func PeekKey(s string) (k Key, ok bool) {
	if len(s) != KeyIDLength {
		return Key{}, false
	}
	return decode62(s[KeyIDLength-checksumDigits-keyIDDigits : KeyIDLength-checksumDigits])
}

// FormatSecret writes a key's secret as its user sees it. These very bytes are the HMAC key; nothing is decoded again.
func FormatSecret(entropy [32]byte, env Environment) string {
	return withChecksum(prefixSecret + env.String() + "_" + encode62(entropy[:], secretDigits))
}

// CheckSecret says whether s has the form and the checksum of a secret. It is for leak scanners and typing errors only.
func CheckSecret(s string) bool {
	_, _, err := cutChecked(s, prefixSecret, secretDigits)
	return err == nil
}

func cutChecked(s, prefix string, digits int) (Environment, string, error) {
	body, ok := strings.CutPrefix(s, prefix)
	if !ok || len(body) != len("live_")+digits+checksumDigits || body[len("live")] != '_' {
		return 0, "", ErrMalformed
	}
	env, err := ParseEnvironment(body[:len("live")])
	if err != nil {
		return 0, "", err
	}
	covered := s[:len(s)-checksumDigits]
	var sum [checksumDigits]byte
	if string(appendChecksum(sum[:0], covered)) != s[len(covered):] {
		return 0, "", ErrMalformed
	}
	return env, body[len("live_") : len("live_")+digits], nil
}

func withChecksum(s string) string {
	return string(appendChecksum([]byte(s), s))
}

// appendChecksum appends CRC-32/IEEE of covered in base62, left-padded with zeros to six digits.
func appendChecksum[T string | []byte](dst []byte, covered T) []byte {
	// The table by hand: crc32.Update wants bytes, and copying them to the heap would cost the gateway an allocation per request.
	sum := ^uint32(0)
	for i := range len(covered) {
		sum = crc32.IEEETable[byte(sum)^covered[i]] ^ sum>>8
	}
	sum = ^sum
	var digits [checksumDigits]byte
	for i := range digits {
		digits[checksumDigits-1-i] = base62[sum%62]
		sum /= 62
	}
	return append(dst, digits[:]...)
}

func encode62(b []byte, digits int) string {
	n := new(big.Int).SetBytes(b)
	base, digit := big.NewInt(62), new(big.Int)
	out := make([]byte, digits)
	for i := range out {
		n.DivMod(n, base, digit)
		out[digits-1-i] = base62[digit.Int64()]
	}
	return string(out)
}

// decode62 reads a number of 128 bits from digits, big-endian. It says no to a foreign character and to a number that does not fit. It
// counts in two words and allocates nothing, because the gateway reads a key id on every signed request.
func decode62(digits string) (k Key, ok bool) {
	const atOnce = 10 // digits that fit into one word, whatever they are
	var high, low uint64
	for digits != "" {
		some, scale := uint64(0), uint64(1)
		for i := range min(len(digits), atOnce) {
			digit := value62[digits[i]]
			if digit == 0xff {
				return Key{}, false
			}
			some, scale = some*62+uint64(digit), scale*62
		}
		over, higher := bits.Mul64(high, scale)
		carry, lower := bits.Mul64(low, scale)
		var c uint64
		low, c = bits.Add64(lower, some, 0)
		high, c = bits.Add64(higher, carry, c)
		if over+c != 0 {
			return Key{}, false
		}
		digits = digits[min(len(digits), atOnce):]
	}
	binary.BigEndian.PutUint64(k[:8], high)
	binary.BigEndian.PutUint64(k[8:], low)
	return k, true
}

// value62 maps a byte to its value as a base62 digit, 0xff for all that are none.
var value62 = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i := range len(base62) {
		table[base62[i]] = byte(i)
	}
	return table
}()
