package money_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

func TestParse(t *testing.T) {
	for _, row := range []struct {
		text string
		want money.Amount
		err  error
	}{
		{"0", 0, nil},
		{"1", 1e8, nil},
		{"0.00000001", 1, nil},
		{"150000000", 150_000_000e8, nil},
		{"0.10", 1e7, nil},
		{"92233720368.54775807", math.MaxInt64, nil},
		{"92233720368.54775808", 0, money.ErrRange},
		{"99999999999999999999999999", 0, money.ErrRange},
		{"0.000000001", 0, money.ErrMalformed},
		{"", 0, money.ErrMalformed},
		{".5", 0, money.ErrMalformed},
		{"5.", 0, money.ErrMalformed},
		{"-1", 0, money.ErrMalformed},
		{"+1", 0, money.ErrMalformed},
		{"01", 0, money.ErrMalformed},
		{"1e3", 0, money.ErrMalformed},
		{"1,000", 0, money.ErrMalformed},
		{"1_000", 0, money.ErrMalformed},
		{" 1", 0, money.ErrMalformed},
		{"１", 0, money.ErrMalformed},
		{"1.2.3", 0, money.ErrMalformed},
	} {
		t.Run(row.text, func(t *testing.T) {
			if got, err := money.Parse(row.text); got != row.want || !errors.Is(err, row.err) {
				t.Errorf("%d, %v; want %d, %v", got, err, row.want, row.err)
			}
		})
	}
}

func TestString(t *testing.T) {
	for want, a := range map[string]money.Amount{
		"0": 0, "1": 1e8, "0.00000001": 1, "-0.5": -5e7, "10": 10e8, "100.01": 100_01e6,
		"92233720368.54775807": math.MaxInt64, "-92233720368.54775808": math.MinInt64,
	} {
		if got := a.String(); got != want {
			t.Errorf("%d: %q, want %q", int64(a), got, want)
		}
	}
}

// FuzzParse: what is accepted has one text, and that text reads back to the same amount.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0", "1.10", "00", "1e9", "92233720368.54775807", "0.000000001"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := money.Parse(text)
		if err != nil {
			return
		}
		if again, err := money.Parse(a.String()); err != nil || again != a || a < 0 {
			t.Errorf("%q is %v, which reads as %v, %v", text, a, again, err)
		}
	})
}

// Each operation agrees with arbitrary precision, or says that the result does not fit.
func TestArithmeticAgreesWithBig(t *testing.T) {
	amount := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000), rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64, 1e8}))
	one := big.NewInt(int64(money.One))
	check := func(t *rapid.T, got money.Amount, err error, want *big.Int, defined bool) {
		if !defined || !want.IsInt64() {
			if !errors.Is(err, money.ErrRange) {
				t.Fatalf("%v, %v; want out of range", got, err)
			}
			return
		}
		if err != nil || int64(got) != want.Int64() {
			t.Fatalf("%v, %v; want %v", got, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := amount.Draw(t, "a"), amount.Draw(t, "b"), amount.Draw(t, "c")
		x, y, z := money.Amount(a), money.Amount(b), money.Amount(c)
		bigA, bigB, bigC := big.NewInt(a), big.NewInt(b), big.NewInt(c)

		got, err := x.Plus(y)
		check(t, got, err, new(big.Int).Add(bigA, bigB), true)
		got, err = x.Minus(y)
		check(t, got, err, new(big.Int).Sub(bigA, bigB), true)

		got, err = x.Times(y)
		check(t, got, err, new(big.Int).Quo(new(big.Int).Mul(bigA, bigB), one), a >= 0 && b >= 0)
		got, err = x.Over(y)
		check(t, got, err, quotient(bigA, one, bigB), a >= 0 && b > 0)
		got, err = x.Scale(y, z)
		check(t, got, err, quotient(bigA, bigB, bigC), a >= 0 && b >= 0 && c > 0)
	})
}

func quotient(a, b, c *big.Int) *big.Int {
	if c.Sign() == 0 {
		return new(big.Int)
	}
	return new(big.Int).Quo(new(big.Int).Mul(a, b), c)
}

// Many small parts of an order never add up to more than the order as a whole: the reason why Times cuts.
func TestPartsNeverExceedTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		price := money.Amount(rapid.Int64Range(1, 200_000_000e8).Draw(t, "price"))
		parts := rapid.SliceOfN(rapid.Int64Range(0, 1e8), 1, 20).Draw(t, "parts")
		var volume, paid money.Amount
		for _, p := range parts {
			cost, err := price.Times(money.Amount(p))
			if err != nil {
				t.Skip("beyond the range")
			}
			volume, paid = volume+money.Amount(p), paid+cost
		}
		whole, err := price.Times(volume)
		if err != nil {
			t.Skip("beyond the range")
		}
		if paid > whole {
			t.Fatalf("parts %v, whole %v", paid, whole)
		}
	})
}
