// Package money is exact decimal arithmetic for the paper exchange: eight decimals, no floating point, no silent overflow.
//
// It does not know currencies, prices or who owns anything.
//
// Invariant: an operation gives the exact result, cut to eight decimals where its comment says so, or ErrRange; never a result
// that wrapped around. One amount has one text, and Parse accepts no exponent, sign or empty part.
package money

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Amount is a number of units of 10⁻⁸: of won, of bitcoin, or of won per bitcoin. It spans ±92,233,720,368.
type Amount int64

const decimals = 8

// One is the amount 1.
const One Amount = 1e8

// Errors of this package.
var (
	// ErrRange: the result does not fit, or something was divided by nothing.
	ErrRange = errors.New("amount out of range")
	// ErrMalformed: the text is not a plain decimal with at most eight decimals.
	ErrMalformed = errors.New("malformed amount")
)

// Parse reads a plain decimal such as "0.005" or "150000000": no sign, no exponent, no leading zero, no bare point, at most
// eight decimals. Errors: ErrMalformed, ErrRange.
func Parse(text string) (Amount, error) {
	whole, part, hasPoint := strings.Cut(text, ".")
	if !digits(whole) || hasPoint && !digits(part) || len(part) > decimals || len(whole) > 1 && whole[0] == '0' {
		return 0, ErrMalformed
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", decimals-len(part)), 10, 64)
	if err != nil {
		return 0, ErrRange
	}
	return Amount(n), nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// String writes the shortest text: no trailing zeros, no point without decimals. For an amount that is not negative, Parse
// reads it back.
func (a Amount) String() string {
	magnitude := uint64(a)
	sign := ""
	if a < 0 {
		magnitude, sign = -magnitude, "-"
	}
	whole := strconv.FormatUint(magnitude/uint64(One), 10)
	part := strconv.FormatUint(uint64(One)+magnitude%uint64(One), 10)[1:]
	return sign + strings.TrimRight(strings.TrimRight(whole+"."+part, "0"), ".")
}

// Plus adds. Errors: ErrRange.
func (a Amount) Plus(b Amount) (Amount, error) {
	sum := a + b
	if (sum > a) != (b > 0) && b != 0 {
		return 0, ErrRange
	}
	return sum, nil
}

// Minus subtracts. Errors: ErrRange.
func (a Amount) Minus(b Amount) (Amount, error) {
	difference := a - b
	if (difference < a) != (b > 0) && b != 0 {
		return 0, ErrRange
	}
	return difference, nil
}

// Times multiplies two amounts that are not negative, such as price and volume, and cuts what lies beyond eight decimals:
// the product is never more than the exact one. Errors: ErrRange.
func (a Amount) Times(b Amount) (Amount, error) { return a.Scale(b, One) }

// Over divides an amount that is not negative by a positive one, and cuts what lies beyond eight decimals. Errors: ErrRange.
func (a Amount) Over(b Amount) (Amount, error) { return a.Scale(One, b) }

// Scale is a·numerator/denominator with the full product in between, cut to eight decimals. Errors: ErrRange, also for a
// negative argument.
func (a Amount) Scale(numerator, denominator Amount) (Amount, error) {
	if a < 0 || numerator < 0 || denominator <= 0 {
		return 0, ErrRange
	}
	high, low := bits.Mul64(uint64(a), uint64(numerator))
	if high >= uint64(denominator) {
		return 0, ErrRange
	}
	quotient, _ := bits.Div64(high, low, uint64(denominator))
	if quotient > math.MaxInt64 {
		return 0, ErrRange
	}
	return Amount(quotient), nil
}

// Floor cuts a to the next lower multiple of step, for an amount that is not negative and a positive step.
func (a Amount) Floor(step Amount) Amount { return a - a%step }
