// Package totp owns the codes of authenticator apps: making a secret, showing it once, and matching a code.
//
// It keeps to what every app supports (RFC 6238 with SHA-1, six digits, steps of 30 s) and knows neither where a secret lies nor
// who holds it. Single use is not decided here: Match names the step, and whoever stores the last step spends it by one
// conditional write. Nor is the clock judged here: TOTP is refused while it is off by more than a second (ASVS V6.5.8).
//
// Invariant: a code counts for its own step and for the one after it, and nothing widens that (a span of 60 s, the recorded
// deviation from ASVS V6.5.5).
package totp

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

const (
	secretBytes = 20 // 160 bits, as RFC 4226 §4 R6 recommends
	stepSeconds = 30
	digits      = 6
)

// MintSecret makes a new secret of 160 random bits. It is stored sealed, and shown only while it is being enrolled.
func MintSecret() secret.Value {
	var b [secretBytes]byte
	rand.Read(b[:])
	return secret.New("totp secret", b[:])
}

// Match says whether code is the secret's code at now or one step earlier, and of which step it is. The caller must spend that
// step: a step not greater than the last one spent is no match (RFC 6238 §5.2).
//
// A code is six ASCII digits and nothing else. A secret of another length than MintSecret's matches nothing. The time taken does not
// depend on how much of the code is right, nor on which step it is of.
func Match(s secret.Value, code string, now time.Time) (step int64, ok bool) {
	if len(s.Reveal()) != secretBytes || !isCode(code) || now.Unix() < stepSeconds {
		return 0, false
	}
	current := now.Unix() / stepSeconds
	// Should both steps have this code, the current one is named: the earlier may be spent already.
	for _, candidate := range [...]int64{current - 1, current} {
		if subtle.ConstantTimeCompare([]byte(codeOf(s, candidate)), []byte(code)) == 1 {
			step, ok = candidate, true
		}
	}
	return step, ok
}

func isCode(code string) bool {
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return false
		}
	}
	return len(code) == digits
}

// codeOf is the code of one step.
func codeOf(s secret.Value, step int64) string {
	code, err := hotp.GenerateCodeCustom(base32.StdEncoding.EncodeToString(s.Reveal()), uint64(step),
		hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		panic("totp: own base32 was not read: " + err.Error())
	}
	return code
}
