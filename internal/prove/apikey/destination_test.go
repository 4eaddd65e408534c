package apikey_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

func destinations(t *testing.T, texts ...string) *[]apikey.Destination {
	t.Helper()
	list := []apikey.Destination{}
	for _, text := range texts {
		d, err := apikey.ParseDestination(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
	return &list
}

func TestDestinationsAreWrittenInALine(t *testing.T) {
	for text, want := range map[string]apikey.Destination{
		"BTC BTC bc1qexample":        {Asset: "BTC", Network: "BTC", Address: "bc1qexample"},
		"XRP XRP rExample 1234":      {Asset: "XRP", Network: "XRP", Address: "rExample", Memo: "1234"},
		"BTC - bc1qexample":          {Asset: "BTC", Address: "bc1qexample"},
		"XRP - rExample 1234":        {Asset: "XRP", Address: "rExample", Memo: "1234"},
		" ETH\tERC20   0xAbC\r\n":    {Asset: "ETH", Network: "ERC20", Address: "0xAbC"},
		"ETH ERC20 0xAbC -":          {Asset: "ETH", Network: "ERC20", Address: "0xAbC"},
		"BTC bc1qexample":            {},
		"BTC BTC bc1qexample 7 more": {},
	} {
		got, err := apikey.ParseDestination(text)
		if want == (apikey.Destination{}) {
			if codeOf(err) != fault.RequestInvalid {
				t.Errorf("%q: %+v, %v", text, got, err)
			}
			continue
		}
		if again, twice := apikey.ParseDestination(got.String()); err != nil || twice != nil || !cmp.Equal(got, want) || !cmp.Equal(again, want) {
			t.Errorf("%q: %+v, %v; written %q", text, got, err, got)
		}
	}
}

// Each thing that money by key needs has a refusal of its own.
func TestWhatMoneyByKeyNeeds(t *testing.T) {
	l := newLife(t, authtest.Options{})
	list := destinations(t, "BTC BTC bc1qexample")
	whole := apikey.IssueInput{
		Account: l.owner.Account, Owner: l.owner.User, Name: "n", Purpose: "p", Environment: id.Test, Dialect: sign.Native, Algorithm: sign.HMACSHA256,
		Scopes: money, Allowlist: places, Destinations: *list,
	}
	for name, row := range map[string]struct {
		without func(*apikey.IssueInput)
		want    fault.Code
	}{
		"everything":      {func(*apikey.IssueInput) {}, ""},
		"no allowlist":    {func(in *apikey.IssueInput) { in.Allowlist = nil }, fault.KeyNeedsAllowlist},
		"no destinations": {func(in *apikey.IssueInput) { in.Destinations = nil }, fault.KeyNeedsDestinations},
		"a vendor":        {func(in *apikey.IssueInput) { in.Vendor = "Kimchi Bots" }, fault.KeyVendorNoWithdraw},
		"its dialect":     {func(in *apikey.IssueInput) { in.Dialect = sign.OKX }, fault.KeyAboveCeiling},
		"no address":      {func(in *apikey.IssueInput) { in.Destinations = []apikey.Destination{{Asset: "BTC"}} }, fault.RequestInvalid},
		"a dash":          {func(in *apikey.IssueInput) { in.Destinations = []apikey.Destination{{Asset: "BTC", Address: "-"}} }, fault.RequestInvalid},
		"a space":         {func(in *apikey.IssueInput) { in.Destinations = []apikey.Destination{{Asset: "BTC", Address: "a b"}} }, fault.RequestInvalid},
		"a long one": {func(in *apikey.IssueInput) {
			in.Destinations = []apikey.Destination{{Asset: "BTC", Address: strings.Repeat("a", 129)}}
		}, fault.RequestInvalid},
		"too many": {func(in *apikey.IssueInput) {
			in.Destinations = make([]apikey.Destination, 65)
		}, fault.RequestInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			in := whole
			row.without(&in)
			if _, err := l.APIKeys.Issue(t.Context(), host, in); codeOf(err) != row.want {
				t.Errorf("made: %v, want %q", err, row.want)
			}
		})
	}
	_, err := l.APIKeys.Issue(t.Context(), l.owner, whole)
	if codeOf(err) != fault.AssuranceTooLow {
		t.Errorf("made without a passkey: %v", err)
	}
	none, look := []apikey.Destination{}, l.issue(apikey.IssueInput{Allowlist: places})
	if err := l.edit(look, apikey.EditInput{Scopes: &money}); codeOf(err) != fault.KeyNeedsDestinations {
		t.Errorf("given the scope alone: %v", err)
	}
	if err := l.edit(l.issue(apikey.IssueInput{Scopes: money}), apikey.EditInput{Destinations: &none}); codeOf(err) != fault.KeyNeedsDestinations {
		t.Errorf("left with none: %v", err)
	}
}

// A destination counts a day after it was added, is compared byte by byte, and goes at once.
func TestADestinationCountsADayLater(t *testing.T) {
	l := newLife(t, authtest.Options{})
	l.clock.Advance(3 * time.Second)
	key := l.issue(apikey.IssueInput{Scopes: money, Destinations: *destinations(t, "BTC BTC bc1qexample")})
	send := func(address, memo string) fault.Code {
		t.Helper()
		body := `{"currency":"BTC","amount":"0.1","address":"` + address + `","net_type":"BTC"`
		if memo != "" {
			body += `,"secondary_address":"` + memo + `"`
		}
		return l.ask(key, http.MethodPost, "/v1/withdraws/coin", body+"}")
	}
	const allowed = fault.ConfirmationNoPasskey // what comes after the key's own rules
	if got := send("bc1qexample", ""); got != allowed {
		t.Errorf("to its destination: %q", got)
	}
	for name, to := range map[string][2]string{"another case": {"BC1qexample", ""}, "a character more": {"bc1qexample1", ""}, "a memo": {"bc1qexample", "7"}} {
		if got := send(to[0], to[1]); got != fault.KeyDestinationNotAllowed {
			t.Errorf("%s: %q", name, got)
		}
	}
	more := destinations(t, "BTC BTC bc1qexample", "BTC BTC bc1qnew")
	both := l.issue(apikey.IssueInput{Scopes: money, Destinations: *more})
	if _, err := l.APIKeys.Edit(t.Context(), l.owner, apikey.EditInput{Key: both.ID, Destinations: destinations(t, "BTC BTC bc1qnew")}); err != nil {
		t.Errorf("to take one away asks for a proof: %v", err)
	}
	if _, err := l.APIKeys.Edit(t.Context(), l.owner, apikey.EditInput{Key: key.ID, Destinations: more}); codeOf(err) != fault.AssuranceTooLow {
		t.Errorf("added without a passkey: %v", err)
	}
	if err := l.edit(key, apikey.EditInput{Destinations: more}); err != nil {
		t.Fatal(err)
	}
	if got := send("bc1qnew", ""); got != fault.KeyDestinationCooling {
		t.Errorf("to one that was just added: %q", got)
	}
	if got := send("bc1qexample", ""); got != allowed {
		t.Errorf("to the one before: %q", got)
	}
	l.clock.Advance(24*time.Hour - time.Second)
	if err := l.edit(key, apikey.EditInput{Destinations: more}); err != nil { // said again it is no younger
		t.Fatal(err)
	}
	if got := send("bc1qnew", ""); got != fault.KeyDestinationCooling {
		t.Errorf("a second too early: %q", got)
	}
	l.clock.Advance(time.Second)
	if got := send("bc1qnew", ""); got != allowed {
		t.Errorf("a day later: %q", got)
	}
	if err := l.edit(key, apikey.EditInput{Destinations: destinations(t, "BTC BTC bc1qnew")}); err != nil {
		t.Fatal(err)
	}
	if got := send("bc1qexample", ""); got != fault.KeyDestinationNotAllowed {
		t.Errorf("to the one that was taken away: %q", got)
	}
}
