// Package recoverycode owns the form of recovery codes: how they are made, written and read.
//
// It does not know whose a code is, how codes are kept (package factor) or what one brings back (package recovery). The codes of recovery cases
// have the same form.
//
//	128 random bits ─▶ 26 characters of Crockford base32 and a check character ─▶ 0C4WQ-7K2RM-…-3D
//
// Invariant: a text that a person mistyped in one place, or in two neighbouring ones that changed places, is no code at all: it is told before
// anything is compared.
package recoverycode

import (
	"crypto/rand"
	"math/big"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// Count is how many codes a set has.
const Count = 10

// Code is 128 random bits (SP 800-63B-4 §3.1.2 asks for 64, and for 112 where no slow hash keeps them).
type Code [16]byte

// Mint makes a code.
func Mint() (c Code) {
	rand.Read(c[:])
	return c
}

// digits are Crockford's: no I, L, O or U. The check character has five more, so that it can be any remainder of 37.
const (
	digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	checks = digits + "*~$=U"
	length = 26
	group  = 5
)

// Text writes a code in groups of five, for paper.
func (c Code) Text() secret.Value {
	var out strings.Builder
	for i, r := range c.spell() {
		if i > 0 && i%group == 0 {
			out.WriteByte('-')
		}
		out.WriteByte(r)
	}
	return secret.FromString("recovery code", out.String())
}

func (c Code) spell() []byte {
	n := new(big.Int).SetBytes(c[:])
	text := make([]byte, length, length+1)
	text = append(text, checks[new(big.Int).Mod(n, big.NewInt(int64(len(checks)))).Int64()])
	for i := length - 1; i >= 0; i-- {
		text[i] = digits[new(big.Int).And(n, big.NewInt(31)).Int64()]
		n.Rsh(n, group)
	}
	return text
}

// maxText bounds what is looked at of a stranger's text.
const maxText = 64

// Parse reads a code as people type it: in either case, with or without spaces and hyphens, O for 0 and I or L for 1. ok is false for a text
// whose check character does not fit.
func Parse(text string) (c Code, ok bool) {
	if len(text) > maxText {
		return c, false
	}
	typed := strings.NewReplacer(" ", "", "-", "", "\u00a0", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(text))
	if len(typed) != length+1 {
		return c, false
	}
	n := new(big.Int)
	for _, r := range []byte(typed[:length]) {
		at := strings.IndexByte(digits, r)
		if at < 0 {
			return c, false
		}
		n.Or(n.Lsh(n, group), big.NewInt(int64(at)))
	}
	if n.BitLen() > len(c)*8 {
		return c, false
	}
	n.FillBytes(c[:])
	return c, c.spell()[length] == typed[length]
}
