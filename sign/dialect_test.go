package sign_test

import (
	"errors"
	"testing"

	"github.com/seed-21c57000/sallyport/sign"
)

// How a ceiling follows from what is covered, for the two dialects here and for the coverage of those that are to come.
func TestCeilings(t *testing.T) {
	all := sign.Native.Coverage()
	timed := sign.Upbit.Coverage()
	timed.Time = true
	without := func(open func(*sign.Coverage)) sign.Coverage {
		c := all
		open(&c)
		return c
	}
	for name, c := range map[string]struct {
		covers        sign.Coverage
		ceiling, lift sign.Ceiling
	}{
		"native":            {all, sign.CeilingWithdraw, sign.CeilingWithdraw},
		"okx, kucoin":       {without(func(c *sign.Coverage) { c.Host = false }), sign.CeilingTrade, sign.CeilingWithdraw},
		"coinbase-legacy":   {without(func(c *sign.Coverage) { c.Host, c.Query = false, false }), sign.CeilingTrade, sign.CeilingTrade},
		"kraken":            {sign.Coverage{Path: true, Body: true, SingleUse: true}, sign.CeilingTrade, sign.CeilingTrade},
		"binance, bybit":    {sign.Coverage{Query: true, Body: true, Time: true, SingleUse: true}, sign.CeilingTrade, sign.CeilingTrade},
		"upbit":             {sign.Upbit.Coverage(), sign.CeilingRead, sign.CeilingTrade},
		"upbit with time":   {timed, sign.CeilingTrade, sign.CeilingTrade},
		"coinbase-cdp":      {without(func(c *sign.Coverage) { c.Query, c.Body = false, false }), sign.CeilingRead, sign.CeilingTrade},
		"everything reused": {without(func(c *sign.Coverage) { c.SingleUse = false }), sign.CeilingTrade, sign.CeilingTrade},
		"nothing":           {sign.Coverage{}, sign.CeilingRead, sign.CeilingTrade},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.covers.Ceiling(); got != c.ceiling {
				t.Errorf("ceiling %v, want %v", got, c.ceiling)
			}
			if got := c.covers.Lift(); got != c.lift {
				t.Errorf("lift %v, want %v", got, c.lift)
			}
		})
	}
	if sign.Dialect(0).Coverage() != (sign.Coverage{}) || sign.Dialect(99).Coverage() != (sign.Coverage{}) {
		t.Error("a dialect that does not exist covers something")
	}
}

func TestNames(t *testing.T) {
	for _, d := range []sign.Dialect{sign.Native, sign.Upbit} {
		if got, err := sign.ParseDialect(d.String()); err != nil || got != d {
			t.Errorf("%v comes back as %v, %v", d, got, err)
		}
	}
	for _, a := range []sign.Algorithm{sign.Ed25519, sign.HMACSHA256, sign.HMACSHA512, sign.HMACSHA2} {
		if got, err := sign.ParseAlgorithm(a.String()); err != nil || got != a {
			t.Errorf("%v comes back as %v, %v", a, got, err)
		}
	}
	for _, q := range []sign.QueryForm{sign.QueryDecoded, sign.QueryAsSent} {
		if got, err := sign.ParseQueryForm(q.String()); err != nil || got != q {
			t.Errorf("%v comes back as %v, %v", q, got, err)
		}
	}
	for _, b := range []sign.BodyForm{sign.BodyPlain, sign.BodyRFC3986, sign.BodyURLEncoded} {
		if got, err := sign.ParseBodyForm(b.String()); err != nil || got != b {
			t.Errorf("%v comes back as %v, %v", b, got, err)
		}
	}
	for _, word := range []string{"", "bithumb", "NATIVE", "rsa-pss-sha512"} {
		if d, err := sign.ParseDialect(word); !errors.Is(err, sign.ErrUnknownName) || d != 0 {
			t.Errorf("dialect %q: %v, %v", word, d, err)
		}
		if a, err := sign.ParseAlgorithm(word); !errors.Is(err, sign.ErrUnknownName) || a != 0 {
			t.Errorf("algorithm %q: %v, %v", word, a, err)
		}
		if q, err := sign.ParseQueryForm(word); !errors.Is(err, sign.ErrUnknownName) {
			t.Errorf("query form %q: %v, %v", word, q, err)
		}
		if b, err := sign.ParseBodyForm(word); !errors.Is(err, sign.ErrUnknownName) {
			t.Errorf("body form %q: %v, %v", word, b, err)
		}
	}
	if sign.Dialect(99).String() != "" || sign.Algorithm(99).String() != "" {
		t.Error("a value that does not exist has a name")
	}
}

func TestPins(t *testing.T) {
	for _, c := range []struct {
		d    sign.Dialect
		a    sign.Algorithm
		pins bool
	}{
		{sign.Native, sign.Ed25519, true},
		{sign.Native, sign.HMACSHA256, true},
		{sign.Native, sign.HMACSHA512, false},
		{sign.Native, sign.HMACSHA2, false},
		{sign.Upbit, sign.HMACSHA2, true},
		{sign.Upbit, sign.HMACSHA256, false},
		{sign.Upbit, sign.Ed25519, false},
		{0, sign.Ed25519, false},
	} {
		if got := c.d.Pins(c.a); got != c.pins {
			t.Errorf("%v pins %v: %v", c.d, c.a, got)
		}
	}
}
