package demo

import (
	"fmt"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// step is how long an authenticator app shows one code (RFC 6238 §4.1).
const step = 30 * time.Second

// shownCode is what a demo user's authenticator app shows.
type shownCode struct {
	Mail, Now, Next string
	// Until is when Next takes the place of Now.
	Until time.Time
}

// codesAt is every user's code at now.
func codesAt(users []User, now time.Time) ([]shownCode, error) {
	shown := make([]shownCode, len(users))
	for i, u := range users {
		current, err := codeAt(u.TOTPSecret, now)
		if err != nil {
			return nil, fmt.Errorf("code of %s: %w", u.Email, err)
		}
		until := now.Truncate(step).Add(step)
		next, err := codeAt(u.TOTPSecret, until)
		if err != nil {
			return nil, fmt.Errorf("code of %s: %w", u.Email, err)
		}
		shown[i] = shownCode{Mail: u.Email, Now: current, Next: next, Until: until}
	}
	return shown, nil
}

func codeAt(base32 string, at time.Time) (string, error) {
	return hotp.GenerateCodeCustom(base32, uint64(at.Unix()/int64(step/time.Second)), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
}
