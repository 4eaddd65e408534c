package sign_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/sign"
)

// How a ceiling follows from what is covered, for each dialect and for some coverages that none has.
func TestCeilings(t *testing.T) {
	timed := sign.Upbit.Coverage()
	timed.Time = true
	reused := sign.Native.Coverage()
	reused.SingleUse = false
	noQuery := sign.OKX.Coverage()
	noQuery.Query = false
	for name, c := range map[string]struct {
		covers        sign.Coverage
		ceiling, lift sign.Ceiling
	}{
		"native":            {sign.Native.Coverage(), sign.CeilingWithdraw, sign.CeilingWithdraw},
		"okx":               {sign.OKX.Coverage(), sign.CeilingTrade, sign.CeilingWithdraw},
		"kucoin":            {sign.KuCoin.Coverage(), sign.CeilingTrade, sign.CeilingWithdraw},
		"coinbase-legacy":   {noQuery, sign.CeilingTrade, sign.CeilingTrade},
		"kraken":            {sign.Kraken.Coverage(), sign.CeilingTrade, sign.CeilingTrade},
		"binance":           {sign.Binance.Coverage(), sign.CeilingTrade, sign.CeilingTrade},
		"bybit":             {sign.Bybit.Coverage(), sign.CeilingTrade, sign.CeilingTrade},
		"bithumb":           {sign.Bithumb.Coverage(), sign.CeilingTrade, sign.CeilingTrade},
		"upbit":             {sign.Upbit.Coverage(), sign.CeilingRead, sign.CeilingTrade},
		"upbit with time":   {timed, sign.CeilingTrade, sign.CeilingTrade},
		"coinbase":          {sign.Coinbase.Coverage(), sign.CeilingRead, sign.CeilingTrade},
		"everything reused": {reused, sign.CeilingTrade, sign.CeilingTrade},
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
	for _, d := range sign.AllDialects() {
		if got, err := sign.ParseDialect(d.String()); err != nil || got != d {
			t.Errorf("%v comes back as %v, %v", d, got, err)
		}
	}
	for _, a := range []sign.Algorithm{sign.Ed25519, sign.HMACSHA256, sign.HMACSHA512, sign.HMACSHA2, sign.ES256} {
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
	for _, word := range []string{"", "mtgox", "NATIVE", "rsa-pss-sha512"} {
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
		{sign.Coinbase, sign.ES256, true},
		{sign.Coinbase, sign.HMACSHA256, false},
		{sign.Kraken, sign.HMACSHA512, true},
		{0, sign.Ed25519, false},
		{99, sign.Ed25519, false},
	} {
		if got := c.d.Pins(c.a); got != c.pins {
			t.Errorf("%v pins %v: %v", c.d, c.a, got)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		d     sign.Dialect
		words string
		want  sign.Settings
		shown string
	}{
		{sign.Native, "", sign.Settings{}, ""},
		{sign.Upbit, "", sign.Settings{}, ""},
		{sign.Upbit, "as-sent form lenient", sign.Settings{Query: sign.QueryAsSent, Body: sign.BodyURLEncoded, Lenient: true}, "as-sent form lenient"},
		{sign.Bithumb, "", sign.Settings{Query: sign.QueryAsSent, Body: sign.BodyRFC3986}, ""},
		{sign.Bithumb, "plain decoded", sign.Settings{}, "decoded plain"},
		{sign.Bithumb, "rfc3986", sign.Settings{Query: sign.QueryAsSent, Body: sign.BodyRFC3986}, ""},
		{sign.Binance, "lenient", sign.Settings{Lenient: true}, "lenient"},
		{sign.Kraken, "nonce-window:1000", sign.Settings{NonceWindow: 1000}, "nonce-window:1000"},
		{sign.Kraken, "nonce-window:0", sign.Settings{}, ""},
	} {
		got, err := c.d.ParseSettings(strings.Fields(c.words))
		if err != nil || got != c.want {
			t.Errorf("%v %q: %+v, %v", c.d, c.words, got, err)
		}
		if shown := strings.Join(c.d.SettingsWords(got), " "); shown != c.shown {
			t.Errorf("%v %q is shown as %q", c.d, c.words, shown)
		}
	}
	for _, c := range []struct {
		d     sign.Dialect
		words string
	}{
		{sign.Native, "lenient"},
		{sign.OKX, "lenient"},
		{sign.Upbit, "nonce-window:1"},
		{sign.Binance, "as-sent"},
		{sign.Upbit, "strict"},
		{sign.Upbit, "plain form"},
		{sign.Upbit, "lenient lenient"},
		{sign.Kraken, "nonce-window:"},
		{sign.Kraken, "nonce-window:-1"},
		{sign.Kraken, "nonce-window:1 nonce-window:2"},
		{sign.Kraken, "nonce-window:1000000000000000000"},
	} {
		if got, err := c.d.ParseSettings(strings.Fields(c.words)); !errors.Is(err, sign.ErrUnknownName) || got != (sign.Settings{}) {
			t.Errorf("%v %q: %+v, %v", c.d, c.words, got, err)
		}
	}
}
