package apikey_test

import (
	"errors"
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
			if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.RequestInvalid || f.Fields["field"] != row.want {
				t.Errorf("%v, want %s", err, row.want)
			}
		})
	}
}

// What bounds a key more asks for nothing, whatever bounds it less for a proof.
func TestLiftingABoundAsksForAProof(t *testing.T) {
	s := authtest.Start(t)
	ada := s.SignUp("ada@example.com")
	bounds := apikey.Bounds{Markets: []string{"KRW-BTC", "KRW-ETH"}, OrderMost: "100", DayMost: "1000", PerSecond: 5}
	for name, row := range map[string]struct {
		change func(*apikey.Bounds)
		asks   bool
	}{
		"as it is":              {func(*apikey.Bounds) {}, false},
		"fewer markets":         {func(b *apikey.Bounds) { b.Markets = []string{"KRW-ETH"} }, false},
		"another market":        {func(b *apikey.Bounds) { b.Markets = []string{"KRW-XRP"} }, true},
		"all markets":           {func(b *apikey.Bounds) { b.Markets = nil }, true},
		"smaller orders":        {func(b *apikey.Bounds) { b.OrderMost = "99.5" }, false},
		"larger orders":         {func(b *apikey.Bounds) { b.OrderMost = "100.5" }, true},
		"orders of any size":    {func(b *apikey.Bounds) { b.OrderMost = "" }, true},
		"a smaller day":         {func(b *apikey.Bounds) { b.DayMost = "5" }, false},
		"a day without an end":  {func(b *apikey.Bounds) { b.DayMost = "" }, true},
		"slower":                {func(b *apikey.Bounds) { b.PerSecond = 1 }, false},
		"faster":                {func(b *apikey.Bounds) { b.PerSecond = 6 }, true},
		"as fast as it pleases": {func(b *apikey.Bounds) { b.PerSecond = 0 }, true},
	} {
		t.Run(name, func(t *testing.T) {
			key := s.IssueKey(ada, apikey.IssueInput{Bounds: bounds})
			after := bounds
			row.change(&after)
			_, err := s.APIKeys.Edit(t.Context(), ada.Principal(), apikey.EditInput{Key: key.ID, Bounds: &after})
			if asks := fault.CodeOf(err) == fault.StepUpRequired || fault.CodeOf(err) == fault.AssuranceTooLow; asks != row.asks || !asks && err != nil {
				t.Errorf("%v, asks %t", err, asks)
			}
		})
	}
}
