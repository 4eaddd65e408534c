// Package secret owns the one type that may hold a bearer value or a key in clear.
//
// Invariant: however a Value is printed, logged or encoded, only its kind comes out. Its bytes leave by Reveal alone, so that
// one search over the source finds every place that can leak.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"log/slog"
)

// Value is a secret with the name of its kind. The zero value is an empty secret.
type Value struct {
	kind  string
	bytes []byte
}

// New takes the bytes of a secret; kind says what it is in words that may be printed.
func New(kind string, b []byte) Value { return Value{kind: kind, bytes: b} }

// FromString is New for text.
func FromString(kind, s string) Value { return New(kind, []byte(s)) }

// MintBearer makes a bearer value: 256 random bits (ASVS 11.5.1) as 43 characters of base64url, ready for a cookie or header.
func MintBearer(kind string) Value {
	var b [32]byte
	rand.Read(b[:])
	return New(kind, base64.RawURLEncoding.AppendEncode(nil, b[:]))
}

// IsBearer says whether the value has the form of one that MintBearer made.
func (v Value) IsBearer() bool {
	var b [32]byte
	if len(v.bytes) != base64.RawURLEncoding.EncodedLen(len(b)) {
		return false
	}
	n, err := base64.RawURLEncoding.Strict().Decode(b[:], v.bytes)
	return err == nil && n == len(b) // line breaks are skipped, so fewer may come out
}

// Reveal gives the bytes. The caller must not keep, log or compare them with ==.
func (v Value) Reveal() []byte { return v.bytes }

// IsEmpty says whether there is nothing to protect.
func (v Value) IsEmpty() bool { return len(v.bytes) == 0 }

// Equal compares in constant time, but for the length.
func (v Value) Equal(other Value) bool { return subtle.ConstantTimeCompare(v.bytes, other.bytes) == 1 }

// Hash is what may be stored of a bearer value: SHA-256, which suffices because the value is random and long.
func (v Value) Hash() [32]byte { return sha256.Sum256(v.bytes) }

// String prints the kind in brackets.
func (v Value) String() string { return "[" + v.kind + "]" }

// GoString prints the kind in brackets.
func (v Value) GoString() string { return v.String() }

// Format prints the kind in brackets under every verb.
func (v Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(v.String())) }

// LogValue logs the kind in brackets.
func (v Value) LogValue() slog.Value { return slog.StringValue(v.String()) }

// MarshalText writes the kind in brackets, so that no encoder can leak the bytes.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }
