package apikey_test

import (
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

func TestDecimal(t *testing.T) {
	for text, ok := range map[string]bool{
		"0": true, "1": true, "0.5": true, "1000000.00000001": true, "": false, "01": false, ".5": false, "1.": false, "-1": false, "+1": false, "1e9": false,
		"0x1": false, "1/2": false, "1_000": false, " 1": false, strings.Repeat("9", 25): false, "0." + strings.Repeat("1", 19): false, "NaN": false,
	} {
		if _, got := apikey.Decimal(text); got != ok {
			t.Errorf("%q is taken: %t", text, got)
		}
	}
}

func TestBoundsAreReadStrictly(t *testing.T) {
	s := authtest.Start(t)
	who := s.SignUp("ada@example.com").Principal()
	for name, row := range map[string]struct {
		in   apikey.Bounds
		want string
	}{
		"all of them":     {apikey.Bounds{Markets: []string{"KRW-ETH", " KRW-BTC", "KRW-BTC"}, OrderMost: "10.5", DayMost: "100", PerSecond: 3}, ""},
		"a strange name":  {apikey.Bounds{Markets: []string{"KRW BTC"}}, "markets"},
		"too many names":  {apikey.Bounds{Markets: strings.Fields(strings.Repeat("a ", 65))}, "markets"},
		"nothing at all":  {apikey.Bounds{OrderMost: "0"}, "order_most"},
		"an exponent":     {apikey.Bounds{DayMost: "1e6"}, "day_most"},
		"below zero":      {apikey.Bounds{PerSecond: -1}, "per_second"},
		"beyond all need": {apikey.Bounds{PerSecond: 10_001}, "per_second"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.APIKeys.Issue(t.Context(), principal.Host("tests"), apikey.IssueInput{
				Account: who.Account, Owner: who.User, Name: "n", Purpose: "p", Environment: id.Test, Dialect: sign.Native, Algorithm: sign.HMACSHA256, Bounds: row.in,
			})
			if row.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if fault.CodeOf(err) != fault.RequestInvalid || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %s", err, row.want)
			}
		})
	}
}
