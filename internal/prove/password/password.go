// Package password owns what a password must be, and the form in which one is stored.
//
// It keeps the rules of SP 800-63B-4 §3.1.1.2 (length in code points, a blocklist of whole passwords, nothing else), hashes with
// Argon2id inside a fixed number of slots, and seals the result with a pepper that lies outside the database. It does not know
// whose password it is, where the stored form lies, how often somebody may guess, or what a session is.
//
// Invariant: what is counted, compared with the blocklist and hashed is one and the same text: the input, checked to be UTF-8
// and then brought to NFC. Nothing is trimmed or cut. And no more than Settings.Slots passwords are being hashed at any moment,
// whoever asks.
//
//	text ── NFC ──▶ Argon2id(salt, cost) ──▶ HMAC-SHA256(pepper) ──▶ $argon2id$v=19$m=…,t=…,p=…,keyid=…$salt$tag
package password

import (
	"errors"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// Bounds of a password. Lengths are in code points after NFC, the cap is in bytes as received: 256 code points of any script fit.
const (
	MinAlone      = 15   // when the password can be the only factor
	MinWithFactor = 8    // when a second factor is always asked for too
	MaxBytes      = 1024 // bounds the work of normalising and hashing
)

// canonical gives the bytes that are counted, compared and hashed.
// Errors: password.too_long, password.not_text.
func canonical(p secret.Value) ([]byte, error) {
	raw := p.Reveal()
	if len(raw) > MaxBytes {
		return nil, fault.New(fault.PasswordTooLong, "limit", MaxBytes)
	}
	// Before any normalising: invalid UTF-8 has hung normalisers (CVE-2026-56852).
	if !utf8.Valid(raw) {
		return nil, fault.New(fault.PasswordNotText)
	}
	return norm.NFC.Bytes(raw), nil
}

// errStored is wrapped by every complaint about a stored form.
var errStored = errors.New("stored password")
